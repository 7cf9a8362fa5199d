import type { ErrorKey } from '@permea/contract'
import { Refusal } from '../api/refusal.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByInternalIds } from '../customers/store.ts'
import { addressKey, cameFor, type EventAddress, runFor, type Wish, whoWants } from '../dispatch/dispatch.ts'
import { nameKey } from '../events/stages.ts'
import { type AppEvent, appEventsInsert, keepAnswers, slotOf } from '../events/store.ts'
import type { Live } from '../live/live.ts'
import type { Clock } from '../platform/clock.ts'
import { type Database, runPrepared, type Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { TracePlace } from '../platform/tracing.ts'
import type { RefusedRequestsRoom } from '../refused-requests/assembly.ts'
import { arrivalsOf } from '../runs/event-waits.ts'
import type { RunItem } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import type { Arrival } from '../runs/waits-store.ts'
import type { LoggedEvent, LoggedEvents, PendingCustomer } from './log-entry.ts'

export interface ApplyEventsOptions {
  database: Database
  clock: Clock
  runs: Runs
  live: Pick<Live, 'changed'>
  customers: Pick<Customers, 'ensure'>
  refusedRequests: Pick<RefusedRequestsRoom, 'noteLater'>
}

/** Entries with all that is needed to store them. */
export interface Prepared {
  ready: { entry: LoggedEvents; events: Owned[] }[]
  refused: { event: AppEvent; key: ErrorKey; message: string }[]
  wishes: ReadonlyMap<string, Wish>
  arrivals: readonly Arrival[]
}

interface Owned {
  event: AppEvent
  address: EventAddress
}

/** What was stored, to be told of after the commit. */
export interface Stored {
  events: AppEvent[]
  items: RunItem[]
}

/** Stores events of the intake log with the runs that follow from them, as the direct way would have. */
export interface ApplyEvents {
  prepare(entries: readonly LoggedEvents[]): Promise<Prepared>
  store(tx: Tx, prepared: Prepared): Promise<Stored>
  committed(prepared: Prepared, stored: Stored): void
}

export function createApplyEvents(options: ApplyEventsOptions): ApplyEvents {
  const { database, clock, runs, live } = options
  const findPending = createFinding(options)
  return {
    async prepare(entries) {
      const found = await findPending(entries.flatMap((entry) => entry.events))
      const refused: Prepared['refused'] = []
      const ready = entries.map((entry) => ({
        entry,
        events: entry.events.flatMap((each): Owned[] => {
          const { event, address, pending } = each
          if (pending === null) return [{ event, address }]
          const customer = found.get(nameKey({ workspaceId: event.workspaceId, internalId: pending.internalId }))
          if (customer === undefined || 'key' in customer) {
            const unknown = { key: 'customer_unknown', message: `there is no customer ${named(pending)}` } as const
            refused.push({ event, ...(customer ?? unknown) })
            return []
          }
          const { id: customerId } = customer
          const at = 'webhookKey' in address ? { ...address, customerId } : address
          return [{ event: { ...event, customerId }, address: at }]
        }),
      }))
      const addresses = ready.flatMap(({ events }) =>
        events.map(({ address }) => [addressKey(address), address] as const),
      )
      const wishes = await whoWants(database, new Map(addresses))
      const came = ready.flatMap(({ events }) =>
        events.flatMap(({ event, address }) => cameFor(event, wishes.get(addressKey(address)))),
      )
      return { ready, refused, wishes, arrivals: await arrivalsOf(came) }
    },
    async store(tx, { ready, wishes, arrivals }) {
      const first = await firstOnes(tx, ready, clock.now())
      const wanted = first.flatMap(({ entry, events }) =>
        events.map((each) => wantedOf(each, wishes.get(addressKey(each.address)), entry.trace ?? null)),
      )
      const events = wanted.map((each) => each.event)
      if (events.length === 0) return { events: [], items: [] }
      const { items, statements } = runs.inserting(wanted.flatMap((each) => each.runs))
      const stored = new Set(events.map((each) => each.id))
      const arriving = runs.arriving(arrivals.filter(({ eventId }) => stored.has(eventId)))
      for (const statement of [appEventsInsert(events), ...statements, ...arriving]) await runPrepared(tx, statement)
      return { events, items }
    },
    committed({ refused }, { events, items }) {
      runs.offer(items)
      for (const { id, workspaceId, customerId } of events)
        live.changed({
          workspaceId,
          elementType: 'app-event-log-record',
          elementId: toWire('aev', id),
          audience: { customerId },
        })
      for (const { event, key, message } of refused) {
        const { workspaceId, appEventTypeId, payload } = event
        const elementId = toWire('aet', appEventTypeId)
        options.refusedRequests.noteLater({ workspaceId, elementId, reason: key, message, text: payload })
      }
    },
  }
}

function named({ internalId }: PendingCustomer): string {
  return JSON.stringify(internalId.slice(0, 200))
}

function wantedOf({ event, address }: Owned, wish: Wish | undefined, trace: TracePlace | null) {
  const shown = { ...event, subscriptionId: event.subscriptionId ?? wish?.subscriptionId ?? null }
  const runs = (wish?.wanted ?? []).map((each) => ({
    run: runFor(event.workspaceId, event.id, each, trace),
    input: event.payload,
  }))
  return { event: shown, runs, address }
}

/** Without those whose key came with an earlier request, from longer ago than the log knows. */
async function firstOnes(tx: Tx, ready: Prepared['ready'], now: Date): Promise<Prepared['ready']> {
  const firsts = new Map<string, Prepared['ready'][number]>()
  for (const each of ready) {
    const { scope, urlKey } = each.entry
    const slot = scope === null ? null : slotOf({ urlKey, scope })
    if (slot !== null && !firsts.has(slot)) firsts.set(slot, each)
  }
  if (firsts.size === 0) return ready
  const answers = [...firsts.values()].map(({ entry: { urlKey, scope, status, answer } }) => ({
    urlKey,
    scope: scope ?? '',
    status,
    answer,
  }))
  const won = await keepAnswers(tx, answers, now)
  return ready.filter((each) => {
    const { scope, urlKey } = each.entry
    if (scope === null) return true
    const slot = slotOf({ urlKey, scope })
    return won.has(slot) && firsts.get(slot) === each
  })
}

type Found = { id: string } | { key: ErrorKey; message: string }

/** Finds the customers that could not be looked up, and makes those that a token named, as its first use does. */
function createFinding({ database, customers }: ApplyEventsOptions) {
  return async (events: readonly LoggedEvent[]): Promise<ReadonlyMap<string, Found>> => {
    const wanted = new Map<string, { workspaceId: string; pending: PendingCustomer }>()
    for (const { event, pending } of events) {
      if (pending === null) continue
      const { workspaceId } = event
      const slot = nameKey({ workspaceId, internalId: pending.internalId })
      if (wanted.get(slot)?.pending.claims == null) wanted.set(slot, { workspaceId, pending })
    }
    const found = new Map<string, Found>()
    const names: { workspaceId: string; internalId: string }[] = []
    for (const [slot, { workspaceId, pending }] of wanted) {
      const { internalId, claims } = pending
      if (claims === null) names.push({ workspaceId, internalId })
      else found.set(slot, await ensured(customers, workspaceId, { internalId, ...claims }))
    }
    for (const row of names.length === 0 ? [] : await customersByInternalIds(database.db, names)) {
      const message = `customer ${JSON.stringify(row.internalId.slice(0, 200))} is archived`
      found.set(nameKey(row), row.isArchived ? { key: 'customer_archived', message } : { id: row.id })
    }
    return found
  }
}

async function ensured(
  customers: Pick<Customers, 'ensure'>,
  workspaceId: string,
  claims: Parameters<Customers['ensure']>[1],
): Promise<Found> {
  try {
    return { id: await customers.ensure(workspaceId, claims) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { key: 'customer_archived', message: error.message }
  }
}
