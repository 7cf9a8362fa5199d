import { ERRORS, type ErrorKey, type IngressAnswer, isNumber } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { schemaProblem } from '../api/json-schema.ts'
import type { Principal } from '../api/principal.ts'
import { errorData } from '../api/refusal.ts'
import { addressKey, type EventAddress, runFor, type Wish } from '../dispatch/dispatch.ts'
import type { AppEventSource } from '../event-types/store.ts'
import { type CompiledFormula, compileFormula } from '../formulas/compile-formula.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import { linkedTo, type TracePlace } from '../platform/tracing.ts'
import type { NewRun } from '../runs/run.ts'
import type { AppEvent, SubscriptionSource } from './store.ts'

/*
 * The stages of the intake between reading and writing: locate (what is at the URL), own (whose each event is), want
 * (which runs follow). Each is made of rows and gives rows; a refusal is a value that the next stage passes on. An
 * event's outcome depends on its own request and on what the database says of it, on nothing else in the group.
 */

/** A request at a webhook URL for internal events, its body read and parsed. */
export interface EventRequest {
  target: { kind: 'subscription'; webhookUuid: string } | { kind: 'global'; webhookKey: string }
  /** Whose token came with it; null where none did. */
  principal: Principal | null
  /** The customer's own id, as who may say whose its events are says it; else the payload decides. */
  internalId?: string | undefined
  isBatch: boolean
  /** The events in order, each with its JSON text. */
  events: readonly { value: unknown; text: string }[]
  idempotencyKey: string | null
  /** What its events stand beneath in a trace; null for none. */
  trace: TracePlace | null
}

/** What cannot be taken: a whole request, or one event of it. */
export interface IntakeRefusal {
  kind: 'refused'
  key: ErrorKey
  message: string
}

/** Whose an event is: a customer's database id, or an id of your application that is to be looked up. */
type Owner = { customerId: string } | { internalId: string }

interface Located {
  kind: 'located'
  payload: string
  owner: Owner
}

/** A request whose URL stands for something. */
export interface LocatedRequest {
  kind: 'located'
  request: EventRequest
  /** Of the URL: its uuid, or the key of the type. */
  urlKey: string
  workspaceId: string
  appEventTypeId: string
  subscriptionId: string | null
  events: readonly (Located | IntakeRefusal)[]
}

interface Owned {
  kind: 'owned'
  event: AppEvent
  address: EventAddress
}

/** A request of which every event that is not refused has its customer and its id. */
export interface OwnedRequest {
  kind: 'owned'
  request: EventRequest
  urlKey: string
  events: readonly (Owned | IntakeRefusal)[]
}

/** What the URLs of a group stand for. */
export interface Urls {
  sources: ReadonlyMap<string, SubscriptionSource>
  types: ReadonlyMap<string, AppEventSource>
}

function refused(key: ErrorKey, message: string): IntakeRefusal {
  return { kind: 'refused', key, message }
}

// ── locate ──

/** What is at the URL of a request. A promise only where a schema or a formula of the type takes time. */
export function locate(request: EventRequest, urls: Urls): LocatedRequest | IntakeRefusal | Promise<LocatedRequest> {
  const { target } = request
  return target.kind === 'subscription'
    ? atSubscription(request, urls.sources.get(target.webhookUuid))
    : atGlobal(request, urls.types.get(target.webhookKey))
}

const NO_SUCH_URL = refused('not_found', 'there is no webhook at this address')

function atSubscription(
  request: EventRequest,
  source: SubscriptionSource | undefined,
): LocatedRequest | IntakeRefusal | Promise<LocatedRequest> {
  if (source === undefined) return NO_SUCH_URL
  if (source.isArchived || source.isTypeArchived || source.isCustomerArchived) {
    const what = source.isArchived ? 'subscription' : source.isTypeArchived ? 'event type' : 'customer'
    return refused('archived', `the ${what} of this webhook is archived`)
  }
  const { webhookUuid, workspaceId, appEventTypeId, subscriptionId, customerId } = source
  const schema = source.validateEvents ? source.schema : null
  const owner = { customerId }
  const problems = problemsOf(request, schema, source.typeRevision, customerId)
  const withProblems = (wrong: Problems): LocatedRequest => ({
    kind: 'located',
    request,
    urlKey: webhookUuid,
    workspaceId,
    appEventTypeId,
    subscriptionId,
    events: request.events.map((event, index) => checked(event, wrong[index] ?? null, () => owner)),
  })
  return problems === null ? withProblems([]) : problems.then(withProblems)
}

/** What is wrong with each event of a request by the schema of its type; null for nothing. */
type Problems = readonly (string | null)[]

