import { type Permea, pages } from '@permea/sdk'
import { type EngineProcess, pause, type Received, type Receiver, type SeededRandom } from '@permea/testkit'

/** What customers sent, what was acknowledged to them, and what your application saw of it. */
export interface Ledger {
  /** Acknowledged events by their id: which order they were of. */
  acknowledged: Map<string, { order: string; customer: string }>
  /** Acknowledged ids by the idempotency key they came with, over all answers to that key. */
  byKey: Map<string, Set<string>>
  /** Requests with a key whose answer never came, or that are to be repeated anyway. */
  toRepeat: Shipment[]
  /** Answers other than 200, as `status key`. */
  refused: Map<string, number>
  /** What such answers said, for whoever looks into it. */
  reasons: Set<string>
  /** Requests that were not answered at all. */
  unanswered: number
}

/** One request at a webhook URL. */
export interface Shipment {
  path: string
  token: string | null
  orders: string[]
  customer: string
  isBatch: boolean
  key: string | null
}

export function createLedger(): Ledger {
  return {
    acknowledged: new Map(),
    byKey: new Map(),
    toRepeat: [],
    refused: new Map(),
    reasons: new Set(),
    unanswered: 0,
  }
}

const EVENT_TYPE = 'order-created'

/** A flow with two nodes that call your application, at a port of the loopback or at a host: `/<flow>/first`, then `/<flow>/second`. */
export function twoCalls(key: string, at: number | string, eventKey = EVENT_TYPE) {
  const host = typeof at === 'number' ? `127.0.0.1:${at}` : at
  const call = (name: string) => ({
    type: 'custom-http-request',
    config: {
      request: {
        uri: `http://${host}/${key}/${name}`,
        method: 'POST',
        body: { order: { $var: '$.input.trigger.order' }, customer: { $var: '$.user.internalId' } },
      },
    },
  })
  return {
    key,
    name: key,
    nodes: {
      trigger: { type: 'app-event-trigger', config: { appEvent: { key: eventKey } }, links: [{ key: 'first' }] },
      first: { ...call('first'), links: [{ key: 'second' }] },
      second: call('second'),
    },
  }
}

/** The event type, the flows, and each customer with an instance of each; gives where each customer's events go. */
export async function furnish(
  engine: EngineProcess,
  flows: readonly (ReturnType<typeof twoCalls> & { ordered?: boolean; concurrency?: number })[],
  customers: readonly string[],
): Promise<{ globalPath: string; pathOf: Map<string, string>; admin: Permea }> {
  const admin = engine.as({ isAdmin: true })
  const type = await admin.appEventTypes.create({
    body: { key: EVENT_TYPE, name: 'Order created', tenantIdFormula: { $var: '$.customer' } },
  })
  for (const flow of flows) await admin.flows.create({ body: flow })
  const pathOf = new Map<string, string>()
  for (const customer of customers) {
    const client = engine.as({ id: customer })
    for (const flow of flows) await client.flowInstances.getByQuery({ query: { flowKey: flow.key, autoCreate: true } })
    const { items } = await client.appEventSubscriptions.list()
    pathOf.set(customer, new URL(items[0]?.webhookUri ?? '').pathname)
  }
  return { globalPath: new URL(type.globalWebhookUri).pathname, pathOf, admin }
}

/** Sends it once and books what came of it; true where it was acknowledged. */
export async function ship(engine: EngineProcess, shipment: Shipment, ledger: Ledger): Promise<boolean> {
  const events = shipment.orders.map((order) => ({ order, customer: shipment.customer, key: shipment.key }))
  let status: number
  let answer: { key?: string; type?: string; message?: string; results?: { id?: string }[] }
  try {
    const response = await fetch(engine.url + shipment.path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(shipment.token === null ? {} : { authorization: `Bearer ${shipment.token}` }),
        ...(shipment.key === null ? {} : { 'idempotency-key': shipment.key }),
      },
      body: JSON.stringify(shipment.isBatch ? events : events[0]),
    })
    status = response.status
    answer = (await response.json()) as typeof answer
  } catch {
    ledger.unanswered += 1
    return false
  }
  // 202: taken in, and looked at later.
  if (status !== 200 && status !== 202) {
    const what = `${status} ${answer.type} ${answer.key}`
    ledger.refused.set(what, (ledger.refused.get(what) ?? 0) + 1)
    ledger.reasons.add(`${what}: ${answer.message}`)
    return false
  }
  for (const [index, { id = '' }] of (answer.results ?? []).entries()) {
    ledger.acknowledged.set(id, { order: shipment.orders[index] ?? '', customer: shipment.customer })
    if (shipment.key !== null) ledger.byKey.set(shipment.key, (ledger.byKey.get(shipment.key) ?? new Set()).add(id))
  }
  return true
}

