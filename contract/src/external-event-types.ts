import { z } from 'zod'
import { DedupeKey } from './dedupe-key.ts'
import type { EndpointTable } from './endpoint.ts'
import { FunctionDefinition, FunctionInput } from './functions.ts'
import {
  ElementDependency,
  elementInput,
  elementListQuery,
  elementOutput,
  JsonSchema,
  listOf,
  PayloadRetentionDays,
  QueryBoolean,
} from './shapes.ts'

/** What of a type its children may put something in the place of. */
const Overridable = z.enum([
  'name',
  'description',
  'parametersSchema',
  'schema',
  'example',
  'subscribe',
  'handle',
  'unsubscribe',
  'refresh',
  'dedupeKey',
])

/**
 * An event of an external app, with the JavaScript that subscribes to it: for every integration, for one, or for one
 * connection. What a child does not say itself is its parent's; `overrides` names what it does say.
 */
export const ExternalEventType = z
  .object({
    ...elementOutput,
    key: z.string(),
    revision: z.string(),
    type: z.literal('webhook'),
    layer: z.enum(['universal', 'integration', 'connection']),
    integrationId: z.string().optional(),
    connectionId: z.string().optional(),
    parentId: z.string().optional(),
    isUniversal: z.boolean(),
    universalParentId: z.string().optional(),
    overrides: z.array(Overridable).optional(),
    parametersSchema: JsonSchema.optional(),
    schema: JsonSchema.optional(),
    example: z.unknown().optional(),
    subscribe: FunctionDefinition.optional(),
    handle: FunctionDefinition.optional(),
    unsubscribe: FunctionDefinition.optional(),
    refresh: FunctionDefinition.optional(),
    /** What identifies an event: one that the app sends again is shown as repeated, and nothing follows from it. */
    dedupeKey: DedupeKey.optional(),
    payloadRetentionDays: PayloadRetentionDays.optional(),
  })
  .meta({ id: 'ExternalEventType' })

export const ExternalEventTypeInput = z.object({
  ...elementInput,
  type: z.string().optional(),
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  connectionId: z.string().nullish(),
  parentId: z.string().nullish(),
  parametersSchema: JsonSchema.nullish(),
  schema: JsonSchema.nullish(),
  example: z.unknown().optional(),
  subscribe: FunctionInput.nullish(),
  handle: FunctionInput.nullish(),
  unsubscribe: FunctionInput.nullish(),
  refresh: FunctionInput.nullish(),
  dedupeKey: DedupeKey.nullish(),
  /** Days that payloads of its events are kept; 0: until they are worked off; null: as the workspace says. What the top of a chain says counts. */
  payloadRetentionDays: PayloadRetentionDays.nullish(),
})

const selecting = {
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  connectionId: z.string().optional(),
}

const one = {
  query: z.object(selecting),
  answer: ExternalEventType,
  refusals: ['not_found', 'ambiguous_selector'],
} as const
const change = {
  ...one,
  access: 'admin',
  needs: 'define',
  body: ExternalEventTypeInput,
  refusals: ['not_found', 'ambiguous_selector', 'already_exists', 'archived', 'invalid_schema', 'invalid_function'],
} as const

export const externalEventTypes = {
  list: {
    method: 'GET',
    path: '/external-event-types',
    summary: 'External event types',
    access: 'customer',
    needs: 'read',
    query: z.object({
      ...elementListQuery,
      ...selecting,
      layer: z.enum(['universal', 'integration', 'connection']).optional(),
      isUniversal: QueryBoolean.optional(),
      parentId: z.string().optional(),
      universalParentId: z.string().optional(),
    }),
    answer: listOf(ExternalEventType),
    refusals: ['not_found'],
  },
  create: {
    method: 'POST',
    path: '/external-event-types',
    summary: 'Create an external event type, or override one for an integration or a connection',
    access: 'admin',
    needs: 'define',
    body: ExternalEventTypeInput,
    answer: ExternalEventType,
    status: 201,
    refusals: ['not_found', 'already_exists', 'archived', 'invalid_schema', 'invalid_function'],
  },
  get: {
    method: 'GET',
    path: '/external-event-types/:selector',
    summary: 'One external event type, by id or key',
    access: 'customer',
    needs: 'read',
    ...one,
  },
  put: { method: 'PUT', path: '/external-event-types/:selector', summary: 'Change an external event type', ...change },
  patch: {
    method: 'PATCH',
    path: '/external-event-types/:selector',
    summary: 'Change some fields; null makes a child follow its parent again',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/external-event-types/:selector',
    summary: 'Archive: subscriptions of it are unsubscribed; where it is a child, its parent counts again',
    access: 'admin',
    needs: 'define',
    query: z.object(selecting),
    answer: null,
    refusals: ['not_found', 'ambiguous_selector'],
  },
  restore: {
    method: 'POST',
    path: '/external-event-types/:selector/restore',
    summary: 'Undo archiving',
    ...one,
    access: 'admin',
    needs: 'define',
    refusals: ['not_found', 'ambiguous_selector', 'already_exists', 'archived'],
  },
  clone: {
    method: 'POST',
    path: '/external-event-types/:selector/clone',
    summary: 'A copy under a new key, with all that it takes over from its parent',
    ...one,
    access: 'admin',
    needs: 'define',
    status: 201,
    refusals: ['not_found'],
  },
  reset: {
    method: 'POST',
    path: '/external-event-types/:selector/reset',
    summary: 'Drop what a child says itself: it follows its parent in everything again',
    ...one,
    access: 'admin',
    needs: 'define',
    refusals: ['not_found', 'archived'],
  },
  refresh: {
    method: 'POST',
    path: '/external-event-types/:selector/refresh',
    summary: 'Look again at how it stands',
    ...one,
    access: 'admin',
    needs: 'define',
    refusals: ['not_found'],
  },
  dependencies: {
    method: 'GET',
    path: '/external-event-types/:selector/dependencies',
    summary: 'What it hangs on: the types that it follows',
    access: 'customer',
    needs: 'read',
    query: z.object(selecting),
    answer: z.array(ElementDependency),
    refusals: ['not_found'],
  },
  generateSchema: {
    method: 'POST',
    path: '/external-event-types/:selector/generate-schema',
    summary: 'Derive the schema from the example and store it',
    ...one,
    access: 'admin',
    needs: 'define',
    refusals: ['not_found', 'ambiguous_selector', 'archived', 'invalid_input'],
  },
  export: {
    method: 'GET',
    path: '/external-event-types/:selector/export',
    summary: 'What you defined, without what belongs to this installation',
    access: 'admin',
    needs: 'read',
    query: z.object(selecting),
    answer: ExternalEventTypeInput,
    refusals: ['not_found', 'ambiguous_selector'],
  },
} as const satisfies EndpointTable
