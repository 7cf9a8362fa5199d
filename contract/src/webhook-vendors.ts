import { z } from 'zod'
import { DedupeKey } from './dedupe-key.ts'
import type { EndpointTable } from './endpoint.ts'

/** How a vendor's webhooks are verified, and the functions with which to begin. */
export const WebhookVendor = z
  .object({
    /** Its function: `verify.KEY` of `permea:webhooks`. */
    key: z.string(),
    name: z.string(),
    /** The scheme in words. */
    scheme: z.string(),
    /** Seconds that a request may be old; null where no age is checked. */
    toleranceSeconds: z.number().nullable(),
    /** What the function has to be given, by option. */
    takes: z.record(z.string(), z.string()),
    /** What the vendor asks of the URL before it uses it; null where nothing. */
    handshake: z.object({ key: z.string(), when: z.string(), withinSeconds: z.number().nullable() }).nullable(),
    /** Where that stands which is the same when the vendor sends an event again. Empty where nothing is. */
    eventId: z.array(z.string()),
    /** What the vendor wants as an answer, where any 2xx will not do. */
    answer: z.string().nullable(),
    /** A `handle` that is ready to be edited. */
    handle: z.string(),
    /** What identifies the events of that `handle`; null where the vendor sends nothing of the kind. */
    dedupeKey: DedupeKey.nullable(),
    /** What goes with it where a person enters the address in the app: the values of `takes` are parameters. */
    parametersSchema: z.record(z.string(), z.unknown()),
    /** The ready-made connector of the app, if there is one. */
    connectorKey: z.string().nullable(),
    /** Where the vendor says so. */
    source: z.string(),
    /** Package and version with which it was checked; null where it follows the source alone. */
    checked: z.string().nullable(),
  })
  .meta({ id: 'WebhookVendor' })
export type WebhookVendor = z.infer<typeof WebhookVendor>

export const webhookVendors = {
  list: {
    method: 'GET',
    path: '/webhook-vendors',
    summary: 'Vendors whose webhooks can be verified, each with a handle to begin with',
    access: 'public',
    needs: 'none',
    answer: z.object({ items: z.array(WebhookVendor) }),
    refusals: [],
  },
} as const satisfies EndpointTable
