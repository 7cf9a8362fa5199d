import { Refusal } from '../api/refusal.ts'
import { globalWebhookUri } from '../integrations/connector.ts'
import { type GlobalWebhookUrl, globalWebhookById, globalWebhookByUuid } from '../integrations/connector-store.ts'
import type { Connectors } from '../integrations/connectors.ts'
import { integrationById } from '../integrations/store.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { incomingWebhookUri } from '../subscriptions/external-subscription.ts'
import type { Handler } from './external-handle.ts'
import { type ExternalSource, sourceById, sourcesByUuids } from './external-store.ts'

/** What handles a request, and where its events belong. */
export interface Place {
  workspaceId: string
  laneId: string
  /** Null for a global webhook. */
  source: ExternalSource | null
  global: {
    id: string
    webhookUuid: string
    integrationId: string
    key: string
    parameters: Record<string, unknown>
  } | null
  handler: Handler
}

/** Finds what is at the addresses that external apps post to. */
export interface Places {
  /** Refuses with `not_found` where nothing was ever, with `archived` where nothing is any more. */
  atSubscription(webhookUuid: string): Promise<Place>
  atGlobal(webhookUuid: string): Promise<Place>
  /** Of a request in the record, archived or not; null where it is gone. */
  ofRow(subscriptionId: string | null, globalWebhookId: string | null): Promise<Place | null>
  /** The address itself. */
  uriOf(place: Place): string
}

export function createPlaces(options: { database: Database; connectors: Connectors; publicUrl: string }): Places {
  const { database, connectors, publicUrl } = options
  // Nothing is kept: a change of a millisecond ago counts.
  const loadSource = createBatchLoader({ load: (uuids) => sourcesByUuids(database, [...new Set(uuids)]) })

  async function ofSource(source: ExternalSource): Promise<Place | null> {
    const handler = await handlerOf(source)
    if (handler === null) return null
    return { workspaceId: source.workspaceId, laneId: source.subscriptionId, source, global: null, handler }
  }

  async function handlerOf(source: ExternalSource): Promise<Handler | null> {
    if (source.eventKey === null) {
      return source.handle === null || source.handleTypeId === null
        ? null
        : { definition: source.handle, ownerId: toWire('eet', source.handleTypeId) }
    }
    const connector = await connectors.byId(source.workspaceId, source.connectorId)
    const definition = connector?.definition.events[source.eventKey]?.handle
    return connector === null || definition === undefined ? null : { definition, ownerId: toWire('cnr', connector.id) }
  }

  async function ofGlobal(webhook: GlobalWebhookUrl): Promise<Place | null> {
    const integration = await integrationById(database.db, webhook.workspaceId, webhook.integrationId)
    if (integration === null || integration.archivedAt !== null) return null
    const connector = await connectors.ofIntegration(integration)
    const definition = connector?.definition.globalWebhooks[webhook.key]?.handle
    if (connector === null || definition === undefined) return null
    const parameters = connectors.parametersOf(integration, null)
    const { id, webhookUuid, key } = webhook
    return {
      workspaceId: webhook.workspaceId,
      laneId: webhook.id,
      source: null,
      global: { id, webhookUuid, integrationId: integration.id, key, parameters },
      handler: { definition, ownerId: toWire('cnr', connector.id) },
    }
  }

  return {
    async atSubscription(webhookUuid) {
      const source = await loadSource(webhookUuid)
      if (source === undefined) throw new Refusal('not_found', 'there is no webhook at this address')
      if (source.isArchived || !source.isWanted || !source.isLive)
        throw new Refusal('archived', 'the subscription of this webhook is not there any more')
      const place = await ofSource(source)
      if (place === null) throw new Refusal('archived', 'what this webhook was for is not there any more')
      return place
    },
    async atGlobal(webhookUuid) {
      const webhook = await globalWebhookByUuid(database.db, webhookUuid)
      const place = webhook === null ? null : await ofGlobal(webhook)
      if (place === null) throw new Refusal('not_found', 'there is no webhook at this address')
      return place
    },
    async ofRow(subscriptionId, globalWebhookId) {
      if (subscriptionId !== null) {
        const source = await sourceById(database, subscriptionId)
        return source === null ? null : ofSource(source)
      }
      const webhook = globalWebhookId === null ? null : await globalWebhookById(database.db, globalWebhookId)
      return webhook === null ? null : ofGlobal(webhook)
    },
    uriOf({ source, global }) {
      if (source !== null) return incomingWebhookUri(publicUrl, source.webhookUuid)
      return globalWebhookUri(publicUrl, global?.webhookUuid ?? '')
    },
  }
}
