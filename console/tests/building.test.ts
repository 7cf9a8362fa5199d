import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

/** A person who builds a flow without having read anything: types at five keys a second, and looks before each click. */
const KEY_MS = 200
const LOOK_MS = 1500
const MINUTES_MAX = 3

let scene: Scene
let workshop: Workshop
let visit: Visit
let page: Page

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await workshop.send([GOOD_ORDER])
  visit = await scene.visit({ width: 1440 })
  page = visit.page
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** What the person takes for it, counted rather than waited for. */
let humanMs = 0
async function click(role: 'button' | 'link' | 'radio' | 'option' | 'combobox', name: string | RegExp): Promise<void> {
  humanMs += LOOK_MS
  await page
    .getByRole(role, { name, exact: typeof name === 'string' })
    .first()
    .click()
}
async function write(label: string, text: string): Promise<void> {
  humanMs += LOOK_MS + text.length * KEY_MS
  const field = page.getByRole('textbox', { name: label, exact: true })
  await field.click()
  await page.keyboard.press('ControlOrMeta+a')
  await field.pressSequentially(text)
}
async function choose(label: string, option: RegExp): Promise<void> {
  await click('combobox', label)
  await click('option', option)
}
const node = async (name: string) => {
  humanMs += LOOK_MS
  await page.locator('.react-flow__node').filter({ hasText: name }).click()
}

test(`a first flow of one’s own takes less than ${MINUTES_MAX} minutes, by its conditions as rows`, async () => {
  const beganMs = performance.now()
  await visit.open('/flows')
  await click('link', /^New flow/)
  await click('radio', /Send some events on/)
  await write('Name', 'Large orders')
  await click('button', 'Create')
  await node('App event')
  await choose('Event type', /Order created/)
  await node('Only if')
  await click('button', 'Add a condition')
  // Fields are those of the last real event, with what stood there.
  await click('combobox', 'Condition: field 1')
  await page.getByRole('option', { name: /orderId.*1001/ }).waitFor()
  await click('option', /lines\[0\]\.count.*2/)
  await choose('Condition: comparison 1', /^is at least$/)
  await write('Condition: value 1', '10')
  await node('Send it on')
  await write('Address', `${workshop.receiver.url}/large`)
  await click('button', 'Save nodes')
  await page.getByText('Saved.', { exact: false }).first().waitFor()
  await click('button', 'Enable for a customer')
  await choose('Customer', /Acme Robotics/)
  await click('button', 'Enable')
  await page.waitForURL(/flow-instances/)
  const minutes = (performance.now() - beganMs + humanMs) / 60_000
  process.stdout.write(`first flow of one's own: ${minutes.toFixed(1)} minutes at five keys a second\n`)
  expect(minutes).toBeLessThan(MINUTES_MAX)
  const { items } = await scene.house.admin.flows.list({ query: { search: 'Large orders' } })
  expect(items[0]?.nodes.filter?.config).toEqual({
    filter: { $eval: { $var: '$.input.trigger.lines[0].count' }, gte: 10 },
  })
})

test('a run that its condition ended says so, with what was compared; repeated with other input it goes on', async () => {
  await scene.house.settle()
  await workshop.send([GOOD_ORDER])
  await visit.open('/flow-runs')
  await page.getByRole('row').filter({ hasText: 'Large orders' }).first().click()
  await page.getByRole('status').filter({ hasText: 'Stopped by Only if' }).waitFor()
  const compared = page.getByRole('table', { name: 'What was compared' })
  await compared.getByRole('row').filter({ hasText: 'lines[0].count' }).filter({ hasText: 'is at least' }).waitFor()
  await visit.expectAccessible()

  await page.getByRole('button', { name: 'Repeat with other input' }).click()
  const dialog = page.getByRole('dialog', { name: 'Repeat with other input' })
  const input = dialog.getByRole('textbox', { name: 'Input' })
  await input.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await input.pressSequentially('{"orderId": "1003", "lines": [{"count": 25')
  await dialog.getByRole('button', { name: 'Run' }).click()
  await dialog.waitFor({ state: 'detached' })
  await scene.house.settle()
  const large = () => workshop.receiver.received.filter(({ path }) => path === '/large')
  await expect.poll(() => large().length).toBe(1)

  await page
    .getByRole('region', { name: 'Timeline' })
    .getByRole('button', { name: /^Send it on/ })
    .click()
  const url = page.url()
  await page.getByRole('button', { name: 'Repeat from here' }).click()
  await page.waitForURL((now) => now.href.split('?')[0] !== url.split('?')[0])
  await expect.poll(() => large().length).toBe(2)
  await scene.house.settle()
  const { items } = await scene.house.admin.flowRuns.list({ query: { limit: 1 } })
  expect(items[0]).toMatchObject({ state: 'completed', meta: { repeatedFrom: expect.any(String) } })
})

