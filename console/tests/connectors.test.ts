import { answering, type Receiver, startReceiver } from '@permea/testkit'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

/** An app is described without a line of JSON around a function, offered, and really spoken to. */

vi.setConfig({ testTimeout: 240_000 })

let scene: Scene
let app: Receiver
let visit: Visit
let page: Page

beforeAll(async () => {
  scene = await openScene()
  app = await startReceiver()
  visit = await scene.visit({ width: 1440 })
  page = visit.page
  // Editors take long for each key where the machine is busy.
  visit.context.setDefaultTimeout(60_000)
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const button = (name: string) => page.getByRole('button', { name, exact: true })
const saved = () => page.getByText('Saved', { exact: true }).last().waitFor()

async function type(label: string, text: string): Promise<void> {
  const field = page.getByRole('dialog').first().getByRole('textbox', { name: label, exact: true })
  await field.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await field.pressSequentially(text, { timeout: 60_000 })
}

async function choose(label: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: label, exact: true }).last().click()
  await page.getByRole('option', { name: option, exact: true }).click()
}

async function write(slot: string, code: string): Promise<void> {
  await button(`Write ${slot}`).click()
  await type(slot, code)
}

const connector = () => scene.house.admin.connectors.get({ params: { selector: 'desk' } })

test('a connector is made by forms: a way to connect, an event', async () => {
  await visit.open('/connectors/new')
  await type('Name', 'Desk')
  await button('Create').click()
  await page.getByRole('tab', { name: 'Ways to connect' }).click()
  await button('+ Add a way to connect').click()
  await type('Key', 'api-key')
  await type('Title', 'API key')
  await type(
    'What a person is asked for',
    '{"type":"object","properties":{"apiKey":{"type":"string"}},"required":["apiKey"]}',
  )
  await write(
    'makeApiClient',
    `export default (a) => ({ baseUri: '${app.url}', headers: { key: a.credentials.apiKey, team: a.connectorParameters.team } })`,
  )
  await button('Add way to connect').click()
  await page.getByRole('navigation', { name: 'Ways to connect' }).getByText('API key').waitFor()

  await page.getByRole('tab', { name: 'Events', exact: true }).click()
  await button('+ Add an event').click()
  await type('Key', 'ticket')
  await type('Name', 'Ticket opened')
  for (const slot of ['subscribe', 'handle', 'unsubscribe']) await button(`Write ${slot}`).click()
  await button('Add event').click()
  await page.getByRole('navigation', { name: 'Events' }).getByText('Ticket opened').waitFor()

  const { options, events } = await connector()
  expect(options?.['api-key']).toMatchObject({
    type: 'client-credentials',
    title: 'API key',
    inputSchema: { required: ['apiKey'] },
    makeApiClient: { type: 'javascript', code: expect.stringContaining('team: a.connectorParameters.team') },
  })
  expect(events?.ticket).toMatchObject({
    name: 'Ticket opened',
    implementationType: 'webhook',
    handle: { type: 'javascript', code: expect.stringContaining('events') },
  })
})

test('an operation and a collection; what does not load is said at its field, and nothing of it is lost', async () => {
  await page.getByRole('tab', { name: 'Operations' }).click()
  await button('+ Add an operation').click()
  await type('Key', 'open-ticket')
  await type('Name', 'Open a ticket')
  await button('Write run').click()
  const run = page.getByRole('textbox', { name: 'run', exact: true })
  await run.click()
  await page.keyboard.press('ControlOrMeta+End')
  await run.pressSequentially('}')
  await button('Add operation').click()
  await page
    .getByText(/SyntaxError/)
    .first()
    .waitFor()
  visit.expectComplaints(/400/)
  await run.press('Backspace')
  await button('Add operation').click()
  await page.getByRole('navigation', { name: 'Operations' }).getByText('Open a ticket').waitFor()

  await page.getByRole('tab', { name: 'Collections' }).click()
  await button('+ Add a collection').click()
  await type('Key', 'tickets')
  await type('Name', 'Tickets')
  await button('Write list').click()
  await button('Add collection').click()
  await page.getByRole('navigation', { name: 'Collections' }).getByText('Tickets', { exact: true }).waitFor()
  await page.getByRole('radiogroup', { name: 'What of the collection' }).getByText('Find by id').click()
  await button('Write findById').click()
  await choose('findById: written as', 'One REST request')
  await type('findById', '{"method":"GET","path":"/tickets/{id}"}')
  await button('Save').click()
  await saved()
  const { operations, data } = await connector()
  expect(operations?.['open-ticket']?.run).toMatchObject({ code: expect.stringContaining("apiClient.post('/things'") })
  expect(Object.keys(data?.tickets?.methods ?? {})).toEqual(['list', 'findById'])
  expect(data?.tickets?.methods.findById?.run).toEqual({
    type: 'rest-api-mapping',
    mapping: { method: 'GET', path: '/tickets/{id}' },
  })
})

