import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

const MANY = 100_000

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await workshop.send([GOOD_ORDER])
  visit = await scene.visit()
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const lines = () => visit.page.locator('[role=row][data-index]')
const scroller = () => visit.page.getByRole('region', { name: 'App Events, scrollable' })

test('what arrives appears at the top, and its state follows', async () => {
  const { page } = visit
  await visit.open('/app-events')
  await page.getByText('Live', { exact: true }).waitFor()
  await lines().first().waitFor()
  const before = await lines().count()
  await workshop.send([{ orderId: 'just arrived', lines: [1] }])
  await page.getByRole('row').filter({ hasText: 'just arrived' }).waitFor()
  expect(await lines().count()).toBe(before + 1)
  await page.getByRole('row').filter({ hasText: 'just arrived' }).getByText('completed').waitFor()
})

test('a list of 100,000 is walked without holding it, and the reader keeps their place while events arrive', async () => {
  const { page } = visit
  await fill(MANY)
  await visit.open('/app-events')
  await lines().first().waitFor()
  const walk = () =>
    page.evaluate(async () => {
      const element = document.querySelector('.table-scroll')
      if (element === null) throw new Error('no list')
      let longestMs = 0
      let last = performance.now()
      for (let step = 0; step < 240; step += 1) {
        element.scrollTop += 400
        await new Promise(requestAnimationFrame)
        longestMs = Math.max(longestMs, performance.now() - last)
        last = performance.now()
      }
      return { longestMs, top: element.scrollTop }
    })
  let frames = await walk()
  // What holds the list up holds it up again; a busy machine gives it the processor the next time.
  for (let more = 0; more < 2 && frames.longestMs >= 1000; more += 1) frames = await walk()
  expect(frames.top, 'it goes on beyond the first pages').toBeGreaterThan(20_000)
  expect(frames.longestMs, 'the longest time that nothing moved').toBeLessThan(1000)
  expect(await lines().count(), 'lines that are really there').toBeLessThan(80)
  const loaded = await page.locator('.table-foot').textContent()
  expect(Number(loaded?.replaceAll(/\D/g, ''))).toBeGreaterThan(500)

  const place = await scroller().evaluate((element) => element.scrollTop)
  // Without how long ago it was, which goes on.
  const fifteenth = async () => (await lines().nth(15).textContent())?.replace(/\d+ \w+ ago/, '')
  const read = await fifteenth()
  await workshop.send([{ orderId: 'news', lines: [1] }])
  const pill = page.getByRole('button', { name: '1 new' })
  await pill.waitFor()
  expect(await scroller().evaluate((element) => element.scrollTop)).toBe(place)
  expect(await fifteenth()).toBe(read)
  await pill.click()
  await page.getByRole('row').filter({ hasText: 'news' }).first().waitFor()
})

test('the keyboard goes through a list, opens a record and closes it again', async () => {
  const { page } = visit
  await visit.open('/app-events')
  await lines().first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('k')
  const focused = await page.evaluate(() => document.activeElement?.closest('[data-index]')?.getAttribute('data-index'))
  expect(focused).toBe('0')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByRole('heading', { name: 'Order created' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('Control+k')
  await page.getByLabel('Jump to', { exact: true }).pressSequentially('alerts')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Alerts', level: 1 }).waitFor()
})

test('times are those of the reader’s place, with the exact one when pointed at', async () => {
  const { page } = visit
  await visit.open('/app-events')
  const [event] = (await scene.house.admin.appEvents.list({ query: { limit: 1 } })).items
  const time = lines().first().locator('time')
  expect(await time.getAttribute('datetime')).toBe(event?.datetime)
  await time.hover()
  await page.getByRole('tooltip').getByText('(Europe/Berlin)').waitFor()
})

/** Puts events into the log as if they had come in before, one a second. */
async function fill(count: number): Promise<void> {
  const { engine, workspace } = scene.house
  const [model] = (
    await engine.database.pool.query<{ customer_id: string; app_event_type_id: string }>(
      'select customer_id, app_event_type_id from app_events limit 1',
    )
  ).rows
  await engine.database.pool.query(
    `insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
     select (lpad(to_hex($1::bigint - at * 1000), 12, '0') || '7000' || '8000' || lpad(to_hex(at), 12, '0'))::uuid,
            $2, $3, $4, '{"orderId":"' || at || '"}'
       from generate_series(1, $5::bigint) at`,
    [Date.now() - 60_000, workspace.id, model?.customer_id, model?.app_event_type_id, count],
  )
}
