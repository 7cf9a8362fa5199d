import { ERRORS, type ErrorKey, type IngressAnswer } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { schemaProblem } from '../api/json-schema.ts'
import type { Principal } from '../api/principal.ts'
import { errorData } from '../api/refusal.ts'
import { customersByInternalIds } from '../customers/store.ts'
import { addressKey, type EventAddress, runFor, type Wish, whoWants } from '../dispatch/dispatch.ts'
import { type AppEventSource, appEventSources } from '../event-types/store.ts'
import { type CompiledFormula, compileFormula } from '../formulas/compile-formula.ts'
import type { Clock } from '../platform/clock.ts'
import { type Database, runPrepared, type Statement } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import { toWire } from '../platform/ids.ts'
import type { RunItem } from '../runs/run.ts'
import type { Runs } from '../runs/runs.ts'
import {
  type AppEvent,
  appEventsInsert,
  keepAnswers,
  keptAnswers,
  type SubscriptionSource,
  slotOf,
  subscriptionSources,
} from './store.ts'

/** A request at a webhook URL for internal events, its body read and parsed. */
export interface EventRequest {
  target: { kind: 'subscription'; webhookUuid: string } | { kind: 'global'; webhookKey: string }
  /** Whose token came with it; null where none did. */
  principal: Principal | null
  isBatch: boolean
  /** The events in order, each with its JSON text. */
  events: readonly { value: unknown; text: string }[]
  idempotencyKey: string | null
}

/** What is answered. `problem` where the request as a whole is refused. */
export type EventAnswer = { status: number; body: IngressAnswer } | { problem: ErrorKey; message: string }

export interface AcceptOptions {
  database: Database
  clock: Clock
  ids: Ids
  runs: Runs
  /** Told of each event that was committed. */
  onAccepted(event: AppEvent): void
}

/** One event of a request: accepted so far, or refused for good. */
type Candidate = { event: AppEvent; address: EventAddress } | { error: { key: ErrorKey; message: string } }

interface Prepared {
  request: EventRequest
  urlKey: string
  candidates: Candidate[]
}

/**
 * Takes in a group of requests in one transaction: the events, the runs that follow from them and the answers to keep.
 * Nothing is answered before it is committed.
 */
export function createAccept(options: AcceptOptions): (requests: EventRequest[]) => Promise<EventAnswer[]> {
  const { database, clock, ids, runs } = options

  return async (requests) => {
    const known = addressesKnown(requests)
    const [resolve, wishes] = await Promise.all([targetsOf(database, requests), whoWants(database, known)])
    const prepared = await Promise.all(requests.map((request) => resolve(request, ids)))
    await findCustomers(database, prepared)
    const accepted = prepared.flatMap((each) => ('problem' in each ? [] : each.candidates.filter(isAccepted)))
    const found = new Map(
      accepted.flatMap(({ address }) => (known.has(addressKey(address)) ? [] : [[addressKey(address), address]])),
    )
    if (found.size > 0) for (const [key, wish] of await whoWants(database, found)) wishes.set(key, wish)
    for (const { event, address } of accepted) {
      event.subscriptionId ??= wishes.get(addressKey(address))?.subscriptionId ?? null
    }
    const answers = prepared.map((each) => ('problem' in each ? each : answerOf(each)))
    const { items, repeated } = await write(prepared, answers, wishes)
    runs.offer(items)
    for (const { event } of accepted) options.onAccepted(event)
    return answers.map((answer, index) => repeated.get(index) ?? answer)
  }

  async function write(
    prepared: readonly (Prepared | { problem: ErrorKey; message: string })[],
    answers: readonly EventAnswer[],
    wishes: ReadonlyMap<string, Wish>,
  ): Promise<{ items: RunItem[]; repeated: Map<number, EventAnswer> }> {
    const keyed = keyedRequests(prepared, answers)
    const fresh = prepared.flatMap((each) => ('problem' in each ? [] : each.candidates.filter(isAccepted)))
    if (fresh.length === 0) return { items: [], repeated: new Map() }
    if (keyed.length === 0) {
      const { items, statements } = inserting(fresh, wishes)
      await database.atomically(statements)
      return { items, repeated: new Map() }
    }
    return database.transaction(async (tx) => {
      const repeated = await settleKeys(tx, keyed, clock.now())
      const first = prepared.flatMap((each, index) =>
        'problem' in each || repeated.has(index) ? [] : each.candidates.filter(isAccepted),
      )
      if (first.length === 0) return { items: [], repeated }
      const { items, statements } = inserting(first, wishes)
      for (const statement of statements) await runPrepared(tx, statement)
      return { items, repeated }
    })
  }

  /** What stores events and the runs that follow from them. */
  function inserting(
    accepted: readonly Accepted[],
    wishes: ReadonlyMap<string, Wish>,
  ): { items: RunItem[]; statements: Statement[] } {
    const wanted = accepted.flatMap(({ event, address }) =>
      (wishes.get(addressKey(address))?.wanted ?? []).map((wish) => ({
        run: runFor(event.workspaceId, event.id, wish),
        input: event.payload,
      })),
    )
    const { items, statements } = runs.inserting(wanted)
    return { items, statements: [appEventsInsert(accepted.map((each) => each.event)), ...statements] }
  }
}

