import { z } from 'zod'

/** Query booleans accept true, false, 1, 0 in any case. */
export const QueryBoolean = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(['true', 'false', '1', '0']))
  .transform((text) => text === 'true' || text === '1')

/** A moment in a query: ISO 8601, or milliseconds since 1970. */
export const QueryMoment = z.string().transform((text, context) => {
  const at = new Date(/^\d+$/.test(text) ? Number(text) : text)
  if (Number.isNaN(at.getTime())) {
    context.addIssue({ code: 'custom', message: 'not a date' })
    return z.NEVER
  }
  return at
})

/** Paging as every list has it; `cursor=0` means the start. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().optional(),
  /** All that the filters leave, page after page, as a file: rows of CSV, a list, or a row of JSON per line. */
  export: z.enum(['csv', 'json', 'ndjson']).optional(),
}

export const elementListQuery = {
  ...paging,
  search: z.string().optional(),
  includeArchived: QueryBoolean.optional(),
}

/** Time bounds in every spelling that clients use. */
export const timeBounds = {
  from: QueryMoment.optional(),
  to: QueryMoment.optional(),
  startDatetime: QueryMoment.optional(),
  endDatetime: QueryMoment.optional(),
  startedAfter: QueryMoment.optional(),
}

/** A page; `cursor` is absent on the last one. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), cursor: z.string().optional() })
}

/**
 * A page of a log. What is rare is looked for a moment only: a page may then be short or empty and still have a `cursor`
 * to go on from; `lookedBackTo` says how far back it was looked.
 */
export function logOf<T extends z.ZodType>(item: T) {
  return listOf(item).extend({ lookedBackTo: z.string().optional() })
}

export const Meta = z.record(z.string(), z.unknown())
export const Timestamp = z.iso.datetime({ offset: true })
export const JsonSchema = z.union([z.record(z.string(), z.unknown()), z.boolean()])

/** Any value; formulas inside are objects whose first key is an operator. */
export const Formula = z.unknown()

export const ElementState = z.enum([
  'BUILDING',
  'CLIENT_ACTION_REQUIRED',
  'CONFIGURATION_ERROR',
  'SETUP_FAILED',
  'READY',
  'DISCONNECTING',
])

/** What may be given when any element is created or changed. Keys of answers are ignored, those that nobody knows refused. */
export const elementInput = {
  uuid: z.uuid().optional(),
  key: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/?#\p{Cc}]+$/u, 'a key has none of / ? # and no control characters')
    .refine((key) => key.trim() === key, 'a key neither begins nor ends with a space')
    .optional(),
  name: z.string().min(1).max(500).optional(),
  description: z.string().max(10_000).nullish(),
  meta: Meta.nullish(),
}

/** What every element answers with. */
export const elementOutput = {
  id: z.string(),
  uuid: z.string().optional(),
  key: z.string().optional(),
  name: z.string(),
  description: z.string().optional(),
  meta: Meta.optional(),
  revision: z.string().optional(),
  createdAt: Timestamp.optional(),
  updatedAt: Timestamp.optional(),
  archivedAt: Timestamp.optional(),
}

export const HttpMethod = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(['GET', 'POST', 'PATCH', 'PUT', 'DELETE']))

/** A request whose every value may be a formula. */
export const HttpRequestSpec = z
  .object({
    method: z.union([HttpMethod, z.record(z.string(), z.unknown())]).optional(),
    uri: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
    headers: z.unknown().optional(),
    query: z.unknown().optional(),
    body: z.unknown().optional(),
  })
  .meta({ id: 'HttpRequestSpec' })
export type HttpRequestSpec = z.infer<typeof HttpRequestSpec>

/** What an element hangs on: `PARENT` for the one it follows, `CONFIGURATION` for what its content names. */
export const ElementDependency = z
  .object({
    type: z.enum(['PARENT', 'CONFIGURATION']),
    elementType: z.string(),
    key: z.string().optional(),
    element: z.object({ id: z.string(), key: z.string().optional(), name: z.string() }).optional(),
  })
  .meta({ id: 'ElementDependency' })

/** Days that payloads are kept: 0 for no longer than they are worked on. */
export const PayloadRetentionDays = z.number().int().min(0).max(3650)
