import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { listOf, paging, Timestamp } from './shapes.ts'

/** What came in through the intake log and could not be applied, and was set aside so that what came after it could. */
export const SetAsideIntake = z
  .object({
    id: z.string(),
    /** Why it could not be applied, the last time. */
    error: z.string(),
    tries: z.number().int(),
    /** Where it stood in the log. */
    shard: z.number().int(),
    sequence: z.number().int(),
    /** The beginning of what it holds, where that is events that can be read. */
    excerpt: z.string().optional(),
    createdAt: Timestamp,
  })
  .meta({ id: 'SetAsideIntake' })

export const setAsideIntake = {
  list: {
    method: 'GET',
    path: '/set-aside-intake',
    summary: 'What came in through the intake log and could not be applied, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object({ ...paging }),
    answer: listOf(SetAsideIntake),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/set-aside-intake/:id',
    summary: 'One entry that could not be applied',
    access: 'admin',
    needs: 'read',
    answer: SetAsideIntake,
    refusals: ['not_found'],
  },
  replay: {
    method: 'POST',
    path: '/set-aside-intake/:id/replay',
    summary: 'Apply it again; what cannot be applied stays where it is, with the new error',
    access: 'admin',
    needs: 'operate',
    answer: z.object({ isApplied: z.boolean(), error: z.string().optional() }),
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
