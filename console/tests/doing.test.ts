import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await workshop.send([GOOD_ORDER, BAD_ORDER])
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** Puts a text into an editor in the place of what is in it. */
async function write(label: string, text: string): Promise<void> {
  const editor = visit.page.getByRole('textbox', { name: label, exact: true })
  await editor.click()
  await visit.page.keyboard.press('ControlOrMeta+a')
  await visit.page.keyboard.insertText(text)
}

test('an event type is made, its schema follows from the example, and a test event launches a flow', async () => {
  const { page } = visit
  await visit.open('/app-event-types')
  await page.getByRole('link', { name: 'New event type' }).click()
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText('Name is needed').waitFor()
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true }).pressSequentially('Invoice paid')
  await write('Example', '{ "invoiceId": "in_1", "amount": 12.5 }')
  await page.getByRole('button', { name: 'Create' }).click()
  const type = page.getByRole('dialog')
  await type.getByRole('heading', { name: 'Invoice paid' }).waitFor()
  await type.getByRole('button', { name: 'Derive schema from example' }).click()
  await type.getByLabel('JSON Schema').getByText('"amount"').waitFor()

  await visit.open(`/app-event-types/${workshop.eventType.id}?tab=test`)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('link', { name: 'See the event and what it launched' }).click()
  await page.getByRole('dialog').getByText('completed').waitFor()
})

test('a refusal of the engine stands beside its field', async () => {
  const { page } = visit
  await visit.open('/customers/new')
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true }).pressSequentially('Acme again')
  await page.getByRole('dialog').getByRole('textbox', { name: 'Your id' }).pressSequentially('acme')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByRole('alert').getByText('already').waitFor()
  visit.expectComplaints(/409/)
})

test('a flow is built on the graph with a form for each node, and saved', async () => {
  const { page } = visit
  await visit.open('/flows/new')
  await page
    .getByRole('dialog')
    .getByRole('textbox', { name: 'Name', exact: true })
    .pressSequentially('Thank the customer')
  await page.getByRole('button', { name: 'Create' }).click()
  const flow = page.getByRole('dialog')
  await flow.getByRole('button', { name: 'Add a trigger' }).click()
  await page.getByRole('menuitem', { name: /^App event/ }).click()
  await flow.getByRole('combobox', { name: 'Event type' }).click()
  await page.getByRole('option', { name: /order\.created/ }).click()
  await flow.getByRole('button', { name: 'Then' }).click()
  await page.getByRole('menuitem', { name: /^HTTP request/ }).click()
  await write('Address', `${workshop.receiver.url}/thanks`)
  // Typed up to where a field belongs, which is then chosen by what stood there in the last event.
  await flow.getByRole('textbox', { name: 'Body', exact: true }).pressSequentially('{ "to": ')
  await flow.getByRole('button', { name: 'Insert a field into Body' }).click()
  await page.getByRole('textbox', { name: 'Search fields' }).pressSequentially('orderid')
  await page.getByRole('option', { name: /^\$\.input\.trigger\.orderId \d+$/ }).click()
  await page.keyboard.type(' }')
  await flow.getByRole('radio', { name: 'Changes' }).locator('..').click()
  await flow.getByLabel('What saving changes').getByText('/thanks').waitFor()
  await flow.getByRole('button', { name: 'Save nodes' }).click()
  await page.getByText('Saved.', { exact: false }).first().waitFor()
  await flow.locator('.react-flow__node').nth(1).waitFor()
  expect(await flow.locator('.react-flow__node').count()).toBe(2)
  const saved = (await scene.house.admin.flows.list({ query: { search: 'Thank' } })).items[0]
  expect(saved?.nodes.trigger).toMatchObject({
    config: { appEvent: { key: 'order.created' } },
    links: [{ key: 'custom-http-request' }],
  })

  await flow.getByRole('radio', { name: 'JSON' }).locator('..').click()
  await flow.getByRole('textbox', { name: 'Nodes as JSON' }).getByText('custom-http-request').first().waitFor()

  await flow.getByRole('button', { name: 'Enable for a customer' }).click()
  await page
    .getByRole('dialog', { name: /Enable/ })
    .getByLabel('Customer')
    .click()
  await page.getByRole('option', { name: 'Acme Robotics' }).click()
  await page.getByRole('button', { name: 'Enable', exact: true }).click()
  await page
    .getByRole('dialog')
    .getByRole('heading', { name: /Thank the customer of Acme/ })
    .waitFor()
  await workshop.send([{ orderId: '2001', lines: [1] }])
  expect(workshop.receiver.received.find((each) => each.path === '/thanks')?.json).toEqual({ to: '2001' })
})

test('a run is repeated; what cannot be done says why', async () => {
  const { page } = visit
  const [failed] = (await scene.house.admin.flowRuns.list({ query: { state: 'failed', limit: 1 } })).items
  await visit.open(`/flow-runs/${failed?.id}`)
  const stop = page.getByRole('button', { name: 'Stop' })
  expect(await stop.getAttribute('aria-disabled')).toBe('true')
  await stop.hover()
  await page.getByRole('tooltip', { name: 'It has ended: failed' }).waitFor()
  await page.getByRole('button', { name: 'Repeat', exact: true }).click()
  await page.getByText('A new run with the same input began').waitFor()
  expect(page.url()).not.toContain(failed?.id)
})

