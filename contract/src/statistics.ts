import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { QueryMoment, Timestamp } from './shapes.ts'

/** What happened in one stretch of time. Latencies are in milliseconds; absent where nothing ended. */
export const StatisticsBucket = z
  .object({
    from: Timestamp,
    /** Counted from a sample where there was too much to count in a moment. */
    isEstimated: z.boolean(),
    events: z.number(),
    runs: z.object({ completed: z.number(), failed: z.number(), stopped: z.number() }),
    /** From the launch of a run to its end. */
    runMs: z.object({ p50: z.number(), p95: z.number() }).optional(),
    deliveries: z.object({ succeeded: z.number(), failed: z.number() }),
    /** From the making of a message to its last attempt. */
    deliveryMs: z.object({ p50: z.number(), p95: z.number() }).optional(),
  })
  .meta({ id: 'StatisticsBucket' })
export type StatisticsBucket = z.infer<typeof StatisticsBucket>

/** How far what is read from brokers is behind, of up to 1,000 sources that are neither paused nor archived. */
export const WaitingAtBrokers = z
  .object({
    sources: z.number().int(),
    /** Messages, of those sources of which it is known; absent where of none. */
    waiting: z.number().int().optional(),
    /** Of how many sources nobody knows just now what waits: `waiting` lacks it. */
    unknown: z.number().int(),
    /** How many cannot be read just now. */
    failing: z.number().int(),
    /** The first five of these, by key. */
    failingFirst: z.array(z.object({ id: z.string(), name: z.string() })),
  })
  .meta({ id: 'WaitingAtBrokers' })

export const statistics = {
  get: {
    method: 'GET',
    path: '/statistics',
    summary: 'Events, flow runs and deliveries over time, in equal stretches; may be a few seconds old',
    access: 'admin',
    needs: 'read',
    query: z.object({
      from: QueryMoment.optional(),
      to: QueryMoment.optional(),
      buckets: z.coerce.number().int().min(1).max(120).optional(),
    }),
    answer: z.object({
      from: Timestamp,
      to: Timestamp,
      bucketMs: z.number().int(),
      items: z.array(StatisticsBucket),
      /** What is under way now, as far as it was counted: at most 10,000 of each. */
      now: z.object({
        queuedRuns: z.number().int(),
        runningRuns: z.number().int(),
        pendingDeliveries: z.number().int(),
        /** With an intake log only, of the whole installation: how long the oldest message waits that is not applied yet. */
        intakeLog: z.object({ oldestSeconds: z.number().int(), shards: z.number().int() }).optional(),
        /** Where sources are to be read. */
        brokerSources: WaitingAtBrokers.optional(),
      }),
    }),
    refusals: [],
  },
} as const satisfies EndpointTable
