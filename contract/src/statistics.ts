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
      }),
    }),
    refusals: [],
  },
} as const satisfies EndpointTable