test('a run that waits is stopped', async () => {
  const { page } = visit
  workshop.receiver.behave((_, response) => void response.writeHead(503).end())
  await workshop.send([{ orderId: '3001', lines: [1] }])
  const [waiting] = (await scene.house.admin.flowRuns.list({ query: { search: 'Book', limit: 1 } })).items
  await visit.open(`/flow-runs/${waiting?.id}`)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('dialog', { name: 'Stop this run?' }).getByRole('button', { name: 'Stop' }).click()
  await page.getByText('Stopped', { exact: true }).waitFor()
  expect((await scene.house.admin.flowRuns.get({ params: { id: waiting?.id ?? '' } })).state).toBe('stopped')
})

test('an endpoint is set up, tested, paused, resumed, and its secret rotated', async () => {
  const { page } = visit
  workshop.receiver.behave((_, response) => void response.writeHead(200).end('{}'))
  await visit.open('/webhook-notifications/new')
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true }).pressSequentially('Billing')
  await page.getByRole('textbox', { name: 'Address' }).pressSequentially(`${workshop.receiver.url}/billing`)
  await page.getByRole('combobox', { name: 'Event types' }).focus()
  await page.keyboard.press('ArrowDown')
  await page.getByRole('option', { name: 'flowRun.failed' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText(/whsec_/).waitFor()
  await page.getByRole('button', { name: 'I have it' }).click()
  await page.getByRole('tab', { name: 'Send a test' }).click()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page
    .getByRole('button', { name: /The test/ })
    .getByText('POST 200')
    .waitFor()
  expect(workshop.receiver.received.some((each) => each.path === '/billing')).toBe(true)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('button', { name: 'Pause' }).waitFor()
  await page.getByRole('button', { name: 'Rotate secret' }).click()
  await page.getByRole('button', { name: 'Rotate', exact: true }).click()
  await page
    .getByRole('dialog', { name: 'Rotate the secret' })
    .getByText(/whsec_/)
    .waitFor()
})

test('a delivery is sent again, and many are, with progress', async () => {
  const { page } = visit
  await visit.open('/deliveries')
  await page.getByRole('link', { name: 'flowRun.failed' }).first().click()
  await page.getByRole('button', { name: 'Send again now' }).click()
  await page.getByText('Delivered', { exact: true }).waitFor()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Sent by hand/ })
    .first()
    .waitFor()
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Send many again' }).click()
  const form = page.getByRole('dialog', { name: 'Send many deliveries again' })
  await form.getByRole('combobox', { name: 'Those that' }).click()
  await page.getByRole('option', { name: 'succeeded' }).click()
  await form.getByRole('button', { name: 'Begin' }).click()
  const replay = page.getByRole('dialog')
  await replay.getByText('completed').waitFor()
  await replay.getByRole('progressbar').waitFor()
})

test('a token is made for a customer, and the API takes it', async () => {
  const { page } = visit
  await visit.open('/keys')
  await page.getByLabel('Your id of the customer').pressSequentially('acme')
  await page.getByRole('button', { name: 'Make it' }).click()
  const token = (await page.getByRole('status').locator('code.secret').textContent()) ?? ''
  const answer = await fetch(`${scene.house.url}/self`, { headers: { authorization: `Bearer ${token}` } })
  expect(((await answer.json()) as { internalId: string }).internalId).toBe('acme')
})

test('a customer is erased once its id was typed, and the page says how far it is', async () => {
  const { page } = visit
  const leaving = await scene.house.admin.customers.create({ body: { internalId: 'leaving-1', name: 'Leaving Ltd' } })
  await visit.open(`/customers/${leaving.id}`)
  await page.getByRole('button', { name: 'Erase…' }).click()
  const asking = page.getByRole('dialog', { name: 'Erase Leaving Ltd?' })
  const erase = asking.getByRole('button', { name: 'Erase for good' })
  const id = asking.getByRole('textbox', { name: 'Type your id of the customer' })
  expect(await erase.isDisabled()).toBe(true)
  await id.pressSequentially('leaving')
  expect(await erase.isDisabled()).toBe(true)
  await id.pressSequentially('-1')
  await erase.click()
  const erasure = page.getByRole('dialog').filter({ hasText: leaving.id })
  await erasure.getByText('completed').first().waitFor()
  await erasure.getByText('Rows erased').waitFor()
  const { items } = await scene.house.admin.erasures.list({ query: { customerId: leaving.id } })
  expect(items).toMatchObject([{ status: 'completed', keepsCustomer: false }])
})

test('for how long payloads are kept is typed; where one is gone the page says since when', async () => {
  const { page } = visit
  await visit.open('/workspace')
  const days = page.getByLabel('Days that payloads are kept')
  await days.click()
  await days.pressSequentially('12')
  const form = page.locator('form', { has: days })
  await form.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).first().waitFor()
  const { workspaceKey = '' } = await scene.house.admin.customers.self()
  const { settings } = await scene.house.admin.workspaces.get({ params: { id: workspaceKey } })
  expect(settings).toMatchObject({ payloadRetentionDays: 12 })
  const [event] = (await scene.house.admin.appEvents.list()).items
  const { database } = scene.house.engine
  await database.pool.query(`update app_events set payload = 'null', payload_cut_at = now()`)
  await visit.open(`/app-events/${event?.id}`)
  await page.getByRole('dialog').getByText('no longer kept since').waitFor()
})
