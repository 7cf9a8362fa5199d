import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { elementInput, elementListQuery, elementOutput, listOf, Timestamp } from './shapes.ts'

/** What is read: see docs/use/sources.md. A user and password in it are sealed. */
const SourceUrl = z.string().min(1).max(6000)

/** The name of a header of messages. */
const HeaderName = z
  .string()
  .max(200)
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'this is no name of a header')
  .transform((name) => name.toLowerCase())

/** A broker's subject, queue or topic that events of one type are read from. */
export const BrokerSource = z
  .object({
    ...elementOutput,
    key: z.string(),
    revision: z.string(),
    appEventTypeId: z.string(),
    /** Without user and password. */
    url: z.string(),
    /** Whether a user and password are kept with it. */
    hasLogin: z.boolean(),
    /** The header of a message that has the customer's own id; absent: the formulas of the event type say whose it is. */
    customerHeader: z.string().optional(),
    /** The header of a message that tells it from others. */
    idHeader: z.string().optional(),
    /**
     * `waiting`: no process reads it just now. `held`: the broker keeps what comes, since a limit of the workspace is
     * reached. `failing`: it is tried again and again.
     */
    state: z.enum(['waiting', 'connecting', 'reading', 'held', 'failing', 'paused', 'archived']),
    /** Why it does not go on, or did not when it last failed. */
    error: z.string().optional(),
    errorAt: Timestamp.optional(),
    connectedAt: Timestamp.optional(),
    lastMessageAt: Timestamp.optional(),
    /** Messages that the broker says are waiting, as of some seconds ago. */
    lag: z.number().int().optional(),
    /** Events that were taken in, and that were refused, since it was made. */
    accepted: z.number().int(),
    refused: z.number().int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'BrokerSource' })

export const BrokerSourceInput = z.object({
  ...elementInput,
  /** The event type, by id or key. */
  appEventTypeId: z.string().min(1).max(200).optional(),
  url: SourceUrl.optional(),
  customerHeader: HeaderName.nullish(),
  idHeader: HeaderName.nullish(),
})

const one = { access: 'admin', needs: 'define', answer: BrokerSource, refusals: ['not_found'] } as const
const change = {
  access: 'admin',
  needs: 'define',
  body: BrokerSourceInput,
  answer: BrokerSource,
  refusals: ['not_found', 'archived', 'already_exists'],
} as const

export const brokerSources = {
  list: {
    method: 'GET',
    path: '/broker-sources',
    summary: 'Where events are read from brokers, with how it goes',
    access: 'admin',
    needs: 'read',
    query: z.object({ ...elementListQuery, appEventTypeId: z.string().optional() }),
    answer: listOf(BrokerSource),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/broker-sources',
    summary: 'Read events of one type from a broker',
    access: 'admin',
    needs: 'define',
    body: BrokerSourceInput.extend({ appEventTypeId: z.string().min(1).max(200), url: SourceUrl }),
    answer: BrokerSource,
    status: 201,
    refusals: ['not_found', 'archived', 'already_exists'],
  },
  get: { method: 'GET', path: '/broker-sources/:selector', summary: 'One source, by id or key', ...one, needs: 'read' },
  patch: { method: 'PATCH', path: '/broker-sources/:selector', summary: 'Change some fields of a source', ...change },
  put: { method: 'PUT', path: '/broker-sources/:selector', summary: 'Change a source', ...change },
  archive: {
    method: 'DELETE',
    path: '/broker-sources/:selector',
    summary: 'Archive: nothing more is read; what the broker has stays there',
    ...one,
    answer: null,
  },
  pause: {
    method: 'POST',
    path: '/broker-sources/:selector/pause',
    summary: 'Read nothing for now; the broker keeps what comes',
    ...one,
    needs: 'operate',
    refusals: ['not_found', 'archived'],
  },
  resume: {
    method: 'POST',
    path: '/broker-sources/:selector/resume',
    summary: 'Read on from where it was paused',
    ...one,
    needs: 'operate',
    refusals: ['not_found', 'archived'],
  },
} as const satisfies EndpointTable
