import { Refusal } from '../api/refusal.ts'
import { type DeliveryAddress, isSameOrigin } from '../deliveries/address.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { Destination } from '../deliveries/delivery.ts'
import { newSecret } from '../deliveries/signing.ts'
import { destinationById, insertDestination, lockDestination, updateDestination } from '../deliveries/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'

/** Deliveries of one subscription at the same time. */
const CONCURRENCY = 10
const OVERLAP_SECONDS = 86_400

/** Where the events of subscriptions are posted: a destination has the id of its subscription. */
export interface EventDestinations {
  /**
   * Events go to this address from now on, also those that wait to be tried again; a paused destination goes on. Headers
   * of which nothing is said stay as long as the origin does. Gives the secret that deliveries are signed with where
   * there was no destination before.
   */
  point(
    tx: Tx,
    subscription: { id: string; workspaceId: string; customerId: string },
    address: DeliveryAddress,
  ): Promise<string | null>
  rotateSecret(id: string, overlapSeconds: number | undefined): Promise<string>
  resume(id: string): Promise<void>
  /** Has what waits looked at. */
  wake(id: string): Promise<void>
}

export function createEventDestinations(options: {
  database: Database
  clock: Clock
  sealing: Sealing
  deliveries: Deliveries
}): EventDestinations {
  const { database, clock, sealing, deliveries } = options

  const sealed = (headers: DeliveryAddress['headers']) =>
    Object.keys(headers ?? {}).length === 0 ? null : sealing.seal(JSON.stringify(headers))

  async function changing(tx: Tx, id: string, change: (current: Destination) => Destination): Promise<void> {
    if ((await destinationById(tx, id)) === null) {
      throw new Refusal('invalid_input', 'webhookUri: the subscription has none', {
        problems: [{ field: 'webhookUri', message: 'set it first' }],
      })
    }
    await updateDestination(tx, { ...change(await lockDestination(tx, id)), updatedAt: clock.now() })
  }

  return {
    async point(tx, { id, workspaceId, customerId }, { url, headers }) {
      if ((await destinationById(tx, id)) !== null) {
        await changing(tx, id, (current) => {
          const kept = isSameOrigin(url, current.url) ? current.headersSealed : null
          return { ...goingOn(current), url, headersSealed: headers === undefined ? kept : sealed(headers) }
        })
        return null
      }
      const now = clock.now()
      const secret = newSecret()
      await insertDestination(tx, {
        id,
        workspaceId,
        customerId,
        kind: 'external-event',
        url,
        secretSealed: sealing.seal(secret),
        previousSecretSealed: null,
        previousSecretUntil: null,
        headersSealed: sealed(headers),
        concurrency: CONCURRENCY,
        throttlePerSecond: null,
        isOrdered: false,
        scheduleMs: null,
        state: 'active',
        pausedReason: null,
        pausedAt: null,
        failingSince: null,
        lastSuccessAt: null,
        lastFailureAt: null,
        warnedPercent: 0,
        createdAt: now,
        updatedAt: now,
      })
      return secret
    },
    async rotateSecret(id, overlapSeconds = OVERLAP_SECONDS) {
      const secret = newSecret()
      const until = new Date(clock.now().getTime() + overlapSeconds * 1000)
      await database.transaction((tx) =>
        changing(tx, id, (current) => ({
          ...current,
          secretSealed: sealing.seal(secret),
          previousSecretSealed: overlapSeconds === 0 ? null : current.secretSealed,
          previousSecretUntil: overlapSeconds === 0 ? null : until,
        })),
      )
      return secret
    },
    async resume(id) {
      await database.transaction((tx) => changing(tx, id, goingOn))
      await deliveries.wake(id)
    },
    wake: (id) => deliveries.wake(id),
  }
}

/** Not paused; its five days begin anew. */
function goingOn(current: Destination): Destination {
  return { ...current, state: 'active', pausedReason: null, pausedAt: null, failingSince: null, warnedPercent: 0 }
}
