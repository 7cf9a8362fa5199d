import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import AxeBuilder from '@axe-core/playwright'
import { answering, type Receiver, startReceiver } from '@permea/testkit'
import type { BrowserContext, Frame, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

/** A product's own page, of another origin than the engine's. */
const pageOf = (engine: string, token: string) => `<!doctype html>
<html lang="en"><head><title>Product</title></head><body><main><h1>Your apps</h1>
<button id="crm" data-mode="dialog">Connect the CRM</button>
<button id="popup" data-mode="popup">In a window</button>
<button id="redirect" data-mode="redirect">By a redirect</button>
<button id="oauth" data-mode="dialog" data-key="mail">Connect mail</button>
<output></output></main>
<script type="module">
import { permea } from '${engine}/connect/permea.js'
const output = document.querySelector('output')
const back = permea.takeResult()
if (back !== null) output.textContent = 'back with ' + back.connectionId
for (const button of document.querySelectorAll('button')) button.addEventListener('click', async () => {
  output.textContent = ''
  const wish = { token: () => '${token}', integrationKey: button.dataset.key ?? 'crm', mode: button.dataset.mode, allowMultipleConnections: true }
  try {
    const { connection } = await permea.connect(wish)
    output.textContent = 'connected ' + connection.id
  } catch (error) { output.textContent = error.code + ': ' + error.message }
})
</script></body></html>`

const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')}`

let scene: Scene
let app: Receiver
let product: Server
let productUrl: string
let visit: Visit
let context: BrowserContext
let page: Page

beforeAll(async () => {
  scene = await openScene()
  app = await startReceiver()
  const { admin, url } = scene.house
  const mapping = { baseUri: app.url, headers: { 'x-key': { $var: '$.credentials.apiKey' } } }
  await admin.connectors.create({
    body: {
      key: 'crm',
      name: 'CRM',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: {
            type: 'object',
            properties: { apiKey: { type: 'string', title: 'API key' } },
            required: ['apiKey'],
          },
          makeApiClient: { type: 'mapping', mapping },
          test: 'export default async ({ apiClient }) => { await apiClient.get("/me") }',
        },
      },
    },
  })
  await admin.connectors.create({
    body: {
      key: 'mail',
      name: 'Mail',
      logoUri: LOGO,
      options: {
        oauth: {
          type: 'oauth2',
          getOAuthConfig: {
            type: 'mapping',
            mapping: {
              clientId: 'me',
              clientSecret: 'secret',
              authorizeUri: `${app.url}/authorize`,
              tokenUri: `${app.url}/token`,
              scopes: ['mail'],
            },
          },
          makeApiClient: { type: 'mapping', mapping: { baseUri: app.url } },
        },
      },
    },
  })
  await admin.integrations.create({ body: { name: 'CRM', key: 'crm', connectorKey: 'crm' } })
  await admin.integrations.create({ body: { name: 'Mail', key: 'mail', connectorKey: 'mail' } })
  await admin.customers.create({ body: { name: 'Globex', internalId: 'globex' } })
  const token = await scene.house.tokenOf({ id: 'globex' })
  product = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageOf(url, token)),
  )
  product.listen(0, '127.0.0.1')
  await once(product, 'listening')
  productUrl = `http://localhost:${(product.address() as AddressInfo).port}`
})
afterAll(async () => {
  product.close()
  product.closeAllConnections()
  await app[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})
beforeEach(async () => {
  app.behave((request, response) => {
    const { pathname, searchParams } = new URL(request.path, app.url)
    if (pathname === '/authorize') {
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', 'c')
      back.searchParams.set('state', searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
    } else if (pathname === '/token')
      void answering(200, { access_token: 'a', token_type: 'bearer' })(request, response)
    else void answering(request.headers['x-key'] === 'good' ? 200 : 401, {})(request, response)
  })
  visit = await scene.visit({ width: 400 })
  ;({ page, context } = visit)
  await page.goto(productUrl)
})
afterEach(() => visit[Symbol.asyncDispose]())

const output = (words: RegExp) => page.locator('output').filter({ hasText: words }).waitFor()

async function frameInDialog(): Promise<Frame> {
  const frame = await (await page.getByRole('dialog').locator('iframe').elementHandle())?.contentFrame()
  if (frame == null) throw new Error('the dialog has no frame')
  await frame.getByRole('heading', { level: 1 }).waitFor()
  return frame
}

test('a dialog in a page of another origin: typed, refused in the customer’s words, mended, connected', async () => {
  await page.getByRole('button', { name: 'Connect the CRM' }).focus()
  await page.keyboard.press('Enter')
  const frame = await frameInDialog()
  expect(await frame.locator('.letter').textContent()).toBe('C')
  await frame.getByLabel('API key').pressSequentially('wrong')
  await page.keyboard.press('Enter')
  await frame.getByRole('alert').getByText('CRM did not accept this').waitFor()
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map((each) => `${each.id} ${each.nodes.map((node) => node.html).join(' ')}`)).toEqual([])
  await frame.getByLabel('API key').pressSequentially('good')
  await page.keyboard.press('Enter')
  await output(/connected con_/)
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('crm')
})

test('who closes the dialog has connected nothing', async () => {
  await page.getByRole('button', { name: 'Connect the CRM' }).click()
  await frameInDialog()
  await page.getByRole('button', { name: 'Close' }).click()
  await output(/^cancelled/)
})

test('in a window, and by a redirect', async () => {
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: 'In a window' }).click()
  const popup = await opened
  await popup.getByLabel('API key').pressSequentially('good')
  await popup.keyboard.press('Enter')
  await output(/connected con_/)
  await page.getByRole('button', { name: 'By a redirect' }).click()
  await page.getByLabel('API key').pressSequentially('good')
  await page.keyboard.press('Enter')
  await output(/back with con_/)
  expect(page.url()).toBe(`${productUrl}/`)
})