test('a node is tried out alone, as it is edited, with what it was given last', async () => {
  const { items } = await scene.house.admin.flows.list({ query: { search: 'Large orders' } })
  await visit.open(`/flows/${items[0]?.id}`)
  await node('Send it on')
  await page.getByRole('tab', { name: 'Try it' }).click()
  const input = page.getByRole('textbox', { name: 'Input' })
  await input.getByText('"1003"').first().waitFor()
  await visit.expectAccessible()
  const before = workshop.receiver.received.length
  await page.getByRole('button', { name: 'Try it' }).click()
  const outcome = page.getByRole('region', { name: 'What it came to' })
  await outcome.getByText('completed').waitFor()
  expect(workshop.receiver.received.slice(before).map(({ path }) => path)).toEqual(['/large'])
  await input.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await input.pressSequentially('nothing')
  await page.getByText('Not valid JSON yet', { exact: false }).waitFor()
  expect(await page.getByRole('button', { name: 'Try it' }).isDisabled()).toBe(true)
})

test('ways out have conditions of their own, and what rows cannot say stays a formula', async () => {
  const { admin } = scene.house
  const { items } = await admin.flows.list({ query: { search: 'Large orders' } })
  const flow = items[0]
  const nodes = { ...flow?.nodes }
  const formula = { $jsonata: 'input.trigger.total > 5' }
  const trigger = nodes.trigger
  if (trigger === undefined) throw new Error('the flow has a trigger')
  nodes.trigger = { ...trigger, links: [{ key: 'filter', filter: formula }] }
  await admin.flows.patch({ params: { selector: flow?.id ?? '' }, body: { nodes } })
  await visit.open(`/flows/${flow?.id}`)
  await node('App event')
  const way = page.getByRole('group', { name: 'To Only if, if' })
  await way.getByRole('textbox').getByText('$jsonata').waitFor()
  expect(await way.getByRole('button', { name: 'Show as rows' }).isDisabled()).toBe(true)
  await node('Only if')
  await click('button', 'Show the formula')
  await page.getByRole('textbox', { name: 'Condition: formula' }).getByText('gte').waitFor()
  await click('button', 'Show as rows')
  await visit.expectAccessible()
})

test('an older version of the nodes is compared and taken back', async () => {
  const { flows } = scene.house.admin
  const { items } = await flows.list({ query: { search: 'Large orders' } })
  const params = { selector: items[0]?.id ?? '' }
  const before = await flows.versions({ params })
  expect(before.items.length).toBeGreaterThan(1)
  await visit.open(`/flows/${items[0]?.id}?tab=versions`)
  await page.getByRole('button', { name: /^Version 1 since .* by Workspace secret/ }).click()
  await page.getByLabel('What taking back version 1 changes').getByText('"filter"').first().waitFor()
  await visit.expectAccessible()
  await page.getByRole('button', { name: 'Take back version 1' }).click()
  await page
    .getByRole('dialog', { name: 'Take back version 1?' })
    .getByRole('button', { name: 'Take back version 1' })
    .click()
  await page.getByText('The flow has the nodes of version 1 again').waitFor()
  const after = await flows.versions({ params })
  expect(after.items[0]).toMatchObject({ number: before.items.length + 1, nodes: before.items.at(-1)?.nodes })
  await page.getByRole('button', { name: `Version ${before.items.length + 1}, as it is now` }).waitFor()
})