/** Makes requests of every kind: single events and batches, at both kinds of URL, some with an idempotency key. */
export function shipmentMaker(
  random: SeededRandom,
  places: { globalPath: string; pathOf: ReadonlyMap<string, string>; tokenOf(customer: string): string },
): () => Shipment {
  const customers = [...places.pathOf.keys()]
  let made = 0
  const named = (what: string) => {
    made += 1
    return `${what}-${made}`
  }
  return () => {
    const customer = random.pick(customers)
    const isGlobal = random.next() < 0.4
    const isBatch = random.next() < 0.3
    return {
      path: isGlobal ? places.globalPath : (places.pathOf.get(customer) ?? ''),
      token: isGlobal && random.next() < 0.5 ? places.tokenOf(customer) : null,
      orders: Array.from({ length: isBatch ? random.between(1, 6) : 1 }, () => named('order')),
      customer,
      isBatch,
      key: random.next() < 0.3 ? named('key') : null,
    }
  }
}

/**
 * Your application: most calls are taken within a moment, some are answered with 429 or 500 the first time. Gives
 * what it took, by `<flow>/<node> <order>`.
 */
export function behaveLikeAnApplication(receiver: Receiver, random: SeededRandom): Map<string, number> {
  const taken = new Map<string, number>()
  const refusedOnce = new Set<string>()
  receiver.behave(async (request, response) => {
    const what = nameOf(request)
    await pause(random.between(0, 40))
    if (random.next() < 0.03 && !refusedOnce.has(what)) {
      refusedOnce.add(what)
      response.writeHead(random.pick([429, 500])).end()
      return
    }
    taken.set(what, (taken.get(what) ?? 0) + 1)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
  return taken
}

export function nameOf(request: Received): string {
  const { order } = request.json as { order: string }
  return `${request.path.slice(1)} ${order}`
}

/** The ids of all events that the API lists. */
export async function eventIds(admin: Permea): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of pages(admin.appEvents.list, { query: { limit: 100 } })) ids.push(id)
  return ids
}

/** How every run that the API lists stands, by the event that launched it. */
async function runsByEvent(admin: Permea): Promise<Map<string, string[]>> {
  const states = new Map<string, string[]>()
  for await (const run of pages(admin.flowRuns.list, { query: { limit: 100 } })) {
    const event = run.appEventId ?? ''
    const end = run.state === 'failed' ? `failed: ${run.errors?.[0]?.message}` : run.state
    states.set(event, [...(states.get(event) ?? []), end])
  }
  return states
}

/** What must hold when everything has calmed down, as numbers: what is lost, and what happened more than once. */
export async function reckon(
  ledger: Ledger,
  admin: Permea,
  taken: ReadonlyMap<string, number>,
  flowKeys: readonly string[],
): Promise<{ acknowledged: number; lost: string[]; notCompleted: string[]; duplicates: number }> {
  const runs = await runsByEvent(admin)
  const calls = flowKeys.flatMap((flow) => [`${flow}/first`, `${flow}/second`])
  return {
    acknowledged: ledger.acknowledged.size,
    lost: [...ledger.acknowledged.values()].flatMap(({ order }) =>
      calls.map((call) => `${call} ${order}`).filter((what) => !taken.has(what)),
    ),
    notCompleted: [...ledger.acknowledged.keys()].flatMap((id) => {
      const ends = runs.get(id) ?? []
      const isDone = ends.length === flowKeys.length && ends.every((end) => end === 'completed')
      return isDone ? [] : [`${id}: ${ends.join('; ')}`]
    }),
    duplicates: [...taken.values()].reduce((sum, times) => sum + times - 1, 0),
  }
}