/** Null where there is nothing to check. */
function problemsOf(
  request: EventRequest,
  schema: Record<string, unknown> | boolean | null,
  revision: string,
  owner: string,
): Promise<Problems> | null {
  if (schema === null) return null
  return Promise.all(
    request.events.map(({ value }) => (isEvent(value) ? schemaProblem({ revision, schema, value, owner }) : null)),
  )
}

function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function atGlobal(
  request: EventRequest,
  type: AppEventSource | undefined,
): LocatedRequest | IntakeRefusal | Promise<LocatedRequest> {
  if (type === undefined) return NO_SUCH_URL
  if (type.archivedAt !== null) return refused('archived', 'the event type of this webhook is archived')
  const { principal } = request
  if (principal !== null && principal.workspaceId !== type.workspaceId)
    return refused('not_authenticated', 'the token is of another workspace')
  const fromToken = principal?.customerId ?? null
  const named = fromToken === null ? namedBy(request.internalId) : { customerId: fromToken }
  const owners = request.events.map((event) => named ?? customerByFormula(type, event.value))
  const schema = type.validateEvents ? type.schema : null
  const problems = problemsOf(request, schema, type.revision, fromToken ?? type.workspaceId)
  const withOwners = (found: readonly (Owner | null)[], wrong: Problems): LocatedRequest => ({
    kind: 'located',
    request,
    urlKey: type.webhookKey,
    workspaceId: type.workspaceId,
    appEventTypeId: type.id,
    subscriptionId: null,
    events: request.events.map((event, index) =>
      checked(event, wrong[index] ?? null, () => found[index] ?? nobodys(type)),
    ),
  })
  // Only schemas and `$jsonata` make anybody wait.
  if (problems === null && !owners.some((owner) => owner instanceof Promise))
    return withOwners(owners as (Owner | null)[], [])
  return Promise.all([Promise.all(owners), problems]).then(([found, wrong]) => withOwners(found, wrong ?? []))
}

function checked(
  event: { value: unknown; text: string },
  problem: string | null,
  ownerOf: () => Owner | IntakeRefusal,
): Located | IntakeRefusal {
  if (!isEvent(event.value)) return refused('event_not_an_object', 'an event must be a JSON object')
  if (problem !== null) return refused('event_invalid', `the event does not fit its schema: ${problem}`)
  const owner = ownerOf()
  return 'kind' in owner ? owner : { kind: 'located', payload: event.text, owner }
}

function nobodys(type: AppEventSource): IntakeRefusal {
  const hint =
    type.tenantIdFormula === null
      ? ', or configure a tenant id formula'
      : '; the tenant id formula found nothing in the event'
  return refused('customer_unresolved', `the event does not say whose it is: send a customer’s token${hint}`)
}

const formulas = new LRUCache<string, CompiledFormula>({ max: 1000 })

/** The customer's own id that the formulas of the type find in the payload; a promise where one of them takes time. */
function customerByFormula(type: AppEventSource, payload: unknown): Owner | null | Promise<Owner | null> {
  const [tenant, user] = [
    evaluated(`${type.revision}:tenant`, type.tenantIdFormula, payload, type.workspaceId),
    evaluated(`${type.revision}:user`, type.userIdFormula, payload, type.workspaceId),
  ]
  if (!(tenant instanceof Promise) && !(user instanceof Promise)) return namedBy(tenant) ?? namedBy(user)
  return Promise.all([tenant, user]).then(
    ([first, second]) => namedBy(first) ?? namedBy(second),
    () => null,
  )
}

function namedBy(found: unknown): Owner | null {
  if (isNumber(found)) return { internalId: String(found) }
  return typeof found === 'string' && found !== '' ? { internalId: found } : null
}

function evaluated(slot: string, formula: unknown, payload: unknown, owner: string): unknown {
  if (formula === null || formula === undefined || typeof payload !== 'object' || payload === null) return undefined
  let compiled = formulas.get(slot)
  if (compiled === undefined) {
    compiled = compileFormula(formula)
    formulas.set(slot, compiled)
  }
  try {
    return compiled.evaluate(payload as Record<string, unknown>, { owner })
  } catch {
    return undefined
  }
}

// ── own ──

/** A customer as events name it. */
export interface CustomerName {
  workspaceId: string
  internalId: string
}

export function nameKey({ workspaceId, internalId }: CustomerName): string {
  return `${workspaceId}${internalId}`
}

