import type { Clock } from './clock.ts'
import type { Database } from './database.ts'
import type { Log } from './log.ts'
import { keepPartitions } from './partitions.ts'
import { forgettingErrors } from './periodic.ts'
import type { Queue } from './queue.ts'

const TICK_MS = 3000
const WATCH_MS = 30_000
const LONG_MS = 3_600_000

/**
 * What must be done now and then by at least one process: free the jobs of dead processes (every 3 s, so that they
 * are taken up again within 10), keep partitions and throw away what is too old (hourly).
 */
export function createHousekeeping(options: {
  database: Database
  clock: Clock
  queue: Queue
  log: Log
  retentionDays: number
  /** Days for which partitions exist ahead of time. */
  partitionDaysAhead?: number | undefined
  /** What rooms look after every half minute. */
  watches: readonly (() => Promise<void>)[]
  /** Further hourly chores of rooms. */
  chores: readonly ((now: Date) => Promise<void>)[]
}): { runHourly(): Promise<void>; start(): void; stop(): Promise<void> } {
  const { database, clock, queue, log } = options
  const hourly = async () => {
    const { dropped } = await keepPartitions(database, clock.now(), options.retentionDays, options.partitionDaysAhead)
    if (dropped.length > 0) log.info({ dropped }, 'partitions beyond the retention were dropped')
    for (const chore of options.chores) await chore(clock.now())
  }
  const often = forgettingErrors(log, 'freeing jobs', TICK_MS, () => queue.freeJobsOfTheDead())
  const watch = forgettingErrors(log, 'looking after alerts', WATCH_MS, async () => {
    for (const each of options.watches) await each()
  })
  const seldom = forgettingErrors(log, 'housekeeping', LONG_MS, hourly)
  return {
    runHourly: hourly,
    start() {
      often.start()
      watch.start()
      seldom.start()
    },
    async stop() {
      await Promise.all([often.stop(), watch.stop(), seldom.stop()])
    },
  }
}
