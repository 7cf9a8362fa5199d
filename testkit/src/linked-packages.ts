import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SOURCES = fileURLToPath(new URL('../../server/src/', import.meta.url))
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** Runs a script beside a copy of these rooms of the server, where `node_modules` is a link; gives what it prints. */
export async function runWithLinkedPackages(rooms: readonly string[], script: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'permea-linked-'))
  try {
    for (const room of rooms) await cp(join(SOURCES, room), join(dir, 'src', room), { recursive: true })
    await writeFile(join(dir, 'package.json'), '{"type":"module"}')
    await writeFile(join(dir, 'src/script.ts'), script)
    await symlink(MODULES, join(dir, 'node_modules'))
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'src/script.ts')], { timeout: 60_000 })
    return stdout.trim()
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
