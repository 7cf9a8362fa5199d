import type { IngressAnswer } from '@permea/contract'
import { addressKey, cameFor, type EventAddress, type Wish } from '../dispatch/dispatch.ts'
import type { Live } from '../live/live.ts'
import type { Clock } from '../platform/clock.ts'
import type { Statement } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import { arrivalsOf } from '../runs/event-waits.ts'
import type { RunItem } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import type { Arrival } from '../runs/waits-store.ts'
import type { IntakeTables, IntakeTx } from './intake-tables.ts'
import {
  addressesFound,
  addressesNamed,
  answerToEvents,
  type EventRequest,
  type IntakeRefusal,
  type LocatedRequest,
  locate,
  namesIn,
  type OwnedRequest,
  own,
  ownedIn,
  wanted,
} from './stages.ts'
import { type AppEvent, slotOf } from './store.ts'

/** What is answered to a request that is not refused as a whole. */
export interface EventAnswer {
  kind: 'answered'
  status: number
  body: IngressAnswer
  /** It repeats a request that was taken before: this is the answer of then, and nothing was stored. */
  isRepeat: boolean
}

export interface AcceptOptions {
  tables: IntakeTables
  clock: Clock
  ids: Ids
  runs: Pick<Runs, 'inserting' | 'arriving' | 'offer'>
  live: Pick<Live, 'changed'>
}

/**
 * Takes in a group of requests in one transaction: the events, the runs that follow from them and the answers to keep.
 * Nothing is answered before it is committed. Reads and writes stand here; what follows from what is in `stages.ts`.
 */
export function createAccept(
  options: AcceptOptions,
): (requests: EventRequest[]) => Promise<(Taken | Promise<Taken>)[]> {
  const { tables, clock, ids, runs, live } = options
  // What schemas and formulas of users make wait goes in groups of its own, so that it delays nobody else.
  const waited = createGroupCommit<LocatedRequest, Taken>({
    async write(located) {
      const named = addressesNamed(located.map((each) => each.request))
      return finish(located, named, await tables.wishes(named))
    },
    groupMax: WAITED_GROUP_MAX,
    groupWeightMax: Number.POSITIVE_INFINITY,
    writersMax: 1,
    // What waits is bounded where it came in.
    waitingMax: Number.POSITIVE_INFINITY,
    waitingWeightMax: Number.POSITIVE_INFINITY,
  })

  async function whenLocated(located: LocatedRequest): Promise<Taken> {
    const taken = waited.add(located, 1)
    if (taken === null) throw new Error('a group without bounds takes everything')
    return taken
  }

  return async (requests) => {
    const named = addressesNamed(requests)
    const [urls, wishes] = await Promise.all([tables.urls(requests), tables.wishes(named)])
    const located = requests.map((request) => locate(request, urls))
    const ready = located.flatMap((each) => (each instanceof Promise ? [] : [each]))
    const taken = (await finish(ready, named, wishes)).values()
    return located.map((each) => (each instanceof Promise ? each.then(whenLocated) : nextOf(taken)))
  }

  async function finish(
    located: readonly (LocatedRequest | IntakeRefusal)[],
    named: ReadonlyMap<string, EventAddress>,
    wishes: Map<string, Wish>,
  ): Promise<Taken[]> {
    const customers = await tables.customers(namesIn(located))
    const owned = located.map((each) => own(each, customers, ids))
    const found = addressesFound(owned, named)
    if (found.size > 0) for (const [key, wish] of await tables.wishes(found)) wishes.set(key, wish)
    const answers = owned.map(
      (each): Taken =>
        each.kind === 'refused' ? each : { kind: 'answered', ...answerToEvents(each), isRepeat: false },
    )
    const came = owned.flatMap(ownedIn).flatMap(({ event, address }) => cameFor(event, wishes.get(addressKey(address))))
    const { events, items, repeated } = await write(owned, answers, wishes, await arrivalsOf(came))
    runs.offer(items)
    for (const { id, workspaceId, customerId } of events)
      live.changed({
        workspaceId,
        elementType: 'app-event-log-record',
        elementId: toWire('aev', id),
        audience: { customerId },
      })
    return answers.map((answer, index) => repeated.get(index) ?? answer)
  }

  async function write(
    owned: readonly (OwnedRequest | IntakeRefusal)[],
    answers: readonly (EventAnswer | IntakeRefusal)[],
    wishes: ReadonlyMap<string, Wish>,
    arrivals: readonly Arrival[],
  ): Promise<Written> {
    if (!owned.some((each) => ownedIn(each).length > 0)) return { events: [], items: [], repeated: new Map() }
    const keyed = keyedRequests(owned, answers)
    if (keyed.length === 0) {
      const { events, items, statements } = inserting(owned, wishes, arrivals)
      await tables.store(statements)
      return { events, items, repeated: new Map() }
    }
    return tables.together(async (tx) => {
      const repeated = await settleKeys(tx, keyed, clock.now())
      const first = owned.filter((_, index) => !repeated.has(index))
      const { events, items, statements } = inserting(first, wishes, arrivals)
      for (const statement of statements) await tx.run(statement)
      return { events, items, repeated }
    })
  }

  /** What stores events and the runs that follow from them. */
  function inserting(
    owned: readonly (OwnedRequest | IntakeRefusal)[],
    wishes: ReadonlyMap<string, Wish>,
    arrivals: readonly Arrival[],
  ): { events: AppEvent[]; items: RunItem[]; statements: Statement[] } {
    const stored = owned.flatMap((each) => (each.kind === 'refused' ? [] : wanted(each, wishes)))
    if (stored.length === 0) return { events: [], items: [], statements: [] }
    const events = stored.map((each) => each.event)
    const { items, statements } = runs.inserting(stored.flatMap((each) => each.runs))
    const arriving = arrivals.length === 0 ? [] : runs.arriving(arrivedOf(events, arrivals))
    return { events, items, statements: [tables.inserting(events), ...statements, ...arriving] }
  }
}

