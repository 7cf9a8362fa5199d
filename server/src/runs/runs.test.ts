import type { FlowNodes } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import {
  answering,
  buildHouse,
  createTestDatabase,
  type House,
  type HouseOptions,
  type Receiver,
  startReceiver,
} from '@permea/testkit'
import { describe, expect, test } from 'vitest'

// How runs go through their nodes, as users see it: through the API, with a real receiver.

interface Scene extends AsyncDisposable {
  house: House
  anna: Permea
  app: Receiver
  /** Makes a flow of these nodes and runs it; gives the run when nothing more is due. */
  run(nodes: FlowNodes, input?: unknown): Promise<Run>
  again(run: Run): Promise<Run>
  runsOf(run: Run, nodeKey: string): ReturnType<Permea['flowRuns']['nodeRuns']>
}

type Run = Awaited<ReturnType<Permea['flowRuns']['get']>>

async function scene(options: HouseOptions = {}): Promise<Scene> {
  const app = await startReceiver()
  const house = await buildHouse({ clock: 'settable', appBaseUri: app.url, ...options })
  const anna = await house.as('anna')
  let flows = 0
  const again = (run: Run) => anna.flowRuns.get({ params: { id: run.id } })
  return {
    house,
    anna,
    app,
    async run(nodes, input = {}) {
      flows += 1
      const flowKey = `flow-${flows}`
      await house.admin.flows.create({ body: { key: flowKey, name: flowKey, nodes } })
      const instance = await anna.flowInstances.getByQuery({ query: { flowKey, autoCreate: true } })
      const run = await anna.flowRuns.create({ body: { flowInstanceId: instance.id, input } })
      await house.settle()
      return again(run)
    },
    again,
    runsOf: (run, nodeKey) => anna.flowRuns.nodeRuns({ params: { id: run.id, nodeKey } }),
    async [Symbol.asyncDispose]() {
      await house[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

const links = (...keys: string[]) => keys.map((key) => ({ key }))
const start = (...keys: string[]) => ({ type: 'api-trigger', links: links(...keys) })
const transform = (output: unknown, ...keys: string[]) => ({
  type: 'transform-data',
  config: { output },
  links: links(...keys),
})
const post = (uri: string, body: unknown, ...keys: string[]) => ({
  type: 'api-request-to-your-app',
  config: { request: { uri, method: 'POST', body } },
  links: links(...keys),
})
const forEach = (items: unknown, rootNodeKey: string, ...keys: string[]) => ({
  type: 'for-each-v2',
  config: { items, rootNodeKey },
  links: links(...keys),
})
const bodies = (app: Receiver, path: string) =>
  app.received.filter((each) => each.path === path).map((each) => each.json)

describe('links', () => {
  test('feed every node they lead to; those with a filter only where it holds', async () => {
    await using at = await scene()
    const run = await at.run(
      {
        t: {
          type: 'api-trigger',
          links: [
            { key: 'a', filter: { $var: '$.output.isGood' } },
            { key: 'b', filter: { $var: '$.output.n' } },
            { key: 'f' },
          ],
        },
        a: post('/a', { $var: '$.input.t.n' }),
        b: post('/b', { $var: '$.input.t.n' }),
        f: { type: 'filter', config: { filter: { $var: '$.input.t.isGood' } }, links: links('c') },
        c: post('/c', { $var: '$.input.t.n' }),
      },
      { n: 1, isGood: false },
    )
    expect(run.state).toBe('completed')
    expect(at.app.received.map((each) => each.path).sort()).toEqual(['/b'])
    expect(run.nodes).toMatchObject({ b: { runs: 1, outputs: 1 }, f: { runs: 1, outputs: 0 } })
    expect((await at.runsOf(run, 'f')).items[0]?.status).toBe('skipped')
  })

  test('show what fed a node run and what it fed', async () => {
    await using at = await scene()
    const run = await at.run({ t: start('a'), a: transform({ x: 1 }, 'b', 'c'), b: transform(2), c: transform(3) })
    const [a] = (await at.runsOf(run, 'a')).items
    const [b] = (await at.runsOf(run, 'b')).items
    const [t] = (await at.runsOf(run, 't')).items
    expect(a?.upstreamRuns).toEqual([{ nodeKey: 't', runId: t?.id, outputId: t?.outputs[0]?.id }])
    expect(b?.upstreamRuns).toEqual([{ nodeKey: 'a', runId: a?.id, outputId: a?.outputs[0]?.id }])
    expect(a?.outputs[0]?.downstreamRuns.map((each) => each.nodeKey).sort()).toEqual(['b', 'c'])
    expect(b?.input).toEqual({ t: {}, a: { x: 1 } })
    const output = await at.anna.flowRuns.getNodeOutput({
      params: { id: run.id, nodeKey: 'a', outputId: a?.outputs[0]?.id ?? '' },
    })
    expect(JSON.parse(output.data)).toEqual({ x: 1 })
  })
})

describe('a for-each', () => {
  const nested: FlowNodes = {
    t: start('outer'),
    outer: forEach({ $var: '$.input.t.rows' }, 'inner', 'sum'),
    inner: forEach({ $var: '$.input.outer.item.cells' }, 'cell'),
    cell: post('/cell', { cell: { $var: '$.input.inner.item' }, row: { $var: '$.input.outer.item.name' } }),
    sum: post('/sum', { $var: '$.input.outer' }),
  }
  const rows = [
    { name: 'one', cells: ['a', 'b'] },
    { name: 'none', cells: [] },
    { name: 'two', cells: ['c'] },
  ]

  test('in a for-each runs each cell with its own row, then what follows once; inputs are shown as they were', async () => {
    await using at = await scene()
    at.app.behave((request, response) => answering(200, { took: request.json })(request, response))
    const run = await at.run(nested, { rows })
    expect(run.state).toBe('completed')
    const cells = [
      { cell: 'a', row: 'one' },
      { cell: 'b', row: 'one' },
      { cell: 'c', row: 'two' },
    ]
    expect(bodies(at.app, '/cell')).toEqual(cells)
    expect(bodies(at.app, '/sum')).toHaveLength(1)
    const shown = (await at.runsOf(run, 'cell')).items
    expect(shown.map((each) => each.input)).toEqual([
      { rows, t: { rows }, outer: { item: rows[0] }, inner: { item: 'a' } },
      { rows, t: { rows }, outer: { item: rows[0] }, inner: { item: 'b' } },
      { rows, t: { rows }, outer: { item: rows[2] }, inner: { item: 'c' } },
    ])
    expect(run.nodes).toMatchObject({ outer: { runs: 1 }, inner: { runs: 3 }, cell: { runs: 3, outputs: 3 } })
  })

  test.each([1, 3])('takes %i items at a time', async (concurrency) => {
    await using at = await scene()
    let now = 0
    let most = 0
    const waiting: (() => void)[] = []
    at.app.behave(async (request, response) => {
      now += 1
      most = Math.max(most, now)
      // Answered when as many have come as may, so that more would be seen.
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length === concurrency) for (const each of waiting.splice(0)) setImmediate(each)
      })
      now -= 1
      return answering(200)(request, response)
    })
    const run = await at.run({
      t: start('each'),
      each: { ...forEach([1, 2, 3, 4, 5, 6], 'in'), concurrency },
      in: { ...post('/in', 1), concurrency: 100 },
    })
    expect(run.state).toBe('completed')
    expect(most).toBe(concurrency)
  })

  test('goes on where it was when one item has to wait: nothing is done twice', async () => {
    await using at = await scene()
    let refusals = 1
    at.app.behave((request, response) => {
      const isRefused = (request.json as { cell?: string }).cell === 'b' && refusals-- > 0
      return answering(isRefused ? 503 : 200, {})(request, response)
    })
    const run = await at.run(nested, { rows })
    expect(run.state).toBe('running')
    expect(run.nextAttemptAt).toBeDefined()
    expect(bodies(at.app, '/sum')).toEqual([])
    await at.house.advance(60_000)
    expect((await at.again(run)).state).toBe('completed')
    const cells = bodies(at.app, '/cell').map((each) => (each as { cell: string }).cell)
    expect(cells.toSorted()).toEqual(['a', 'b', 'b', 'c'])
    expect(bodies(at.app, '/sum')).toHaveLength(1)
    const [, b] = (await at.runsOf(run, 'cell')).items.toSorted((x, y) =>
      JSON.stringify(x.input) < JSON.stringify(y.input) ? -1 : 1,
    )
    expect(b).toMatchObject({ attempts: 2, status: 'completed' })
  })
})

describe('an error', () => {
  const failing = (onError?: 'stop' | 'continue'): FlowNodes => ({
    t: start('bad', 'other'),
    bad: { ...post('/bad', 1, 'after'), ...(onError === undefined ? {} : { onError }) },
    after: post('/after', { key: { $var: '$.input.bad.error.key' } }),
    other: post('/other', 1),
  })
  const refusing = (app: Receiver) =>
    app.behave((request, response) => answering(request.path === '/bad' ? 404 : 200)(request, response))

  test('stops its branch and fails the run, naming the node; other branches go on', async () => {
    await using at = await scene()
    refusing(at.app)
    const run = await at.run(failing())
    expect(run).toMatchObject({ state: 'failed', errors: [{ key: 'request_failed', data: { nodeKey: 'bad' } }] })
    expect(run.errors?.[0]?.message).toContain('"bad"')
    expect(at.app.received.map((each) => each.path).sort()).toEqual(['/bad', '/other'])
  })

  test('is an output where the flow goes on with errors', async () => {
    await using at = await scene()
    refusing(at.app)
    const run = await at.run(failing('continue'))
    expect(run.state).toBe('completed')
    expect(bodies(at.app, '/after')).toEqual([{ key: 'request_failed' }])
  })
})

describe('a receiver that says not now', () => {
  const once: FlowNodes = { t: start('a'), a: post('/a', 1) }

  test('is asked again no sooner than it wants', async () => {
    await using at = await scene()
    at.app.behave(answering(429, {}, { 'retry-after': '120' }))
    const run = await at.run(once)
    expect(run.state).toBe('running')
    await at.house.advance(119_000)
    expect(at.app.received).toHaveLength(1)
    at.app.behave(answering(200))
    await at.house.advance(2_000)
    expect((await at.again(run)).state).toBe('completed')
  })

  test('is asked seven times, then the run fails with every attempt in its log', async () => {
    await using at = await scene()
    at.app.behave(answering(500))
    const run = await at.run(once)
    for (let times = 0; times < 10; times += 1) await at.house.advance(15 * 60_000)
    expect(at.app.received).toHaveLength(7)
    expect((await at.again(run)).state).toBe('failed')
    const [nodeRun] = (await at.runsOf(run, 'a')).items
    expect(nodeRun).toMatchObject({ status: 'failed', attempts: 7 })
    expect(nodeRun?.logs.filter((each) => (each as { type: string }).type === 'error')).toHaveLength(6)
  })
})

test('a run that was cut off goes on at the first step without a record', async () => {
  await using database = await createTestDatabase()
  await using app = await startReceiver()
  const before = await buildHouse({ appBaseUri: app.url, database: { url: database.url } })
  const anna = await before.as('anna')
  app.behave((request, response) => (request.path === '/second' ? undefined : answering(200)(request, response)))
  await before.admin.flows.create({
    body: {
      key: 'f',
      name: 'f',
      nodes: {
        t: start('first'),
        first: post('/first', 1, 'second'),
        second: post('/second', 1, 'third'),
        third: post('/third', 1),
      },
    },
  })
  const instance = await anna.flowInstances.getByQuery({ query: { flowKey: 'f', autoCreate: true } })
  const run = await anna.flowRuns.create({ body: { flowInstanceId: instance.id } })
  await app.waitFor(1, (request) => request.path === '/second')
  await before[Symbol.asyncDispose]()

  app.behave(answering(200))
  await using after = await buildHouse({ database: { url: database.url, workspace: before.workspace } })
  await app.waitFor(1, (request) => request.path === '/third')
  await after.settle()
  expect(app.received.map((request) => request.path)).toEqual(['/first', '/second', '/second', '/third'])
  expect((await after.admin.flowRuns.get({ params: { id: run.id } })).state).toBe('completed')
})

test('a run that is stopped begins nothing more and stays stopped', async () => {
  await using at = await scene()
  let answer = () => {}
  at.app.behave((request, response) => {
    answer = () => void answering(200)(request, response)
  })
  await at.house.admin.flows.create({
    body: { key: 'f', name: 'f', nodes: { t: start('a'), a: post('/a', 1, 'b'), b: post('/b', 1) } },
  })
  const instance = await at.anna.flowInstances.getByQuery({ query: { flowKey: 'f', autoCreate: true } })
  const run = await at.anna.flowRuns.create({ body: { flowInstanceId: instance.id } })
  await at.app.waitFor(1)
  const stopped = await at.anna.flowRuns.stop({ params: { id: run.id } })
  expect(stopped.state).toBe('stopped')
  answer()
  await at.house.settle()
  expect(at.app.received.map((each) => each.path)).toEqual(['/a'])
  expect((await at.again(stopped)).state).toBe('stopped')
  await expect(at.anna.flowRuns.stop({ params: { id: run.id } })).rejects.toMatchObject({
    status: 409,
    key: 'run_not_active',
  })
})

describe('limits', () => {
  test('end a run that has too many node runs, and say so', async () => {
    await using at = await scene({ engine: { runLimits: { nodeRunsMax: 20 } } })
    const run = await at.run({
      t: start('each'),
      each: forEach(
        Array.from({ length: 100 }, () => 1),
        'in',
      ),
      in: transform(1),
    })
    expect(run).toMatchObject({ state: 'failed', errors: [{ key: 'limit_exceeded' }] })
    expect((await at.runsOf(run, 'in')).items.length).toBeLessThanOrEqual(20)
  })

  test('end a run that is at work for too long', async () => {
    await using at = await scene({ engine: { runLimits: { activeMsMax: 300 } } })
    at.app.behave((_request, response) => void setTimeout(() => response.end('{}'), 100))
    const items = Array.from({ length: 50 }, () => 1)
    const run = await at.run({ t: start('each'), each: forEach(items, 'send'), send: post('/slow', 1) })
    expect(run).toMatchObject({ state: 'failed', errors: [{ key: 'limit_exceeded' }] })
    expect(at.app.received.length).toBeLessThan(50)
  })

  test('end a node whose output is too large', async () => {
    await using at = await scene({ engine: { runLimits: { outputCharsMax: 1000 } } })
    const run = await at.run({ t: start('big'), big: transform('x'.repeat(2000), 'after'), after: post('/after', 1) })
    expect(run).toMatchObject({ state: 'failed', errors: [{ key: 'output_too_large' }] })
    expect(at.app.received).toEqual([])
  })
})