/** The addresses that requests name by themselves, without a look into the events. */
function addressesKnown(requests: readonly EventRequest[]): Map<string, EventAddress> {
  const known = new Map<string, EventAddress>()
  for (const { target, principal } of requests) {
    const customerId = principal?.customerId ?? null
    if (target.kind === 'subscription') known.set(target.webhookUuid, { webhookUuid: target.webhookUuid })
    else if (customerId !== null) {
      const address = { webhookKey: target.webhookKey, customerId }
      known.set(addressKey(address), address)
    }
  }
  return known
}

type Accepted = Extract<Candidate, { event: AppEvent }>

function isAccepted(candidate: Candidate): candidate is Accepted {
  return 'event' in candidate
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
  prepared: readonly (Prepared | { problem: ErrorKey; message: string })[],
  answers: readonly EventAnswer[],
): Keyed[] {
  return prepared.flatMap((each, index): Keyed[] => {
    const answer = answers[index]
    // A request of which nothing was taken may be sent again after its mistake is mended.
    if (
      'problem' in each ||
      each.request.idempotencyKey === null ||
      answer === undefined ||
      'problem' in answer ||
      answer.status === 400
    )
      return []
    const scope = `${each.request.principal?.customerId ?? ''}:${each.request.idempotencyKey}`
    return [{ index, urlKey: each.urlKey, scope, status: answer.status, answer: answer.body }]
  })
}

/** The requests that are repetitions, with the answer that the first got. */
async function settleKeys(
  tx: Parameters<typeof keepAnswers>[0],
  keyed: readonly Keyed[],
  now: Date,
): Promise<Map<number, EventAnswer>> {
  const firsts = new Map<string, Keyed>()
  for (const each of keyed) if (!firsts.has(slotOf(each))) firsts.set(slotOf(each), each)
  const won = await keepAnswers(tx, [...firsts.values()], now)
  const lost = keyed.filter((each) => !(won.has(slotOf(each)) && firsts.get(slotOf(each)) === each))
  if (lost.length === 0) return new Map()
  const kept = await keptAnswers(tx, lost)
  return new Map(
    lost.map((each) => {
      const first = kept.get(slotOf(each))
      if (first === undefined) throw new Error('an answer that is in the way must be there')
      return [each.index, { status: first.status, body: first.answer as IngressAnswer }]
    }),
  )
}

// ── where events belong ──

type Resolved = Prepared | { problem: ErrorKey; message: string }
type Resolve = (request: EventRequest, ids: Ids) => Resolved | Promise<Resolved>

