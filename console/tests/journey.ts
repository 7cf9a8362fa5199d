import AxeBuilder from '@axe-core/playwright'
import { until } from '@permea/testkit'
import type { BrowserContext, FrameLocator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Hands, handsWithKeyboard, handsWithMouse } from './hands.ts'

const STEP_MS_MAX = 60_000

/** One person on the way from a running engine to customers who connect their apps. */
export interface Traveller {
  /** How they look at it: a word that stands in every name they give. */
  word: string
  context: BrowserContext
  isByKeyboard: boolean
  /** Of the engine, the application that flows call, and the product's own page. */
  urls: { engine: string; app: string; product: string }
  /** What the application got at a path. */
  received(path: string): number
}

export async function travel(who: Traveller): Promise<void> {
  const page = await who.context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  const hands = who.isByKeyboard ? handsWithKeyboard(page) : handsWithMouse(page)
  const at = { who, page, hands }
  await page.goto(`${who.urls.engine}/`)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  expect(new URL(page.url()).pathname).toMatch(/^\/console/)
  await makeCustomer(at)
  await buildFlow(at)
  await seeItFail(at)
  await repairIt(at)
  await connectAnApp(at)
  await visitPortal(at)
  expect(complaints, 'what broke on a page').toEqual([])
  await page.close()
}

interface At {
  who: Traveller
  page: Page
  hands: Hands
}

const nameOf = ({ who }: At) => `Shop ${who.word}`
const flowOf = ({ who }: At) => `Large orders ${who.word}`

/** To a page of the console, as somebody with these hands goes there. */
async function go({ who, page, hands }: At, title: string): Promise<void> {
  if (who.isByKeyboard) {
    await page.keyboard.press('ControlOrMeta+k')
    const jump = page.getByRole('textbox', { name: 'Jump to' })
    await expect.poll(() => jump.evaluate((field) => field === document.activeElement)).toBe(true)
    await page.keyboard.type(title)
    await page.locator('[data-action][data-selected]').getByText(title, { exact: true }).waitFor()
    await page.keyboard.press('Enter')
  } else {
    const drawer = page.getByRole('dialog')
    // One that is on its way in when it is looked for is closed when it is there.
    await until('no drawer is before the page', STEP_MS_MAX, async () => {
      if (await drawer.isVisible()) await hands.press('button', 'Close', drawer)
      return (await drawer.count()) === 0
    })
    const menu = page.getByRole('button', { name: 'Open the navigation' })
    if (await menu.isVisible()) await menu.click()
    await hands.press('link', title, page.getByRole('navigation', { name: 'Pages' }))
  }
  await page.getByRole('heading', { name: title, level: 1, exact: true }).waitFor()
}

/** Axe finds nothing, and nothing sticks out of the window. */
async function look({ page }: At, isFramed = false): Promise<void> {
  const axe = new AxeBuilder({ page })
  if (!isFramed) axe.setLegacyMode()
  const { violations } = await axe.analyze()
  // The product's page around a frame is none of ours.
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.filter(({ target }) => !isFramed || target.length > 1).map(({ html }) => `${id}: ${html}`),
  )
  expect(found, `axe on ${page.url()}`).toEqual([])
  const sticksOut = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  await expect.poll(sticksOut, { message: `pixels that stick out of ${page.url()}` }).toBeLessThanOrEqual(0)
}

async function makeCustomer(at: At): Promise<void> {
  const { page, hands, who } = at
  await go(at, 'Customers')
  await hands.press('link', 'New customer')
  const form = page.getByRole('dialog')
  await hands.write('Name', nameOf(at), form)
  await hands.write('Your id', `shop-${who.word}`, form)
  await hands.press('button', 'Create', form)
  await form.getByRole('heading', { name: nameOf(at) }).waitFor()
  await page.keyboard.press('Escape')
  await form.waitFor({ state: 'detached' })
}

const node = ({ page, hands }: At, name: string) =>
  hands.pressOn(page.locator('.react-flow__node').filter({ hasText: name }))

/** Orders from 10 on go to the application; its address has a slip in it. */
async function buildFlow(at: At): Promise<void> {
  const { page, hands, who } = at
  await go(at, 'Flows')
  await hands.press('link', 'New flow')
  await hands.press('radio', /Send some events on/)
  await hands.write('Name', flowOf(at))
  await hands.press('button', 'Create')
  await node(at, 'App event')
  await hands.choose('Event type', /Order created/)
  await node(at, 'Only if')
  await hands.press('button', 'Add a condition')
  await hands.choose('Condition: field 1', /total/)
  await hands.choose('Condition: comparison 1', /^is at least$/)
  await hands.write('Condition: value 1', '10')
  await node(at, 'Send it on')
  await hands.write('Address', `${who.urls.app}/${who.word}/ordres`)
  await look(at)
  await hands.press('button', 'Save nodes')
  await page.getByText('Saved.', { exact: false }).first().waitFor()
  await hands.press('button', 'Enable for a customer')
  await hands.choose('Customer', new RegExp(nameOf(at)))
  await hands.press('button', 'Enable', page.getByRole('dialog', { name: /for a customer/ }))
  await page.waitForURL(/flow-instances/)
  await page.getByRole('dialog', { name: /^flow uf_/ }).waitFor({ state: 'detached' })
  await page.getByRole('dialog').getByRole('heading', { level: 2 }).first().waitFor()
}

