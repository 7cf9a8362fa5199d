import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/src/platform/embedded-postgres.ts'
import { silentLog } from '../../server/src/platform/log.ts'
import { until } from './until.ts'

/** A PostgreSQL server of the test's own that can be shut down and started again on the same data. */
export interface PostgresProcess extends AsyncDisposable {
  urlOf(name: string): string
  start(): Promise<void>
  /** `fast` ends sessions and writes everything out; `immediate` is like a crash: the log is replayed at the next start. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
}

export async function createPostgresProcess(): Promise<PostgresProcess> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-restarted-'))
  // Readable for the user that PostgreSQL runs as where the tests run as root.
  await chmod(dir, 0o755)
  const dataDir = path.join(dir, 'postgres')
  let server: EmbeddedPostgres | null = null

  const postgres: PostgresProcess = {
    urlOf(name) {
      if (server === null) throw new Error('this server has not been started yet')
      return server.urlOf(name)
    },
    async start() {
      server = await startEmbeddedPostgres({ dataDir, log: silentLog, settings: ['shared_buffers=64MB'] })
    },
    async stop(mode) {
      const pid = Number((await readFile(path.join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0])
      process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await until('PostgreSQL has stopped', 30_000, () => !isAlive(pid))
    },
    async [Symbol.asyncDispose]() {
      await server?.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return postgres
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