/** Reads what all the URLs of the group stand for: at most one statement per kind of URL. */
async function targetsOf(database: Database, requests: readonly EventRequest[]): Promise<Resolve> {
  const uuids = new Set(requests.flatMap(({ target }) => (target.kind === 'subscription' ? [target.webhookUuid] : [])))
  const keys = new Set(requests.flatMap(({ target }) => (target.kind === 'global' ? [target.webhookKey] : [])))
  const [sources, types] = await Promise.all([
    uuids.size === 0 ? new Map<string, SubscriptionSource>() : subscriptionSources(database, [...uuids]),
    keys.size === 0 ? [] : appEventSources(database, [...keys]),
  ])
  const typeByKey = new Map(types.map((type) => [type.webhookKey, type]))
  return (request, ids) =>
    request.target.kind === 'subscription'
      ? atSubscription(request, sources.get(request.target.webhookUuid), request.target.webhookUuid, ids)
      : atGlobal(request, typeByKey.get(request.target.webhookKey), ids)
}

const NO_SUCH_URL = { problem: 'not_found', message: 'there is no webhook at this address' } as const

function atSubscription(
  request: EventRequest,
  source: SubscriptionSource | undefined,
  urlKey: string,
  ids: Ids,
): ReturnType<Resolve> {
  if (source === undefined) return NO_SUCH_URL
  if (source.isArchived || source.isTypeArchived || source.isCustomerArchived) {
    const what = source.isArchived ? 'subscription' : source.isTypeArchived ? 'event type' : 'customer'
    return { problem: 'archived', message: `the ${what} of this webhook is archived` }
  }
  const place = {
    workspaceId: source.workspaceId,
    appEventTypeId: source.appEventTypeId,
    customerId: source.customerId,
    subscriptionId: source.subscriptionId,
  }
  const check = { schema: source.validateEvents ? source.schema : null, revision: source.typeRevision }
  const address = { webhookUuid: urlKey }
  return { request, urlKey, candidates: request.events.map((event) => candidateOf(event, place, address, check, ids)) }
}

function atGlobal(request: EventRequest, type: AppEventSource | undefined, ids: Ids): ReturnType<Resolve> {
  if (type === undefined) return NO_SUCH_URL
  if (type.archivedAt !== null) return { problem: 'archived', message: 'the event type of this webhook is archived' }
  if (request.principal !== null && request.principal.workspaceId !== type.workspaceId) {
    return { problem: 'not_authenticated', message: 'the token is of another workspace' }
  }
  const owners = request.events.map((event) => request.principal?.customerId ?? customerByFormula(type, event.value))
  const place = (found: readonly Owner[]): Prepared => ({
    request,
    urlKey: type.webhookKey,
    candidates: request.events.map((event, index) => placed(event, type, found[index] ?? null, ids)),
  })
  // Only `$jsonata` makes anybody wait.
  return owners.some((owner) => owner instanceof Promise) ? Promise.all(owners).then(place) : place(owners as Owner[])
}

/** Whose event it is: a database id, an id of your own to be looked up, or nobody's. */
type Owner = string | { internalId: string } | null

function placed(event: EventRequest['events'][number], type: AppEventSource, owner: Owner, ids: Ids): Candidate {
  const check = { schema: type.validateEvents ? type.schema : null, revision: type.revision }
  const place = { workspaceId: type.workspaceId, appEventTypeId: type.id, customerId: '', subscriptionId: null }
  const candidate = candidateOf(event, place, { webhookKey: type.webhookKey, customerId: '' }, check, ids)
  if (!isAccepted(candidate)) return candidate
  if (owner === null) {
    const hint =
      type.tenantIdFormula === null
        ? ', or configure a tenant id formula'
        : '; the tenant id formula found nothing in the event'
    const message = `the event does not say whose it is: send a customer’s token${hint}`
    return { error: { key: 'customer_unresolved', message } }
  }
  if (typeof owner === 'string') placeAt(candidate, owner)
  else named.set(candidate, owner.internalId)
  return candidate
}

function placeAt(candidate: Accepted, customerId: string): void {
  candidate.event.customerId = customerId
  if ('customerId' in candidate.address) candidate.address.customerId = customerId
}

/** Events whose customer is known by its own id only, until `findCustomers` looked it up. */
const named = new WeakMap<Candidate, string>()

const formulas = new LRUCache<string, CompiledFormula>({ max: 1000 })

