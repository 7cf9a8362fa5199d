import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/src/platform/embedded-postgres.ts'
import { silentLog } from '../../server/src/platform/log.ts'
import { until } from './until.ts'

/** A PostgreSQL server of the test's own that can be shut down and started again on the same data. */
export interface PostgresProcess extends AsyncDisposable {
  urlOf(name: string): string
  start(): Promise<void>
  /** `fast` ends sessions and writes everything out; `immediate` is like a crash: the log is replayed at the next start. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  readonly dataDir: string
}

/** Its files lie under this directory; `binaries` are those of another version than the engine's own. */
export async function createPostgresProcess(under = tmpdir(), binaries?: string): Promise<PostgresProcess> {
  const dir = await mkdtemp(path.join(under, 'permea-restarted-'))
  // Readable for the user that PostgreSQL runs as where the tests run as root.
  await chmod(dir, 0o755)
  return processOn(dir, binaries)
}

/**
 * A standby of a server that runs, as yet not started: a copy of its files that follows its log, by way of a port of the
 * loopback where one is given.
 */
export async function createStandby(
  primary: PostgresProcess,
  through: { port: number } | null = null,
): Promise<PostgresProcess> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-standby-'))
  await chmod(dir, 0o755)
  const standby = processOn(dir)
  const client = new pg.Client({ connectionString: primary.urlOf('postgres') })
  await client.connect()
  await client.query("select pg_backup_start('standby', true)")
  await promisify(execFile)('cp', ['-a', primary.dataDir, standby.dataDir])
  const { rows } = await client.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)')
  await client.end()
  await rm(path.join(standby.dataDir, 'postmaster.pid'))
  const { uid, gid } = await stat(standby.dataDir)
  const { searchParams } = new URL(primary.urlOf('postgres').replace('@/', '@host/'))
  const host = through === null ? searchParams.get('host') : '127.0.0.1'
  const from = `host=${host} port=${through?.port ?? searchParams.get('port')} user=postgres`
  const files = {
    'standby.signal': '',
    backup_label: rows[0]?.label ?? '',
    'postgresql.auto.conf': `primary_conninfo = '${from}'\n`,
  }
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(standby.dataDir, name)
    await writeFile(file, text, { mode: 0o600 })
    if (process.getuid?.() === 0) await promisify(execFile)('chown', [`${uid}:${gid}`, file])
  }
  return standby
}

function processOn(dir: string, binaries?: string): PostgresProcess {
  const dataDir = path.join(dir, 'postgres')
  let server: EmbeddedPostgres | null = null

  return {
    dataDir,
    urlOf(name) {
      if (server === null) throw new Error('this server has not been started yet')
      return server.urlOf(name)
    },
    async start() {
      server = await startEmbeddedPostgres({
        dataDir,
        log: silentLog,
        settings: ['shared_buffers=64MB'],
        ...(binaries === undefined ? {} : { binaries }),
      })
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
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
