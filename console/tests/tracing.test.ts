import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  // An alert opens after several failures in a row.
  await workshop.send([GOOD_ORDER, ...Array.from({ length: 6 }, () => BAD_ORDER)])
  await scene.house.engine.lookAfterAlerts()
  await scene.house.settle()
  visit = await scene.visit()
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test('from the customer to the event, its run, the node that failed and what was answered, each hop one click', async () => {
  const { page } = visit
  await visit.open('/customers')
  await page.getByRole('link', { name: 'Acme Robotics' }).click()
  const customer = page.getByRole('dialog')
  await customer.getByRole('link', { name: 'App events' }).click()
  await page.getByRole('heading', { name: 'App Events', level: 1 }).waitFor()
  expect(new URL(page.url()).searchParams.get('userId')).toBe(workshop.customer.id)

  const failed = page.getByRole('row').filter({ hasText: 'failed' }).first()
  await failed.getByRole('link', { name: 'Order created' }).click()
  const event = page.getByRole('dialog')
  await event.getByLabel('payload', { exact: true }).getByText('"1002"').waitFor()
  await event.getByRole('tab', { name: 'Flow runs' }).click()
  await event.getByRole('tabpanel').getByRole('link').first().click()

  const run = page.getByRole('dialog')
  await run.getByRole('heading', { name: 'Book the order' }).waitFor()
  expect(page.url()).toMatch(/\/flow-runs\/fr_/)
  // The node that failed is open, with its input and the exchange.
  await run.getByRole('button', { name: /Book it/ }).waitFor()
  expect(await run.getByRole('button', { name: /Book it/, expanded: true }).count()).toBe(1)
  await run.getByLabel('answer').getByText('an order needs lines').waitFor()
  await run.getByLabel('input of the node').getByText('"shape"').waitFor()
  await visit.expectAccessible()
})

test('from the run to the alert and to the attempts of the delivery that told of it, and back', async () => {
  const { page } = visit
  await visit.open('/flow-runs?state=failed')
  await page.getByRole('link', { name: 'Book the order' }).first().click()
  await page.getByRole('dialog').getByRole('link', { name: 'alerts about the flow' }).click()
  await page.getByRole('link', { name: 'Flow failing' }).click()
  const alert = page.getByRole('dialog')
  await alert
    .getByText(/runs of “Book the order”.* failed/)
    .first()
    .waitFor()
  await visit.expectAccessible()
  await alert.getByRole('link', { name: 'Who was told' }).click()
  await page.getByRole('link', { name: 'alert.created' }).click()
  const delivery = page.getByRole('dialog')
  await delivery.getByRole('button', { name: /Attempt 1/ }).waitFor()
  await delivery.getByText('webhook-signature').waitFor()
  await visit.expectAccessible()
  // And back: the delivery is about the alert, the alert about the flow, the flow has runs, a run its event.
  await delivery.getByRole('link', { name: /^alrt_/ }).click()
  await page.getByRole('dialog').getByRole('link', { name: 'The runs that failed' }).click()
  await page.getByRole('link', { name: 'Book the order' }).first().click()
  await page.getByRole('dialog').getByRole('link', { name: /^aev_/ }).click()
  await page.getByRole('dialog').getByRole('heading', { name: 'Order created' }).waitFor()
})

test('every place can be opened by its address, with its filters and tab', async () => {
  const { items } = await scene.house.admin.flowRuns.list({ query: { state: 'failed', limit: 1 } })
  const { page } = visit
  await visit.open(`/flow-runs/${items[0]?.id}?state=failed&tab=input`)
  await page.getByRole('dialog').getByLabel('input of the run').getByText('"1002"').waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  expect(await page.getByRole('row').filter({ hasText: 'completed' }).count()).toBe(0)
  expect(new URL(page.url()).search).toBe('?state=failed')
})

test('a record leads to its command, and an id leads to its record', async () => {
  const { page } = visit
  const [event] = (await scene.house.admin.appEvents.list({ query: { limit: 1 } })).items
  await visit.open(`/app-events/${event?.id}`)
  await page.getByRole('button', { name: 'More about this app event' }).click()
  await page.getByRole('menuitem', { name: 'Copy as curl' }).click()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  expect(copied).toBe(
    `curl -sS '${scene.house.url}/app-events/${event?.id}' \\\n  -H "Authorization: Bearer $PERMEA_TOKEN"`,
  )
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('Control+k')
  await page.getByLabel('Jump to', { exact: true }).pressSequentially(workshop.flow.id)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByRole('heading', { name: 'Book the order' }).waitFor()
})

test('what waits at brokers stands on Home, and a source that cannot be read is one click away', async () => {
  const { page } = visit
  await visit.open('/')
  await page.getByRole('link', { name: 'Deliveries waiting' }).waitFor()
  expect(await page.getByRole('link', { name: 'Waiting at brokers' }).count()).toBe(0)
  await page.keyboard.press('Control+k')
  await page.getByLabel('Jump to', { exact: true }).pressSequentially('Broker Sources')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'New source' }).first().click()
  const source = page.getByRole('dialog')
  await source.getByRole('textbox', { name: 'Name', exact: true }).pressSequentially('Orders of the shop')
  await source.getByRole('combobox', { name: 'Event type' }).click()
  await page.getByRole('option', { name: /Order created/ }).click()
  // Nobody listens there.
  await source.getByRole('textbox', { name: 'Server', exact: true }).pressSequentially('127.0.0.1:9')
  await source.getByRole('textbox', { name: 'Subject', exact: true }).pressSequentially('orders')
  await source.getByRole('button', { name: 'Create', exact: true }).click()
  await source.getByRole('heading', { name: 'Orders of the shop' }).waitFor()
  await source.getByText('failing', { exact: true }).waitFor()
  await visit.open('/')
  const figure = page.locator('.number').filter({ hasText: 'Waiting at brokers' })
  await figure.getByText('unknown', { exact: true }).waitFor()
  await visit.expectAccessible()
  await figure.getByRole('link', { name: 'Orders of the shop cannot be read' }).click()
  await source.getByRole('heading', { name: 'Orders of the shop' }).waitFor()
  expect(page.url()).toMatch(/\/broker-sources\/bsr_/)
})
