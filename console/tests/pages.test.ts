import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PAGES } from '../src/pages.ts'
import { type ExternalWorkshop, openExternalWorkshop } from './external-workshop.ts'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

const NARROW = { width: 360, height: 740 }
const WIDE = { width: 1280, height: 800 }
const FIRST_LOAD_BYTES_MAX = 300 * 1024

let scene: Scene
let workshop: Workshop
let external: ExternalWorkshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  external = await openExternalWorkshop(scene.house, workshop.customer.id)
  await workshop.send([GOOD_ORDER, ...Array.from({ length: 6 }, () => BAD_ORDER)])
  await scene.house.engine.lookAfterAlerts()
  await scene.house.settle()
  visit = await scene.visit()
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await external[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** Axe finds nothing in light and dark, and nothing sticks out of a narrow window. */
async function expectGood(within?: string): Promise<void> {
  const { page } = visit
  await page.emulateMedia({ colorScheme: 'light' })
  await visit.expectAccessible(within === undefined ? {} : { within })
  await page.emulateMedia({ colorScheme: 'dark' })
  await visit.expectAccessible({ ...(within === undefined ? {} : { within }), onlyColors: true })
  await page.setViewportSize(NARROW)
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), {
      message: 'pixels that stick out at 360 px',
      timeout: 20_000,
    })
    .toBe(0)
  await page.setViewportSize(WIDE)
}

test.each(PAGES.map(({ path, title, hasRecords }) => ({ path, title, hasRecords })))(
  '$title shows what there is, or what to do next, and opens its records',
  async ({ path, title, hasRecords }) => {
    const { page } = visit
    await visit.open(`/${path}`)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    if (hasRecords === true) await page.locator('[role=row][data-index="0"], .empty').first().waitFor()
    await expectGood()
    const first = page.locator('[role=row][data-index="0"] a.row-link')
    if ((await first.count()) === 0) return
    await first.click()
    const dialog = page.getByRole('dialog')
    const tabs = dialog.getByRole('tablist').first().getByRole('tab')
    await tabs.first().waitFor()
    for (const tab of await tabs.all()) {
      await tab.click()
      await dialog.getByRole('tabpanel').first().waitFor()
    }
    await tabs.first().click()
    await expectGood('[role=dialog]')
  },
  120_000,
)

test('the first load is at most 300 KB of JavaScript, gzipped', async () => {
  const { page } = visit
  const loaded = new Map<string, number>()
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url())
    // What the page before this one was still loading is gone with it.
    const body = pathname.endsWith('.js') ? await response.body().catch(() => null) : null
    if (body !== null) loaded.set(pathname, gzipSync(body).length)
  })
  await visit.open('/app-events')
  await page.locator('[role=row][data-index="0"]').waitFor()
  const total = [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0)
  expect(loaded.size).toBeGreaterThan(1)
  expect(total).toBeLessThanOrEqual(FIRST_LOAD_BYTES_MAX)
  // Sent as compressed as that, too.
  const [path = ''] = loaded.keys()
  const answer = await fetch(`${scene.house.url}${path}`, { headers: { 'accept-encoding': 'gzip' } })
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  expect(answer.headers.get('cache-control')).toContain('immutable')
})

test('the page runs no script but its own files', async () => {
  const answer = await fetch(`${scene.house.url}/console/app-events`)
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'self';")
  expect(policy).not.toContain('unsafe')
  expect(await answer.text()).not.toMatch(/<script(?![^>]*\bsrc=)/)
})
