import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { contract, type FlowRunState } from '@permea/contract'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { createPermea, PermeaError, pages, sendEvents } from './index.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

type Reply = { status?: number; json?: unknown; text?: string }

/** A server that notes what it is asked and answers as told. */
async function listen(answer: (seen: Seen) => Reply) {
  const seen: Seen[] = []
  const listener: RequestListener = async (request, response) => {
    const body = (await request.toArray()).join('')
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
    seen.push(one)
    const reply = answer(one)
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' })
    response.end(reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json)))
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const refusal = (status: number, key: string) => ({
  status,
  json: { type: 'bad_request', key, message: `it is ${key}` },
})

describe('every endpoint', () => {
  const everyEndpoint = Object.entries(contract).flatMap(([group, table]) =>
    Object.entries(table).map(([name, endpoint]) => ({ group, name, method: endpoint.method, path: endpoint.path })),
  )

  test.each(everyEndpoint)('$group.$name asks with its method at its path', async ({ group, name, method, path }) => {
    await using engine = await listen(() => ({ json: {} }))
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    const call = (permea as unknown as Record<string, Record<string, (input: object) => Promise<unknown>>>)[group]?.[
      name
    ]
    assert.ok(call !== undefined)
    const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1])
    await call({ params: Object.fromEntries(names.map((each) => [each, `${each}/1`])) })
    expect(engine.seen).toMatchObject([{ method, url: path.replaceAll(/:(\w+)/g, '$1%2F1') }])
  })
})

describe('a request', () => {
  test('carries the token, the path, the query and the body', async () => {
    await using engine = await listen(() => ({ json: { id: 'fr_1', state: 'queued' } }))
    const permea = createPermea({ baseUrl: `${engine.url}/mounted/here/`, token: 'secret' })
    const answer = await permea.flows.run({
      params: { selector: 'crm.sync' },
      query: { autoCreate: true },
      body: { input: { a: 1 } },
    })
    expect(answer).toEqual({ id: 'fr_1', state: 'queued' })
    expect(engine.seen).toMatchObject([
      {
        method: 'POST',
        url: '/mounted/here/flows/crm.sync/run?autoCreate=true',
        headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
        body: '{"input":{"a":1}}',
      },
    ])
  })

  test('without a body has no content type', async () => {
    await using engine = await listen(() => ({ json: {} }))
    await createPermea({ baseUrl: engine.url, token: 't' }).flowRuns.stop({ params: { id: 'fr_1' } })
    expect(engine.seen[0]?.headers).not.toHaveProperty('content-type')
    expect(engine.seen[0]?.body).toBe('')
  })

  test.each(['a/b', 'ü ?#&%', 'a.b', '...', '%2e', 'x:y', '\\', '+'])(
    'brings the selector %j to the engine as it is',
    async (selector) => {
      await using engine = await listen(() => ({ json: {} }))
      await createPermea({ baseUrl: engine.url, token: 't' }).customers.get({ params: { selector } })
      const segments = engine.seen[0]?.url.split('/') ?? []
      expect(segments.map(decodeURIComponent)).toEqual(['', 'customers', selector])
    },
  )

  test.each(['', '.', '..'])(
    'is not sent with the selector %j, which would reach another endpoint',
    async (selector) => {
      await using engine = await listen(() => ({ json: {} }))
      const permea = createPermea({ baseUrl: engine.url, token: 't' })
      await expect(permea.customers.archive({ params: { selector } })).rejects.toThrow('no URL can carry it')
      expect(engine.seen).toEqual([])
    },
  )

  test('turns numbers, booleans and dates of the query into text and leaves out what is undefined', async () => {
    await using engine = await listen(() => ({ json: { items: [] } }))
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    const from = new Date('2026-01-02T03:04:05.678Z')
    await permea.appEvents.list({
      query: { limit: 5, includeArchived: false, from, to: 1_700_000_000_000, search: 'a&b=c d', tenantId: undefined },
    })
    await permea.appEvents.list({ query: {} })
    await permea.appEvents.list()
    expect(engine.seen.map((each) => each.url)).toEqual([
      '/app-events?limit=5&includeArchived=false&from=2026-01-02T03%3A04%3A05.678Z&to=1700000000000&search=a%26b%3Dc+d',
      '/app-events',
      '/app-events',
    ])
  })

  test('goes through the fetch that was given', async () => {
    const asked: string[] = []
    const permea = createPermea({
      baseUrl: 'http://engine.invalid',
      token: 't',
      fetch: async (url) => {
        asked.push(url)
        return Response.json({ items: [] })
      },
    })
    await permea.flows.list()
    expect(asked).toEqual(['http://engine.invalid/flows'])
  })

  test('can be given up', async () => {
    await using engine = await listen(() => ({ json: {} }))
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    await expect(
      permea.customers.self({}, { signal: AbortSignal.abort(new Error('no longer wanted')) }),
    ).rejects.toThrow('no longer wanted')
  })
})

