import { CUSTOMER_EVENT_TYPES, type NotificationEndpointInput } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { deliveryAddress, isSameOrigin } from '../deliveries/address.ts'
import { isBroker } from '../deliveries/attempt.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { Attempt, DeliveryRow, Destination } from '../deliveries/delivery.ts'
import type { Health } from '../deliveries/health.ts'
import { newSecret } from '../deliveries/signing.ts'
import {
  cancelDeliveriesOf,
  destinationById,
  insertDestination,
  lockDestination,
  updateDestination,
} from '../deliveries/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { sampleOf } from './catalogue.ts'
import {
  countEndpointsOf,
  type EndpointRow,
  endpointById,
  insertEndpoint,
  updateEndpoint,
  widenCustomersAudience,
  workspaceWebhook,
} from './store.ts'

type Input = z.output<typeof NotificationEndpointInput>
type EventType = Parameters<typeof sampleOf>[0]

/** An endpoint with its destination. */
export interface Endpoint {
  row: EndpointRow
  destination: Destination
}

/** What changes of a workspace's own setting where the endpoint that stands for it is changed. */
export interface WebhookChange {
  webhookUri?: string | null
  enabledWebhookEvents?: string[]
}

export interface EndpointsOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  deliveries: Deliveries
  health: Health
  webhookChanged(tx: Tx, workspaceId: string, to: WebhookChange): Promise<void>
}

/** Where a workspace is notified: made, changed, paused, given new secrets. */
export interface Endpoints {
  find(principal: Principal, selector: string): Promise<Endpoint>
  /** For a customer, or for the workspace itself. */
  create(
    owner: { workspaceId: string; customerId: string | null },
    input: Input & { url: string },
  ): Promise<Endpoint & { secret: string }>
  change(endpoint: Endpoint, input: Input): Promise<Endpoint>
  archive(endpoint: Endpoint): Promise<void>
  rotateSecret(endpoint: Endpoint, overlapSeconds: number | undefined): Promise<Endpoint & { secret: string }>
  pause(endpoint: Endpoint): Promise<Endpoint>
  resume(endpoint: Endpoint): Promise<Endpoint>
  /** Sends the sample of an event type at once, whatever the endpoint listens to. */
  test(endpoint: Endpoint, eventType: EventType | undefined): Promise<{ delivery: DeliveryRow; attempt: Attempt }>
  /** Keeps the endpoint that stands for `webhookUri` and `enabledWebhookEvents` in step with the workspace. */
  followWorkspace(
    tx: Tx,
    workspace: { id: string; webhookUri: string | null; enabledWebhookEvents: string[] },
  ): Promise<void>
}

/** Deliveries to one endpoint at the same time where nothing else is said. */
const CONCURRENCY = 10
const OVERLAP_SECONDS = 86_400
const CUSTOMER_ENDPOINTS_MAX = 50

export function createEndpoints(options: EndpointsOptions): Endpoints {
  return new EndpointRegistry(options)
}

class EndpointRegistry implements Endpoints {
  readonly #o: EndpointsOptions

  constructor(options: EndpointsOptions) {
    this.#o = options
  }

  async find(principal: Principal, selector: string): Promise<Endpoint> {
    const id = fromWire('ne', selector)
    const row = id === null ? null : await endpointById(this.#o.database.db, principal.workspaceId, id)
    const destination = row === null ? null : await destinationById(this.#o.database.db, row.id)
    const isSeen =
      principal.isAdmin || (row !== null && row.customerId !== null && row.customerId === principal.customerId)
    if (row === null || destination === null || !isSeen) throw notFound('notification endpoint', selector)
    return { row, destination }
  }

  create(
    owner: { workspaceId: string; customerId: string | null },
    input: Input & { url: string },
  ): Promise<Endpoint & { secret: string }> {
    const { customerId } = owner
    refuseBeyondOwner(customerId, input.eventTypes)
    return this.#o.database.transaction(async (tx) => {
      if (customerId !== null && (await countEndpointsOf(tx, customerId)) >= CUSTOMER_ENDPOINTS_MAX)
        throw new Refusal('invalid_input', `a customer has at most ${CUSTOMER_ENDPOINTS_MAX} endpoints`)
      return this.#insert(tx, owner, input, false)
    })
  }

