import type { Tx } from '../platform/database.ts'
import type { EventIdentity } from './dedupe.ts'
import { claimEventKeys, type ExternalSource, type IncomingWebhookRow } from './store.ts'

/** A request with its events, each with the id that it will have. */
export interface IdentifiedEvents {
  row: IncomingWebhookRow
  events: readonly { id: string; source: ExternalSource; json: string; identity: EventIdentity | null }[]
}

/**
 * The requests without the events that came before; their rows say which those are. What is handled again because
 * somebody asked for it keeps all of its events: it is known from then on, and never taken for a repetition.
 */
export async function withoutRepeats<Group extends IdentifiedEvents>(
  tx: Tx,
  group: readonly Group[],
  now: Date,
): Promise<Group[]> {
  const slots = group.flatMap(({ events }) =>
    events.flatMap(({ id, source: { subscriptionId }, identity }) =>
      identity === null
        ? []
        : [{ id, subscriptionId, identity, name: `${subscriptionId} ${identity.key.toString('hex')}` }],
    ),
  )
  if (slots.length === 0) return [...group]
  // Of a key that stands twice in one group the first counts.
  const firstByName = new Map(slots.toReversed().map((slot) => [slot.name, slot]))
  const claims = [...firstByName.values()].map(({ id, subscriptionId, identity }) => ({
    subscriptionId,
    key: identity.key,
    eventId: id,
    expiresAt: new Date(now.getTime() + identity.forMs),
  }))
  const holders = await claimEventKeys(tx, claims, now)
  const holderByName = new Map([...firstByName.keys()].map((name, index) => [name, holders[index]]))
  const holderById = new Map(slots.map(({ id, name }) => [id, holderByName.get(name) ?? id]))
  return group.map((each) => {
    if (each.row.replayOf !== null) return each
    const repeated = each.events.flatMap(({ id }) => {
      const holder = holderById.get(id) ?? id
      return holder === id ? [] : [holder]
    })
    each.row.repeatedEventIds = repeated.length === 0 ? null : repeated
    return { ...each, events: each.events.filter(({ id }) => (holderById.get(id) ?? id) === id) }
  })
}