/** The customer's own id that the formulas of the type find in the payload; a promise where one of them takes time. */
function customerByFormula(type: AppEventSource, payload: unknown): Owner | Promise<Owner> {
  const [tenant, user] = [
    evaluated(`${type.revision}:tenant`, type.tenantIdFormula, payload),
    evaluated(`${type.revision}:user`, type.userIdFormula, payload),
  ]
  if (!(tenant instanceof Promise) && !(user instanceof Promise)) return ownerOf(tenant) ?? ownerOf(user)
  return Promise.all([tenant, user]).then(
    ([first, second]) => ownerOf(first) ?? ownerOf(second),
    () => null,
  )
}

function ownerOf(found: unknown): Owner {
  if (typeof found === 'number') return { internalId: String(found) }
  return typeof found === 'string' && found !== '' ? { internalId: found } : null
}

function evaluated(slot: string, formula: unknown, payload: unknown): unknown {
  if (formula === null || formula === undefined || typeof payload !== 'object' || payload === null) return undefined
  let compiled = formulas.get(slot)
  if (compiled === undefined) {
    compiled = compileFormula(formula)
    formulas.set(slot, compiled)
  }
  try {
    return compiled.evaluate(payload as Record<string, unknown>)
  } catch {
    return undefined
  }
}

function candidateOf(
  event: { value: unknown; text: string },
  place: Omit<AppEvent, 'id' | 'payload'>,
  address: EventAddress,
  check: { schema: Record<string, unknown> | boolean | null; revision: string },
  ids: Ids,
): Candidate {
  if (typeof event.value !== 'object' || event.value === null || Array.isArray(event.value)) {
    return { error: { key: 'event_not_an_object', message: 'an event must be a JSON object' } }
  }
  const problem = check.schema === null ? null : schemaProblem(check.revision, check.schema, event.value)
  if (problem !== null)
    return { error: { key: 'event_invalid', message: `the event does not fit its schema: ${problem}` } }
  return { event: { id: ids.next(), ...place, payload: event.text }, address }
}

/** Looks up the customers that formulas named, in one statement. Events never create customers. */
async function findCustomers(
  database: Database,
  prepared: readonly (Prepared | { problem: ErrorKey })[],
): Promise<void> {
  const waiting = prepared.flatMap((each) =>
    'problem' in each
      ? []
      : each.candidates.flatMap((candidate, index) => {
          const internalId = named.get(candidate)
          return internalId === undefined || !isAccepted(candidate)
            ? []
            : [{ in: each.candidates, index, candidate, internalId }]
        }),
  )
  if (waiting.length === 0) return
  const pairs = waiting.map((each) => ({ workspaceId: each.candidate.event.workspaceId, internalId: each.internalId }))
  const found = await customersByInternalIds(database.db, pairs)
  const byName = new Map(found.map((row) => [`${row.workspaceId}${row.internalId}`, row]))
  for (const { in: candidates, index, candidate, internalId } of waiting) {
    const customer = byName.get(`${candidate.event.workspaceId}${internalId}`)
    if (customer === undefined) {
      candidates[index] = {
        error: { key: 'customer_unknown', message: `there is no customer ${JSON.stringify(internalId.slice(0, 200))}` },
      }
    } else if (customer.isArchived) {
      candidates[index] = {
        error: {
          key: 'customer_archived',
          message: `customer ${JSON.stringify(internalId.slice(0, 200))} is archived`,
        },
      }
    } else placeAt(candidate, customer.id)
  }
}

// ── answering ──

function answerOf({ request, candidates }: Prepared): EventAnswer {
  const results = candidates.map((each) =>
    isAccepted(each) ? { id: toWire('aev', each.event.id) } : { error: errorData(each.error.key, each.error.message) },
  )
  const accepted = candidates.filter(isAccepted)
  const [first] = results
  if (accepted.length === candidates.length) {
    return {
      status: 200,
      body: { ...(!request.isBatch && first !== undefined && 'id' in first ? { id: first.id } : {}), results },
    }
  }
  return { status: accepted.length === 0 ? ERRORS.events_refused.status : 207, body: { results } }
}
