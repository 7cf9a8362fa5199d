import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Secrets made once for an installation whose operator gave none. */
export interface InstallationSecrets {
  workspaceKey: string
  workspaceSecret: string
  encryptionKey: string
}

/** Reads the secrets of the data directory, or makes them; only the owner may read the file. */
export async function keepSecrets(dataDir: string): Promise<InstallationSecrets> {
  const file = path.join(dataDir, 'secrets.json')
  const secret = (bytes: number) => randomBytes(bytes).toString('base64url')
  await mkdir(dataDir, { recursive: true })
  try {
    const fresh: InstallationSecrets = {
      workspaceKey: `wk_${secret(9)}`,
      workspaceSecret: secret(48),
      encryptionKey: secret(48),
    }
    await writeFile(file, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return JSON.parse(await readFile(file, 'utf8')) as InstallationSecrets
  }
}
