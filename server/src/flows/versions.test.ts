import { createPermea } from '@permea/sdk'
import { addApp, buildHouse, type House, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

const nodesWith = (output: unknown) => ({
  start: { type: 'api-trigger', links: [{ key: 'shape' }] },
  shape: { type: 'transform-data', config: { output } },
})

test('every version is kept with its time, shown newest first, and taken back as a new one', async () => {
  const { flows } = house.admin
  await flows.create({ body: { key: 'shaping', nodes: nodesWith('one') } })
  const params = { selector: 'shaping' }
  await flows.patch({ params, body: { nodes: nodesWith('two') } })
  // Neither another name nor the same nodes make a version.
  await flows.patch({ params, body: { name: 'Shaping things', nodes: nodesWith('two') } })
  await flows.patch({ params, body: { nodes: nodesWith('three') } })

  const { items } = await flows.versions({ params })
  expect(items.map(({ number, isCurrent }) => [number, isCurrent])).toEqual([
    [3, true],
    [2, false],
    [1, false],
  ])
  expect(items.map(({ nodes }) => nodes.shape?.config)).toEqual(['three', 'two', 'one'].map((output) => ({ output })))
  const first = await flows.versions({ params, query: { limit: 2 } })
  expect(first.items.map(({ number }) => number)).toEqual([3, 2])
  const rest = await flows.versions({ params, query: { limit: 2, cursor: first.cursor } })
  expect(rest.items.map(({ number, isCurrent }) => [number, isCurrent])).toEqual([[1, false]])

  const back = await flows.restoreVersion({ params: { ...params, number: '1' } })
  expect(back.nodes.shape?.config).toEqual({ output: 'one' })
  expect((await flows.versions({ params })).items.map(({ number }) => number)).toEqual([4, 3, 2, 1])
})

test('a version says who made it, whatever made it one; an older one, of which that is not known, says nothing', async () => {
  const { admin, url } = house
  const { key } = await admin.apiKeys.create({ body: { name: 'deploy bot', scope: 'developer' } })
  const bot = createPermea({ baseUrl: url, token: key }).flows
  await admin.flows.create({ body: { key: 'whose', nodes: nodesWith('one') } })
  const params = { selector: 'whose' }
  await bot.patch({ params, body: { nodes: nodesWith('two') } })
  // Who only names it anew made no version.
  await admin.flows.patch({ params, body: { name: 'Whose' } })
  await bot.restoreVersion({ params: { ...params, number: '1' } })
  const whose = async (selector: string) =>
    (await admin.flows.versions({ params: { selector } })).items.map(({ changedBy }) => changedBy)
  expect(await whose('whose')).toEqual(['deploy bot', 'deploy bot', 'workspace-secret'])
  expect(await whose((await bot.clone({ params })).id)).toEqual(['deploy bot'])

  await addApp(house, { key: 'an-app', url: 'https://app.example' })
  const [applied] = await bot.apply({ params, body: { integrationKeys: ['an-app'] } })
  const own = { selector: applied?.id ?? '' }
  await admin.flows.patch({ params: own, body: { nodes: nodesWith('its own') } })
  await bot.reset({ params: own })
  expect(await whose(own.selector)).toEqual(['deploy bot', 'workspace-secret', 'deploy bot'])
  await sql`update flow_history set changed_by = null where number = 1`.execute(house.engine.database.db)
  expect(await whose('whose')).toEqual(['deploy bot', 'deploy bot', undefined])
})

test('what is taken back has its secrets, though they are shown to nobody', async () => {
  await using app = await startReceiver()
  const { admin } = house
  const nodes = {
    start: { type: 'api-trigger', links: [{ key: 'post' }] },
    post: {
      type: 'http-request',
      config: {
        request: { method: 'POST', uri: `${app.url}/in`, headers: { authorization: 'Bearer of-the-first-version' } },
      },
    },
  }
  await admin.flows.create({ body: { key: 'posting', nodes } })
  const params = { selector: 'posting' }
  await admin.flows.patch({ params, body: { nodes: nodesWith('nothing') } })
  expect(JSON.stringify(await admin.flows.versions({ params }))).not.toContain('of-the-first-version')
  await admin.flows.restoreVersion({ params: { ...params, number: '1' } })
  const customer = await house.as('anna')
  const { id } = await customer.flowInstances.create({ body: { flowKey: 'posting' } })
  await customer.flowRuns.create({ body: { flowInstanceId: id } })
  await house.settle()
  expect(app.received[0]?.headers.authorization).toBe('Bearer of-the-first-version')
})

test('a version that waits for what the app does not tell of any more is not taken back', async () => {
  await using app = await startReceiver()
  const { admin } = house
  const getEventSelector = {
    type: 'mapping' as const,
    mapping: { globalWebhookKey: 'app', globalWebhookEventSelector: 'a' },
  }
  const changed = { name: 'Changed', implementationType: 'global-webhook' as const, getEventSelector }
  await addApp(house, { url: app.url, events: { changed } as never })
  const trigger = { t: { type: 'connector-event-trigger', config: { eventKey: 'changed' } } }
  const flow = await admin.flows.create({ body: { key: 'told', integrationKey: 'crm', nodes: trigger } })
  const params = { selector: flow.id }
  await admin.flows.patch({ params, body: { nodes: nodesWith('by hand') } })
  const { items } = await admin.connectors.list({ query: { search: 'crm' } })
  await admin.connectors.patch({ params: { selector: items[0]?.id ?? '' }, body: { events: {} } })
  expect(await refusalKey(admin.flows.restoreVersion({ params: { ...params, number: '1' } }))).toBe('invalid_flow')
})

test('what is not there is refused', async () => {
  const { flows, integrations } = house.admin
  const restored = (selector: string, number: string) =>
    refusalKey(flows.restoreVersion({ params: { selector, number } }))
  expect(await restored('nowhere', '1')).toBe('not_found')
  for (const number of ['0', '99', 'one', '99999999999']) expect(await restored('shaping', number)).toBe('not_found')
  expect(await refusalKey(flows.versions({ params: { selector: 'nowhere' } }))).toBe('not_found')
  expect(await refusalKey(flows.versions({ params: { selector: 'shaping' }, query: { cursor: 'last' } }))).toBe(
    'invalid_input',
  )

  for (const key of ['a', 'b']) {
    await integrations.create({ body: { key, name: key } })
    await flows.create({ body: { key: 'twice', integrationKey: key, nodes: nodesWith(key) } })
  }
  expect(await restored('twice', '1')).toBe('ambiguous_selector')
  expect(await refusalKey(flows.versions({ params: { selector: 'twice' } }))).toBe('ambiguous_selector')
  await flows.archive({ params: { selector: 'shaping' } })
  expect(await restored('shaping', '1')).toBe('archived')
})
