import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import {
  ElementDependency,
  elementInput,
  elementListQuery,
  elementOutput,
  Formula,
  HttpRequestSpec,
  JsonSchema,
  listOf,
  PayloadRetentionDays,
} from './shapes.ts'

/** A kind of event that your application sends. */
export const AppEventType = z
  .object({
    ...elementOutput,
    key: z.string(),
    revision: z.string(),
    webhookKey: z.string(),
    globalWebhookUri: z.string(),
    schema: JsonSchema.optional(),
    example: z.unknown().optional(),
    subscribeRequest: z.unknown().optional(),
    unsubscribeRequest: z.unknown().optional(),
    tenantIdFormula: Formula.optional(),
    userIdFormula: Formula.optional(),
    validateEvents: z.boolean().optional(),
    payloadRetentionDays: PayloadRetentionDays.optional(),
  })
  .meta({ id: 'AppEventType' })

export const AppEventTypeInput = z.object({
  ...elementInput,
  schema: JsonSchema.nullish(),
  example: z.unknown().optional(),
  subscribeRequest: HttpRequestSpec.nullish(),
  unsubscribeRequest: HttpRequestSpec.nullish(),
  tenantIdFormula: Formula.optional(),
  userIdFormula: Formula.optional(),
  validateEvents: z.boolean().optional(),
  /** Days that payloads of its events are kept; 0: until they are worked off; null: as the workspace says. */
  payloadRetentionDays: PayloadRetentionDays.nullish(),
})

const one = { answer: AppEventType, refusals: ['not_found'] } as const
const change = {
  access: 'admin',
  needs: 'define',
  body: AppEventTypeInput,
  answer: AppEventType,
  refusals: ['not_found', 'already_exists', 'archived', 'invalid_schema', 'invalid_formula'],
} as const

export const appEventTypes = {
  list: {
    method: 'GET',
    path: '/app-event-types',
    summary: 'Internal event types',
    access: 'customer',
    needs: 'read',
    query: z.object(elementListQuery),
    answer: listOf(AppEventType),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/app-event-types',
    summary: 'Create an internal event type',
    access: 'admin',
    needs: 'define',
    body: AppEventTypeInput,
    answer: AppEventType,
    status: 201,
    refusals: ['already_exists', 'invalid_schema', 'invalid_formula'],
  },
  get: {
    method: 'GET',
    path: '/app-event-types/:selector',
    summary: 'One internal event type, by id or key',
    access: 'customer',
    needs: 'read',
    ...one,
  },
  put: { method: 'PUT', path: '/app-event-types/:selector', summary: 'Change an internal event type', ...change },
  patch: {
    method: 'PATCH',
    path: '/app-event-types/:selector',
    summary: 'Change some fields of an internal event type',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/app-event-types/:selector',
    summary: 'Archive: its webhook URLs answer 410, its subscriptions are unsubscribed',
    access: 'admin',
    needs: 'define',
    answer: null,
    refusals: ['not_found'],
  },
  restore: {
    method: 'POST',
    path: '/app-event-types/:selector/restore',
    summary: 'Undo archiving',
    access: 'admin',
    needs: 'define',
    answer: AppEventType,
    refusals: ['not_found', 'already_exists'],
  },
  refresh: {
    method: 'POST',
    path: '/app-event-types/:selector/refresh',
    summary: 'Look again at how it stands',
    access: 'admin',
    needs: 'define',
    ...one,
  },
  dependencies: {
    method: 'GET',
    path: '/app-event-types/:selector/dependencies',
    summary: 'What it hangs on: nothing of the workspace',
    access: 'customer',
    needs: 'read',
    ...one,
    answer: z.array(ElementDependency),
  },
  getSchema: {
    method: 'GET',
    path: '/app-event-types/:selector/schema',
    summary: 'The JSON Schema of its events: as given, else derived from the example',
    access: 'customer',
    needs: 'read',
    answer: JsonSchema,
    refusals: ['not_found'],
  },
  generateSchema: {
    method: 'POST',
    path: '/app-event-types/:selector/generate-schema',
    summary: 'Derive the schema from the example and store it',
    access: 'admin',
    needs: 'define',
    answer: AppEventType,
    refusals: ['not_found', 'archived', 'invalid_input'],
  },
  rotateWebhookKey: {
    method: 'POST',
    path: '/app-event-types/:selector/rotate-webhook-key',
    summary: 'Give the global webhook a new address; the old one answers 404 from now on',
    access: 'admin',
    needs: 'define',
    ...one,
  },
  export: {
    method: 'GET',
    path: '/app-event-types/:selector/export',
    summary: 'What you defined, without what belongs to this installation',
    access: 'admin',
    needs: 'read',
    answer: AppEventTypeInput,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
