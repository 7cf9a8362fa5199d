import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await scene.house.admin.customers.create({ body: { name: 'Globex Corporation', internalId: 'tenant-77' } })
  await workshop.send([
    { orderId: 'ORD-003210', lines: [{ sku: '=1+1' }] },
    { orderId: 'ORD-9', lines: [{ sku: 'b' }] },
  ])
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test.each([
  ['globex', /Globex Corporation/, /\/customers\/cus_/],
  ['tenant-77', /Globex Corporation/, /\/customers\/cus_/],
  ['book the', /Book the order.*Flow book-order/s, /\/flows\/uf_/],
  ['ORD-003210', /Order created of Acme Robotics.*ORD-003210/s, /\/app-events\/aev_/],
])('Ctrl K finds %s', async (words, shown, url) => {
  const { page } = visit
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('textbox', { name: 'Jump to' }).pressSequentially(words)
  await page.getByRole('button', { name: shown }).first().click()
  await page.waitForURL(url)
})

test('Ctrl K and Enter go to the page that is called so, whatever else has the word in its name', async () => {
  const { page } = visit
  for (const [title, path] of [
    ['customers', '/customers'],
    ['Flows', '/flows'],
  ] as const) {
    await page.keyboard.press('ControlOrMeta+k')
    await page.getByRole('textbox', { name: 'Jump to' }).pressSequentially(title)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${scene.house.url}/console${path}`)
  }
})

test('Ctrl K opens from a field too, and a slash there is a slash', async () => {
  const { page } = visit
  await visit.open('/flows')
  const search = page.getByRole('textbox', { name: 'Search' })
  await search.pressSequentially('a/b')
  expect(await search.inputValue()).toBe('a/b')
  expect(await page.getByRole('textbox', { name: 'Jump to' }).count()).toBe(0)
  await page.keyboard.press('ControlOrMeta+k')
  const jump = page.getByRole('textbox', { name: 'Jump to' })
  await expect.poll(() => jump.evaluate((field) => field === document.activeElement)).toBe(true)
  await page.keyboard.press('Escape')
  await jump.waitFor({ state: 'detached' })
  await expect.poll(() => search.evaluate((field) => field === document.activeElement)).toBe(true)
})

test('what is typed into the palette stays there while a drawer beneath it takes the focus', async () => {
  const { page } = visit
  const { items } = await scene.house.admin.customers.list({ query: { search: 'globex' } })
  await visit.open(`/customers/${items[0]?.id}`)
  const title = page.locator('.drawer-title')
  await title.waitFor()
  await page.keyboard.press('ControlOrMeta+k')
  const jump = page.getByRole('textbox', { name: 'Jump to' })
  await jump.pressSequentially('book')
  // As it does by itself when it is slower to appear than the person is to type.
  await title.evaluate((element: HTMLElement) => element.focus())
  await page.keyboard.type(' the')
  await page.keyboard.press('ArrowDown')
  await page
    .getByRole('button', { name: /Book the order/ })
    .first()
    .waitFor()
  expect(await jump.inputValue()).toBe('book the')
  await page.keyboard.press('Escape')
  await jump.waitFor({ state: 'detached' })
})

test('Ctrl K shows what was found, also while something cannot be looked through, and says so', async () => {
  const { page } = visit
  await page.route('**/app-events?*search=*', (route) => route.fulfill({ status: 400, json: {} }))
  await page.keyboard.press('ControlOrMeta+k')
  const jump = page.getByRole('textbox', { name: 'Jump to' })
  await jump.pressSequentially('globex')
  await page.getByRole('button', { name: /Globex Corporation/ }).waitFor()
  await jump.press('ControlOrMeta+a')
  await jump.pressSequentially('nobody at all')
  await page.getByText('not everything could be looked through', { exact: false }).waitFor()
  await page.keyboard.press('Escape')
  await page.unroute('**/app-events?*search=*')
  visit.expectComplaints(/400/)
})

test('Ctrl K says where nothing was found', async () => {
  const { page } = visit
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('textbox', { name: 'Jump to' }).pressSequentially('nobody has this')
  await page.getByText('Nothing is called so, and no payload of a week holds it').waitFor()
  await page.keyboard.press('Escape')
})

test('a list is of a stretch of time that is chosen, and saved as CSV and JSON', async () => {
  const { page } = visit
  await visit.open('/app-events')
  await page.getByRole('table', { name: 'App Events' }).waitFor()
  await page.getByRole('combobox', { name: 'Received' }).click()
  await page.getByRole('option', { name: 'From … to …' }).click()
  await page.getByLabel('To', { exact: true }).fill('2020-01-01T00:00')
  await visit.expectAccessible()
  await page.getByRole('button', { name: 'Show' }).click()
  await page.waitForURL(/to=2019-12-31T23%3A00/)
  await page
    .getByText('No app event fits', { exact: false })
    .or(page.getByRole('heading', { name: /fits|No / }))
    .first()
    .waitFor()

  await visit.open('/app-events')
  const saved = async (as: string) => {
    await page.getByRole('button', { name: 'Export' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: as, exact: true }).click()
    return readFile(await (await download).path(), 'utf8')
  }
  const json = JSON.parse(await saved('As JSON')) as { event: { orderId: string } }[]
  expect(json.map((each) => each.event.orderId).sort()).toEqual(['ORD-003210', 'ORD-9'])
  const [head = '', ...lines] = (await saved('As CSV')).trimEnd().split('\r\n')
  expect(head.split(',')).toContain('event.orderId')
  expect(lines).toHaveLength(2)
})

test('times are shown in UTC for whoever wants that, on every page, and the next time too', async () => {
  const { page } = visit
  await visit.open('/app-events')
  const time = page.locator('[role=row][data-index="0"] time')
  await time.waitFor()
  const local = (await time.getAttribute('title')) ?? ''
  expect(local).toContain('(Europe/Berlin)')
  await page.getByRole('button', { name: 'Appearance and sign out' }).click()
  await page.getByRole('menuitem', { name: 'Times in UTC' }).click()
  await page.locator('[role=row][data-index="0"] time[title*="(UTC)"]').waitFor()
  const utc = (await time.getAttribute('title')) ?? ''
  // An hour earlier in winter, two in summer.
  expect(hourOf(utc)).not.toBe(hourOf(local))
  await page.reload()
  await page.locator('[role=row][data-index="0"] time[title*="(UTC)"]').waitFor()
  await page.getByRole('button', { name: 'Appearance and sign out' }).click()
  await page.getByRole('menuitem', { name: 'Times in UTC ✓' }).waitFor()
  await page.getByRole('menuitem', { name: 'Times in UTC' }).click()
  await page.locator('[role=row][data-index="0"] time[title*="(Europe/Berlin)"]').waitFor()
})

const hourOf = (words: string) => /(\d+):\d+:\d+/.exec(words)?.[1]
