import type { FlowNodes } from '@permea/contract'
import { ENGINE, type Principal } from '../api/principal.ts'
import type { Customers } from '../customers/registry.ts'
import { customerByInternalId } from '../customers/store.ts'
import type { AppEventType } from '../event-types/app-event-type.ts'
import { appEventTypeByKey, insertAppEventType } from '../event-types/store.ts'
import type { Flows } from '../flows/flows.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { createIds, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Workspace } from '../workspaces/workspace.ts'

export const EXAMPLE_CUSTOMER = 'customer-123'
/** The first event, sent when the example is made. */
export const EXAMPLE_EVENT = { orderId: '1001', total: 42.5 }
const EVENT_KEY = 'order.created'
const FLOW_KEY = 'tell-the-app'

export interface ExampleParts {
  database: Database
  clock: Clock
  sealing: Sealing
  directory: WorkspaceDirectory
  customers: Customers
  flows: Flows
}

const NODES: FlowNodes = {
  trigger: {
    type: 'app-event-trigger',
    name: 'An order was created',
    config: { appEvent: { key: EVENT_KEY } },
    links: [{ key: 'tell' }],
  },
  tell: {
    type: 'api-request-to-your-app',
    name: 'Tell the application',
    config: {
      request: {
        uri: '/orders',
        method: 'POST',
        body: {
          orderId: { $var: '$.input.trigger.orderId' },
          customer: { $var: '$.user.internalId' },
          text: {
            $concat: ['Order ', { $var: '$.input.trigger.orderId' }, ' was created for ', { $var: '$.user.name' }],
          },
        },
      },
    },
  },
}

/**
 * An event type, a customer and a flow that calls the example receiver: everything needed to see an event travel.
 * Made once, in an empty workspace.
 */
export async function createExample(parts: ExampleParts, workspace: Workspace): Promise<void> {
  const { database, clock, sealing, customers, flows } = parts
  const admin: Principal = {
    workspaceId: workspace.id,
    workspaceKey: workspace.key,
    isAdmin: true,
    customerId: null,
    actor: ENGINE,
  }
  const now = clock.now()
  const type: AppEventType = {
    id: createIds(clock).next(),
    workspaceId: workspace.id,
    uuid: secretUuid(),
    key: EVENT_KEY,
    name: 'Order created',
    description: 'Example: sent by your application when an order was created',
    meta: null,
    schema: {
      type: 'object',
      properties: { orderId: { type: 'string' }, total: { type: 'number' } },
      required: ['orderId'],
    },
    example: EXAMPLE_EVENT,
    subscribeRequest: null,
    unsubscribeRequest: null,
    secretsSealed: null,
    tenantIdFormula: { $var: '$.customerId' },
    userIdFormula: null,
    validateEvents: false,
    payloadRetentionDays: null,
    webhookKey: secretUuid(),
    revision: secretUuid(),
    createdAt: now,
    updatedAt: now,
    archivedAt: null,
  }
  await insertAppEventType(database.db, sealing, type)
  await flows.create(admin, { key: FLOW_KEY, name: 'Tell the application', nodes: NODES, autoCreateInstances: true })
  await customers.create(workspace.id, { internalId: EXAMPLE_CUSTOMER, name: 'Example customer' })
}

/** Points the example at its receiver, whose port is another one at every start. */
export async function pointExampleAt(parts: ExampleParts, workspace: Workspace, receiverUrl: string): Promise<void> {
  const isOurs = workspace.appBaseUri === null || /^http:\/\/127\.0\.0\.1:\d+$/.test(workspace.appBaseUri)
  if (!isOurs) return
  await parts.database.transaction((tx) =>
    parts.directory.change(tx, workspace.id, (current) => ({ ...current, appBaseUri: receiverUrl })),
  )
}

/** The address to post the example event to; null where the example is not there (any more). */
export async function exampleWebhook(parts: ExampleParts, workspace: Workspace): Promise<string | null> {
  const { db } = parts.database
  const type = await appEventTypeByKey(db, workspace.id, EVENT_KEY)
  const customer = await customerByInternalId(db, workspace.id, EXAMPLE_CUSTOMER)
  const isThere = type !== null && type.archivedAt === null && customer !== null && customer.archivedAt === null
  return isThere ? `/webhooks/app-events/${type.webhookKey}` : null
}