  async #insert(
    tx: Tx,
    { workspaceId, customerId }: { workspaceId: string; customerId: string | null },
    input: Input & { url: string },
    isWorkspaceWebhook: boolean,
  ): Promise<Endpoint & { secret: string }> {
    const now = this.#o.clock.now()
    const secret = newSecret()
    const { url, headers } = deliveryAddress('url', input)
    const destination: Destination = {
      id: this.#o.ids.next(),
      workspaceId,
      customerId,
      kind: 'notification',
      url,
      secretSealed: this.#o.sealing.seal(secret),
      previousSecretSealed: null,
      previousSecretUntil: null,
      headersSealed: this.#sealedHeaders(headers),
      concurrency: input.concurrency ?? CONCURRENCY,
      throttlePerSecond: input.throttlePerSecond ?? null,
      isOrdered: input.ordered ?? false,
      scheduleMs: input.scheduleMs ?? null,
      state: 'active',
      pausedReason: null,
      pausedAt: null,
      failingSince: null,
      lastSuccessAt: null,
      lastFailureAt: null,
      warnedPercent: 0,
      createdAt: now,
      updatedAt: now,
    }
    const row: EndpointRow = {
      id: destination.id,
      workspaceId,
      name: input.name ?? new URL(input.url).host,
      eventTypes: input.eventTypes ?? [],
      customerId,
      isWorkspaceWebhook,
      archivedAt: null,
    }
    await insertDestination(tx, destination)
    await insertEndpoint(tx, row)
    if (customerId !== null) await widenCustomersAudience(tx, workspaceId, row.eventTypes)
    return { row, destination, secret }
  }

  async change(endpoint: Endpoint, given: Input): Promise<Endpoint> {
    refuseBeyondOwner(endpoint.row.customerId, given.eventTypes)
    const address = { url: given.url ?? endpoint.destination.url, headers: given.headers }
    const { url, headers } = deliveryAddress('url', address)
    refuseAsWebhook(endpoint, url)
    const input = { ...given, ...(given.url === undefined ? {} : { url }), headers }
    const changed = await this.#changing(
      endpoint,
      ({ row, destination }) => ({
        row: { ...row, name: input.name ?? row.name, eventTypes: input.eventTypes ?? row.eventTypes },
        destination: {
          ...destination,
          url: input.url ?? destination.url,
          headersSealed:
            input.headers === undefined ? keptHeaders(destination, url) : this.#sealedHeaders(input.headers),
          concurrency: input.concurrency ?? destination.concurrency,
          throttlePerSecond:
            input.throttlePerSecond === undefined ? destination.throttlePerSecond : input.throttlePerSecond,
          isOrdered: input.ordered ?? destination.isOrdered,
          scheduleMs: input.scheduleMs === undefined ? destination.scheduleMs : input.scheduleMs,
        },
      }),
      {
        ...(input.url === undefined ? {} : { webhookUri: input.url }),
        ...(input.eventTypes === undefined ? {} : { enabledWebhookEvents: input.eventTypes }),
      },
    )
    await this.#o.deliveries.wake(changed.destination.id)
    return changed
  }

  async archive(endpoint: Endpoint): Promise<void> {
    if (endpoint.row.archivedAt !== null) return
    await this.#o.database.transaction(async (tx) => {
      await this.#tellWorkspace(tx, endpoint.row, { webhookUri: null })
      await this.#archive(tx, endpoint.row)
    })
  }

  async #archive(tx: Tx, row: EndpointRow): Promise<void> {
    const now = this.#o.clock.now()
    await this.#o.health.archive(tx, row.id)
    await updateEndpoint(tx, { ...row, archivedAt: now })
    await cancelDeliveriesOf(tx, row.id, now)
  }

  async rotateSecret(endpoint: Endpoint, overlapSeconds = OVERLAP_SECONDS): Promise<Endpoint & { secret: string }> {
    const secret = newSecret()
    const until = new Date(this.#o.clock.now().getTime() + overlapSeconds * 1000)
    const rotated = await this.#changing(endpoint, ({ row, destination }) => ({
      row,
      destination: {
        ...destination,
        secretSealed: this.#o.sealing.seal(secret),
        previousSecretSealed: overlapSeconds === 0 ? null : destination.secretSealed,
        previousSecretUntil: overlapSeconds === 0 ? null : until,
      },
    }))
    return { ...rotated, secret }
  }

  async pause(endpoint: Endpoint): Promise<Endpoint> {
    refuseArchived(endpoint)
    const destination = await this.#o.database.transaction((tx) => this.#o.health.pauseByHand(tx, endpoint.row.id))
    return { row: endpoint.row, destination }
  }

  async resume(endpoint: Endpoint): Promise<Endpoint> {
    refuseArchived(endpoint)
    const destination = await this.#o.database.transaction((tx) => this.#o.health.resume(tx, endpoint.row.id))
    await this.#o.deliveries.wake(endpoint.row.id)
    return { row: endpoint.row, destination }
  }

  async test(
    endpoint: Endpoint,
    eventType: EventType | undefined,
  ): Promise<{ delivery: DeliveryRow; attempt: Attempt }> {
    refuseArchived(endpoint)
    const { database, deliveries, ids } = this.#o
    const { customerId } = endpoint.row
    refuseBeyondOwner(customerId, eventType === undefined ? undefined : [eventType])
    const fallback = customerId === null ? 'alert.created' : 'connection.created'
    const wanted = eventType ?? (endpoint.row.eventTypes[0] as EventType | undefined) ?? fallback
    const [item] = await database.transaction((tx) =>
      deliveries.insertHeld(tx, {
        workspaceId: endpoint.row.workspaceId,
        destinationId: endpoint.row.id,
        messageId: ids.next(),
        eventType: wanted,
        customerId,
        sourceId: null,
        body: JSON.stringify(sampleOf(wanted)),
        isOrdered: endpoint.destination.isOrdered,
        concurrency: endpoint.destination.concurrency,
      }),
    )
    if (item === undefined) throw new Error('one message gives one delivery')
    const row = await deliveries.byId(endpoint.row.workspaceId, item.id)
    if (row === null) throw new Error('a delivery that was just stored is there')
    return { delivery: row, attempt: await deliveries.send(row, 'manual', null) }
  }

  async followWorkspace(
    tx: Tx,
    workspace: { id: string; webhookUri: string | null; enabledWebhookEvents: string[] },
  ): Promise<void> {
    const current = await workspaceWebhook(tx, workspace.id)
    if (workspace.webhookUri === null) {
      if (current !== null) await this.#archive(tx, current)
      return
    }
    if (current === null) {
      const input = {
        name: 'Workspace webhook',
        url: workspace.webhookUri,
        eventTypes: workspace.enabledWebhookEvents as EventType[],
      }
      await this.#insert(tx, { workspaceId: workspace.id, customerId: null }, input, true)
      return
    }
    const destination = await lockDestination(tx, current.id)
    await updateDestination(tx, { ...destination, url: workspace.webhookUri, updatedAt: this.#o.clock.now() })
    await updateEndpoint(tx, { ...current, eventTypes: workspace.enabledWebhookEvents })
  }

  /** Changes an endpoint as it is under the lock of its destination; its workspace, where it stands for its webhook. */
  async #changing(
    endpoint: Endpoint,
    change: (current: Endpoint) => Endpoint,
    forWorkspace: WebhookChange = {},
  ): Promise<Endpoint> {
    refuseArchived(endpoint)
    return this.#o.database.transaction(async (tx) => {
      await this.#tellWorkspace(tx, endpoint.row, forWorkspace)
      const destination = await lockDestination(tx, endpoint.row.id)
      const row = (await endpointById(tx, endpoint.row.workspaceId, endpoint.row.id)) ?? endpoint.row
      refuseArchived({ row, destination })
      const changed = change({ row, destination: { ...destination, updatedAt: this.#o.clock.now() } })
      await updateDestination(tx, changed.destination)
      await updateEndpoint(tx, changed.row)
      if (changed.row.customerId !== null)
        await widenCustomersAudience(tx, changed.row.workspaceId, changed.row.eventTypes)
      return changed
    })
  }

  /** The workspace is written before the destination, as it is where the workspace itself is changed. */
  async #tellWorkspace(tx: Tx, row: EndpointRow, change: WebhookChange): Promise<void> {
    if (row.isWorkspaceWebhook && Object.keys(change).length > 0)
      await this.#o.webhookChanged(tx, row.workspaceId, change)
  }

  #sealedHeaders(headers: Record<string, string> | null | undefined): string | null {
    return headers === null || headers === undefined || Object.keys(headers).length === 0
      ? null
      : this.#o.sealing.seal(JSON.stringify(headers))
  }
}

