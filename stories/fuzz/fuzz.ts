import { contract, type Endpoint, ErrorData } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import type { EngineProcess } from '@permea/testkit'
import fc from 'fast-check'
import { longestSilenceOf } from '../silence.ts'
import { anyValue, valuesOf } from './shapes.ts'

const SIDE_BY_SIDE = 6
const IDS_MAX = 400
const TIMEOUT_MS = 60_000
/** Reported of one kind. */
const SHOWN_MAX = 3

const ENDPOINTS: Endpoint[] = Object.values(contract).flatMap((group) => Object.values(group) as Endpoint[])
/** Of the workspace itself only what a customer may do: an admin would turn off what the rest is tried with. */
const isOfWorkspace = ({ method, path }: Endpoint) => method !== 'GET' && path.startsWith('/workspaces')

/** What ends a customer for good is tried on others than the one that everything else is tried with. */
const endsCustomer = ({ method, path }: Endpoint) =>
  /^\/customers\/:\w+(?:\/(?:erase|archive))?$/.test(path) && (method === 'DELETE' || method === 'POST')

/** What is answered and is no endpoint of the contract; `:any` is filled in. */
const FORM = 'application/x-www-form-urlencoded'
const BESIDE: readonly (readonly [method: string, path: string, type?: string])[] = [
  ['POST', '/import', 'application/zip'],
  ['POST', '/import', 'multipart/form-data; boundary=x'],
  ['GET', '/background-jobs/:any/archive.zip'],
  ['GET', '/connections/:any/proxy/:any'],
  ['POST', '/connections/:any/proxy/:any', 'application/json'],
  ['POST', '/connections/:any/api/:any', 'application/json'],
  ['GET', '/connect'],
  ['POST', '/connect', FORM],
  ['GET', '/oauth-callback'],
  ['POST', '/oauth-callback', FORM],
  ['GET', '/portal'],
  ['POST', '/portal', FORM],
  ['GET', '/sse/workspace'],
  ['GET', '/sse/connection-events/:any'],
  ['GET', '/console/:any'],
  ['POST', '/console/session', 'application/json'],
  ['POST', '/console/session/token', 'application/json'],
  ['GET', '/docs'],
  ['GET', '/openapi.json'],
  ['GET', '/readyz'],
  ['GET', '/:any/:any'],
]

interface Sent {
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
  endpoint: Endpoint | null
  /** Answered by a page, a stream or an app: without a shape of its own. */
  isPage?: boolean
}

/**
 * Sends generated requests, right ones and wrong ones, to every endpoint of the contract and to every webhook URL of a
 * running engine, and complains where an answer is a 500, lacks its stated shape, or does not come.
 */
export class Fuzz {
  readonly #engine: EngineProcess
  readonly #tokens: string[]
  readonly #webhooks: readonly string[]
  /** Names of the customer that is to stay. */
  readonly #kept: readonly string[]
  /** Ids and keys that answers named. */
  readonly #known: string[] = ['acme', 'order', 'nothing']
  readonly complaints = new Map<string, string[]>()
  readonly statuses = new Map<number, number>()
  /** Requests that webhooks took, by the kind of their address. */
  readonly taken = new Map<string, number>()
  longestSilenceMs = 0
  #random: number

  constructor(engine: EngineProcess, { webhooks, kept, keys }: FuzzScene, seed: number) {
    this.#random = seed
    this.#engine = engine
    this.#webhooks = webhooks
    this.#kept = kept
    const token = (claims: Record<string, unknown>) => `Bearer ${engine.tokenOf(claims)}`
    this.#tokens = [token({ isAdmin: true }), token({ id: 'acme' }), token({ id: 'fuzz' }), '', 'Bearer a.b.c', ...keys]
  }