test('an app that asks in a page of its own does so in a window, and the dialog hears of it', async () => {
  await page.getByRole('button', { name: 'Connect mail' }).click()
  const frame = await frameInDialog()
  const logo = frame.locator('main > img')
  await expect.poll(() => logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(8)
  const opened = context.waitForEvent('page')
  await frame.getByRole('link', { name: 'Continue at Mail' }).click()
  // The product's page is not listed as the workspace's own: the person says so once more, where nobody else can.
  await (await opened).getByRole('button', { name: 'Connect Mail for Globex at' }).click()
  await output(/connected con_/)
})

test('it looks and speaks as the workspace and the browser want, and shows itself only where it may', async () => {
  const { admin, workspace } = scene.house
  const connect = {
    primaryColor: '#ffd166',
    cornerRadius: 0,
    colorScheme: 'dark' as const,
    text: 'Nur zum Lesen',
    privacyUrl: 'https://product.example/privacy',
  }
  const params = { id: workspace.key }
  await admin.workspaces.patch({ params, body: { settings: { connect } } })
  const german = await context.browser()?.newContext({ locale: 'de-AT' })
  page = (await german?.newPage()) ?? page
  await page.goto(productUrl)
  await page.getByRole('button', { name: 'Connect the CRM' }).click()
  const frame = await frameInDialog()
  await frame.getByRole('heading', { name: 'CRM verbinden' }).waitFor()
  await frame.getByText('Nur zum Lesen').waitFor()
  expect(await frame.getByRole('link', { name: 'Datenschutz' }).getAttribute('href')).toBe(connect.privacyUrl)
  const look = await frame
    .getByRole('button', { name: 'Verbinden' })
    .evaluate((button) => [getComputedStyle(button).backgroundColor, getComputedStyle(button).color])
  expect(look).toEqual(['rgb(255, 209, 102)', 'rgb(0, 0, 0)'])
  await page.getByRole('button', { name: 'Close' }).click()

  await admin.workspaces.patch({
    params,
    body: { settings: { connect: { ...connect, allowedOrigins: ['https://other.example'] } } },
  })
  const refused = page.waitForEvent('console', (message) => /frame-ancestors/.test(message.text()))
  await page.getByRole('button', { name: 'Connect the CRM' }).click()
  await refused
  await page.getByRole('button', { name: 'Close' }).click()
  await admin.workspaces.patch({ params, body: { settings: { connect: { allowedOrigins: [productUrl] } } } })
  await page.getByRole('button', { name: 'Connect the CRM' }).click()
  await frameInDialog()
  await german?.close()
})
