import type { ExternalEventSubscription as WireSubscription } from '@permea/contract'
import type { z } from 'zod'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import type { Destination } from '../deliveries/delivery.ts'
import { maskedValue } from '../exchanges/masked.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type ExternalDefinition, functionOf } from './definition.ts'
import { recordEventOf } from './record-event.ts'
import { dueExternalStep, type ExternalSubscription, functionHash, incomingWebhookUri } from './subscription.ts'

/**
 * A subscription as it is shown. The URL that the app posts to and the state are for admins: whoever knows the one can
 * invent events, and the other may hold what the app gave in confidence.
 */
export function externalSubscriptionAnswer(
  row: ExternalSubscription,
  beside: {
    definition: ExternalDefinition | null | undefined
    destination: Destination | undefined
    customer: Customer | undefined
    connection: unknown
    integration: unknown
    publicUrl: string
    sealing: Sealing
    now: Date
    isAdmin: boolean
    secret?: string | null
  },
): z.input<typeof WireSubscription> {
  const { definition, destination } = beside
  const customerId = toWire('cus', row.customerId)
  const subscribe = definition === null || definition === undefined ? null : functionOf(definition, 'subscribe')
  const isOther = subscribe !== null && row.isRegistered && functionHash(subscribe.definition) !== row.subscribedBy
  const forAdmins = beside.isAdmin
    ? {
        incomingWebhookUri: incomingWebhookUri(beside.publicUrl, row.webhookUuid),
        stateData:
          row.stateSealed === null
            ? undefined
            : maskedValue(JSON.parse(beside.sealing.open(row.stateSealed)) as unknown),
      }
    : {}
  return {
    id: toWire('ees', row.id),
    name: row.name,
    userId: customerId,
    tenantId: customerId,
    connectionId: toWire('con', row.connectionId),
    integrationId: row.integrationId === null ? undefined : toWire('int', row.integrationId),
    externalEventTypeId: row.externalEventTypeId === null ? undefined : toWire('eet', row.externalEventTypeId),
    config: row.eventKey === null ? undefined : configOf(row.eventKey, row.parameters),
    parameters: row.parameters,
    status: row.status,
    isPending: row.error === null && dueExternalStep(row) !== null,
    error: row.error ?? undefined,
    attempts: row.attempts,
    nextAttemptAt: row.nextAttemptAt?.toISOString(),
    isRealTime: row.pullStrategy === null,
    requiresPull: row.pullStrategy !== null && row.pullStrategy !== 'full-scan',
    requiresFullSync: row.pullStrategy === 'full-scan',
    nextPullEventsTimestamp: row.pullDueAt?.getTime(),
    isManual: row.isManual,
    isDeactivated: !(row.isWanted && row.isLive),
    needsResubscribe: isOther,
    ...forAdmins,
    webhookUri: row.webhookUri ?? undefined,
    headerNames: headerNamesOf(row, destination, beside.sealing),
    deliveryState: row.webhookUri === null || destination === undefined ? undefined : stateOf(destination),
    webhookSecret: beside.secret ?? undefined,
    nextRefreshTimestamp: row.nextRefreshAt?.getTime(),
    globalWebhookKey: row.globalWebhookKey ?? undefined,
    globalWebhookEventSelector: row.globalWebhookSelector ?? undefined,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    archivedAt: row.archivedAt?.toISOString(),
    user: beside.customer === undefined ? undefined : customerAnswer(beside.customer, beside.now),
    connection: beside.connection,
    integration: beside.integration,
  }
}

/** What the subscription is of, in the words of the wire. */
function configOf(eventKey: string, parameters: Record<string, unknown>) {
  const of = recordEventOf(eventKey)
  if (of === null) return { type: 'connector-event' as const, eventKey, eventParameters: parameters }
  const dataSource = { collectionKey: of.collectionKey, collectionParameters: parameters }
  return { type: `data-record-${of.type}` as const, dataSource }
}

function headerNamesOf(row: ExternalSubscription, destination: Destination | undefined, sealing: Sealing) {
  const sealed = row.webhookUri === null ? null : (destination?.headersSealed ?? null)
  return sealed === null ? undefined : Object.keys(JSON.parse(sealing.open(sealed)) as object)
}

function stateOf(destination: Destination): 'active' | 'paused' {
  return destination.state === 'paused' ? 'paused' : 'active'
}
