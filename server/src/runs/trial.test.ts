import type { Permea } from '@permea/sdk'
import { buildHouse, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let customer: Permea
let app: Receiver
let id: string

beforeAll(async () => {
  house = await buildHouse()
  app = await startReceiver()
  customer = await house.as('anna')
  app.behave((request, response) => {
    const status = request.path === '/broken' ? 422 : request.path === '/busy' ? 503 : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"price": 12345678901234567890}')
  })
  const nodes = {
    start: { type: 'api-trigger', links: [{ key: 'only' }, { key: 'each' }] },
    only: {
      type: 'filter',
      config: { filter: { $eval: { $var: '$.input.start.total' }, gte: 10 } },
      links: [{ key: 'post' }],
    },
    post: request('/orders'),
    each: { type: 'for-each-v2', config: { items: { $var: '$.input.start.lines' }, rootNodeKey: 'line' } },
    line: { type: 'transform-data', config: { output: { $var: '$.input.each.item.sku' } } },
    later: { type: 'delay', config: { amount: 60 } },
  }
  id = (
    await customer.flowInstances.create({
      body: {
        name: 'Orders',
        nodes: { ...nodes, start: { ...nodes.start, links: [...nodes.start.links, { key: 'later' }] } },
      },
    })
  ).id
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

function request(path: string) {
  return {
    type: 'http-request',
    config: {
      request: {
        method: 'POST',
        uri: `${app.url}${path}`,
        headers: { authorization: 'Bearer keep-this-one' },
        body: { $var: '$.input.start' },
      },
    },
  }
}

const tried = (nodeKey: string, body: Parameters<Permea['flowRuns']['tryNode']>[0]['body']) =>
  customer.flowRuns.tryNode({ params: { id, nodeKey }, body })

test('a node is done alone with what it is given: nothing that follows, and no run', async () => {
  const done = await tried('post', { input: { start: { total: 12 } } })
  expect(done).toMatchObject({ status: 'completed', errors: [] })
  expect(app.received.at(-1)).toMatchObject({
    path: '/orders',
    json: { total: 12 },
    headers: { authorization: 'Bearer keep-this-one' },
  })
  expect(JSON.stringify(done)).not.toContain('keep-this-one')
  expect(JSON.stringify(done.logs)).toContain('/orders')
  const before = app.received.length
  expect(await tried('only', { input: { start: { total: 12 } }, fed: { total: 12 } })).toMatchObject({
    status: 'completed',
    outputs: [{ total: 12 }],
  })
  expect(await tried('only', { input: { start: { total: 9 } } })).toMatchObject({ status: 'skipped', outputs: [] })
  expect(app.received.length).toBe(before)
  expect((await customer.flowRuns.list()).items).toEqual([])
})

test('as it is edited, with the secrets that it keeps', async () => {
  const shown = (await customer.flowInstances.get({ params: { id } })).nodes.post
  const config = { ...(shown?.config as { request: object }) }
  const node = { type: 'http-request', config: { request: { ...config.request, body: { edited: true } } } }
  expect(await tried('post', { node, input: { start: 1 } })).toMatchObject({ status: 'completed' })
  expect(app.received.at(-1)).toMatchObject({
    json: { edited: true },
    headers: { authorization: 'Bearer keep-this-one' },
  })
  // The workspace's secrets go nowhere else.
  const elsewhere = { ...node, config: { request: { ...config.request, uri: `${app.url}/elsewhere` } } }
  expect(await refusalKey(tried('post', { node: elsewhere, input: {} }))).toBe('invalid_flow')
  const unsaved = await tried('new', {
    node: { type: 'transform-data', config: { output: { $var: '$.input.a' } } },
    input: { a: [1] },
  })
  expect(unsaved.outputs).toEqual([[1]])
  expect((await customer.flowInstances.get({ params: { id } })).nodes.new).toBeUndefined()
})

test('failures, pauses and further tries are told', async () => {
  expect(await tried('post', { node: request('/broken'), input: { start: 1 } })).toMatchObject({
    status: 'failed',
    errors: [{ message: expect.stringContaining('422') }],
  })
  const busy = await tried('post', { node: request('/busy'), input: { start: 1 } })
  expect(busy).toMatchObject({ status: 'waiting', until: expect.any(String) })
  expect(JSON.stringify(busy.logs)).toContain('503')
  expect(await tried('later', { input: {} })).toMatchObject({ status: 'waiting', until: expect.any(String) })
})

test('a list goes through its sub-flow', async () => {
  const done = await tried('each', { input: { start: { lines: [{ sku: 'a' }, { sku: 'b' }] } } })
  expect(done).toMatchObject({ status: 'completed', outputs: [{ line: ['a', 'b'] }] })
})

test('what cannot be tried is refused by name', async () => {
  const node = { type: 'transform-data', config: {} }
  expect(await refusalKey(tried('nowhere', { input: {} }))).toBe('invalid_input')
  await expect(tried('start', { input: {} })).rejects.toThrow('a trigger does nothing by itself')
  expect(await refusalKey(tried('post', { node: { ...node, type: 'no-such-type' }, input: {} }))).toBe('invalid_flow')
  const stranger = await house.as('ben')
  expect(await refusalKey(stranger.flowRuns.tryNode({ params: { id, nodeKey: 'post' }, body: { input: {} } }))).toBe(
    'not_found',
  )
  await customer.flowInstances.archive({ params: { id } })
  expect(await refusalKey(tried('post', { input: {} }))).toBe('archived')
})
