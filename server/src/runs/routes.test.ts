import type { Permea } from '@permea/sdk'
import { buildHouse, type House, refusalKey, startReceiver } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let house: House
let customer: Permea
let flowInstanceId: string

beforeEach(async () => {
  house = await buildHouse()
  customer = await house.as('customer-x')
  flowInstanceId = (await customer.flowInstances.create({ body: { name: 'Doubling', nodes } })).id
})

afterEach(() => house[Symbol.asyncDispose]())

const nodes = {
  start: {
    type: 'api-trigger',
    inputSchema: { type: 'object', required: ['word'] },
    links: [{ key: 'double' }, { key: 'shout' }],
  },
  double: {
    type: 'transform-data',
    config: { output: { $concat: [{ $var: '$.input.word' }, { $var: '$.input.word' }] } },
  },
  shout: { type: 'transform-data', config: { output: { $concat: [{ $var: '$.input.word' }, '!'] } } },
}

async function finished(word: string): Promise<string> {
  const { id } = await customer.flowRuns.create({ body: { flowInstanceId, input: { word }, meta: { by: 'test' } } })
  await house.settle()
  return id
}

test('a run shows its nodes, their runs and their outputs', async () => {
  const id = await finished('ho')
  const params = { id, nodeKey: 'double' }
  expect(await customer.flowRuns.get({ params })).toMatchObject({
    name: 'Doubling',
    state: 'completed',
    meta: { by: 'test' },
    flowInstance: { id: flowInstanceId },
    user: { internalId: 'customer-x' },
  })
  const outputs = await customer.flowRuns.nodeOutputs({ params })
  expect(outputs.items.map((each) => JSON.parse(each.data))).toEqual(['hoho'])
  expect(await customer.flowRuns.nodeOutput({ params })).toEqual(outputs)
  const outputId = outputs.items[0]?.id ?? ''
  expect(await customer.flowRuns.getNodeOutput({ params: { ...params, outputId } })).toEqual(outputs.items[0])
  expect(await customer.flowRuns.getNodeOutputAlias({ params: { ...params, outputId } })).toEqual(outputs.items[0])
  const elsewhere = { id, nodeKey: 'shout', outputId }
  expect(await refusalKey(customer.flowRuns.getNodeOutput({ params: elsewhere }))).toBe('not_found')

  const last = await customer.flowRuns.output({ params: { id } })
  expect(last.items.map((each) => JSON.parse(each.data)).sort()).toEqual(['ho!', 'hoho'])
  const first = await customer.flowRuns.output({ params: { id }, query: { limit: 1 } })
  const second = await customer.flowRuns.output({ params: { id }, query: { limit: 1, cursor: first.cursor } })
  expect([...first.items, ...second.items]).toEqual(last.items)

  const { items } = await customer.flowRuns.nodeRuns({ params })
  expect(items).toMatchObject([{ status: 'completed', upstreamRuns: [{ nodeKey: 'start' }] }])
  const nodeRunId = items[0]?.id ?? ''
  expect(await customer.flowRuns.nodeRun({ params: { ...params, nodeRunId } })).toMatchObject({
    input: { word: 'ho', start: { word: 'ho' } },
    outputs: [{ data: '"hoho"' }],
  })
})

test('runs are found by flow, customer, state, start and name', async () => {
  const id = await finished('a')
  const found = async (query: Parameters<Permea['flowRuns']['list']>[0]) =>
    (await house.admin.flowRuns.list(query)).items.map((each) => each.id)
  expect(await found({ query: { flowInstanceId, tenantId: 'customer-x', startNodeKey: 'start' } })).toEqual([id])
  expect(await found({ query: { search: 'doubl', state: 'completed' } })).toEqual([id])
  expect(await found({ query: { search: 'other' } })).toEqual([])
  expect(await found({ query: { startNodeKey: 'elsewhere' } })).toEqual([])
  expect(await found({ query: { connectionId: 'con_unknown' } })).toEqual([])
  expect(await found({ query: { endDatetime: new Date(0) } })).toEqual([])
})

test('a run is started where it can be, with an input that fits', async () => {
  const start = (body: { input?: unknown; startNodeKey?: string }) =>
    customer.flowRuns.create({ body: { flowInstanceId, ...body } })
  expect(await refusalKey(start({ input: {} }))).toBe('invalid_input')
  expect(await refusalKey(start({ input: { word: 'a' }, startNodeKey: 'double' }))).toBe('invalid_input')
  const draft = await customer.flowInstances.create({ body: { name: 'Draft' } })
  expect(await refusalKey(customer.flowRuns.create({ body: { flowInstanceId: draft.id } }))).toBe('invalid_flow')
})

