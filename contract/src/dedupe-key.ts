import { z } from 'zod'
import { Formula } from './shapes.ts'

const DAY_SECONDS = 86_400

/**
 * What says that an event of an external app is one that came before. Exactly one of `header`, `path` and `formula`.
 * Where it yields nothing for an event, that event is not compared with others.
 */
export const DedupeKey = z
  .strictObject({
    /** A header of the request, in any case; the events of one request are told apart by their place in it. */
    header: z.string().min(1).max(200).optional(),
    /** A locator within the event, as in `data.id` or `$.items[0].id`. */
    path: z.string().min(1).max(1000).optional(),
    /** Over `{ event, request: { method, headers, query, data }, parameters }`; an object counts by what is in it. */
    formula: Formula.optional(),
    /** How long an event is known again, from when it came first; three days where absent. */
    forSeconds: z
      .number()
      .int()
      .min(1)
      .max(30 * DAY_SECONDS)
      .optional(),
  })
  .refine(
    (key) => [key.header, key.path, key.formula].filter((each) => each !== undefined).length === 1,
    'give one of header, path and formula',
  )
  .meta({ id: 'DedupeKey' })
export type DedupeKey = z.infer<typeof DedupeKey>

export const DEDUPE_SECONDS = 3 * DAY_SECONDS
