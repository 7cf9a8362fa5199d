import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ExternalWorkshop, openExternalWorkshop } from './external-workshop.ts'
import { openScene, type Scene, type Visit } from './scene.ts'

const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')}`

let scene: Scene
let workshop: ExternalWorkshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  const customer = await scene.house.admin.customers.create({ body: { name: 'Acme Robotics', internalId: 'acme' } })
  await scene.house.admin.customers.create({ body: { name: 'Globex', internalId: 'globex' } })
  workshop = await openExternalWorkshop(scene.house, customer.id)
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test('an integration is made of a connector, and a customer connected by the connect page', async () => {
  const { page, context } = visit
  await visit.open('/integrations/new')
  const form = page.getByRole('dialog')
  await form.getByRole('textbox', { name: 'Name', exact: true }).pressSequentially('Second tracker')
  await form.getByRole('combobox', { name: 'Connector' }).click()
  await page.getByRole('option', { name: 'Tracker', exact: true }).click()
  await form.getByRole('button', { name: 'Create' }).click()
  await page.getByRole('dialog').getByRole('heading', { name: 'Second tracker' }).waitFor()
  await page.getByRole('tab', { name: 'What it offers' }).click()
  await page.getByText('Create an issue').waitFor()

  await page.getByRole('button', { name: 'Connect an account' }).click()
  const asking = page.getByRole('dialog', { name: 'Connect an account' })
  await asking.getByRole('combobox', { name: 'Customer' }).click()
  await page.getByRole('option', { name: 'Globex' }).click()
  const opened = context.waitForEvent('page')
  await asking.getByRole('button', { name: 'Open the connect page' }).click()
  const connectPage = await opened
  await connectPage.getByLabel('API key').pressSequentially('key of Globex')
  await connectPage.getByRole('button', { name: 'Connect' }).click()
  await asking.getByText('connected').waitFor()
  await asking.getByRole('link', { name: 'See the connection' }).click()
  await page
    .getByRole('dialog')
    .getByRole('heading', { name: /of Globex/ })
    .waitFor()
  await connectPage.close()
})

test('apps are listed with their logo, with initials where there is none or where it does not load', async () => {
  const { page } = visit
  const { integrations, connections } = scene.house.admin
  const list = await integrations.list()
  const logoOf = (name: string) => list.items.find((each) => each.name === name)?.id ?? ''
  await visit.open('/integrations')
  const row = (name: string) => page.getByRole('row').filter({ hasText: name })
  await row('Second tracker').getByText('ST', { exact: true }).waitFor()
  // Nothing but pictures, by addresses that a page may load.
  for (const logoUri of ['javascript:alert(1)', 'data:text/html,<b>', 'data:image/png;base64,bm8gcGljdHVyZQ=='])
    await integrations.patch({ params: { selector: logoOf('Second tracker') }, body: { logoUri } })
  await page.reload()
  await row('Second tracker').getByText('ST', { exact: true }).waitFor()
  await integrations.patch({ params: { selector: logoOf('Second tracker') }, body: { logoUri: LOGO } })
  await page.reload()
  const shown = row('Second tracker').locator('img')
  await expect.poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(8)
  await visit.open('/connections')
  const { items } = await connections.list({ query: { integrationId: logoOf('Second tracker') } })
  await page
    .getByRole('row')
    .filter({ hasText: items[0]?.name ?? 'none' })
    .locator(`img[src="${LOGO}"]`)
    .first()
    .waitFor()
  await visit.expectAccessible()
})

test('a function is tried on its bench before it is saved, and saved', async () => {
  const { page } = visit
  await visit.open(`/external-event-types/${workshop.eventType.id}`)
  await page.getByRole('dialog').getByText('handle', { exact: true }).click()
  const editor = page.getByRole('textbox', { name: 'handle.js' })
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(
    'export default async function handle({ data }) {\n  return { events: [{ tried: data.action }] }\n}\n',
  )
  await page.getByRole('button', { name: 'Try handle' }).click()
  await page.getByLabel('what it returned').getByText('"tried"').waitFor()
  await visit.expectAccessible({ within: '[role=dialog]' })
  await page.getByRole('button', { name: 'Save functions' }).click()
  await page.getByText('Saved. Subscriptions use the new functions').waitFor()
  const saved = await scene.house.admin.externalEventTypes.get({ params: { selector: workshop.eventType.id } })
  expect(saved.handle).toMatchObject({ code: expect.stringContaining('tried') })
})

test('a function that throws says so on the bench', async () => {
  const { page } = visit
  await visit.open(`/external-event-types/${workshop.eventType.id}`)
  await page.getByRole('button', { name: 'Try subscribe' }).click()
  await page.getByRole('status').filter({ hasText: 'thrown' }).waitFor()
})

