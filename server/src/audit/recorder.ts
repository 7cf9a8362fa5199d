import type { Endpoint } from '@permea/contract'
import type { Actor, Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { RouteSet } from '../api/routes.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { Clock } from '../platform/clock.ts'
import { fromWire, type Ids, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { comparedChanges, fieldsShown } from './large-changes.ts'
import { type EndpointPolicy, isAskedFor, POLICIES } from './policy.ts'
import type { NewRecord, Outcome } from './record.ts'
import type { Intended, Trail } from './trail.ts'

/** Where a call came from. */
export interface CallOrigin {
  address: string | null
  userAgent: string | null
  requestId: string | null
}

/** A call of an endpoint, as its handler is given it. */
export interface RecordedCall {
  endpoint: Endpoint
  principal: Principal
  params: Record<string, string>
  query: unknown
  /** As it was sent. */
  rawQuery: unknown
  body: unknown
  origin: CallOrigin
}

/** A call whose record has begun. */
export interface BegunRecord {
  done(answer: unknown): Promise<void>
  failed(error: unknown): Promise<void>
}

/** Records calls of endpoints: before the change that it is about to be made, after it how it came out. */
export interface ChangeRecorder {
  /** Null where calls of the endpoint are not recorded. Rejects where nothing can be recorded: then nothing may be changed. */
  begin(call: RecordedCall): Promise<BegunRecord | null>
}

export interface ChangeRecorderOptions {
  trail: Trail
  clock: Clock
  ids: Ids
  log: Log
  /** Whose customer is meant by an id of any kind; null where there is none. */
  customerOf(principal: Principal, selector: string): Promise<string | null>
  /** Every endpoint with its handler: what was before is asked of them. */
  routes(): readonly RouteSet[]
}

export function createChangeRecorder(options: ChangeRecorderOptions): ChangeRecorder {
  const { trail, log } = options

  return {
    async begin(call) {
      const policy = POLICIES.get(call.endpoint)
      if (policy === undefined) throw new Error(`${call.endpoint.path} is in no table of the contract`)
      if (!isRecorded(policy, call)) return null
      const record = begunRecord(policy, call, options)
      const selector = customerSelectorIn(call)
      const [intended, before, named] = await Promise.all([
        trail.intend(record),
        elementOf(policy, call),
        selector === null ? null : options.customerOf(call.principal, selector),
      ])
      return begunWith({
        policy,
        call,
        record: { ...record, customerId: named ?? record.customerId },
        intended,
        before,
      })
    },
  }

  function begunWith(begun: {
    policy: EndpointPolicy
    call: RecordedCall
    record: NewRecord
    intended: Intended
    before: unknown
  }): BegunRecord {
    const { policy, call, record, intended, before } = begun
    const finish = async (outcome: Outcome, answer: unknown, after: unknown) => {
      const input = { query: call.query, body: call.body, answer }
      const changes =
        policy.recording === 'change'
          ? await comparedChanges({ before, after, input: call.body }, record.workspaceId)
          : { changed: [], before: null, after: await givenIn(call, input, record) }
      await intended
        .record({
          ...record,
          outcome,
          elementId: idIn(after) ?? idIn(before) ?? idIn(answer) ?? record.elementId,
          customerId:
            customerIn(policy, after) ?? customerIn(policy, before) ?? customerIn(policy, answer) ?? record.customerId,
          changed: changes.changed,
          details: {
            ...record.details,
            elementName: nameIn(after) ?? nameIn(before) ?? record.details.elementName,
            before: changes.before,
            after: changes.after,
          },
        })
        // The change is made and its announcement kept: it becomes a record without the values.
        .catch((error: Error) =>
          log.error({ action: record.action, message: error.message }, 'a change is in the audit log without its end'),
        )
    }
    return {
      async done(answer) {
        await finish('done', answer, await afterOf(policy, call, before, answer))
      },
      async failed(error) {
        if (error instanceof Refusal) return intended.drop().catch(() => {})
        await finish('failed', null, null)
      },
    }
  }

  async function afterOf(
    policy: EndpointPolicy,
    call: RecordedCall,
    before: unknown,
    answer: unknown,
  ): Promise<unknown> {
    if (policy.recording !== 'change' || call.endpoint.method === 'DELETE') return null
    const isComparable = before === null || call.endpoint.answer === getterIn(policy)?.answer
    if (isComparable && idIn(answer) !== null) return answer
    return (await elementOf(policy, call)) ?? answer
  }

  /** The element as it is, as the API answers with it to who changes it; null where there is none. */
  async function elementOf({ action, getter }: EndpointPolicy, call: RecordedCall): Promise<unknown> {
    if (getter === null) return null
    const set = options.routes().find(({ table }) => table === getter.table)
    const [endpoint, handler] = [getterIn({ getter }), set?.handlers[getter.name]]
    if (endpoint === undefined || handler === undefined) return null
    const query = endpoint.query?.safeParse(call.rawQuery ?? {})
    try {
      const { principal, params } = call
      // To look must not make what is looked for, as it would where the change asks for that.
      return await handler({ principal, params, query: { ...query?.data, autoCreate: false }, body: undefined })
    } catch (error) {
      if (!(error instanceof Refusal))
        log.warn({ action, message: (error as Error).message }, 'what was before is not in the audit log')
      return null
    }
  }
}

function getterIn({ getter }: Pick<EndpointPolicy, 'getter'>): Endpoint | undefined {
  return getter?.table[getter.name]
}

const USER_AGENT_CHARS_MAX = 500

function isRecorded({ recording }: EndpointPolicy, { principal, endpoint, query }: RecordedCall): boolean {
  if (recording === 'traffic') return principal.actor.kind === 'user'
  return recording !== 'none' && isAskedFor(endpoint, query)
}

/** Of an act what was asked for, but no data of others: short values, and a customer's ids and name only where the record goes with it. */
async function givenIn(
  { body, query }: RecordedCall,
  input: unknown,
  record: NewRecord,
): Promise<Record<string, unknown> | null> {
  const hasCustomer = record.customerId !== null
  const asked: Record<string, unknown> = { ...(isRecord(query) ? query : {}), ...(isRecord(body) ? body : {}) }
  const filter = isRecord(asked.filter) ? asked.filter : {}
  const given = [
    ...Object.entries(asked),
    // What a list was filtered by, but not texts that were searched for: they may name a person.
    ...Object.entries(filter).flatMap(([name, value]) =>
      OF_CUSTOMERS.has(name) || name === 'search' ? [] : [[`filter.${name}`, value] as const],
    ),
  ].flatMap(([name, value]) =>
    (hasCustomer || !OF_CUSTOMERS.has(name)) &&
    (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || value instanceof Date)
      ? [[name, typeof value === 'string' ? value.slice(0, GIVEN_CHARS_MAX) : value]]
      : [],
  )
  return given.length === 0 ? null : fieldsShown(Object.fromEntries(given), input, record.workspaceId)
}

const GIVEN_CHARS_MAX = 300

/** Names under which calls say whose customer they are about, or what it is called. */
const SELECTORS = ['userId', 'tenantId', 'tenantKey', 'customerId'] as const
const OF_CUSTOMERS: ReadonlySet<string> = new Set([...SELECTORS, 'internalId', 'name'])

/** An id of the engine on the wire; a key or an id that somebody else chose may name a person. */
const WIRE_ID = /^[a-z]{2,6}_[0-9a-z]{26}$/

function customerSelectorIn({ endpoint, params, query, body }: RecordedCall): string | null {
  if (endpoint.path.startsWith('/customers/:')) return params.selector ?? null
  for (const name of SELECTORS) {
    const text = textIn(body, name) ?? textIn(query, name)
    if (text !== null) return text
  }
  return null
}

/** Who acts, as records have it. */
export function actorFields(actor: Actor): Pick<NewRecord, 'actorKind' | 'actorId' | 'actorRole'> {
  const { kind, id, role } = actor
  return {
    actorKind: kind,
    actorId: id === null ? null : kind === 'customer' ? toWire('cus', id) : id,
    actorRole: role,
  }
}

function textIn(value: unknown, name: string): string | null {
  const text = isRecord(value) ? value[name] : null
  return typeof text === 'string' && text !== '' ? text : null
}

function idIn(value: unknown): string | null {
  return textIn(value, 'id')
}

function nameIn(value: unknown): string | null {
  return (textIn(value, 'name') ?? textIn(value, 'key'))?.slice(0, GIVEN_CHARS_MAX) ?? null
}

function customerIn({ elementType }: EndpointPolicy, value: unknown): string | null {
  const id = elementType === 'customer' ? idIn(value) : (textIn(value, 'userId') ?? textIn(value, 'tenantId'))
  return id === null ? null : fromWire('cus', id)
}

function begunRecord(
  { action, elementType }: EndpointPolicy,
  { principal, params, origin }: RecordedCall,
  { clock, ids }: Pick<ChangeRecorderOptions, 'clock' | 'ids'>,
): NewRecord {
  const selector = Object.values(params).at(-1) ?? ''
  const isId = WIRE_ID.test(selector)
  return {
    id: ids.next(),
    workspaceId: principal.workspaceId,
    at: clock.now(),
    ...actorFields(principal.actor),
    action,
    outcome: 'done',
    elementType,
    elementId: isId ? selector : null,
    customerId: principal.customerId,
    requestId: origin.requestId,
    changed: [],
    details: {
      actorName: principal.actor.name,
      elementName: isId || selector === '' ? null : selector.slice(0, GIVEN_CHARS_MAX),
      address: origin.address,
      userAgent: origin.userAgent?.slice(0, USER_AGENT_CHARS_MAX) ?? null,
      before: null,
      after: null,
    },
  }
}
