import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import AxeBuilder from '@axe-core/playwright'
import { answering, type Receiver, startReceiver } from '@permea/testkit'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

/** A product's own page, of another origin than the engine's; its first token ends soon. */
const pageOf = (engine: string, tokens: string[]) => `<!doctype html>
<html lang="en"><head><title>Product</title></head><body><div id="portal"></div>
<script type="module">
import { permea } from '${engine}/connect/permea.js'
const tokens = ${JSON.stringify(tokens)}
let asked = 0
permea.portal({ token: () => tokens[Math.min(asked++, tokens.length - 1)], element: document.getElementById('portal') })
</script></body></html>`

const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')}`

let scene: Scene
let receiver: Receiver
let product: Server
let productUrl: string
let tokens: string[]
let visit: Visit
let context: BrowserContext
let page: Page

beforeAll(async () => {
  scene = await openScene()
  receiver = await startReceiver()
  const { admin, tokenOf } = scene.house
  const inputSchema = {
    type: 'object',
    properties: { apiKey: { type: 'string', title: 'API key' } },
    required: ['apiKey'],
  }
  const mapping = { baseUri: receiver.url }
  const options = {
    key: { type: 'client-credentials', inputSchema, makeApiClient: { type: 'mapping', mapping } },
  } as const
  await admin.connectors.create({ body: { key: 'crm', name: 'CRM', logoUri: LOGO, options } })
  await admin.integrations.create({ body: { name: 'CRM', key: 'crm', connectorKey: 'crm' } })
  for (const [internalId, name] of [
    ['globex', 'Globex'],
    ['initech', 'Initech'],
  ] as const)
    await admin.customers.create({ body: { internalId, name } })
  const other = await scene.house.as('initech')
  await other.notificationEndpoints.create({
    body: { name: 'Initech’s own', url: `${receiver.url}/initech`, eventTypes: ['connection.created'] },
  })
  await other.connections.create({ body: { integrationKey: 'crm', name: 'Initech’s CRM', input: { apiKey: 'k' } } })
  await scene.house.settle()
  tokens = [await tokenOf({ id: 'globex' })]
  product = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageOf(scene.house.url, tokens)),
  )
  product.listen(0, '127.0.0.1')
  await once(product, 'listening')
  productUrl = `http://localhost:${(product.address() as AddressInfo).port}`
})
afterAll(async () => {
  product.close()
  product.closeAllConnections()
  await receiver[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})
beforeEach(async () => {
  receiver.behave(answering(200))
  visit = await scene.visit({ width: 400 })
  ;({ page, context } = visit)
})
afterEach(() => visit[Symbol.asyncDispose]())

async function embedded(on: Page = page): Promise<Frame> {
  await on.goto(productUrl)
  const frame = await (await on.waitForSelector('iframe'))?.contentFrame()
  if (frame == null) throw new Error('the page has no frame')
  await frame.getByRole('heading', { name: 'Connected', exact: true }).waitFor()
  return frame
}

async function accessible(): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  // The product's page around it is none of ours.
  const own = violations.flatMap(({ id, nodes }) =>
    nodes
      .filter((node) => node.target.length > 1 || page.url().includes('/portal'))
      .map((node) => `${id}: ${node.html}`),
  )
  expect(own).toEqual([])
}

const said = (frame: Frame | Page, words: RegExp) => frame.getByRole('status').filter({ hasText: words }).waitFor()

