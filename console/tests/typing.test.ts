import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

/** People type key by key: nothing here is filled in at once. */

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await scene.house.admin.connectors.create({ body: { key: 'tracker', name: 'Tracker' } })
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const drawer = (page: Page) => page.getByRole('dialog').first()
const field = (page: Page, label: string): Locator => drawer(page).getByRole('textbox', { name: label, exact: true })

async function type(page: Page, label: string, text: string): Promise<void> {
  await field(page, label).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await field(page, label).pressSequentially(text)
}

/** What a field or an editor shows. */
async function shown(page: Page, label: string): Promise<string> {
  const found = field(page, label)
  await found.waitFor()
  const isInput = await found.evaluate((element) => element.matches('input, textarea'))
  if (isInput) return found.inputValue()
  const lines = await found.locator('.cm-line').allTextContents()
  return lines.join('\n')
}

const asJson = (text: string) => JSON.parse(text) as unknown

interface Case {
  path: string
  /** What is typed, by the label of its field. */
  texts: Record<string, string>
  /** The same for editors of JSON. */
  json?: Record<string, unknown>
  choices?: Record<string, string>
  /** What is typed into one field when it is changed afterwards. */
  change: [label: string, text: string]
  tab: string
  afterwards?(page: Page): Promise<void>
}

const CASES: readonly Case[] = [
  {
    path: 'customers',
    texts: { Name: 'Globex Corporation', 'Your id': 'globex' },
    json: { Fields: { plan: 'pro', seats: [1, 2, { deep: true }] } },
    change: ['Name', 'Globex & Sons'],
    tab: 'Edit',
  },
  {
    path: 'app-event-types',
    texts: { Name: 'Ticket opened', Description: 'A ticket, "as it came"\nin two lines' },
    json: { Example: { id: 't_1', nested: { list: ['a', 'b'] } } },
    change: ['Name', 'Ticket changed'],
    tab: 'Edit',
  },
  {
    path: 'flows',
    texts: { Name: 'Tell the desk', Key: 'tell-the-desk', Description: 'Tells it.' },
    json: { 'Schema of its parameters': { type: 'object', properties: { queue: { type: 'string' } } } },
    change: ['Description', 'Tells it at once.'],
    tab: 'Settings',
  },
  {
    path: 'connectors',
    texts: { Name: 'Desk', Key: 'desk', Description: 'The desk.' },
    change: ['Description', 'The desk of the others.'],
    tab: 'Edit',
  },
  {
    path: 'integrations',
    texts: { Name: 'Tracker of ours', Key: 'tracker-of-ours', Description: 'For issues.' },
    choices: { Connector: 'Tracker' },
    change: ['Name', 'Tracker of all'],
    tab: 'Edit',
  },
  {
    path: 'actions',
    texts: { Name: 'Create a task', Key: 'create-a-task' },
    choices: { 'What it does': 'HTTP request' },
    json: { Configuration: { request: { method: 'POST', uri: 'https://api.example.com/x', body: { a: [1] } } } },
    change: ['Name', 'Create one task'],
    tab: 'Edit',
  },
  {
    path: 'external-event-types',
    texts: { Name: 'Issue changed', Key: 'issue-changed' },
    json: { Example: { action: 'opened', n: -1.5 } },
    change: ['Name', 'Issue changes'],
    tab: 'Edit',
  },
  {
    path: 'webhook-notifications',
    texts: { Name: 'Operations', Address: 'https://app.example.com/hooks?a=b' },
    change: ['Address', 'https://app.example.com/other'],
    tab: 'Edit',
    afterwards: async (page) => void (await page.getByRole('button', { name: 'I have it' }).click()),
  },
  {
    path: 'webhook-notifications',
    choices: { 'Goes over': 'RabbitMQ (AMQP 0-9-1)' },
    texts: {
      Name: 'Warehouse',
      Server: 'mq.example.com:5700',
      'Virtual host': '/',
      Exchange: 'amq.topic',
      'Routing key or queue': 'permea.connections',
    },
    change: ['Exchange', 'notices'],
    tab: 'Edit',
    afterwards: async (page) => void (await page.getByRole('button', { name: 'I have it' }).click()),
  },
]

