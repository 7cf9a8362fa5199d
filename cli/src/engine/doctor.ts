import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { createConnection } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { Config } from '../../../server/src/config.ts'
import { formatAllowRule } from '../../../server/src/outbound/address-policy.ts'
import { systemClock } from '../../../server/src/platform/clock.ts'
import { createDatabase, type Database, sql } from '../../../server/src/platform/database.ts'
import { createLog } from '../../../server/src/platform/log.ts'
import { missingMigrations } from '../../../server/src/platform/migrations.ts'
import { createSealing, sealingKey } from '../../../server/src/platform/sealing.ts'
import { createWorkspaceStore } from '../../../server/src/workspaces/store.ts'
import type { Surroundings } from '../surroundings.ts'
import { configurationOf, encryptionKeysOf, hasBuiltInDatabase, openDatabase } from './installation.ts'
import { reachabilityOf } from './reachability.ts'

/** What one check came to. */
export interface Finding {
  check: string
  state: 'good' | 'warning' | 'bad'
  says: string
  /** What to do, where something is not good. */
  remedy?: string
}

const DISK_BYTES_MIN = 1024 ** 3
const CLOCK_SKEW_MS_MAX = 2000
const POSTGRES_MIN = 150_000
const PORT_TIMEOUT_MS = 2000

/** Looks at everything that a start needs; stops where nothing further can be known. */
export async function examine(around: Surroundings): Promise<Finding[]> {
  const findings: Finding[] = [nodeFinding()]
  let config: Config
  try {
    config = configurationOf(around)
    findings.push({ check: 'configuration', state: 'good', says: 'every variable can be read' })
  } catch (error) {
    const says = (error as Error).message
    findings.push({
      check: 'configuration',
      state: 'bad',
      says,
      remedy: 'correct that variable; docs/operate/configure.md has them all',
    })
    return findings
  }
  findings.push(await dataFinding(config), await diskFinding(config), await addressFinding(config))
  if (config.databaseUrl === null && !hasBuiltInDatabase(config)) {
    findings.push({ check: 'database', state: 'good', says: 'none yet: the first start makes one' })
    return findings
  }
  findings.push(...(await databaseFindings(config)))
  return findings
}

function nodeFinding(): Finding {
  return { check: 'node', state: 'good', says: `${process.versions.node} on ${process.platform}-${process.arch}` }
}

async function dataFinding({ dataDir }: Config): Promise<Finding> {
  const check = 'data directory'
  try {
    const parent = existingPart(dataDir)
    await access(parent, constants.W_OK)
    return { check, state: 'good', says: existsSync(dataDir) ? dataDir : `${dataDir} (made at the first start)` }
  } catch (error) {
    const says = `${dataDir} cannot be written (${(error as NodeJS.ErrnoException).code})`
    return {
      check,
      state: 'bad',
      says,
      remedy: 'give the user that runs the engine the right to write there, or set PERMEA_DATA_DIR',
    }
  }
}

function existingPart(dir: string): string {
  return existsSync(dir) || dir === path.dirname(dir) ? dir : existingPart(path.dirname(dir))
}

async function diskFinding({ dataDir }: Config): Promise<Finding> {
  const { bavail, bsize } = await statfs(existingPart(dataDir))
  const free = Number(bavail) * Number(bsize)
  const says = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  if (free >= DISK_BYTES_MIN) return { check: 'disk', state: 'good', says }
  return {
    check: 'disk',
    state: 'warning',
    says,
    remedy: 'make room, or keep events for fewer days (PERMEA_RETENTION_DAYS)',
  }
}

/** Whether an engine answers at its port, or the port is free for one. */
async function addressFinding({ host, port, publicUrl, tls }: Config): Promise<Finding> {
  const check = 'address'
  if (port === 0) return { check, state: 'good', says: 'a free port is taken at the start' }
  if (!(await accepts(host === '0.0.0.0' ? '127.0.0.1' : host, port)))
    return { check, state: 'good', says: `port ${port} of ${host} is free; others reach the engine at ${publicUrl}` }
  const said = await healthAt(host === '0.0.0.0' ? '127.0.0.1' : host, port, tls !== null)
  if (said.includes('"ok"')) return { check, state: 'good', says: `an engine answers at port ${port}` }
  return {
    check,
    state: 'bad',
    says: `port ${port} of ${host} is taken by another program`,
    remedy: 'end that program or set PORT; PORT=0 takes a free one',
  }
}

