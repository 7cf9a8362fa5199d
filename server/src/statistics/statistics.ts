import type { StatisticsBucket, WaitingAtBrokers } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import type { z } from 'zod'
import { type SourcesBehind, sourcesBehind } from '../broker-sources/statistics-store.ts'
import { countDeliveries, countPendingDeliveries } from '../deliveries/statistics-store.ts'
import { countEvents } from '../events/statistics-store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { growthOf, idRanges, type Sample } from '../platform/id-ranges.ts'
import { toWire } from '../platform/ids.ts'
import { countActiveRuns, countRuns } from '../runs/statistics-store.ts'

/** Rows counted of one stretch at most: more is estimated from these. */
const SAMPLE_MAX = 10_000
/** How old an answer may be, in milliseconds. */
const KEEP_MS = 3000
const KEPT_MAX = 200
const ACTIVE_MAX = 10_000
const SOURCES_MAX = 1000
const DEFAULT_SPAN_MS = 3_600_000
const DEFAULT_BUCKETS = 60
const BUCKET_MS_MIN = 1000

export interface StatisticsWish {
  from: Date | undefined
  to: Date | undefined
  buckets: number | undefined
}

export interface Statistics {
  from: Date
  to: Date
  bucketMs: number
  items: StatisticsBucket[]
  now: {
    queuedRuns: number
    runningRuns: number
    pendingDeliveries: number
    intakeLog?: { oldestSeconds: number; shards: number }
    brokerSources?: z.input<typeof WaitingAtBrokers>
  }
}

/**
 * Counts what happened over time without a table of counts: logs are read by ranges of ids, a bounded number of rows of
 * each stretch, so that an answer costs the same however much there is; and it is kept for a moment, so that many
 * readers cost no more than one.
 */
export function createStatistics(options: {
  database: Database
  clock: Clock
  /** What an intake log has not applied yet; null where there is none. */
  unapplied: (() => Promise<{ oldestSeconds: number; shards: number }>) | null
}): (workspaceId: string, wish: StatisticsWish) => Promise<Statistics> {
  const { database, clock } = options
  const kept = new LRUCache<string, { statistics: Promise<Statistics>; atMs: number }>({ max: KEPT_MAX })

  return (workspaceId, wish) => {
    const { fromMs, bucketMs, count } = stretchesOf(wish, clock.now().getTime())
    const key = `${workspaceId} ${fromMs} ${bucketMs} ${count}`
    const known = kept.get(key)
    if (known !== undefined && performance.now() - known.atMs < KEEP_MS) return known.statistics
    const statistics = counted(workspaceId, fromMs, bucketMs, count)
    kept.set(key, { statistics, atMs: performance.now() })
    statistics.catch(() => kept.delete(key))
    return statistics
  }

  async function counted(workspaceId: string, fromMs: number, bucketMs: number, count: number): Promise<Statistics> {
    const { reading } = database
    const from = new Date(fromMs)
    const ranges = idRanges(from, bucketMs, count)
    const [events, runs, deliveries, active, pendingDeliveries, behind, intakeLog] = await Promise.all([
      countEvents(reading, workspaceId, ranges, SAMPLE_MAX),
      countRuns(reading, workspaceId, ranges, SAMPLE_MAX),
      countDeliveries(reading, workspaceId, ranges, SAMPLE_MAX),
      countActiveRuns(reading, workspaceId, ACTIVE_MAX),
      countPendingDeliveries(reading, workspaceId, ACTIVE_MAX),
      sourcesBehind(reading, workspaceId, clock.now(), SOURCES_MAX),
      // The figures of the database are right without those of the log.
      options.unapplied?.().catch(() => undefined),
    ])
    const items = ranges.map((_, at): StatisticsBucket => {
      const startMs = fromMs + at * bucketMs
      const growth = (sample: Sample | undefined) =>
        sample === undefined ? 1 : growthOf(sample, SAMPLE_MAX, startMs, bucketMs)
      const [event, run, delivery] = [events[at], runs[at], deliveries[at]]
      const grown = (number: number | undefined, sample: Sample | undefined) =>
        Math.round((number ?? 0) * growth(sample))
      return {
        from: new Date(startMs).toISOString(),
        isEstimated: [event, run, delivery].some((sample) => growth(sample) > 1),
        events: grown(event?.count, event),
        runs: {
          completed: grown(run?.completed, run),
          failed: grown(run?.failed, run),
          stopped: grown(run?.stopped, run),
        },
        ...latency('runMs', run),
        deliveries: { succeeded: grown(delivery?.succeeded, delivery), failed: grown(delivery?.failed, delivery) },
        ...latency('deliveryMs', delivery),
      }
    })
    return {
      from,
      to: new Date(fromMs + count * bucketMs),
      bucketMs,
      items,
      now: {
        queuedRuns: active.queued,
        runningRuns: active.running,
        pendingDeliveries,
        ...(intakeLog === undefined ? {} : { intakeLog }),
        ...(behind.sources === 0 ? {} : { brokerSources: behindAnswer(behind) }),
      },
    }
  }
}

function behindAnswer({ waiting, failingFirst, ...counts }: SourcesBehind): z.input<typeof WaitingAtBrokers> {
  return {
    ...counts,
    ...(waiting === null ? {} : { waiting }),
    failingFirst: failingFirst.map(({ id, name }) => ({ id: toWire('bsr', id), name })),
  }
}

function latency<Name extends string>(
  name: Name,
  of: { p50: number | null; p95: number | null } | undefined,
): { [N in Name]?: { p50: number; p95: number } } {
  if (of === undefined || of.p50 === null || of.p95 === null) return {}
  return { [name]: { p50: Math.max(0, of.p50), p95: Math.max(0, of.p95) } } as {
    [N in Name]?: { p50: number; p95: number }
  }
}

/** Stretches begin at whole multiples of their length, so that an answer serves until the next one begins. */
function stretchesOf(wish: StatisticsWish, nowMs: number): { fromMs: number; bucketMs: number; count: number } {
  const count = wish.buckets ?? DEFAULT_BUCKETS
  const toMs = wish.to?.getTime() ?? nowMs
  const spanMs = Math.max(count * BUCKET_MS_MIN, toMs - (wish.from?.getTime() ?? toMs - DEFAULT_SPAN_MS))
  const bucketMs = Math.ceil(spanMs / count / BUCKET_MS_MIN) * BUCKET_MS_MIN
  const endMs = Math.ceil(toMs / bucketMs) * bucketMs
  return { fromMs: endMs - count * bucketMs, bucketMs, count }
}
