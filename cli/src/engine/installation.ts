import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Config, ConfigProblem, readConfig } from '../../../server/src/config.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../server/src/platform/embedded-postgres.ts'
import { createLog } from '../../../server/src/platform/log.ts'
import { keepSecrets } from '../../../server/src/platform/secrets-file.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Surroundings } from '../surroundings.ts'

/** The database of the installation that this folder and environment describe. */
export interface OpenDatabase extends AsyncDisposable {
  url: string
}

/** The configuration as the engine would read it; paths are from the folder the command runs in. */
export function configurationOf(around: Surroundings): Config {
  try {
    const config = readConfig(around.env)
    return { ...config, dataDir: path.resolve(around.cwd, config.dataDir) }
  } catch (error) {
    if (error instanceof ConfigProblem) throw new CliProblem(error.message, 'usage')
    throw error
  }
}

/** The keys that seal secrets here, newest first: those of the environment, then that of the data directory. */
export async function encryptionKeysOf({ dataDir, encryptionKeys }: Config): Promise<string[]> {
  const kept = existsSync(path.join(dataDir, 'secrets.json')) ? await keepSecrets(dataDir) : null
  return [...encryptionKeys, ...(kept === null ? [] : [kept.encryptionKey])]
}

/** Whether there is a built-in database, running or not. */
export function hasBuiltInDatabase({ dataDir }: Config): boolean {
  return existsSync(path.join(dataDir, 'postgres', 'PG_VERSION')) || existsSync(path.join(dataDir, 'postgres.moved'))
}

/** Opens the database; the built-in one is started where it is not running, and stopped again afterwards. */
export async function openDatabase(config: Config): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, async [Symbol.asyncDispose]() {} }
  const postgres: EmbeddedPostgres = await startEmbeddedPostgres({
    dataDir: path.join(config.dataDir, 'postgres'),
    log: createLog('warn'),
  })
  return {
    url: postgres.urlOf('postgres'),
    async [Symbol.asyncDispose]() {
      if (!postgres.wasRunning) await postgres.stop()
    },
  }
}