test('what is over is not stopped; what is repeated has the same input', async () => {
  const id = await finished('a')
  expect(await refusalKey(customer.flowRuns.stop({ params: { id } }))).toBe('run_not_active')
  const again = await customer.flowRuns.repeat({ params: { id } })
  await house.settle()
  expect(await customer.flowRuns.get({ params: { id: again.id } })).toMatchObject({
    state: 'completed',
    input: { word: 'a' },
    meta: { repeatOf: id },
  })
  await customer.flowInstances.patch({
    params: { id: flowInstanceId },
    body: { nodes: { other: { type: 'api-trigger' } } },
  })
  expect(await refusalKey(customer.flowRuns.repeat({ params: { id } }))).toBe('invalid_input')
})

test('nothing of an archived instance is run', async () => {
  const id = await finished('a')
  await customer.flowInstances.archive({ params: { id: flowInstanceId } })
  expect(await refusalKey(customer.flowRuns.repeat({ params: { id } }))).toBe('archived')
  const input = { word: 'a' }
  expect(await refusalKey(customer.flowRuns.create({ body: { flowInstanceId, input } }))).toBe('archived')
})

describe.each([false, true])('repeated from a node on, in order: %s', (ordered) => {
  test('what came before is taken over and not done again; what failed and follows is', async () => {
    await using app = await startReceiver()
    let isBroken = true
    app.behave((request, response) => {
      const isRefused = isBroken && request.path === '/book'
      response.writeHead(isRefused ? 422 : 200, { 'content-type': 'application/json' }).end('{"price": 7}')
    })
    const post = (path: string, more: object) => ({
      type: 'http-request',
      config: { request: { method: 'POST', uri: `${app.url}${path}`, ...more } },
    })
    const { id } = await customer.flowInstances.create({
      body: {
        name: 'Booking',
        ordered,
        nodes: {
          start: { type: 'api-trigger', links: [{ key: 'look' }] },
          look: { ...post('/look', { body: { $var: '$.input.start' } }), links: [{ key: 'book' }] },
          book: { ...post('/book', { body: { $var: '$.input.look' } }), links: [{ key: 'tell' }] },
          tell: post('/tell', { body: { $var: '$.input.start.word' } }),
        },
      },
    })
    const first = await customer.flowRuns.create({ body: { flowInstanceId: id, input: { word: 'room' } } })
    await house.settle()
    expect(await customer.flowRuns.get({ params: { id: first.id } })).toMatchObject({ state: 'failed' })
    isBroken = false
    const params = { id: first.id }
    const again = await customer.flowRuns.repeat({ params, body: { fromNodeKey: 'book' } })
    await house.settle()
    expect(await customer.flowRuns.get({ params: { id: again.id } })).toMatchObject({
      state: 'completed',
      input: { word: 'room' },
      meta: { repeatOf: first.id, repeatedFrom: 'book' },
      nodes: { look: { runs: 1 }, book: { runs: 1 }, tell: { runs: 1 } },
    })
    expect(app.received.map(({ path }) => path)).toEqual(['/look', '/book', '/book', '/tell'])
    expect(app.received[2]?.json).toEqual(app.received[1]?.json)
    const taken = await customer.flowRuns.nodeRuns({ params: { id: again.id, nodeKey: 'look' } })
    expect(taken.items[0]?.logs.at(-1)).toMatchObject({ message: `taken over from ${first.id}` })

    // A run that took over can itself be repeated, from the beginning and from a node.
    const whole = await customer.flowRuns.repeat({ params: { id: again.id } })
    await house.settle()
    expect((await customer.flowRuns.get({ params: { id: whole.id } })).meta).toEqual({ repeatOf: again.id })
    expect(app.received.slice(4).map(({ path }) => path)).toEqual(['/look', '/book', '/tell'])

    const refused = customer.flowRuns.repeat({ params, body: { fromNodeKey: 'tell' } })
    expect(await refusalKey(refused)).toBe('invalid_input')
    await expect(refused).rejects.toThrow('fromNodeKey: "tell" did not run in it')
  })
})