  async run(untilMs: number): Promise<void> {
    const stop = new AbortController()
    const watching = longestSilenceOf(this.#engine, stop.signal)
    let next = 0
    const worker = async () => {
      while (performance.now() < untilMs) {
        const turn = next++
        const endpoint = ENDPOINTS[turn % ENDPOINTS.length]
        if (endpoint !== undefined) for (const sent of this.#callsOf(endpoint)) await this.#send(sent)
        const [method = 'GET', path = '/', type] = BESIDE[turn % BESIDE.length] ?? []
        await this.#send(this.#beside(method, path, type))
        for (const sent of this.#eventsFor(this.#webhooks[turn % this.#webhooks.length] ?? '')) await this.#send(sent)
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
    stop.abort()
    this.longestSilenceMs = await watching
  }

  #sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
    this.#random += 1
    return fc.sample(arbitrary, { numRuns: count, seed: this.#random })
  }

  #callsOf(endpoint: Endpoint): Sent[] {
    const { method } = endpoint
    const known = this.#known.map((each) => each.toWellFormed())
    const right = { known, wrongOneIn: 200 }
    const wrong = { known, wrongOneIn: 6 }
    const bodies =
      endpoint.body === undefined
        ? [undefined]
        : [
            ...this.#sample(valuesOf(endpoint.body, right), 2),
            ...this.#sample(fc.oneof(valuesOf(endpoint.body, wrong), anyValue), 1),
          ]
    const [query] = endpoint.query === undefined ? [{}] : this.#sample(valuesOf(endpoint.query, right), 1)
    const names = endsCustomer(endpoint) ? this.#known.filter((each) => !this.#kept.includes(each)) : this.#known
    const path = endpoint.path.replaceAll(/:\w+/g, () => encodeURIComponent(this.#pick(names).toWellFormed()))
    return bodies.map((body) => ({
      method,
      path: `${path}${queryText(query)}`,
      headers: this.#headers(isOfWorkspace(endpoint) ? this.#tokens.slice(1) : this.#tokens),
      body: body === undefined ? undefined : jsonText(body),
      endpoint,
    }))
  }

  #eventsFor(url: string): Sent[] {
    const event = anyValue.map((value) => ({ account: 'acme', n: 0.01, value }))
    const body = fc.oneof(
      { weight: 3, arbitrary: event.map(jsonText) },
      { weight: 2, arbitrary: fc.array(fc.oneof(event, anyValue), { maxLength: 4 }).map(jsonText) },
      { weight: 3, arbitrary: fc.array(anyValue, { maxLength: 4 }).map(jsonText) },
      { weight: 3, arbitrary: anyValue.map(jsonText) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
      { weight: 1, arbitrary: fc.webQueryParameters() },
    )
    const types = [
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json; charset=iso-8859-1',
    ]
    return this.#sample(
      fc.tuple(body, fc.constantFrom(...types), fc.constantFrom('POST', 'POST', 'PUT', 'GET')),
      2,
    ).map(([text, type, method]) => ({
      method,
      path: url,
      headers: { ...this.#headers(this.#tokens), 'content-type': type },
      body: method === 'GET' ? undefined : text,
      endpoint: null,
    }))
  }

  #beside(method: string, path: string, type: string | undefined): Sent {
    const filled = path.replaceAll(':any', () => encodeURIComponent(this.#pick(this.#known).toWellFormed()))
    const [[names, text] = [{}, '']] = this.#sample(
      fc.tuple(
        fc.dictionary(fc.constantFrom('token', 'state', 'code', 'payload', 'key', 'request', 'x'), fc.string(), {
          maxKeys: 3,
        }),
        fc.oneof(anyValue.map(jsonText), fc.webQueryParameters(), fc.string({ unit: 'binary', maxLength: 60 })),
      ),
      1,
    )
    return {
      method,
      path: `${filled}${queryText(names)}`,
      headers: { ...this.#headers(this.#tokens), ...(type === undefined ? {} : { 'content-type': type }) },
      body: type === undefined ? undefined : text,
      endpoint: null,
      isPage: true,
    }
  }

  #headers(tokens: readonly string[]): Record<string, string> {
    // Mostly one that may.
    const authorization = this.#pick([tokens[0] ?? '', tokens[0] ?? '', tokens[0] ?? '', ...tokens])
    return { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) }
  }

  #pick<T>(from: readonly T[]): T {
    const [at = 0] = this.#sample(fc.nat({ max: Math.max(0, from.length - 1) }), 1)
    const picked = from[at]
    if (picked === undefined) throw new Error('there is nothing to pick from')
    return picked
  }

  async #send(sent: Sent): Promise<void> {
    const { method, path, headers, body } = sent
    const beganMs = performance.now()
    let status: number
    let text: string
    try {
      const init = { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS), ...(body === undefined ? {} : { body }) }
      const answer = await fetch(`${this.#engine.url}${path}`, init)
      status = answer.status
      if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) {
        await answer.body?.cancel()
        text = ''
      } else text = await answer.text()
    } catch (error) {
      this.#complain('no answer', sent, `${Math.round(performance.now() - beganMs)} ms: ${(error as Error).message}`)
      return
    }
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const kind = /^\/webhooks\/([\w-]+)/.exec(path)?.[1]
    if (kind !== undefined && status < 400) this.taken.set(kind, (this.taken.get(kind) ?? 0) + 1)
    if (status >= 500 && status !== 503 && !isOfFunction(text, body)) return this.#complain(`${status}`, sent, text)
    if (sent.isPage !== true) this.#check(sent, status, text)
  }

  #check(sent: Sent, status: number, text: string): void {
    const { endpoint } = sent
    // A list that is exported is a file.
    const stated = /[?&]export=(?:csv|json|ndjson)(?:&|$)/.test(sent.path) ? null : (endpoint?.answer ?? null)
    const shape = status >= 400 ? ErrorData : stated
    if (shape === null || (endpoint === null && status < 400)) return
    const value = parsed(text)
    const read = shape.safeParse(value)
    if (!read.success) this.#complain(`${status} out of shape`, sent, JSON.stringify(read.error.issues).slice(0, 300))
    else if (status < 400) this.#remember(value)
  }

  #remember(value: unknown): void {
    const given = (value as { items?: unknown } | null)?.items
    // What somebody made may have a field of that name.
    const items: unknown[] = Array.isArray(given) ? given : [value]
    for (const each of items.slice(0, 5)) {
      const { id, key } = (each ?? {}) as { id?: unknown; key?: unknown }
      for (const name of [id, key])
        if (typeof name === 'string' && name !== '' && name.length < 200) this.#known.push(name)
    }
    if (this.#known.length > IDS_MAX) this.#known.splice(0, this.#known.length - IDS_MAX)
  }

  #complain(what: string, { method, path, body, endpoint }: Sent, said: string): void {
    const key = `${what} at ${method} ${endpoint?.path ?? path.split('/').slice(0, 3).join('/')}`
    const seen = this.complaints.get(key) ?? []
    if (seen.length < SHOWN_MAX)
      seen.push(`${path.slice(0, 200)}\n    ${(body ?? '').slice(0, 400)}\n    ${said.slice(0, 400)}`)
    this.complaints.set(key, seen)
  }