/** The customers that are to be looked up for a group. A name that no text of the database can be is nobody's. */
export function namesIn(requests: readonly (LocatedRequest | IntakeRefusal)[]): CustomerName[] {
  return requests.flatMap((each) =>
    each.kind === 'refused'
      ? []
      : each.events.flatMap((event) =>
          event.kind === 'located' && 'internalId' in event.owner && isStorable(event.owner.internalId)
            ? [{ workspaceId: each.workspaceId, internalId: event.owner.internalId }]
            : [],
        ),
  )
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Gives every event its customer. Events never create customers. */
export function own(
  located: LocatedRequest | IntakeRefusal,
  customers: ReadonlyMap<string, { id: string; isArchived: boolean }>,
  ids: Ids,
): OwnedRequest | IntakeRefusal {
  if (located.kind === 'refused') return located
  const { request, urlKey } = located
  return {
    kind: 'owned',
    request,
    urlKey,
    events: located.events.map((event) => ownedBy(located, event, customers, ids)),
  }
}

function ownedBy(
  of: LocatedRequest,
  event: Located | IntakeRefusal,
  customers: ReadonlyMap<string, { id: string; isArchived: boolean }>,
  ids: Ids,
): Owned | IntakeRefusal {
  if (event.kind === 'refused') return event
  const { owner, payload } = event
  const { workspaceId, appEventTypeId, subscriptionId } = of
  let customerId: string
  if ('customerId' in owner) customerId = owner.customerId
  else {
    const customer = customers.get(nameKey({ workspaceId, internalId: owner.internalId }))
    const name = JSON.stringify(owner.internalId.slice(0, 200))
    if (customer === undefined) return refused('customer_unknown', `there is no customer ${name}`)
    if (customer.isArchived) return refused('customer_archived', `customer ${name} is archived`)
    customerId = customer.id
  }
  return {
    kind: 'owned',
    event: { id: ids.next(), workspaceId, customerId, appEventTypeId, subscriptionId, payload },
    address: subscriptionId === null ? { webhookKey: of.urlKey, customerId } : { webhookUuid: of.urlKey },
  }
}

// ── want ──

/** The addresses that requests name by themselves, so that who wants what can be asked before anything is located. */
export function addressesNamed(requests: readonly EventRequest[]): Map<string, EventAddress> {
  const named = new Map<string, EventAddress>()
  for (const { target, principal } of requests) {
    const customerId = principal?.customerId ?? null
    if (target.kind === 'subscription') named.set(target.webhookUuid, { webhookUuid: target.webhookUuid })
    else if (customerId !== null) {
      const address = { webhookKey: target.webhookKey, customerId }
      named.set(addressKey(address), address)
    }
  }
  return named
}

/** The addresses that only the events themselves told. */
export function addressesFound(
  requests: readonly (OwnedRequest | IntakeRefusal)[],
  named: ReadonlyMap<string, EventAddress>,
): Map<string, EventAddress> {
  return new Map(
    requests
      .flatMap(ownedIn)
      .flatMap(({ address }) => (named.has(addressKey(address)) ? [] : [[addressKey(address), address]])),
  )
}

/** What is stored of a request: its events, each shown under its stream, and the runs that follow. */
export function wanted(
  request: OwnedRequest,
  wishes: ReadonlyMap<string, Wish>,
): { event: AppEvent; runs: { run: NewRun; input: string }[] }[] {
  const trace = traceOfEvents(request.request)
  return ownedIn(request).map(({ event, address }) => {
    const wish = wishes.get(addressKey(address))
    const shown = { ...event, subscriptionId: event.subscriptionId ?? wish?.subscriptionId ?? null }
    const runs = (wish?.wanted ?? []).map((each) => ({
      run: runFor(event.workspaceId, event.id, each, trace),
      input: event.payload,
    }))
    return { event: shown, runs }
  })
}

/** Of a batch each event is a trace of its own, linked to the request: one of thousands of runs would be of no use. */
export function traceOfEvents({ trace, events }: Pick<EventRequest, 'trace' | 'events'>): TracePlace | null {
  return events.length > 1 ? linkedTo(trace) : trace
}

export function ownedIn(request: OwnedRequest | IntakeRefusal): Owned[] {
  return request.kind === 'refused' ? [] : request.events.filter((event) => event.kind === 'owned')
}

// ── answer ──

/** What is answered once everything is stored. */
export function answerToEvents({ request, events }: OwnedRequest): { status: number; body: IngressAnswer } {
  const results = events.map((each) =>
    each.kind === 'owned' ? { id: toWire('aev', each.event.id) } : { error: errorData(each.key, each.message) },
  )
  const refusals = events.filter((each) => each.kind === 'refused').length
  const [first] = results
  if (refusals === 0) {
    const id = !request.isBatch && first !== undefined && 'id' in first ? { id: first.id } : {}
    return { status: 200, body: { ...id, results } }
  }
  return { status: refusals === events.length ? ERRORS.events_refused.status : 207, body: { results } }
}
