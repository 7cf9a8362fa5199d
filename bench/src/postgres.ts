import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../server/src/platform/embedded-postgres.ts'
import { silentLog } from '../../server/src/platform/log.ts'

/** A PostgreSQL of its own with the engine's settings, flushing to the disk; its files go when it is disposed of. */
export interface Postgres extends AsyncDisposable {
  /** Makes an empty database and gives its connection string. */
  create(name: string): Promise<string>
  query<Row extends pg.QueryResultRow>(database: string, text: string, values?: unknown[]): Promise<Row[]>
  /** CPU time of all its processes, in milliseconds; NaN where the system does not say. */
  cpuMs(): number
}

export async function startPostgres(): Promise<Postgres> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-bench-'))
  // Reachable for the user that PostgreSQL runs as, where this one is root.
  await chmod(dir, 0o755)
  const dataDir = path.join(dir, 'postgres')
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog })
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

/** Kernel ticks are hundredths of a second on every Linux. */
const TICK_MS = 10

/** CPU time of a process, its children and the children it had. */
function cpuOfTree(pid: number): number {
  try {
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return processes.reduce((sum, name) => sum + cpuIfIn(pid, name), 0)
  } catch {
    return Number.NaN
  }
}

function cpuIfIn(tree: number, name: string): number {
  let stat: string
  try {
    stat = readFileSync(`/proc/${name}/stat`, 'latin1')
  } catch {
    return 0
  }
  // After the name in brackets: state, parent, … utime, stime, and both of the children that ended.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, utime = 0, stime = 0, cutime = 0, cstime = 0] = [fields[1], ...fields.slice(11, 15)]
  if (Number(name) === tree) return (utime + stime + cutime + cstime) * TICK_MS
  return parent === tree ? (utime + stime) * TICK_MS : 0
}