describe('an answer', () => {
  test('of an endpoint that answers with an empty body is nothing', async () => {
    await using engine = await listen(() => ({}))
    expect(
      await createPermea({ baseUrl: engine.url, token: 't' }).flows.archive({ params: { selector: 'x' } }),
    ).toBeUndefined()
  })

  test('of a newer engine keeps fields that the contract does not know', async () => {
    await using engine = await listen(() => ({ json: { id: 'fr_1', new: true } }))
    expect(await createPermea({ baseUrl: engine.url, token: 't' }).flowRuns.get({ params: { id: 'fr_1' } })).toEqual({
      id: 'fr_1',
      new: true,
    })
  })

  test('that is not JSON is an error with its status', async () => {
    await using engine = await listen(() => ({ text: '<html>' }))
    const error = await createPermea({ baseUrl: engine.url, token: 't' })
      .flows.list()
      .catch((each: unknown) => each)
    assert.ok(error instanceof PermeaError)
    expect(error).toMatchObject({
      status: 200,
      type: undefined,
      message: 'GET /flows was answered with 200 and something other than JSON',
    })
    expect(error.cause).toBeInstanceOf(SyntaxError)
  })
})

describe('a refusal', () => {
  test('is thrown with status, type, key, message and data', async () => {
    const data = { problems: [{ field: 'key', message: 'taken' }] }
    await using engine = await listen(() => ({
      status: 409,
      json: { type: 'bad_request', key: 'already_exists', message: 'taken', data },
    }))
    const error = await createPermea({ baseUrl: engine.url, token: 't' })
      .integrations.create({ body: { key: 'crm' } })
      .catch((each: unknown) => each)
    assert.ok(error instanceof PermeaError)
    expect(error).toMatchObject({
      name: 'PermeaError',
      status: 409,
      type: 'bad_request',
      key: 'already_exists',
      message: 'taken',
      data,
    })
  })

  test('by something in front of the engine has a status and says what was asked', async () => {
    await using engine = await listen(() => ({ status: 502, text: 'Bad Gateway' }))
    const error = await createPermea({ baseUrl: engine.url, token: 't' })
      .flows.list()
      .catch((each: unknown) => each)
    expect(error).toMatchObject({
      status: 502,
      type: undefined,
      key: undefined,
      message: 'GET /flows was answered with 502: Bad Gateway',
    })
  })

  test('is not made up where the engine cannot be reached: the error of fetch comes through with its cause', async () => {
    const engine = await listen(() => ({}))
    await engine[Symbol.asyncDispose]()
    const error = await createPermea({ baseUrl: engine.url, token: 't' })
      .flows.list()
      .catch((each: unknown) => each)
    assert.ok(error instanceof TypeError)
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('a token that is fetched', () => {
  /** Gives token 1, 2, 3 …, and an engine that takes only those from `oldest` on. */
  async function renewing(oldest: number) {
    let given = 0
    const engine = await listen(({ headers }) =>
      Number(headers.authorization?.slice('Bearer '.length)) >= oldest
        ? { json: { items: [] } }
        : refusal(401, 'not_authenticated'),
    )
    const permea = createPermea({ baseUrl: engine.url, fetchToken: async () => String(++given) })
    return { engine, permea, given: () => given }
  }

  test('is fetched once for requests that begin together and kept for later ones', async () => {
    const { engine, permea, given } = await renewing(1)
    await using _ = engine
    await Promise.all([permea.flows.list(), permea.flowRuns.list(), permea.customers.self()])
    await permea.flows.list()
    expect(given()).toBe(1)
  })

  test('is fetched anew when it is refused, and the request sent again', async () => {
    const { engine, permea, given } = await renewing(2)
    await using _ = engine
    await permea.flows.create({ body: { key: 'a' } })
    expect(given()).toBe(2)
    expect(engine.seen.map((each) => each.body)).toEqual(['{"key":"a"}', '{"key":"a"}'])
  })

  test('is fetched once for all requests that were refused together', async () => {
    const { engine, permea, given } = await renewing(2)
    await using _ = engine
    await Promise.all([permea.flows.list(), permea.flowRuns.list(), permea.customers.self()])
    expect(given()).toBe(2)
  })

  test('that is refused twice is refused', async () => {
    const { engine, permea, given } = await renewing(99)
    await using _ = engine
    await expect(permea.flows.list()).rejects.toMatchObject({ status: 401, key: 'not_authenticated' })
    expect(given()).toBe(2)
  })

  test('that could not be fetched is asked for again by the next request', async () => {
    await using engine = await listen(() => ({ json: { items: [] } }))
    let calls = 0
    const fetchToken = async () => {
      calls += 1
      if (calls === 1) throw new Error('the token server is away')
      return 't'
    }
    const permea = createPermea({ baseUrl: engine.url, fetchToken })
    await expect(permea.flows.list()).rejects.toThrow('the token server is away')
    await permea.flows.list()
    expect(engine.seen).toHaveLength(1)
  })

  test('that was given, not fetched, is not tried twice', async () => {
    await using engine = await listen(() => refusal(401, 'not_authenticated'))
    await expect(createPermea({ baseUrl: engine.url, token: 't' }).flows.list()).rejects.toMatchObject({ status: 401 })
    expect(engine.seen).toHaveLength(1)
  })
})

describe('pages', () => {
  /** Seven runs in pages of three; like the engine, a full page carries a cursor even where nothing follows. */
  const threeByThree = (count: number) =>
    listen(({ url }) => {
      const start = Number(new URL(url, 'http://engine').searchParams.get('cursor') ?? 0)
      const items = Array.from({ length: count }, (_, at) => ({ id: `fr_${at}` })).slice(start, start + 3)
      return { json: { items, ...(items.length === 3 ? { cursor: String(start + 3) } : {}) } }
    })

  test.each([0, 2, 3, 7])('walk all of %d items once, in order, keeping the query', async (count) => {
    await using engine = await threeByThree(count)
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    const ids: string[] = []
    for await (const run of pages(permea.flowRuns.list, { query: { state: 'failed', limit: 3 } })) ids.push(run.id)
    expect(ids).toEqual(Array.from({ length: count }, (_, at) => `fr_${at}`))
    expect(engine.seen).toHaveLength(Math.floor(count / 3) + 1)
    for (const each of engine.seen) expect(each.url).toMatch(/^\/flow-runs\?state=failed&limit=3/)
  })

  test('are asked for one at a time and no more once the caller has enough', async () => {
    await using engine = await threeByThree(7)
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    for await (const run of pages(permea.flowRuns.list)) if (run.id === 'fr_3') break
    expect(engine.seen.map((each) => each.url)).toEqual(['/flow-runs', '/flow-runs?cursor=3'])
  })

  test('of a list below one element keep its params', async () => {
    await using engine = await threeByThree(4)
    const permea = createPermea({ baseUrl: engine.url, token: 't' })
    let count = 0
    for await (const _ of pages(permea.appEventSubscriptions.listRequests, { params: { id: 'aes_1' } })) count += 1
    expect(count).toBe(4)
    expect(engine.seen.map((each) => each.url)).toEqual([
      '/app-event-subscriptions/aes_1/requests',
      '/app-event-subscriptions/aes_1/requests?cursor=3',
    ])
  })
})

describe('sendEvents', () => {
  test('posts one event or a batch and gives the answer', async () => {
    await using engine = await listen(({ body }) =>
      body.startsWith('[')
        ? {
            status: 207,
            json: {
              results: [{ id: 'ae_1' }, { error: { type: 'bad_request', key: 'event_invalid', message: 'no' } }],
            },
          }
        : { json: { id: 'ae_1', results: [{ id: 'ae_1' }] } },
    )
    expect(
      await sendEvents(`${engine.url}/webhooks/app-events/k`, { a: 1 }, { token: 't', idempotencyKey: 'once' }),
    ).toEqual({
      id: 'ae_1',
      results: [{ id: 'ae_1' }],
    })
    const { results } = await sendEvents(`${engine.url}/webhooks/app-events/k`, [{ a: 1 }, {}])
    expect(results).toMatchObject([{ id: 'ae_1' }, { error: { key: 'event_invalid' } }])
    expect(engine.seen).toMatchObject([
      {
        method: 'POST',
        headers: { authorization: 'Bearer t', 'idempotency-key': 'once', 'content-type': 'application/json' },
        body: '{"a":1}',
      },
      { method: 'POST', body: '[{"a":1},{}]' },
    ])
    expect(engine.seen[1]?.headers).not.toHaveProperty('authorization')
    expect(engine.seen[1]?.headers).not.toHaveProperty('idempotency-key')
  })

  test('throws where no event was accepted, with what became of each', async () => {
    const results = [{ error: { type: 'bad_request', key: 'event_invalid', message: 'no' } }]
    await using engine = await listen(() => ({
      status: 400,
      json: { type: 'bad_request', key: 'events_refused', message: 'none accepted', results },
    }))
    const error = await sendEvents(engine.url, [{}]).catch((each: unknown) => each)
    assert.ok(error instanceof PermeaError)
    expect(error).toMatchObject({ status: 400, key: 'events_refused', message: 'none accepted', results })
  })

  test.each([404, 410, 503])('throws on %d, where no event was looked at', async (status) => {
    await using engine = await listen(() => refusal(status, 'some_key'))
    await expect(sendEvents(engine.url, {})).rejects.toMatchObject({ status, key: 'some_key', results: undefined })
  })

  test.each([200, 204, 301])('throws on a %d that no engine gave', async (status) => {
    await using engine = await listen(() => ({ status, ...(status === 204 ? {} : { text: 'OK' }) }))
    await expect(sendEvents(engine.url, {})).rejects.toMatchObject({ name: 'PermeaError', status })
  })
})

test('types follow the contract', () => {
  const permea = createPermea({ baseUrl: 'http://engine.invalid', token: 't' })
  type Input<F extends (...args: never[]) => unknown> = Exclude<Parameters<F>[0], undefined>

  expectTypeOf<keyof typeof permea>().toEqualTypeOf<keyof typeof contract>()
  expectTypeOf<Input<typeof permea.flowRuns.get>>().toEqualTypeOf<{ params: { id: string } }>()
  expectTypeOf<Input<typeof permea.flowRuns.nodeRun>['params']>().toEqualTypeOf<{
    id: string
    nodeKey: string
    nodeRunId: string
  }>()
  expectTypeOf<Input<typeof permea.customers.self>>().toEqualTypeOf<Record<string, never>>()
  expectTypeOf(permea.customers.get).parameter(0).not.toEqualTypeOf<undefined>()

  type EventQuery = Exclude<Input<typeof permea.appEvents.list>['query'], undefined>
  expectTypeOf<EventQuery['limit']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<EventQuery['includeArchived']>().toEqualTypeOf<string | boolean | undefined>()
  expectTypeOf<EventQuery['from']>().toEqualTypeOf<string | number | Date | undefined>()
  type RunQuery = Exclude<Input<typeof permea.flowRuns.list>['query'], undefined>
  expectTypeOf<RunQuery['state']>().toEqualTypeOf<FlowRunState | undefined>()

  expectTypeOf<Awaited<ReturnType<typeof permea.flowRuns.get>>['state']>().toEqualTypeOf<FlowRunState>()
  expectTypeOf<ReturnType<typeof permea.flows.archive>>().toEqualTypeOf<Promise<void>>()
  expectTypeOf(pages(permea.flowRuns.list)).toExtend<AsyncIterable<{ id: string; state: FlowRunState }>>()

  const mistakes = () => [
    // @ts-expect-error a path parameter is missing
    permea.flowRuns.get({ params: {} }),
    // @ts-expect-error params are required
    permea.flowRuns.get(),
    // @ts-expect-error the query has no such field
    permea.flowRuns.list({ query: { nonsense: 1 } }),
    // @ts-expect-error the body has a wrong type
    permea.flows.create({ body: { key: 1 } }),
    // @ts-expect-error this endpoint takes nothing
    permea.customers.self({ query: {} }),
    // @ts-expect-error pages need what the list needs
    pages(permea.appEventSubscriptions.listRequests),
    // @ts-expect-error only lists have pages
    pages(permea.flowRuns.get, { params: { id: '' } }),
    // @ts-expect-error a token or a way to fetch one, not both
    createPermea({ baseUrl: '', token: '', fetchToken: async () => '' }),
  ]
  expectTypeOf(mistakes).toBeFunction()
})