  summary(): string {
    const counts = [...this.statuses].sort(([one], [other]) => one - other)
    const sent = counts.reduce((sum, [, count]) => sum + count, 0)
    return [
      `${sent} requests to ${ENDPOINTS.length} endpoints, ${BESIDE.length} pages and ${this.#webhooks.length} webhooks`,
      `answers: ${counts.map(([status, count]) => `${status} × ${count}`).join(', ')}`,
      `webhooks took: ${[...this.taken].map(([kind, count]) => `${kind} × ${count}`).join(', ')}`,
      `longest silence: ${Math.round(this.longestSilenceMs)} ms`,
      ...[...this.complaints].map(([what, examples]) => `\n${what}\n  ${examples.join('\n  ')}`),
    ].join('\n')
  }
}

/** What a function wraps, nested nearly as deep as may be, is nested too deep: then the function failed, and says so. */
function isOfFunction(answer: string, sent: string | undefined): boolean {
  return answer.includes('"webhook_handling_failed"') && depthOf(sent ?? '') > WRAPPED_DEPTH_MAX
}

/** The limit is 200. */
const WRAPPED_DEPTH_MAX = 190

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const character of text) {
    if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

function jsonText(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function queryText(query: unknown): string {
  const pairs = Object.entries((query ?? {}) as Record<string, unknown>).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null
      ? []
      : [[name, typeof value === 'string' ? value.toWellFormed() : jsonText(value)]],
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}

export interface FuzzScene {
  /** Addresses. They are not among what is named, so that they stay. */
  webhooks: string[]
  kept: string[]
  /** Of API keys, as headers have them. */
  keys: string[]
}

/** Something of every kind. */
export async function setScene(admin: Permea, acme: Permea, receiver: string): Promise<FuzzScene> {
  const { id: acmeId } = await admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  const schema = { type: 'object', properties: { n: { type: 'number', multipleOf: 0.01 } } }
  const types = [
    { key: 'fuzz-plain', tenantIdFormula: { $var: '$.account' } },
    { key: 'fuzz-checked', schema, validateEvents: true, tenantIdFormula: { $jsonata: 'account' } },
  ]
  const urls: string[] = []
  for (const body of types) {
    await admin.appEventTypes.create({ body })
    const { globalWebhookUri } = await admin.appEventTypes.get({ params: { selector: body.key } })
    urls.push(globalWebhookUri ?? '')
    await admin.flows.create({
      body: {
        key: `flow-of-${body.key}`,
        nodes: {
          trigger: { type: 'app-event-trigger', config: { appEvent: { key: body.key } }, links: [{ key: 'make' }] },
          make: { type: 'transform-data', config: { output: { $jsonata: '$keys(input)' } }, links: [{ key: 'send' }] },
          send: { type: 'custom-http-request', config: { request: { method: 'POST', uri: receiver } } },
        },
      },
    })
    await acme.flowInstances.create({ body: { flowKey: `flow-of-${body.key}`, enabled: true } })
  }
  await admin.connectors.create({
    body: {
      key: 'fuzz-app',
      options: {
        key: { type: 'client-credentials', makeApiClient: { type: 'mapping', mapping: { baseUri: receiver } } },
      },
      events: {
        told: {
          name: 'Told',
          implementationType: 'webhook',
          subscribe: 'export default () => ({ state: { secret: "of the state" } })',
          handle: 'export default ({ data, query, state }) => ({ events: [{ data, query, state }] })',
          unsubscribe: 'export default () => {}',
        },
        shared: {
          name: 'Shared',
          implementationType: 'global-webhook',
          getEventSelector: 'export default () => ({ globalWebhookKey: "all", globalWebhookEventSelector: "one" })',
        },
      },
      globalWebhooks: {
        all: {
          name: 'All',
          handle: 'export default ({ data, query }) => ({ events: [{ selector: "one", payload: { data, query } }] })',
        },
      },
    },
  })
  await admin.integrations.create({ body: { key: 'fuzz-app', connectorKey: 'fuzz-app' } })
  const { id: connectionId } = await acme.connections.create({ body: { integrationKey: 'fuzz-app', credentials: {} } })
  const { id } = await acme.externalEventSubscriptions.create({ body: { connectionId, eventKey: 'told' } })
  urls.push((await admin.externalEventSubscriptions.get({ params: { id } })).incomingWebhookUri ?? '')
  await acme.externalEventSubscriptions.create({ body: { connectionId, eventKey: 'shared' } })
  const [shared] = await admin.integrations.globalWebhooks({ params: { selector: 'fuzz-app' } })
  urls.push(shared?.uri ?? '')
  const { items } = await admin.appEventSubscriptions.list({})
  urls.push(...items.flatMap((each) => each.webhookUri ?? []))
  const unknown = '00000000-0000-4000-8000-000000000000'
  const paths = urls.map((url) => new URL(url).pathname)
  // Apps append paths of their own.
  const further = paths.filter((path) => /external|global/.test(path)).map((path) => `${path}/a/%2e%2e/b`)
  const webhooks = [...paths, ...further, `/webhooks/global/${unknown}`, `/webhooks/app-events/${unknown}`]
  return { webhooks, kept: ['acme', acmeId], keys: await keysOf(admin) }
}

/** One API key of each role: some may change nothing, and see no payloads. */
async function keysOf(admin: Permea): Promise<string[]> {
  const keys: string[] = []
  for (const scope of ['developer', 'support', 'reader'] as const) {
    const { key } = await admin.apiKeys.create({ body: { name: scope, scope } })
    keys.push(`Bearer ${key}`)
  }
  return keys
}