test('from the incoming webhook to the event, its delivery and the request that the app was sent, and back', async () => {
  const { page } = visit
  await visit.open('/incoming-webhooks')
  await page.locator('[role=row][data-index="0"] a.row-link').click()
  const webhook = page.getByRole('dialog')
  await webhook.getByRole('tab', { name: 'Request and answer' }).click()
  await webhook.getByLabel('body of the request').getByText('"The first issue"').waitFor()
  await webhook.getByRole('tab', { name: 'About' }).click()
  await webhook.getByRole('link', { name: /^eev_/ }).click()
  const event = page.getByRole('dialog')
  await event.getByLabel('payload', { exact: true }).getByText('"The first issue"').waitFor()
  await event.getByRole('link', { name: /^dlv_/ }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Attempt 1/ })
    .waitFor()
  await page.goBack()
  await page.getByRole('dialog').getByRole('link', { name: /^iwh_/ }).click()
  await page.getByRole('dialog').locator('a[href*="/connections/con_"]').first().click()
  await page.getByRole('dialog').getByRole('link', { name: 'API requests' }).click()
  await page.getByRole('link', { name: /POST .*\/issues/ }).click()
  await page.getByRole('dialog').getByLabel('request', { exact: true }).getByText('From a test').waitFor()
})

test('the way of a webhook is one tree, from the request to the attempt to deliver its event', async () => {
  const { page } = visit
  await visit.open('/incoming-webhooks')
  await page.getByRole('row').nth(1).getByRole('link').first().click()
  await page.getByRole('tab', { name: 'Way' }).click()
  const tree = page.getByRole('tabpanel', { name: 'Way' })
  const request = tree.getByRole('listitem').filter({ hasText: 'Request' }).first()
  await request.getByText('Attempt 1').first().waitFor()
  await request
    .getByText(/^answered 2/)
    .first()
    .waitFor()
  // The same from its other end.
  await request
    .getByRole('link', { name: /external-event|event/i })
    .last()
    .click()
  await page.getByRole('tab', { name: 'Way' }).click()
  await tree.getByText('Attempt 1').first().waitFor()
  await visit.expectAccessible()
})

test('a webhook is handled again, an action run by hand, a subscription renewed', async () => {
  const { page } = visit
  await visit.open('/incoming-webhooks')
  await page.locator('[role=row][data-index="0"] a.row-link').click()
  await page.getByRole('button', { name: 'Handle it again' }).click()
  await page.getByText('Handled again').waitFor()

  await visit.open(`/actions/${workshop.action.id}?tab=run`)
  await page.getByRole('combobox', { name: 'On the connection' }).click()
  await page.getByRole('option', { name: /of Acme Robotics/ }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.getByLabel('what it came to').getByText('"actionRunId"').waitFor()

  await visit.open(`/external-event-subscriptions/${workshop.subscription.id}`)
  await page.getByRole('button', { name: 'Subscribe again' }).click()
  await page.getByText('It is subscribed now').waitFor()
  await page.getByRole('tab', { name: 'Function calls' }).click()
  await page.getByRole('tabpanel').first().waitFor()
})

test('a vendor of the catalogue becomes an event type whose handle is edited at once', async () => {
  const { page } = visit
  await visit.open('/webhook-vendors')
  await page.getByRole('textbox', { name: 'Search' }).pressSequentially('stri')
  await page.getByRole('link', { name: 'Stripe', exact: true }).click()
  const vendor = page.getByRole('dialog')
  await vendor.getByText('verify.stripe').first().waitFor()
  await vendor.getByText('"path": "id"').waitFor()
  await vendor.getByRole('tab', { name: 'About' }).click()
  await vendor.getByText('300 s').waitFor()
  await vendor.getByRole('link', { name: 'New external event type of it' }).click()
  const form = page.getByRole('dialog', { name: 'New external event type' })
  await form.getByText('Known again by').waitFor()
  expect(await form.getByRole('combobox', { name: 'Sent by' }).inputValue()).toBe('Stripe')
  const name = form.getByRole('textbox', { name: 'Name', exact: true })
  await expect.poll(() => name.inputValue(), { timeout: 20_000 }).toBe('Stripe')
  await name.click()
  await page.keyboard.press('End')
  await name.pressSequentially(' of ours')
  await form.getByRole('button', { name: 'Create' }).click()

  await page.getByRole('dialog').getByRole('heading', { name: 'Stripe of ours' }).waitFor()
  await page.getByRole('radiogroup', { name: 'Which function' }).getByText('handle', { exact: true }).click()
  const code = page.getByRole('textbox', { name: 'handle.js', exact: true })
  await code.getByText('verify.stripe').waitFor()
  await code.click()
  await page.keyboard.press('ControlOrMeta+Home')
  await code.pressSequentially('// Mind the refunds.\n')
  await page.getByRole('button', { name: 'Save functions' }).click()
  await page.getByText('Saved. Subscriptions use the new functions').waitFor()
  const { items } = await scene.house.admin.externalEventTypes.list({ query: { search: 'Stripe of ours' } })
  expect(items).toMatchObject([
    { name: 'Stripe of ours', dedupeKey: { path: 'id' }, parametersSchema: { required: ['secret'] } },
  ])
  const handle = items[0]?.handle as { code?: string } | undefined
  expect(handle?.code?.startsWith("// Mind the refunds.\nimport { verify } from 'permea:webhooks'")).toBe(true)
})
