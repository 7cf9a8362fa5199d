import type { FlowNodes } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House
let customer: Permea

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
  customer = await house.as('acme')
})
afterAll(() => house[Symbol.asyncDispose]())

const trigger = (...keys: string[]) => ({ type: 'api-trigger', links: keys.map((key) => ({ key })) })
const value = (output: unknown) => ({ type: 'transform-data', config: { output } })

async function start(key: string, nodes: FlowNodes, input: unknown): Promise<string> {
  await house.admin.flows.create({ body: { key, nodes } })
  const { id } = await customer.flowInstances.getByQuery({ query: { flowKey: key, autoCreate: 'true' } })
  await customer.flowInstances.patch({ params: { id }, body: { enabled: true } })
  return (await customer.flowRuns.create({ body: { flowInstanceId: id, input } })).id
}

const runNow = (id: string) => customer.flowRuns.get({ params: { id } })
const ranNodes = async (id: string) => Object.keys((await runNow(id)).nodes ?? {}).sort()

test('a delay holds the run up for as long as it says, across the clock, and then hands on what it was fed', async () => {
  const id = await start(
    'later',
    {
      trigger: trigger('wait'),
      wait: { type: 'delay', config: { amount: { $var: '$.input.hours' }, unit: 'hours' }, links: [{ key: 'after' }] },
      after: value({ $var: '$.input.wait.hours' }),
    },
    { hours: 2 },
  )
  await house.settle()
  expect(await runNow(id)).toMatchObject({ state: 'running', nextAttemptAt: expect.any(String) })
  await house.advance(7_100_000)
  expect(await ranNodes(id)).not.toContain('after')
  await house.advance(200_000)
  expect(await runNow(id)).toMatchObject({ state: 'completed' })
  const { items } = await customer.flowRuns.nodeRuns({ params: { id, nodeKey: 'wait' } })
  expect(items).toMatchObject([{ status: 'completed', attempts: 1 }])
  const after = await customer.flowRuns.nodeOutput({ params: { id, nodeKey: 'after' } })
  expect(after.items).toHaveLength(1)
})

test('a moment that is over waits for nothing; what is no moment or too far fails, naming the node', async () => {
  const until = {
    trigger: trigger('wait'),
    wait: { type: 'delay', config: { until: { $var: '$.input.at' } }, links: [] },
  }
  const over = await start('over', until, { at: '2001-01-01T00:00:00Z' })
  const wrong = await start('wrong', until, { at: 'never' })
  const far = await start('far', until, { at: house.clock.now().getTime() + 40 * 86_400_000 })
  await house.settle()
  expect(await runNow(over)).toMatchObject({ state: 'completed' })
  for (const id of [wrong, far])
    expect(await runNow(id)).toMatchObject({
      state: 'failed',
      errors: [{ key: 'delay_invalid', data: { nodeKey: 'wait' } }],
    })
  const tooLong = { trigger: trigger('wait'), wait: { type: 'delay', config: { amount: 31, unit: 'days' } } }
  expect(await refusalKey(house.admin.flows.create({ body: { key: 'long', nodes: tooLong } }))).toBe('invalid_flow')
})

test('a branch goes one way only: the first whose condition holds, else the one without', async () => {
  const over = (total: number) => ({ $eval: { $var: '$.input.trigger.total' }, gte: total })
  const nodes: FlowNodes = {
    trigger: trigger('which'),
    which: {
      type: 'branch',
      links: [{ key: 'huge', filter: over(1000) }, { key: 'big', filter: over(100) }, { key: 'small' }],
    },
    huge: value(1),
    big: value(2),
    small: value(3),
  }
  const ways: [number, string][] = [
    [5000, 'huge'],
    [500, 'big'],
    [5, 'small'],
  ]
  await house.admin.flows.create({ body: { key: 'ways', nodes } })
  const { id: flowInstanceId } = await customer.flowInstances.getByQuery({
    query: { flowKey: 'ways', autoCreate: 'true' },
  })
  await customer.flowInstances.patch({ params: { id: flowInstanceId }, body: { enabled: true } })
  for (const [total, way] of ways) {
    const { id } = await customer.flowRuns.create({ body: { flowInstanceId, input: { total } } })
    await house.settle()
    expect((await ranNodes(id)).filter((key) => ['huge', 'big', 'small'].includes(key))).toEqual([way])
  }
  const early = { ...nodes, which: { type: 'branch', links: [{ key: 'small' }, { key: 'big', filter: over(1) }] } }
  expect(await refusalKey(house.admin.flows.create({ body: { key: 'early', nodes: early } }))).toBe('invalid_flow')
})

test('a run that a filter ended says what was compared', async () => {
  const filter = {
    $and: [
      { $eval: { $var: '$.input.total' }, gte: 100 },
      {
        $or: [
          { $eval: { $var: '$.input.country' }, is: 'DE' },
          { $eval: { $var: '$.input.note' }, isNotEmpty: true },
        ],
      },
    ],
  }
  const nodes: FlowNodes = { trigger: trigger('check'), check: { type: 'filter', config: { filter }, links: [] } }
  const id = await start('checked', nodes, { total: 50, country: 'DE', note: 'x'.repeat(500) })
  await house.settle()
  const [nodeRun] = (await customer.flowRuns.nodeRuns({ params: { id, nodeKey: 'check' } })).items
  expect(nodeRun).toMatchObject({ status: 'skipped' })
  const whole = await customer.flowRuns.nodeRun({ params: { id, nodeKey: 'check', nodeRunId: nodeRun?.id ?? '' } })
  expect(whole.logs).toEqual([
    {
      type: 'condition',
      comparisons: [
        { field: '$.input.total', operator: 'gte', value: 50, operand: 100, holds: false },
        { field: '$.input.country', operator: 'is', value: 'DE', operand: 'DE', holds: true },
        { field: '$.input.note', operator: 'isNotEmpty', value: `${'x'.repeat(200)}…`, operand: true, holds: true },
      ],
    },
  ])
})
