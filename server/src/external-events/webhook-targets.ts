import type { DedupeKey } from '@permea/contract'
import { Refusal } from '../api/refusal.ts'
import { collectionOf, eventOf } from '../data-collections/collection.ts'
import { recordEventFunctions, recordEventOf } from '../external-subscriptions/record-event.ts'
import { incomingWebhookUri } from '../external-subscriptions/subscription.ts'
import { globalWebhookUri } from '../integrations/connector.ts'
import { type GlobalWebhookUrl, globalWebhookById, globalWebhookByUuid } from '../integrations/connector-store.ts'
import type { Connectors } from '../integrations/connectors.ts'
import { integrationById } from '../integrations/store.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Handler } from './handle.ts'
import { type ExternalSource, sourceById, sourcesByUuids } from './store.ts'

/** What handles a request, and where its events belong. */
export interface WebhookTarget {
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
export interface WebhookTargets {
  /** Refuses with `not_found` where nothing was ever, with `archived` where nothing is any more. */
  atSubscription(webhookUuid: string): Promise<WebhookTarget>
  atGlobal(webhookUuid: string): Promise<WebhookTarget>
  /** Of a request in the record, archived or not; null where it is gone. */
  ofRow(subscriptionId: string | null, globalWebhookId: string | null): Promise<WebhookTarget | null>
  /** What identifies events of the subscription; null where nothing is said. */
  dedupeKeyOf(source: ExternalSource): Promise<DedupeKey | null>
  /** The address itself. */
  uriOf(target: WebhookTarget): string
}

export function createWebhookTargets(options: {
  database: Database
  connectors: Connectors
  publicUrl: string
}): WebhookTargets {
  const { database, connectors, publicUrl } = options
  // Nothing is kept: a change of a millisecond ago counts.
  const loadSource = createBatchLoader({ load: (uuids) => sourcesByUuids(database, [...new Set(uuids)]) })

  async function ofSource(source: ExternalSource): Promise<WebhookTarget | null> {
    const handler = await handlerOf(source)
    if (handler === null) return null
    return { workspaceId: source.workspaceId, laneId: source.subscriptionId, source, global: null, handler }
  }

  async function handlerOf(source: ExternalSource): Promise<Handler | null> {
    if (source.eventKey === null) {
      return source.handle === null || source.handleTypeId === null
        ? null
        : { definition: source.handle, ownerId: toWire('eet', source.handleTypeId), more: null }
    }
    const connector = await connectors.byId(source.workspaceId, source.connectorId)
    const recordEvent = recordEventOf(source.eventKey)
    const found =
      connector === null || recordEvent === null ? null : recordEventFunctions(connector.definition, recordEvent)
    const definition =
      recordEvent === null ? connector?.definition.events[source.eventKey]?.handle : found?.functions.handle
    if (connector === null || definition === undefined) return null
    return { definition, ownerId: toWire('cnr', connector.id), more: found?.more ?? null }
  }

  async function ofGlobal(webhook: GlobalWebhookUrl): Promise<WebhookTarget | null> {
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
      handler: { definition, ownerId: toWire('cnr', connector.id), more: null },
    }
  }

  return {
    async atSubscription(webhookUuid) {
      const source = await loadSource(webhookUuid)
      if (source === undefined) throw new Refusal('not_found', 'there is no webhook at this address')
      if (source.isArchived || !source.isWanted || !source.isLive)
        throw new Refusal('archived', 'the subscription of this webhook is not there any more')
      const target = await ofSource(source)
      if (target === null) throw new Refusal('archived', 'what this webhook was for is not there any more')
      return target
    },
    async atGlobal(webhookUuid) {
      const webhook = await globalWebhookByUuid(database.db, webhookUuid)
      const target = webhook === null ? null : await ofGlobal(webhook)
      if (target === null) throw new Refusal('not_found', 'there is no webhook at this address')
      return target
    },
    async ofRow(subscriptionId, globalWebhookId) {
      if (subscriptionId !== null) {
        const source = await sourceById(database, subscriptionId)
        return source === null ? null : ofSource(source)
      }
      const webhook = globalWebhookId === null ? null : await globalWebhookById(database.db, globalWebhookId)
      return webhook === null ? null : ofGlobal(webhook)
    },
    async dedupeKeyOf(source) {
      if (source.eventKey === null) return source.dedupeKey
      const connector = await connectors.byId(source.workspaceId, source.connectorId)
      if (connector === null) return null
      const of = recordEventOf(source.eventKey)
      if (of === null) return connector.definition.events[source.eventKey]?.dedupeKey ?? null
      const collection = collectionOf(connector.definition, of.collectionKey)
      return collection === null ? null : (eventOf(collection, of.type)?.dedupeKey ?? null)
    },
    uriOf({ source, global }) {
      if (source !== null) return incomingWebhookUri(publicUrl, source.webhookUuid)
      return globalWebhookUri(publicUrl, global?.webhookUuid ?? '')
    },
  }
}