/** What repeats an earlier request is not stored, and wakes nobody. */
function arrivedOf(events: readonly AppEvent[], arrivals: readonly Arrival[]): Arrival[] {
  const stored = new Set(events.map((each) => each.id))
  return arrivals.filter(({ eventId }) => stored.has(eventId))
}

/** Requests that had to wait, in one transaction. */
const WAITED_GROUP_MAX = 200

type Taken = EventAnswer | IntakeRefusal

function nextOf(taken: Iterator<Taken>): Taken {
  const next = taken.next()
  if (next.done === true) throw new Error('every request that is located is answered')
  return next.value
}

interface Written {
  /** Those that are stored now, without those of repetitions. */
  events: AppEvent[]
  items: RunItem[]
  /** Repetitions by their place in the group. */
  repeated: Map<number, EventAnswer>
}

// ── idempotency keys ──

interface Keyed {
  index: number
  urlKey: string
  scope: string
  status: number
  answer: IngressAnswer
}

function keyedRequests(
  owned: readonly (OwnedRequest | IntakeRefusal)[],
  answers: readonly (EventAnswer | IntakeRefusal)[],
): Keyed[] {
  return owned.flatMap((each, index): Keyed[] => {
    const answer = answers[index]
    if (each.kind === 'refused' || each.request.idempotencyKey === null) return []
    // A request of which nothing was taken may be sent again after its mistake is mended.
    if (answer === undefined || answer.kind === 'refused' || answer.status === 400) return []
    const scope = `${each.request.principal?.customerId ?? ''}:${each.request.idempotencyKey}`
    return [{ index, urlKey: each.urlKey, scope, status: answer.status, answer: answer.body }]
  })
}

/** The requests that are repetitions, with the answer that the first got. */
async function settleKeys(tx: IntakeTx, keyed: readonly Keyed[], now: Date): Promise<Map<number, EventAnswer>> {
  const firsts = new Map<string, Keyed>()
  for (const each of keyed) if (!firsts.has(slotOf(each))) firsts.set(slotOf(each), each)
  const won = await tx.keep([...firsts.values()], now)
  const lost = keyed.filter((each) => !(won.has(slotOf(each)) && firsts.get(slotOf(each)) === each))
  if (lost.length === 0) return new Map()
  const kept = await tx.kept(lost)
  return new Map(
    lost.map((each) => {
      const first = kept.get(slotOf(each))
      if (first === undefined) throw new Error('an answer that is in the way must be there')
      const body = first.answer as IngressAnswer
      return [each.index, { kind: 'answered', status: first.status, body, isRepeat: true }]
    }),
  )
}
