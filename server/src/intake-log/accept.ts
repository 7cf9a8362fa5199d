import { createHash } from 'node:crypto'
import type { IngressAnswer } from '@permea/contract'
import type { EventAnswer } from '../events/accept.ts'
import {
  answerToEvents,
  type EventRequest,
  type IntakeRefusal,
  type LocatedRequest,
  locate,
  nameKey,
  namesIn,
  type OwnedRequest,
  own,
  ownedIn,
  traceOfEvents,
} from '../events/stages.ts'
import { type KeptAnswer, keptAnswers, slotOf } from '../events/store.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import { shardOf } from '../platform/ownership.ts'
import type { Bus, Published } from './bus.ts'
import type { Catalogue } from './catalogue.ts'
import type { DatabaseReach } from './database-reach.ts'
import { decodeEntries, encodeEntries, type LoggedEvent, type LoggedEvents } from './log-entry.ts'
import type { PendingCustomers } from './pending-customers.ts'

export interface LogAcceptOptions {
  bus: Pick<Bus, 'publish' | 'at'>
  catalogue: Catalogue
  database: Database
  reach: DatabaseReach
  ids: Ids
  pending: PendingCustomers
}

type Taken = EventAnswer | IntakeRefusal

/** Entries are put together until a message is this large; a larger one is a message of its own. */
const MESSAGE_CHARS = 256 * 1024

/** What is answered to events whose customer is still to be found. */
const TAKEN_AS_PENDING = 202

/**
 * Takes in a group of requests by writing them to the intake log: each is answered when a quorum holds it. What they
 * are is decided as on the direct way; runs follow when they are applied.
 */
export function createLogAccept(
  options: LogAcceptOptions,
): (requests: EventRequest[]) => Promise<(Taken | Promise<Taken>)[]> {
  const { catalogue, ids, pending } = options

  async function finish(located: readonly (LocatedRequest | IntakeRefusal)[]): Promise<Taken[]> {
    const names = namesIn(located)
    const { rows, isSure } = await catalogue.customers(names)
    for (const name of isSure ? [] : names) {
      const { workspaceId, internalId } = name
      if (rows.has(nameKey(name))) continue
      rows.set(nameKey(name), { id: pending.note(workspaceId, { internalId, claims: null }), isArchived: false })
    }
    const settled = located.map((each) => answered(own(each, rows, ids)))
    const repeated = await repeatedOf(settled)
    const logged = settled.map((each, index) => (repeated.has(index) ? null : each.logged))
    const outcomes = await write(logged)
    return settled.map((each, index) => repeated.get(index) ?? outcomes[index] ?? each.answer)
  }

  /** What is answered to a request once it is written, and what is to be written of it. */
  function answered(owned: OwnedRequest | IntakeRefusal): { answer: Taken; logged: LoggedEvents | null } {
    if (owned.kind === 'refused') return { answer: owned, logged: null }
    const events = ownedIn(owned).map(
      ({ event, address }): LoggedEvent => ({ event, address, pending: pending.of(event.customerId) }),
    )
    const said = answerToEvents(owned)
    const status = said.status === 200 && events.some((each) => each.pending !== null) ? TAKEN_AS_PENDING : said.status
    const answer: EventAnswer = { kind: 'answered', status, body: said.body, isRepeat: false }
    if (events.length === 0) return { answer, logged: null }
    const { idempotencyKey, principal } = owned.request
    const scope = idempotencyKey === null ? null : `${principal?.customerId ?? ''}:${idempotencyKey}`
    const { urlKey } = owned
    const kept = scope === null ? null : said.body
    const trace = traceOfEvents(owned.request)
    const logged: LoggedEvents = { kind: 'events', id: ids.next(), urlKey, scope, status, answer: kept, events }
    return { answer, logged: trace === null ? logged : { ...logged, trace } }
  }

  /** Requests whose answer stands in the database, from longer ago than the log knows repetitions. */
  async function repeatedOf(settled: readonly { logged: LoggedEvents | null }[]): Promise<Map<number, EventAnswer>> {
    const slots = settled.flatMap(({ logged }, index) =>
      logged === null || logged.scope === null ? [] : [{ index, urlKey: logged.urlKey, scope: logged.scope }],
    )
    if (slots.length === 0) return new Map()
    const said = await options.reach.ask(() => keptAnswers(options.database.db, slots))
    return new Map(
      slots.flatMap(({ index, ...slot }): [number, EventAnswer][] => {
        const kept = said?.answer.get(slotOf(slot))
        return kept === undefined ? [] : [[index, repetition(kept)]]
      }),
    )
  }

  /** Writes what there is of requests; for each that could not be written, or was before, what is answered instead. */
  async function write(logged: readonly (LoggedEvents | null)[]): Promise<(Taken | null)[]> {
    const outcomes: (Taken | null)[] = logged.map(() => null)
    const put = async ({ id, shards, entries }: Message) => {
      const data = encodeEntries(entries.map((each) => each.entry))
      const published = await options.bus.publish({ id, shards: [...shards], data })
      for (const { index, entry } of entries) {
        if (published.kind !== 'stored') outcomes[index] = notStored(published)
        else if (published.isDuplicate && entry.scope !== null)
          outcomes[index] = await firstOf(published.sequence, entry)
      }
    }
    // Begun in the order of the group: what one sender sent first is first in the log.
    await Promise.all(messagesOf(logged).map(put))
    return outcomes
  }

  /** What the request that came first with this key was answered; null where that was this one, and our try before. */
  async function firstOf(sequence: number, { id, urlKey, scope }: LoggedEvents): Promise<Taken | null> {
    const data = await options.bus.at(sequence).catch(() => null)
    const first = data === null ? undefined : decodeEntries(data)[0]
    if (first?.kind === 'events' && first.answer !== null)
      return first.id === id ? null : repetition({ status: first.status, answer: first.answer })
    const slot = { urlKey, scope: scope ?? '' }
    const said = await options.reach.insist(() => keptAnswers(options.database.db, [slot]))
    const kept = said?.answer.get(slotOf(slot))
    if (kept !== undefined) return repetition(kept)
    return refusal('unavailable', 'this request was taken in before, and its answer cannot be read now; try again')
  }

  return async (requests) => {
    const urls = await catalogue.urls(requests)
    const located = requests.map((request) => locate(request, urls))
    const ready = located.flatMap((each) => (each instanceof Promise ? [] : [each]))
    const taken = (await finish(ready)).values()
    return located.map((each) => {
      if (each instanceof Promise) return each.then(async (one) => only(await finish([one])))
      return only([taken.next().value as Taken | undefined])
    })
  }
}

