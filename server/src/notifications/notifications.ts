import type { Deliveries } from '../deliveries/deliveries.ts'
import type { DeliveryItem, NewDelivery } from '../deliveries/delivery.ts'
import { livingDestinations } from '../deliveries/store.ts'
import type { Tx } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { ConnectionEvent, ConnectionPayload, Happening } from './payloads.ts'
import { endpointsToTell } from './store.ts'

/** Tells the workspace's backend what happens: writes messages beside the change they report. */
export interface Notifications {
  /**
   * Writes a message for every endpoint that wants each happening, in the transaction of the change itself, so that
   * none is lost and none is invented. Hand what it gives to `offer` after the commit.
   */
  emit(tx: Tx, happenings: readonly Happening[]): Promise<DeliveryItem[]>
  /** The same for who cannot wait for the commit: sent when it comes. */
  tell(tx: Tx, happenings: readonly Happening[]): Promise<void>
  /** The four events of a connection: created, disconnected, reconnected, deleted. */
  connection(
    tx: Tx,
    event: ConnectionEvent,
    about: { workspaceId: string; customerId: string; data: ConnectionPayload },
  ): Promise<void>
  offer(items: readonly DeliveryItem[]): void
}

export function createNotifications(options: {
  ids: Ids
  deliveries(): Deliveries
  tracing?: Tracing | null
}): Notifications {
  const notifications: Notifications = {
    async emit(tx, happenings) {
      return options.deliveries().insert(tx, await messagesFor(tx, happenings))
    },
    async tell(tx, happenings) {
      await options.deliveries().insertAndAnnounce(tx, await messagesFor(tx, happenings))
    },
    connection(tx, event, about) {
      const { workspaceId, customerId, data } = about
      return notifications.tell(tx, [{ workspaceId, customerId, eventType: event, data }])
    },
    offer: (items) => options.deliveries().offer(items),
  }
  return notifications

  async function messagesFor(tx: Tx, happenings: readonly Happening[]): Promise<NewDelivery[]> {
    if (happenings.length === 0) return []
    const audience = Map.groupBy(
      await endpointsToTell(
        tx,
        happenings.map((each) => each.workspaceId),
        happenings.flatMap(({ customerId }) => (customerId === null ? [] : [customerId])),
      ),
      (endpoint) => endpoint.workspaceId,
    )
    if (audience.size === 0) return []
    const destinations = await livingDestinations(
      tx,
      [...audience.values()].flat().map((endpoint) => endpoint.id),
    )
    return happenings.flatMap((happening): NewDelivery[] => {
      const { workspaceId, customerId, eventType, data } = happening
      const trace = happening.trace === undefined ? (options.tracing?.here() ?? null) : happening.trace
      const messageId = options.ids.next()
      const body = JSON.stringify({ eventType, data })
      return (audience.get(workspaceId) ?? []).flatMap((endpoint) => {
        const destination = destinations.get(endpoint.id)
        const isConcerned = endpoint.customerId === null || endpoint.customerId === customerId
        if (!isConcerned || !endpoint.eventTypes.includes(eventType) || destination === undefined) return []
        const { isOrdered, concurrency } = destination
        return [
          {
            workspaceId,
            destinationId: endpoint.id,
            messageId,
            eventType,
            customerId,
            sourceId: sourceOf(happening),
            body,
            isOrdered,
            concurrency,
            trace,
          },
        ]
      })
    })
  }
}

function sourceOf(happening: Happening): string {
  const { data } = happening
  if ('flowRun' in data) return data.flowRun.id
  if ('erasure' in data) return data.erasure.id
  if ('audit' in data) return data.audit.id
  return 'alert' in data ? data.alert.id : data.connection.id
}