test('a customer connects an app and says where webhooks go, in a page of another origin, by typing', async () => {
  const frame = await embedded()
  await accessible()
  const opened = context.waitForEvent('page')
  await frame.getByRole('button', { name: 'Connect: CRM' }).click()
  const popup = await opened
  await popup.getByLabel('API key').pressSequentially('good')
  await popup.keyboard.press('Enter')
  await said(frame, /CRM is connected/)
  const logos = frame.locator('.card > img')
  await expect.poll(() => logos.count()).toBe(2)
  for (const logo of await logos.all())
    await expect.poll(() => logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(8)

  await frame.getByRole('button', { name: 'Webhooks', exact: true }).click()
  await frame.getByRole('button', { name: 'Add a destination' }).click()
  const dialog = frame.getByRole('dialog', { name: 'Add a destination' })
  await dialog.getByLabel('Address').press('Control+a')
  await dialog.getByLabel('Address').pressSequentially('nonsense')
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').filter({ hasText: 'not an address' }).waitFor()
  await dialog.getByLabel('Address').press('Control+a')
  await dialog.getByLabel('Address').pressSequentially(`${receiver.url}/globex`)
  await dialog.getByLabel('Name').pressSequentially('Our backend')
  await dialog.getByLabel('App disconnected').press('Space')
  page.once('dialog', (question) => void question.dismiss())
  await page.keyboard.press('Escape')
  await dialog.getByRole('button', { name: 'Save' }).press('Enter')
  const secret = frame.getByRole('dialog', { name: 'Your secret' })
  expect(await secret.locator('output').textContent()).toMatch(/^whsec_/)
  await accessible()
  await secret.getByRole('button', { name: 'Done' }).press('Enter')

  await frame.getByRole('button', { name: 'Test: Our backend' }).click()
  await said(frame, /Our backend took the test message \(200\)/)
  expect(receiver.received.map((each) => each.path)).toContain('/globex')
  expect(await frame.getByText('Initech').count()).toBe(0)
})

test('what failed is shown with its attempts and sent again; another customer’s things are nowhere', async () => {
  const { admin } = scene.house
  receiver.behave(answering(500, { why: 'down' }))
  const customer = await scene.house.as('globex')
  const [endpoint] = (await customer.notificationEndpoints.list()).items
  await customer.notificationEndpoints.patch({ params: { id: endpoint?.id ?? '' }, body: { scheduleMs: [] } })
  const [connection] = (await customer.connections.list()).items
  await customer.connections.archive({ params: { selector: connection?.id ?? '' } })
  await scene.house.settle()
  receiver.behave(answering(200))
  await page.goto(`${scene.house.url}/portal#token=${tokens[0]}`)
  await page.getByRole('button', { name: 'Deliveries', exact: true }).click()
  expect(page.url()).toBe(`${scene.house.url}/portal`)
  await page.getByRole('row').filter({ hasText: 'Given up' }).getByRole('button', { name: 'App disconnected' }).click()
  const dialog = page.getByRole('dialog', { name: 'App disconnected' })
  await dialog.getByText('Answered 500').waitFor()
  await dialog.getByText('down').waitFor()
  await dialog.getByRole('button', { name: 'Send again' }).press('Enter')
  await dialog.getByText('Answered 200').waitFor()
  await accessible()
  await page.keyboard.press('Escape')
  await page.getByRole('row').filter({ hasText: 'Delivered' }).first().waitFor()
  await accessible()

  const seen: string[] = []
  page.on('response', async (response) => seen.push(await response.text().catch(() => '')))
  for (const part of ['Apps', 'Webhooks', 'Deliveries']) {
    await page.getByRole('button', { name: part, exact: true }).click()
    await page.locator('#part[aria-busy=false]').waitFor()
  }
  const others = [
    ...(await admin.notificationEndpoints.list({ query: { tenantId: 'initech' } })).items,
    ...(await admin.connections.list({ query: { userId: 'initech' } })).items,
    ...(await admin.deliveries.list()).items.filter(({ tenantId }) => tenantId !== endpoint?.tenantId),
  ].map(({ id }) => id)
  expect(others.length).toBeGreaterThanOrEqual(3)
  const text = seen.join()
  expect(text).toContain(endpoint?.id)
  expect(others.filter((id) => text.includes(id))).toEqual([])
})

test('a token that has ended is asked for again, and the person goes on', async () => {
  const first = await scene.house.tokenOf({ id: 'globex' }, 5)
  const [lasting = ''] = tokens
  tokens = [first, lasting]
  const frame = await embedded()
  tokens = [lasting]
  const headers = { authorization: `Bearer ${first}` }
  const statusNow = async () => (await fetch(`${scene.house.url}/connections`, { headers })).status
  await expect.poll(statusNow, { timeout: 20_000 }).toBe(401)
  await frame.getByRole('button', { name: 'Webhooks', exact: true }).click()
  await frame.getByText('Our backend').waitFor()
  visit.expectComplaints(/401/)
})

test('it looks and speaks as the workspace and the browser want, shows itself only where it may, and not to admins', async () => {
  const { admin, workspace, url, tokenOf } = scene.house
  const params = { id: workspace.key }
  const look = { primaryColor: '#ffd166', colorScheme: 'dark' as const, allowedOrigins: ['https://other.example'] }
  await admin.workspaces.patch({ params, body: { settings: { connect: look } } })
  const post = (token: string, origin: string, language = 'de') =>
    fetch(`${url}/portal`, {
      method: 'POST',
      headers: { origin, 'accept-language': language, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token }),
    })
  expect((await post(tokens[0] ?? '', productUrl)).status).toBe(403)
  const allowed = await post(tokens[0] ?? '', 'https://other.example')
  expect(allowed.headers.get('content-security-policy')).toContain('frame-ancestors https://other.example')
  expect(await allowed.text()).toContain('Apps und Webhooks')
  expect((await post(await tokenOf({ isAdmin: true }), 'https://other.example')).status).toBe(403)
  expect((await post('nonsense', 'https://other.example')).status).toBe(401)
  // Where a logo does not load, a letter stands in its place.
  const { items } = await admin.integrations.list()
  await admin.integrations.patch({ params: { selector: items[0]?.id ?? '' }, body: { logoUri: 'data:image/png,no' } })
  for (const language of ['fr', 'es', 'pt', 'ja'])
    expect(await (await post(tokens[0] ?? '', 'https://other.example', language)).text()).toContain(
      `lang="${language}"`,
    )

  await page.goto(`${url}/portal#token=${tokens[0]}`)
  await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor()
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
  await page.locator('.card > .letter').getByText('C', { exact: true }).first().waitFor()
  await accessible()
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400)
})