describe.each(CASES)('the form of $path', (form) => {
  test('is typed into, left, come back to, saved, read back, and changed', async () => {
    const { page } = visit
    const texts = { ...form.texts }
    for (const [label, value] of Object.entries(form.json ?? {})) texts[label] = JSON.stringify(value)
    const expectShown = async () => {
      for (const [label, text] of Object.entries(form.texts)) expect(await shown(page, label)).toBe(text)
      for (const [label, value] of Object.entries(form.json ?? {}))
        expect(asJson(await shown(page, label))).toEqual(value)
    }

    await visit.open(`/${form.path}`)
    await page.getByRole('link', { name: /^New / }).first().click()
    for (const [label, choice] of Object.entries(form.choices ?? {})) {
      await drawer(page).getByRole('combobox', { name: label }).click()
      await page.getByRole('option', { name: choice, exact: true }).click()
    }
    for (const [label, text] of Object.entries(texts)) await type(page, label, text)
    await expectShown()

    // A slip of the hand asks, and loses nothing.
    await drawer(page).getByRole('button', { name: 'Close' }).click()
    const asking = page.getByRole('dialog', { name: 'Leave without saving?' })
    await asking.getByRole('button', { name: 'Stay' }).click()
    await asking.waitFor({ state: 'detached' })
    await expectShown()
    await drawer(page).getByRole('button', { name: 'Close' }).click()
    await asking.getByRole('button', { name: 'Leave, keep the draft' }).click()
    await drawer(page).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: /^New / }).first().click()
    await page.getByText(/Your draft of/).waitFor()
    await expectShown()
    await page.reload()
    await page.getByText(/Your draft of/).waitFor()
    await expectShown()

    await drawer(page).getByRole('button', { name: 'Create', exact: true }).click()
    await form.afterwards?.(page)
    await page.getByRole('tab', { name: form.tab, exact: true }).click()
    await expectShown()

    const [label, text] = form.change
    await type(page, label, text)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    expect(await shown(page, label)).toBe(text)
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
    await page.reload()
    expect(await shown(page, label)).toBe(text)

    // Nothing is unsaved, so nobody asks.
    await drawer(page).getByRole('button', { name: 'Close' }).click()
    await drawer(page).waitFor({ state: 'detached' })
  })
})

test('a form that is changed shows what was typed while somebody else changes the element', async () => {
  const { page } = visit
  await visit.open(`/customers/${workshop.customer.id}?tab=edit`)
  await type(page, 'Name', 'Acme of mine')
  await scene.house.admin.customers.patch({
    params: { selector: workshop.customer.id },
    body: { fields: { plan: 'basic' } },
  })
  await field(page, 'Fields').getByText('basic').waitFor()
  expect(await shown(page, 'Name')).toBe('Acme of mine')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  const saved = await scene.house.admin.customers.get({ params: { selector: workshop.customer.id } })
  expect(saved).toMatchObject({ name: 'Acme of mine', fields: { plan: 'basic' } })
})