/** What answers there says of its health; empty where it does not say. Whose certificate it has is for others to check. */
function healthAt(hostname: string, port: number, isTls: boolean): Promise<string> {
  const options = { hostname, port, path: '/healthz', timeout: PORT_TIMEOUT_MS, rejectUnauthorized: false }
  return new Promise((resolve) => {
    const request = (isTls ? https : http).get(options, (answer) => {
      text(answer).then(resolve, () => resolve(''))
    })
    request.once('error', () => resolve('')).once('timeout', () => request.destroy())
  })
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: PORT_TIMEOUT_MS })
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false))
  })
}

async function databaseFindings(config: Config): Promise<Finding[]> {
  const check = 'database'
  try {
    await using opened = await openDatabase(config)
    const database = createDatabase({ url: opened.url, connectionsMax: 1, log: createLog('error') })
    try {
      return await findingsInside(config, database)
    } finally {
      await database.close()
    }
  } catch (error) {
    const remedy =
      config.databaseUrl === null
        ? 'start the engine with PERMEA_LOG_LEVEL=debug to see what PostgreSQL says'
        : 'see that DATABASE_URL names a server that runs, and a role and database that exist on it'
    return [{ check, state: 'bad', says: (error as Error).message, remedy }]
  }
}

async function findingsInside(config: Config, database: Database): Promise<Finding[]> {
  const beganMs = systemClock.now().getTime()
  const { rows } = await sql<{ version: number; name: string; now: Date }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name, clock_timestamp() as now
  `.execute(database.db)
  const endedMs = systemClock.now().getTime()
  const { version = 0, name = '', now = new Date(beganMs) } = rows[0] ?? {}
  const findings: Finding[] = [
    version >= POSTGRES_MIN
      ? { check: 'database', state: 'good', says: `PostgreSQL ${name}` }
      : { check: 'database', state: 'bad', says: `PostgreSQL ${name} is too old`, remedy: 'use version 15 or newer' },
  ]
  const skewMs = Math.max(0, beganMs - now.getTime(), now.getTime() - endedMs)
  findings.push(
    skewMs <= CLOCK_SKEW_MS_MAX
      ? { check: 'clock', state: 'good', says: 'this machine and the database agree' }
      : {
          check: 'clock',
          state: 'warning',
          says: `the clocks of this machine and the database differ by ${skewMs} ms`,
          remedy: 'set both by NTP',
        },
  )
  const missing = await missingMigrations(database)
  findings.push(
    missing.length === 0
      ? { check: 'schema', state: 'good', says: 'the newest' }
      : {
          check: 'schema',
          state: 'warning',
          says: `${missing.length} migrations are missing`,
          remedy: 'run: permea migrate (a start does it too)',
        },
  )
  if (missing.length > 0) return findings
  findings.push(...(await workspaceFindings(config, database)))
  return findings
}

/** Whether the keys open what is sealed in the database, and whether workspaces' applications may be called. */
async function workspaceFindings(config: Config, database: Database): Promise<Finding[]> {
  const keys = await encryptionKeysOf(config)
  const egress: Finding = {
    check: 'egress',
    state: 'good',
    says:
      config.egressAllow.length === 0
        ? 'public addresses only'
        : `public addresses, and ${config.egressAllow.map(formatAllowRule).join(', ')}`,
  }
  if (keys.length === 0)
    return [
      egress,
      {
        check: 'keys',
        state: 'bad',
        says: 'there is no encryption key here',
        remedy: 'set PERMEA_ENCRYPTION_KEYS, or PERMEA_DATA_DIR to the folder with secrets.json',
      },
    ]
  try {
    const workspaces = await createWorkspaceStore(createSealing(keys.map(sealingKey))).all(database.db)
    const apps = await Promise.all(
      workspaces.flatMap(({ key, appBaseUri }) =>
        appBaseUri === null ? [] : [reachabilityOf(key, appBaseUri, config.egressAllow)],
      ),
    )
    return [{ check: 'keys', state: 'good', says: 'they open what is sealed' }, egress, ...apps]
  } catch (error) {
    const remedy = 'PERMEA_ENCRYPTION_KEYS has to contain the key that this database was sealed with'
    return [
      egress,
      { check: 'keys', state: 'bad', says: `they do not open what is sealed (${(error as Error).message})`, remedy },
    ]
  }
}
