import { fileURLToPath } from 'node:url'
import { addApp, answering, buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from './browser.ts'
import { serveProductPage } from './product-page.ts'

// The hooks of `@permea/connect/react` in a page of another origin, with React itself, in its strict mode.

let house: House
let app: Receiver
let product: Awaited<ReturnType<typeof serveProductPage>>
let browser: Browser
let page: Page
let token: string
const complaints: string[] = []

beforeAll(async () => {
  house = await buildHouse()
  app = await startReceiver()
  app.behave(answering(200))
  await addApp(house, { key: 'crm', url: app.url })
  token = await house.tokenOf({ id: 'anna', name: 'Anna' })
  product = await serveProductPage(await bundled(), () => ({ baseUrl: house.url, token }))
  browser = await launchBrowser()
  page = await browser.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(product.url)
})
afterAll(async () => {
  await browser.close()
  product[Symbol.dispose]()
  await app[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

async function bundled(): Promise<string> {
  const built = await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    logLevel: 'error',
    // As it is while a product is written: React says what is wrong with a hook.
    define: { 'process.env.NODE_ENV': '"development"' },
    build: {
      write: false,
      minify: false,
      rollupOptions: { input: fileURLToPath(new URL('connect-react-page.tsx', import.meta.url)) },
    },
  })
  const [first] = Array.isArray(built) ? built : [built]
  const chunk =
    first !== undefined && 'output' in first ? first.output.find((each) => each.type === 'chunk') : undefined
  if (chunk?.type !== 'chunk') throw new Error('nothing was built')
  return chunk.code
}

const said = (words: string | RegExp) => page.locator('output').filter({ hasText: words }).waitFor()
const button = (name: string) => page.getByRole('button', { name, exact: true })

test('the button connects an app by typing, and the list has it without being asked again', async () => {
  await page.locator('ul[aria-busy=false]').waitFor({ state: 'attached' })
  expect(await page.getByRole('listitem').count()).toBe(0)
  expect(await button('Connect the CRM').getAttribute('class')).toBe('primary')
  await button('Connect the CRM').focus()
  await page.keyboard.press('Enter')
  const frame = page.frameLocator('dialog iframe')
  await frame.getByLabel(/api ?key/i).pressSequentially('k-1')
  expect(await button('Connect the CRM').isDisabled()).toBe(true)
  await page.keyboard.press('Enter')
  await said(/^connected crm/i)
  await page
    .getByRole('listitem')
    .filter({ hasText: /crm: works/i })
    .waitFor()
  expect(await page.getByRole('listitem').count()).toBe(1)
  await expect.poll(() => button('Connect the CRM').isEnabled()).toBe(true)
})

test('who closes the dialog is told of no error; without a token there is one, and no window stays open', async () => {
  await button('Connect the CRM').click()
  await page
    .frameLocator('dialog iframe')
    .getByLabel(/api ?key/i)
    .waitFor()
  await button('Close').click()
  await expect.poll(() => button('Connect the CRM').isEnabled()).toBe(true)
  await said(/^connected/)
  await button('Connect').click()
  await said('wrong: signed out')
  await expect.poll(() => page.context().pages().length).toBe(1)
  await expect.poll(() => button('Connect').isEnabled()).toBe(true)
})

test('a connection is renewed in a window', async () => {
  const [popup] = await Promise.all([page.context().waitForEvent('page'), button('Renew').click()])
  await popup.getByLabel(/api ?key/i).pressSequentially('k-2')
  await popup.keyboard.press('Enter')
  await said(/^renewed crm/i)
  expect(await page.getByRole('listitem').count()).toBe(1)
})

test('the page for customers is an element of the product’s page, once, and goes with it', async () => {
  await button('Webhooks').click()
  const portal = page.frameLocator('.portal iframe[title="Apps and webhooks"]')
  await portal.getByRole('heading', { name: 'Connected', exact: true }).waitFor()
  expect(await page.locator('.portal iframe').count()).toBe(1)
  // In strict mode React takes it away and puts it there again at once.
  expect(page.context().pages()).toHaveLength(1)
  await button('Webhooks').click()
  await page.locator('iframe').first().waitFor({ state: 'detached' })
})

test('a token that the engine does not take is an error of the list', async () => {
  token = 'nonsense'
  await page.reload()
  await page.getByRole('alert').waitFor()
  expect(await page.getByRole('listitem').count()).toBe(0)
  expect(complaints).toEqual([])
})
