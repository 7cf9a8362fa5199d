import { EventEmitter } from 'node:events'
import { Logger, makeWorkerUtils, type Runner, run, type TaskList } from 'graphile-worker'
import type pg from 'pg'
import type { Clock } from './clock.ts'
import { type Database, sql, type Tx } from './database.ts'
import { isDatabaseAway } from './database-errors.ts'
import type { Log } from './log.ts'
import { createOutageLog, type OutageLog } from './outage-log.ts'

/** A job that rooms hand to the queue in the transaction of the state change it follows from. */
export interface NewJob {
  task: string
  payload: object
  /** At once where absent. */
  runAt?: Date
  /** Of jobs with the same key only the newest exists. */
  key?: string
  /** Jobs of one queue are done one after the other. */
  queue?: string
}

export type JobHandlers = Record<string, (payload: never) => Promise<void>>

/** Background work that is not on the hot path: requests of subscriptions, schedules, retention. */
export interface Queue extends AsyncDisposable {
  add(tx: Tx, job: NewJob): Promise<void>
  /** Which function does the jobs of a task. All before `start`. */
  handle(handlers: JobHandlers): void
  start(): Promise<void>
  stop(): Promise<void>
  /** Jobs that may begin and have not, and for how long the oldest of them. */
  backlog(): Promise<{ waiting: number; lagSeconds: number }>
  /** Holds the lock that shows this process alive; called on every new session. */
  holdLock(session: pg.Client): Promise<void>
  /**
   * Gives the jobs of processes that died back to the others: of those that looked dead the last time, too, because one
   * that starts, or whose session broke, is without its lock for a moment.
   */
  freeJobsOfTheDead(): Promise<void>
}

const POOL_LOCK = 0x70650003
/** Up to so many waiting jobs are counted. */
const BACKLOG_MAX = 10_000

export function createQueue(options: {
  database: Database
  clock: Clock
  log: Log
  concurrency?: number
  pollMs?: number
}): Queue {
  const { database, clock, log } = options
  const handlers: JobHandlers = {}
  const outage = createOutageLog(log, 'the database, for background jobs,')
  let runner: Runner | null = null
  let poolId: string | null = null
  let session: pg.Client | null = null
  let deadLastTime = new Set<string>()

  async function lockPool(): Promise<void> {
    if (session !== null && poolId !== null)
      await session.query('select pg_advisory_lock_shared($1, hashtext($2))', [POOL_LOCK, poolId])
  }

  const queue: Queue = {
    async add(tx, job) {
      // As a delay, so that the engine's clock and the database's need not agree.
      const delayMs = job.runAt === undefined ? 0 : Math.max(0, job.runAt.getTime() - clock.now().getTime())
      await sql`select graphile_worker.add_job(${job.task}, ${JSON.stringify(job.payload)}::json,
        run_at => now() + make_interval(secs => ${delayMs / 1000}), job_key => ${job.key ?? null}::text,
        queue_name => ${job.queue ?? null}::text, max_attempts => 25)`.execute(tx)
    },
    handle(more) {
      Object.assign(handlers, more)
    },
    async start() {
      const taskList: TaskList = {}
      for (const [task, handler] of Object.entries(handlers)) taskList[task] = (payload) => handler(payload as never)
      const events = new EventEmitter()
      events.on('pool:create', ({ workerPool }: { workerPool: { id: string } }) => {
        poolId = workerPool.id
      })
      for (const sign of SIGNS_OF_LIFE) events.on(sign, () => outage.worked())
      runner = await run({
        pgPool: database.pool,
        taskList,
        concurrency: options.concurrency ?? 4,
        noHandleSignals: true,
        pollInterval: options.pollMs ?? 2000,
        events: events as never,
        logger: graphileLogger(log, outage),
      })
      await lockPool()
    },
    async stop() {
      const running = runner
      runner = null
      await running
        ?.stop()
        .catch((error: Error) => log.warn({ message: error.message }, 'the job queue did not stop cleanly'))
    },
    async backlog() {
      const { rows } = await sql<{ waiting: number; lagSeconds: number }>`
        select count(*) as waiting, coalesce(extract(epoch from now() - min(run_at)), 0)::float8 as "lagSeconds"
          from (select run_at from graphile_worker._private_jobs
                 where is_available and run_at <= now() order by priority, run_at limit ${BACKLOG_MAX}) j`.execute(
        database.db,
      )
      return rows[0] ?? { waiting: 0, lagSeconds: 0 }
    },
    async holdLock(newSession) {
      session = newSession
      await lockPool()
    },
    async freeJobsOfTheDead() {
      const { rows } = await sql<{ id: string }>`
        select distinct j.locked_by as id from graphile_worker._private_jobs j
         where j.locked_by is not null and j.locked_by <> ${poolId ?? ''}
           and not exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.granted and l.classid = ${POOL_LOCK}
                            and l.objid = (hashtext(j.locked_by)::bigint & 4294967295)::oid
                            and l.database = (select oid from pg_database where datname = current_database()))`.execute(
        database.db,
      )
      const dead = rows.map((row) => row.id).filter((id) => deadLastTime.has(id))
      deadLastTime = new Set(rows.map((row) => row.id))
      if (dead.length === 0) return
      log.warn({ pools: dead }, 'freeing the jobs of processes that died')
      const tools = await makeWorkerUtils({ pgPool: database.pool, logger: graphileLogger(log, outage) })
      await tools.forceUnlockWorkers(dead)
      await tools.release()
    },
    [Symbol.asyncDispose]: () => queue.stop(),
  }
  return queue
}

/** Creates or upgrades the queue's own tables. */
export async function migrateQueue(database: Database, log: Log): Promise<void> {
  const tools = await makeWorkerUtils({ pgPool: database.pool, logger: graphileLogger(log) })
  await tools.migrate()
  await tools.release()
}

/** What the library tells of when the database answered it. */
const SIGNS_OF_LIFE = ['pool:listen:success', 'worker:getJob:empty', 'job:success'] as const

/**
 * The library's chatter at debug level; only its errors are ours to show. It tries again each second while the database
 * is away: of that the outage tells.
 */
function graphileLogger(log: Log, outage: OutageLog | null = null): Logger {
  return new Logger(() => (level, message, meta) => {
    const error = meta?.error instanceof Error ? meta.error : new Error(message)
    if (level === 'error' && outage !== null && isDatabaseAway(error)) outage.failed(error)
    else if (level === 'error') log.error({ job: meta?.job ?? undefined }, `job queue: ${message}`)
    else log.debug({}, `job queue: ${message}`)
  })
}