test('every field of a node takes what is typed, shows what was saved, and is then unchanged', async () => {
  const { page } = visit
  await visit.open(`/flows/${workshop.flow.id}`)
  await page.locator('.react-flow__node').filter({ hasText: 'Book it' }).click()
  const typed = {
    Name: 'Book it twice',
    Address: '/invoices',
    Body: '{"to": {"$var": "$.input.shape"}, "note": "a\\"b", "list": [1, 2]}',
    Query: '{"page": 2}',
    Headers: '{"x-why": "because"}',
  }
  for (const [label, text] of Object.entries(typed)) await type(page, label, text)
  for (const text of ['5 items', '[urgent', '"quoted" text', '-1', 'true', '{{name}}', 'https://a.example/b?c=d#e']) {
    await type(page, 'Address', text)
    expect(await shown(page, 'Address')).toBe(text)
  }
  await type(page, 'Address', `${workshop.receiver.url}/invoices`)
  await page.getByRole('button', { name: 'Save nodes' }).click()
  await page.getByText('Saved.', { exact: false }).first().waitFor()
  const { nodes } = await scene.house.admin.flows.get({ params: { selector: workshop.flow.id } })
  expect(nodes.book).toMatchObject({
    name: 'Book it twice',
    config: {
      request: {
        uri: `${workshop.receiver.url}/invoices`,
        body: { to: { $var: '$.input.shape' }, note: 'a"b', list: [1, 2] },
        query: { page: 2 },
        headers: { 'x-why': 'because' },
      },
    },
  })
  expect(await shown(page, 'Address')).toBe(`${workshop.receiver.url}/invoices`)
  expect(await page.getByRole('button', { name: 'Save nodes' }).isDisabled()).toBe(true)
  await page.reload()
  await page.locator('.react-flow__node').filter({ hasText: 'Book it twice' }).click()
  expect(await shown(page, 'Address')).toBe(`${workshop.receiver.url}/invoices`)
})

test('half an object is neither saved nor lost while another node is looked at or the page is left', async () => {
  const { page } = visit
  await visit.open(`/flows/${workshop.flow.id}`)
  await page.locator('.react-flow__node').filter({ hasText: 'Book it' }).click()
  await type(page, 'Body', '{"to": ')
  await page.getByText('Not valid JSON yet', { exact: false }).first().waitFor()
  await page.getByRole('button', { name: 'Save nodes' }).click()
  await page.getByRole('alert').filter({ hasText: 'Not saved' }).getByText('Not valid JSON yet').waitFor()
  await page.locator('.react-flow__node').filter({ hasText: 'Shape' }).click()
  await page.locator('.react-flow__node').filter({ hasText: 'Book it' }).click()
  expect(await shown(page, 'Body')).toContain('{"to": ')
  // Escape lets Tab leave an editor; outside of one it closes, and asks.
  await field(page, 'Body').focus()
  await page.keyboard.press('Escape')
  await page.getByRole('tab', { name: 'Nodes' }).focus()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Leave, keep the draft' }).click()
  await drawer(page).waitFor({ state: 'detached' })
  await visit.open(`/flows/${workshop.flow.id}`)
  await page.locator('.react-flow__node').filter({ hasText: 'Book it' }).click()
  expect(await shown(page, 'Body')).toContain('{"to": ')
  await page.getByRole('button', { name: 'Discard the draft' }).click()
  expect(await shown(page, 'Body')).toContain('"$var"')
  await drawer(page).getByRole('button', { name: 'Close' }).click()
  await drawer(page).waitFor({ state: 'detached' })
})

test('a search keeps every letter while the list follows', async () => {
  const { page } = visit
  await visit.open('/customers')
  const search = page.getByRole('textbox', { name: 'Search' })
  await search.click()
  await search.pressSequentially('Globex & Sons', { delay: 120 })
  await page.waitForURL(/search=Globex\+%26\+Sons/)
  expect(await search.inputValue()).toBe('Globex & Sons')
  expect(await search.evaluate((element) => element === document.activeElement)).toBe(true)
})

test('a secret that was typed is not kept in the browser', async () => {
  const { page } = visit
  await visit.open('/webhook-notifications/new')
  await type(page, 'Name', 'Another one')
  await drawer(page).getByRole('combobox', { name: 'Goes over' }).click()
  await page.getByRole('option', { name: 'NATS JetStream', exact: true }).click()
  await type(page, 'Server', 'nats.example.com')
  await drawer(page).locator('input[type=password]').pressSequentially('topsecret')
  await type(page, 'Headers', '{"x-api-key": "topsecret"}')
  const kept = await page.evaluate(() => JSON.stringify(localStorage))
  expect(kept).toContain('Another one')
  expect(kept).not.toContain('topsecret')
  await drawer(page).getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Throw it away' }).click()
  await drawer(page).waitFor({ state: 'detached' })
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('Another one')
})
