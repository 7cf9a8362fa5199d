import { AuditRecord, type CatalogueEntry, WorkspaceEventType } from '@permea/contract'
import { z } from 'zod'

const Connection = z.object({
  connection: z.object({
    id: z.string(),
    integrationId: z.string(),
    integrationKey: z.string(),
    name: z.string(),
    disconnected: z.boolean(),
    customerId: z.string(),
  }),
})

const FlowRun = z.object({
  flowRun: z.object({
    id: z.string(),
    connectionFlowId: z.string(),
    integrationFlowId: z.string().optional(),
    state: z.enum(['queued', 'running', 'completed', 'failed', 'stopped']),
    startTime: z.iso.datetime(),
    endTime: z.iso.datetime().optional(),
    startNodeKey: z.string(),
    launchedBy: z.object({ type: z.string() }),
    errors: z.array(z.looseObject({ type: z.string(), message: z.string() })).optional(),
  }),
})

const Alert = z.object({
  alert: z.object({
    id: z.string(),
    type: z.string(),
    severity: z.enum(['warning', 'critical']),
    description: z.string(),
    status: z.enum(['ongoing', 'resolved']),
    workspaceId: z.string(),
    workspaceUrl: z.string(),
    createdAt: z.iso.datetime(),
  }),
})

const Erasure = z.object({
  erasure: z.object({
    id: z.string(),
    customerId: z.string(),
    keepsCustomer: z.boolean(),
    rows: z.number(),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
  }),
})

const Audit = z.object({ audit: AuditRecord.omit({ before: true, after: true }) })

const connection = (disconnected: boolean) => ({
  connection: {
    id: 'con_abc123',
    integrationId: 'int_xyz789',
    integrationKey: 'slack',
    name: 'Slack',
    disconnected,
    customerId: 'customer-123',
  },
})

const flowRun = (state: string, more: Record<string, unknown> = {}) => ({
  flowRun: {
    id: 'fr_abc123',
    connectionFlowId: 'cf_xyz789',
    integrationFlowId: 'if_abc456',
    state,
    startTime: '2024-01-15T10:30:00.000Z',
    ...more,
    startNodeKey: 'trigger',
    launchedBy: { type: 'app-event-trigger' },
  },
})

const ended = { endTime: '2024-01-15T10:30:05.123Z' }

const alert = {
  alert: {
    id: 'alrt_abc123',
    type: 'connection_disconnected',
    severity: 'warning',
    description: 'Slack connection lost access',
    status: 'ongoing',
    workspaceId: 'ws_xyz789',
    workspaceUrl: 'https://permea.example.com/console',
    createdAt: '2024-01-15T10:30:00.000Z',
  },
}

const erasure = {
  erasure: {
    id: 'ers_abc123',
    customerId: 'cus_xyz789',
    keepsCustomer: false,
    rows: 1234,
    startedAt: '2024-01-15T10:30:00.000Z',
    finishedAt: '2024-01-15T10:30:20.000Z',
  },
}

const audit = {
  audit: {
    id: 'aud_abc123',
    sequence: 4711,
    createdAt: '2024-01-15T10:30:00.000Z',
    actor: { kind: 'user', id: 'usr_abc123', name: 'Ada', role: 'developer' },
    action: 'flows.patch',
    outcome: 'done',
    elementType: 'flow',
    elementId: 'uf_xyz789',
    elementName: 'Sync orders',
    changed: ['nodes.post.config.uri'],
    address: '203.0.113.7',
    userAgent: 'Mozilla/5.0',
    requestId: 'req-42',
    hash: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    previousHash: '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  },
}

type EventType = z.infer<typeof WorkspaceEventType>

/** What is said of each event type, with the sample that a test delivers. */
const ENTRIES: Record<EventType, { description: string; data: z.ZodType; example: unknown }> = {
  'connection.created': {
    description: 'A new connection is established',
    data: Connection,
    example: connection(false),
  },
  'connection.disconnected': { description: 'A connection lost access', data: Connection, example: connection(true) },
  'connection.reconnected': {
    description: 'A connection that had lost access is restored',
    data: Connection,
    example: connection(false),
  },
  'connection.deleted': { description: 'A connection is archived', data: Connection, example: connection(false) },
  'flowRun.queued': { description: 'A flow run is queued for execution', data: FlowRun, example: flowRun('queued') },
  'flowRun.started': { description: 'A flow run begins executing', data: FlowRun, example: flowRun('running') },
  'flowRun.completed': {
    description: 'A flow run finishes successfully',
    data: FlowRun,
    example: flowRun('completed', ended),
  },
  'flowRun.failed': {
    description: 'A flow run fails with an error',
    data: FlowRun,
    example: (() => {
      const sample = flowRun('failed', ended)
      const errors = [
        { type: 'flow_run', key: 'request_failed', message: 'node "post": the request was answered with 404' },
      ]
      return { flowRun: { ...sample.flowRun, errors } }
    })(),
  },
  'flowRun.stopped': {
    description: 'A flow run is stopped by hand',
    data: FlowRun,
    example: flowRun('stopped', ended),
  },
  'alert.created': { description: 'An alert is created or becomes ongoing again', data: Alert, example: alert },
  'customer.erased': {
    description: 'Everything of a customer, or its history, was erased; the ids are the engine’s',
    data: Erasure,
    example: erasure,
  },
  'audit.recorded': { description: 'A change is recorded in the audit log', data: Audit, example: audit },
}

/** The sample body of an event type. */
export function sampleOf(eventType: EventType): { eventType: EventType; data: unknown } {
  return { eventType, data: ENTRIES[eventType].example }
}

/** Every event type with its JSON Schema and an example. */
export function catalogue(): z.input<typeof CatalogueEntry>[] {
  return WorkspaceEventType.options.map((eventType) => {
    const { description, data } = ENTRIES[eventType]
    const { $schema: _, ...schema } = z.toJSONSchema(z.object({ eventType: z.literal(eventType), data }), {
      io: 'input',
    })
    return { eventType, description, schema, example: sampleOf(eventType) }
  })
}

/**
 * The catalogue as an AsyncAPI document: what the engine sends, from the receiver's side.
 *
 * @source AsyncAPI 3.0.0
 */
export function asyncApi(): Record<string, unknown> {
  const entries = catalogue()
  const messages = Object.fromEntries(
    entries.map((entry) => [
      entry.eventType,
      {
        name: entry.eventType,
        summary: entry.description,
        contentType: 'application/json',
        headers: {
          type: 'object',
          properties: {
            'webhook-id': { type: 'string', description: 'Stable over retries and replays' },
            'webhook-timestamp': { type: 'string', description: 'Seconds since 1970; new with each attempt' },
            'webhook-signature': {
              type: 'string',
              description: 'Standard Webhooks v1 signatures, separated by spaces',
            },
          },
        },
        payload: entry.schema,
        examples: [{ payload: entry.example }],
      },
    ]),
  )
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Permea notifications',
      version: '0.1.0',
      description: 'What a workspace’s notification endpoints receive.',
    },
    channels: {
      notifications: {
        address: '/',
        messages: Object.fromEntries(
          entries.map((entry) => [entry.eventType, { $ref: `#/components/messages/${entry.eventType}` }]),
        ),
      },
    },
    operations: {
      receiveNotification: {
        action: 'send',
        channel: { $ref: '#/channels/notifications' },
        messages: entries.map((entry) => ({ $ref: `#/channels/notifications/messages/${entry.eventType}` })),
      },
    },
    components: { messages },
  }
}