/** From the event to the run, and to what it was answered. */
async function seeItFail(at: At): Promise<void> {
  const { page, hands, who } = at
  await go(at, 'App Event Types')
  await hands.press('link', /Order created/, page.getByRole('table'))
  const drawer = page.getByRole('dialog')
  await hands.press('tab', 'Send a test event', drawer)
  await hands.choose('Customer', new RegExp(nameOf(at)))
  await hands.press('button', 'Send', drawer)
  await hands.press('link', 'See the event and what it launched', drawer)
  await page.waitForURL(/app-events\/aev_/)
  await hands.press('tab', 'Way', drawer)
  await drawer.getByText(/404/).first().waitFor()
  await look(at)
  await hands.press('link', new RegExp(flowOf(at)), drawer)
  await page.waitForURL(/flow-runs\/fr_/)
  await drawer.getByText('failed').first().waitFor()
  await look(at)
  expect(who.received(`/${who.word}/ordres`)).toBeGreaterThan(0)
  expect(who.received(`/${who.word}/orders`)).toBe(0)
}

async function repairIt(at: At): Promise<void> {
  const { page, hands, who } = at
  const run = new URL(page.url())
  await go(at, 'Flows')
  await hands.press('link', new RegExp(flowOf(at)), page.getByRole('table'))
  await node(at, 'Send it on')
  await hands.write('Address', `${who.urls.app}/${who.word}/orders`)
  await hands.press('button', 'Save nodes')
  await page.getByText('Saved.', { exact: false }).first().waitFor()
  await hands.press('button', 'Bring customers to the newest')
  await hands.press('button', 'Bring them')
  await page.getByText('1 brought to the newest nodes').first().waitFor()
  await go(at, 'Flow Runs')
  await hands.press('link', new RegExp(flowOf(at)), page.getByRole('table'))
  expect(new URL(page.url()).pathname).toBe(run.pathname)
  const drawer = page.getByRole('dialog')
  await hands.press('button', 'Repeat', drawer)
  await page.waitForURL((url) => !url.pathname.endsWith(run.pathname))
  await drawer.getByRole('heading', { level: 2 }).first().waitFor()
  await expect.poll(() => who.received(`/${who.word}/orders`)).toBe(1)
  await go(at, 'Flow Runs')
  await page
    .getByRole('row')
    .filter({ hasText: flowOf(at) })
    .filter({ hasText: 'completed' })
    .waitFor()
  await look(at)
}

async function connectAnApp(at: At): Promise<void> {
  const { page, hands, who } = at
  await page.goto(`${who.urls.product}/${who.word}`)
  await hands.press('button', 'Connect the CRM')
  const dialog = page.frameLocator('dialog iframe')
  await hands.write('API key', 'wrong', dialog)
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').getByText('CRM did not accept this').waitFor()
  await look(at, true)
  await hands.write('API key', 'good', dialog)
  await page.keyboard.press('Enter')
  await page
    .locator('output')
    .filter({ hasText: /^connected con_/ })
    .waitFor()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Connect the CRM')
}

async function visitPortal(at: At): Promise<void> {
  const { page, hands, who } = at
  const portal: FrameLocator = page.frameLocator('#portal iframe')
  await portal.getByText('CRM').first().waitFor()
  await hands.press('button', 'Webhooks', portal)
  await hands.press('button', 'Add a destination', portal)
  const form = portal.getByRole('dialog', { name: 'Add a destination' })
  await hands.write('Address', `${who.urls.app}/${who.word}/hooks`, form)
  await hands.write('Name', 'Our backend', form)
  await hands.press('checkbox', 'App disconnected', form)
  await hands.press('button', 'Save', form)
  const secret = portal.getByRole('dialog', { name: 'Your secret' })
  await secret
    .locator('output')
    .filter({ hasText: /^whsec_/ })
    .waitFor()
  await hands.press('button', 'Done', secret)
  await hands.press('button', 'Test: Our backend', portal)
  await portal
    .getByRole('status')
    .filter({ hasText: /Our backend took the test message/ })
    .waitFor()
  expect(who.received(`/${who.word}/hooks`)).toBe(1)
  await look(at, true)
}
