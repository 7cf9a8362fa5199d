import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../server/src/platform/embedded-postgres.ts'
import { silentLog } from '../../server/src/platform/log.ts'

/** A PostgreSQL of its own with the engine's settings, flushing to the disk; its files go when it is disposed of. */
export interface Postgres extends AsyncDisposable {
  /** Where its files are; there is room for others beside them. */
  readonly dir: string
  /** Makes an empty database and gives its connection string. */
  create(name: string): Promise<string>
  query<Row extends pg.QueryResultRow>(database: string, text: string, values?: unknown[]): Promise<Row[]>
  /** CPU time of all its processes, in milliseconds; NaN where the system does not say. */
  cpuMs(): number
}

const COUNT_STATEMENTS = ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_planning=on']

export async function startPostgres(options: { hasStatements: boolean }): Promise<Postgres> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-bench-'))
  // Reachable for the user that PostgreSQL runs as, where this one is root.
  await chmod(dir, 0o755)
  const dataDir = path.join(dir, 'postgres')
  const server = await startEmbeddedPostgres({
    dataDir,
    log: silentLog,
    settings: options.hasStatements ? COUNT_STATEMENTS : [],
  })
  const pid = Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  const clients = new Map<string, pg.Client>()

  async function clientOf(name: string): Promise<pg.Client> {
    const open = clients.get(name)
    if (open !== undefined) return open
    const client = new pg.Client({ connectionString: server.urlOf(name) })
    await client.connect()
    clients.set(name, client)
    return client
  }

  return {
    dir,
    async create(name) {
      await (await clientOf('postgres')).query(`create database ${name}`)
      return server.urlOf(name)
    },
    async query<Row extends pg.QueryResultRow>(database: string, text: string, values: unknown[] = []) {
      return (await (await clientOf(database)).query<Row>(text, values)).rows
    },
    cpuMs: () => cpuOfTree(pid),
    async [Symbol.asyncDispose]() {
      for (const client of clients.values()) await client.end()
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The statements of a database that took most time, in milliseconds per call, and their KiB of write-ahead log. */
export async function costliestStatements(postgres: Postgres, database: string): Promise<string> {
  await postgres.query('postgres', 'create extension if not exists pg_stat_statements')
  const rows = await postgres.query<{
    calls: number
    total: number
    plan: number
    each: number
    wal: number
    query: string
  }>(
    'postgres',
    `select calls, round(total_exec_time + total_plan_time) as total, round(total_plan_time) as plan,
            round(((total_exec_time + total_plan_time) / calls)::numeric, 3)::float8 as each,
            round(wal_bytes / 1024)::float8 as wal,
            regexp_replace(left(query, 110), '\\s+', ' ', 'g') as query
       from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1 order by 2 desc limit 15`,
    [database],
  )
  return rows.map((row) => [row.total, row.plan, row.calls, row.each, row.wal, row.query].join('\t')).join('\n')
}

/** Kernel ticks are hundredths of a second on every Linux. */
const TICK_MS = 10

/** CPU time in milliseconds of a process, its children and the children it had; NaN where the system does not say. */
export function cpuOfTree(pid: number): number {
  try {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return processes.reduce((sum, name) => sum + cpuIfIn(pid, name), 0)
  } catch {
    return Number.NaN
  }
}

/** CPU time in milliseconds of one process without its children; 0 where it is gone. */
export function cpuOfProcess(pid: number): number {
  return (statOf(String(pid))?.ownTicks ?? 0) * TICK_MS
}

function cpuIfIn(tree: number, name: string): number {
  const stat = statOf(name)
  if (stat === null) return 0
  if (Number(name) === tree) return (stat.ownTicks + stat.endedTicks) * TICK_MS
  return stat.parent === tree ? stat.ownTicks * TICK_MS : 0
}

function statOf(name: string): { parent: number; ownTicks: number; endedTicks: number } | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${name}/stat`, 'latin1')
  } catch {
    return null
  }
  // After the name in brackets: state, parent, … utime, stime, and both of the children that ended.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, utime = 0, stime = 0, cutime = 0, cstime = 0] = [fields[1], ...fields.slice(11, 15)]
  return { parent, ownTicks: utime + stime, endedTicks: cutime + cstime }
}