test('a part that is changed keeps its neighbours, what others changed meanwhile, and is removed when that is confirmed', async () => {
  const { admin } = scene.house
  await visit.open('/connectors')
  await page
    .getByRole('searchbox', { name: 'Search' })
    .or(page.getByRole('textbox', { name: 'Search' }))
    .first()
    .pressSequentially('Desk')
  await page.getByRole('link', { name: 'Desk', exact: true }).click()
  await page.getByRole('tab', { name: 'Operations' }).click()
  await type('Description', 'Opens one.')
  const { operations = {} } = await connector()
  const run = { type: 'javascript' as const, code: 'export default () => 1' }
  await admin.connectors.patch({
    params: { selector: 'desk' },
    body: { operations: { ...operations, 'of-somebody-else': { name: 'Of somebody else', run } } },
  })
  await button('Save').click()
  await saved()
  expect((await connector()).operations).toMatchObject({
    'open-ticket': { name: 'Open a ticket', description: 'Opens one.', run: operations['open-ticket']?.run },
    'of-somebody-else': { name: 'Of somebody else' },
  })
  await page.getByRole('navigation', { name: 'Operations' }).getByText('Of somebody else').click()
  await button('Remove operation').click()
  await page
    .getByRole('dialog', { name: 'Remove “of-somebody-else”?' })
    .getByRole('button', { name: 'Remove operation' })
    .click()
  await page.getByText('Removed', { exact: true }).waitFor()
  expect(Object.keys((await connector()).operations ?? {})).toEqual(['open-ticket'])
})

test('what the connector needs is asked for by fields of the integration, and reaches the app', async () => {
  const { admin } = scene.house
  await page.getByRole('tab', { name: 'Client' }).click()
  await type(
    'What an integration gives',
    '{"type":"object","properties":{"team":{"type":"string","title":"Team"},"signingSecret":{"type":"string","title":"Signing secret"}},"required":["team"]}',
  )
  await button('Save').click()
  await saved()
  await visit.open('/integrations/new')
  await type('Name', 'Desk of ours')
  await choose('Connector', 'Desk')
  await type('Team', 'support')
  await type('Signing secret', 'sh-1')
  await button('Create').click()
  await page.getByRole('tab', { name: 'Edit' }).waitFor()
  const params = { selector: 'desk-of-ours' }
  expect((await admin.integrations.get({ params })).parameters).toEqual({ team: 'support', signingSecret: 'sh-1' })

  await page.getByRole('tab', { name: 'Edit' }).click()
  expect(await page.getByLabel('Signing secret', { exact: true }).getAttribute('type')).toBe('password')
  await page.getByRole('textbox', { name: 'Another parameter of integration' }).pressSequentially('region')
  await page.keyboard.press('Enter')
  await type('region', 'eu')
  await page.getByRole('switch', { name: 'Offer “API key”' }).click()
  await button('Save').click()
  await saved()
  expect(await admin.integrations.get({ params })).toMatchObject({
    parameters: { team: 'support', signingSecret: 'sh-1', region: 'eu' },
    optionsConfig: { 'api-key': { disabled: true } },
  })
  await page.getByRole('switch', { name: 'Offer “API key”' }).click()
  await button('Save').click()
  await expect.poll(async () => (await admin.integrations.get({ params })).optionsConfig).toBeUndefined()

  await admin.customers.create({ body: { internalId: 'acme', name: 'Acme' } })
  app.behave(answering(200, { id: '1' }))
  const acme = await scene.house.as('acme')
  const { id } = await acme.connections.create({ body: { integrationKey: 'desk-of-ours', input: { apiKey: 'k-1' } } })
  const { output } = await acme.connections.runOperation({
    params: { selector: id, key: 'open-ticket' },
    body: { input: { subject: 'It does not print' } },
  })
  expect(output).toEqual({ id: '1' })
  expect(app.received.at(-1)).toMatchObject({ path: '/things', json: { subject: 'It does not print' } })
  expect(app.received.at(-1)?.headers).toMatchObject({ key: 'k-1', team: 'support' })
})

test('its pages are accessible, in the dark too, and nothing sticks out at 400 px', async () => {
  const { id } = await connector()
  for (const tab of ['options', 'events', 'operations', 'data', 'client']) {
    await visit.open(`/connectors/${id}?tab=${tab}`)
    await button('Save').waitFor()
    await visit.expectAccessible()
  }
  await using narrow = await scene.visit({ width: 400, scheme: 'dark' })
  await narrow.signIn()
  await narrow.open(`/connectors/${id}?tab=options`)
  await narrow.page.getByRole('button', { name: 'Save', exact: true }).waitFor()
  await narrow.expectAccessible()
  const { scrollWidth, clientWidth } = await narrow.page
    .getByRole('dialog')
    .evaluate(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))
  expect(scrollWidth).toBeLessThanOrEqual(clientWidth)
})
