import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'
import { isDatabaseAway } from './database-errors.ts'
import type { Log } from './log.ts'

/** How often both servers are asked how far they are, in milliseconds. */
const LOOK_MS = 250
/** For how long a replica that could not be reached is left alone, in milliseconds. */
const REST_MS = 5000

/** A standby that answers what may be a moment old. */
export interface ReadReplica {
  /** Sends each statement to the standby where that is near enough, else to the primary. Not for transactions. */
  readonly pool: PostgresPool
  /** How far the standby is behind, in seconds; null where it is not known, and the primary answers everything. */
  lagSeconds(): number | null
  /** Statements that were answered so far, by who answered. */
  readonly answered: { readonly replica: number; readonly primary: number }
  close(): Promise<void>
}

interface Position {
  isStandby: boolean
  /** Bytes of the log that are written, of a standby: applied. */
  bytes: number
  /** When the server was started: what is the same on both is one server. */
  started: string
}

/**
 * The standby answers while it has all that the primary had `lagMsMax` milliseconds ago. It is asked four times a second;
 * a place in the log, not a time, is compared, so that an idle primary does not look like a standby that lags.
 */
export function createReadReplica(options: {
  primary: pg.Pool
  standby: pg.Pool
  lagMsMax: number
  log: Log
}): ReadReplica {
  const { primary, standby, lagMsMax, log } = options
  const answered = { replica: 0, primary: 0 }
  /** Where the primary was and when, oldest first: the newest that the standby has reached says how old its rows are. */
  let marks: { atMs: number; bytes: number }[] = []
  let reachedMs: number | null = null
  let restsUntilMs = 0
  let isClosed = false
  let wasUsed: boolean | null = null

  async function look(): Promise<void> {
    const atMs = performance.now()
    if (atMs < restsUntilMs) return
    try {
      const [mark, place] = await Promise.all([positionOf(primary), positionOf(standby)])
      marks.push({ atMs, bytes: mark.bytes })
      if (!place.isStandby && place.started !== mark.started) throw new NoStandby()
      const reached = marks.findLast(({ bytes }) => bytes <= place.bytes)
      if (reached !== undefined) {
        reachedMs = reached.atMs
        marks = marks.filter((each) => each.atMs >= reached.atMs)
      }
      // What is older than anybody may read is of no use, and a standby that stands still must not fill memory.
      if (marks.length > MARKS_MAX) marks = marks.slice(-MARKS_MAX)
    } catch (error) {
      rest(error as Error)
    }
    tell()
  }

  function rest(error: Error): void {
    reachedMs = null
    marks = []
    restsUntilMs = performance.now() + REST_MS
    log.debug({ message: error.message }, 'the read replica cannot be used')
  }

  const isNear = () => reachedMs !== null && performance.now() - reachedMs <= lagMsMax

  function tell(): void {
    const isUsed = isNear()
    if (isClosed || isUsed === wasUsed) return
    if (isUsed) log.info({}, 'lists are read from the replica')
    else log.warn({}, 'the read replica is away or too far behind: lists are read from the primary')
    wasUsed = isUsed
  }

  async function ask(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    if (isNear()) {
      try {
        const answer = await standby.query(text, [...values])
        answered.replica++
        return answer
      } catch (error) {
        // A standby that cancels a statement for what it has to apply is well; whatever else it did not do for reasons of
        // its own, the primary does.
        if (!isDatabaseAway(error)) throw error
        if ((error as { code?: string }).code !== CONFLICT) rest(error as Error)
      }
    }
    const answer = await primary.query(text, [...values])
    answered.primary++
    return answer
  }

  const client: PostgresPoolClient = {
    query(text: unknown, values?: readonly unknown[]) {
      if (typeof text !== 'string' || /^\s*(?:begin|start transaction)\b/i.test(text))
        throw new Error('what reads from a replica has neither transactions nor cursors')
      return ask(text, values ?? []) as never
    },
    release() {},
  }
  // One look at a time: a server that answers late is not asked again meanwhile.
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look().finally(() => {
      isLooking = false
    })
  }, LOOK_MS)
  timer.unref()

  return {
    pool: { connect: async () => client, end: async () => {}, options: standby.options },
    lagSeconds: () => (reachedMs === null ? null : (performance.now() - reachedMs) / 1000),
    answered,
    async close() {
      isClosed = true
      clearInterval(timer)
      await standby.end()
    },
  }
}

/** Two minutes of marks: a standby that is further behind than that is not used anyway. */
const MARKS_MAX = 480

/**
 * "canceling statement due to conflict with recovery".
 *
 * @source https://www.postgresql.org/docs/18/hot-standby.html#HOT-STANDBY-CONFLICT
 */
const CONFLICT = '40001'

class NoStandby extends Error {
  constructor() {
    super('DATABASE_READ_URL is neither a standby of the server of DATABASE_URL nor that server')
  }
}

async function positionOf(pool: pg.Pool): Promise<Position> {
  const { rows } = await pool.query<Position>(`
    select pg_is_in_recovery() as "isStandby", pg_postmaster_start_time()::text as started,
           (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end
             - '0/0'::pg_lsn)::float8 as bytes`)
  const [position] = rows
  if (position === undefined) throw new Error('the server says nothing of its log')
  return position
}
