import { fileURLToPath } from 'node:url'
import { answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { serveProductPage } from './product-page.ts'

// The published React hooks in a product's own page, of another origin; nothing but `apiUri` says that it is this engine.

/** Where the package is installed, which brings more than a hundred others: with the stories of products. */
const PRODUCTS = new URL('../../stories/products/', import.meta.url)

let house: House
let app: Receiver
let product: Awaited<ReturnType<typeof serveProductPage>>
let browser: Browser
let page: Page

beforeAll(async () => {
  house = await buildHouse()
  app = await startReceiver()
  app.behave(answering(200, { id: 't_1' }))
  await define()
  const script = await bundled('membrane-react-page.js')
  const token = await house.tokenOf({ id: 'anna', name: 'Anna' })
  product = await serveProductPage(script, () => ({ token, apiUri: house.url }))
  browser = await launchBrowser()
  page = await browser.newPage()
  await page.goto(product.url)
})
afterAll(async () => {
  await browser.close()
  product[Symbol.dispose]()
  await app[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

async function define(): Promise<void> {
  const { admin } = house
  await admin.connectors.create({
    body: {
      key: 'crm',
      name: 'CRM',
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
          makeApiClient: {
            type: 'mapping',
            mapping: { baseUri: app.url, headers: { 'x-key': { $var: '$.credentials.apiKey' } } },
          },
        },
      },
    },
  })
  await admin.integrations.create({ body: { connectorKey: 'crm' } })
  await admin.actions.create({
    body: {
      key: 'open-ticket',
      name: 'Open a ticket',
      type: 'api-request-to-external-app',
      integrationKey: 'crm',
      config: { request: { method: 'POST', path: '/tickets', data: { $var: '$.input' } } },
    } as never,
  })
  await admin.appEventTypes.create({ body: { key: 'order', name: 'Order' } })
  await admin.flows.create({
    body: {
      key: 'sync',
      name: 'Sync',
      nodes: { trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } } } },
    },
  })
}

async function bundled(file: string): Promise<string> {
  const built = await build({
    root: fileURLToPath(PRODUCTS),
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify: false,
      rollupOptions: { input: fileURLToPath(new URL(file, PRODUCTS)), output: { inlineDynamicImports: true } },
    },
  })
  const [first] = Array.isArray(built) ? built : [built]
  const chunk =
    first !== undefined && 'output' in first ? first.output.find((each) => each.type === 'chunk') : undefined
  if (chunk?.type !== 'chunk') throw new Error('nothing was built')
  return chunk.code
}

const shown = async (id: string) =>
  JSON.parse((await page.locator(id).textContent()) ?? '{}') as Record<string, unknown>
const become = (id: string, what: object) => expect.poll(() => shown(id), { timeout: 30_000 }).toMatchObject(what)

test('lists of every kind are read by the published hooks', async () => {
  await become('#lists', {
    integrations: 1,
    connections: 0,
    flows: 1,
    flowInstances: expect.any(Number),
    flowRuns: 0,
    actions: 1,
    appEventTypes: expect.anything(),
    appEventSubscriptions: expect.any(Number),
    externalEventSubscriptions: 0,
    dataSources: 0,
    fieldMappings: 0,
    dataLinkTables: 0,
    appDataSchemas: 0,
  })
})

test('an app is connected, a flow is enabled and disabled, an action is run', async () => {
  await become('#elements', { integration: 'CRM', flow: 'Sync', enabled: true })
  await page.getByRole('button', { name: 'Enable or disable' }).click()
  await become('#elements', { enabled: false })
  // The hooks show what will be before it is.
  const isEnabled = async () => (await house.admin.flowInstances.list()).items[0]?.enabled
  await expect.poll(isEnabled, { timeout: 30_000 }).toBe(false)
  await page.getByRole('button', { name: 'Connect' }).click()
  await become('#elements', { connection: 'CRM', said: expect.stringMatching(/^connected /) })
  await page.getByRole('button', { name: 'Open a ticket' }).click()
  await become('#elements', { said: 'ran {"id":"t_1"}' })
  expect(app.received.at(-1)).toMatchObject({ path: '/tickets', headers: { 'x-key': 'k-1' } })
})