function only(taken: readonly (Taken | undefined)[]): Taken {
  const [first] = taken
  if (first === undefined) throw new Error('every request that is located is answered')
  return first
}

function repetition({ status, answer }: Pick<KeptAnswer, 'status' | 'answer'>): EventAnswer {
  return { kind: 'answered', status, body: answer as IngressAnswer, isRepeat: true }
}

function refusal(key: IntakeRefusal['key'], message: string): IntakeRefusal {
  return { kind: 'refused', key, message }
}

function notStored(published: Exclude<Published, { kind: 'stored' }>): IntakeRefusal {
  return published.kind === 'full'
    ? refusal('overloaded', 'the intake log is full; nothing was stored, try again')
    : refusal('unavailable', 'the intake log cannot be written; try again')
}

interface Message {
  id: string
  shards: Set<number>
  entries: { index: number; entry: LoggedEvents }[]
  chars: number
}

/**
 * The messages that requests become: those that came together are one. One with a key is a message of its own, since it
 * is by the message that the log knows a repetition. Events of one request for customers of several shards are an entry
 * for each of them, unless a key holds them together.
 */
function messagesOf(logged: readonly (LoggedEvents | null)[]): Message[] {
  const messages: Message[] = []
  let open: Message | null = null
  for (const [index, whole] of logged.entries()) {
    if (whole === null) continue
    const isKeyed = whole.scope !== null
    for (const [shard, entry] of byShard(whole)) {
      const chars = entry.events.reduce((sum, each) => sum + each.event.payload.length, 0)
      if (open === null || isKeyed || open.chars + chars > MESSAGE_CHARS) {
        open = { id: isKeyed ? keyOf(entry) : entry.id, shards: new Set(), entries: [], chars: 0 }
        messages.push(open)
      }
      open.shards.add(shard)
      open.entries.push({ index, entry })
      open.chars += chars
    }
    // What comes behind it is to stand behind it in the log.
    if (isKeyed) open = null
  }
  return messages
}

function byShard(entry: LoggedEvents): [number, LoggedEvents][] {
  const shards = Map.groupBy(entry.events, (each) => shardOf(each.event.customerId))
  const [first] = shards.keys()
  if (first === undefined) throw new Error('an entry without events is not written')
  if (shards.size === 1 || entry.scope !== null) return [[first, entry]]
  return [...shards].map(([shard, events]) => [shard, { ...entry, events }])
}

function keyOf({ urlKey, scope }: LoggedEvents): string {
  return createHash('sha256').update(`${urlKey} ${scope}`).digest('base64url')
}