/** What proves the sender to a broker is for that broker alone. */
function keptHeaders(destination: Destination, url: string): string | null {
  const isMoved = !isSameOrigin(destination.url, url)
  return isMoved && (isBroker(url) || isBroker(destination.url)) ? null : destination.headersSealed
}

/** `webhookUri` of a workspace has no credentials and is posted to. */
function refuseAsWebhook({ row }: Endpoint, url: string): void {
  if (!row.isWorkspaceWebhook || !isBroker(url)) return
  const message = "the workspace's own webhook is posted to over HTTP; make another endpoint"
  throw new Refusal('invalid_input', `url: ${message}`, { problems: [{ field: 'url', message }] })
}

/** Alerts tell of the workspace, not of one customer. */
function refuseBeyondOwner(customerId: string | null, eventTypes: readonly EventType[] | undefined): void {
  if (customerId === null) return
  const [foreign] = (eventTypes ?? []).filter((each) => !CUSTOMER_EVENT_TYPES.includes(each))
  if (foreign === undefined) return
  const message = `${foreign} is not for customers; they hear of ${CUSTOMER_EVENT_TYPES.join(', ')}`
  throw new Refusal('invalid_input', `eventTypes: ${message}`, { problems: [{ field: 'eventTypes', message }] })
}

function refuseArchived(endpoint: Endpoint): void {
  if (endpoint.row.archivedAt !== null) throw new Refusal('archived', 'the notification endpoint is archived')
}
