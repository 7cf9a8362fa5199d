import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { Timestamp } from './shapes.ts'

/** What work a lane has; metrics call it so too. */
export const LaneKind = z.enum(['flow-runs', 'deliveries', 'incoming-webhooks', 'external-subscriptions', 'pulls'])
export type LaneKind = z.output<typeof LaneKind>

/** Why nothing of a lane begins; `docs/operate/observe.md` says what each means. */
export const LaneReason = z.enum([
  'stopping',
  'process-full',
  'process-busy',
  'others-turn',
  'given-up',
  'resting',
  'head-at-work',
  'lane-full',
  'to-be-read',
  'not-due',
  'groups-full',
  'paused',
  'worked-elsewhere',
  'worked-by-nobody',
])
export type LaneReason = z.output<typeof LaneReason>

/** A backlog that is worked in turn, as one process has it in memory. */
export const Lane = z
  .object({
    kind: LaneKind,
    /** What has the lane: a customer, a flow instance that keeps an order, a destination, a connection, an integration. */
    elementId: z.string(),
    name: z.string().optional(),
    userId: z.string().optional(),
    tenantId: z.string().optional(),
    /** Of 64; `workers` says who works it. */
    shard: z.number().int(),
    /** Its work is done one by one, in the order in which it came. */
    isOrdered: z.boolean(),
    /** Why nothing of what waits begins; absent where nothing waits, and where the next is about to begin. */
    reason: LaneReason.optional(),
    /** The same in words, with the numbers that decide. */
    explanation: z.string().optional(),
    /** Since when the oldest that waits could have begun. */
    waitingSince: Timestamp.optional(),
    /** When the next of what waits for a time may begin: another try, the end of a pause. */
    nextDueAt: Timestamp.optional(),
    /** How many wait in memory; where `hasMore`, more may stand in the database. */
    waiting: z.number().int(),
    hasMore: z.boolean(),
    running: z.number().int(),
    /** Most that run together: fewer than `capMost` after what was slow or failed. Absent where another process knows. */
    cap: z.number().int().optional(),
    capMost: z.number().int().optional(),
    /** Some of what waits, the next first: flow runs, deliveries, incoming webhooks, subscriptions. */
    waitingIds: z.array(z.string()),
    /** Some of what runs. */
    runningIds: z.array(z.string()),
    /** Of flow runs that keep no order: some of the flow instances that runs wait of. */
    flowInstances: z
      .array(
        z.object({
          flowInstanceId: z.string(),
          waiting: z.number().int(),
          running: z.number().int(),
          concurrency: z.number().int(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Lane' })

export const lanes = {
  list: {
    method: 'GET',
    path: '/debug/lanes',
    summary: 'What waits in the process that answers, why it does not begin and what runs; the longest wait first',
    access: 'admin',
    needs: 'read',
    query: z.object({
      kind: LaneKind.optional(),
      tenantId: z.string().optional(),
      userId: z.string().optional(),
      /** 200 where absent. */
      limit: z.coerce.number().int().min(1).max(200).optional(),
    }),
    answer: z.object({
      items: z.array(Lane),
      /** Of all lanes that the filters leave, by kind. */
      totals: z.array(
        z.object({
          kind: LaneKind,
          lanes: z.number().int(),
          /** Lanes with something that could begin and has not. */
          waitingLanes: z.number().int(),
          /** At least so much where `hasMore`. */
          waiting: z.number().int(),
          running: z.number().int(),
          hasMore: z.boolean(),
          reasons: z.partialRecord(LaneReason, z.number().int()),
        }),
      ),
      /** Who works which shards, as this process knows; a lane is in the memory of whoever works its shard. */
      workers: z.array(
        z.object({
          /** The process that answers. */
          isHere: z.boolean(),
          /** The number that the process took for itself; absent of shards that nobody works. */
          session: z.number().int().optional(),
          shards: z.array(z.number().int()),
        }),
      ),
      process: z.object({ host: z.string(), pid: z.number().int(), session: z.number().int().optional() }),
    }),
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
