import { contract, type EndpointTable, ROLE_PERMISSIONS, type Role } from '@permea/contract'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { PAGES, type PageEntry } from '../src/pages.ts'
import { type ExternalWorkshop, openExternalWorkshop } from './external-workshop.ts'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

vi.setConfig({ testTimeout: 240_000 })

let scene: Scene
let workshop: Workshop
let external: ExternalWorkshop

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  external = await openExternalWorkshop(scene.house, workshop.customer.id)
  await workshop.send([GOOD_ORDER, ...Array.from({ length: 6 }, () => BAD_ORDER)])
  await scene.house.engine.lookAfterAlerts()
  await scene.house.settle()
})
afterAll(async () => {
  await external[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** A visit by somebody with this role, who notes every request that is refused for it. */
async function visitAs(role: Role): Promise<{ visit: Visit; refused: string[] }> {
  const { house } = scene
  const { link } = await house.admin.invitations.create({ body: { email: `${role}@example.com`, role } })
  const visit = await scene.visit({ width: 1440 })
  const entered = await visit.context.request.post(`${house.url}/console/session`, {
    data: { link: link.split('=').at(-1), name: role, password: `the password of the ${role}` },
  })
  expect(entered.status()).toBe(201)
  const refused: string[] = []
  visit.page.on('response', (response) => {
    if (response.status() === 403) refused.push(`${response.request().method()} ${response.url()}`)
  })
  await visit.open('/account')
  await visit.page.getByRole('heading', { name: 'My Account', level: 1 }).waitFor()
  return { visit, refused }
}

/** A page with what it lists, by the navigation: without loading everything anew. */
async function show(page: Page, { title, hasRecords }: PageEntry): Promise<void> {
  // Behind the title may stand how many there are.
  const link = page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('link', { name: new RegExp(`^${title}(\\s*\\d.*)?$`) })
  await link.click()
  await page.getByRole('heading', { name: title, level: 1, exact: true }).waitFor()
  if (hasRecords === true) await page.locator('[role=row][data-index="0"], .empty').first().waitFor()
  await arrived(page)
}

/** What was asked for is there: nothing stands in its place any more. */
const arrived = (page: Page) => page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' })

interface Shown {
  calls: string
  isDisabled: boolean
  reason: string | null
}

/** What of the page would call something. */
function callsOn(page: Page): Promise<Shown[]> {
  return page.locator('[data-calls]').evaluateAll((found) =>
    found.map((each) => ({
      calls: each.getAttribute('data-calls') ?? '',
      isDisabled: each.matches('[aria-disabled=true], [disabled]'),
      reason: each.getAttribute('aria-description'),
    })),
  )
}

function mayCall(role: Role, name: string): boolean {
  const [group = '', endpoint = ''] = name.split('.')
  const need = (contract as Record<string, EndpointTable>)[group]?.[endpoint]?.needs
  if (need === undefined) throw new Error(`${name} is no endpoint`)
  return ROLE_PERMISSIONS[role].includes(need)
}

/** A list, or a tab of its first record. */
const viewOf = ({ path }: PageEntry, tab: string | null) => (tab === null ? path : `${path}: ${tab}`)

/** Every record has one, which shows what the API answers and does nothing. */
const SAME_EVERYWHERE = 'JSON'

/** Goes over pages, the first record of each and its tabs, all or those that are wanted; `see` is called at each view. */
async function tour(
  page: Page,
  pages: readonly PageEntry[],
  see: (view: string) => Promise<void>,
  isWanted: (view: string) => boolean = () => true,
): Promise<void> {
  const tabsOf = (dialog: Locator) => dialog.getByRole('tablist').first().getByRole('tab')
  for (const entry of pages) {
    await show(page, entry)
    await see(viewOf(entry, null))
    const first = page.locator('[role=row][data-index="0"] a.row-link')
    if ((await first.count()) === 0) continue
    await first.click()
    const dialog = page.getByRole('dialog')
    await tabsOf(dialog).first().waitFor()
    for (const tab of await tabsOf(dialog).all()) {
      const name = (await tab.textContent()) ?? ''
      if (name === SAME_EVERYWHERE || !isWanted(viewOf(entry, name))) continue
      await tab.click()
      await dialog.getByRole('tabpanel').first().waitFor()
      await arrived(page)
      await see(viewOf(entry, name))
    }
    await dialog.getByRole('button', { name: 'Close', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
  }
}

const isFor = (role: Role, { needs }: PageEntry) => needs === undefined || ROLE_PERMISSIONS[role].includes(needs)

function expectRefusalsTold(role: Role, shown: readonly Shown[]): void {
  for (const { calls, isDisabled, reason } of shown)
    if (!mayCall(role, calls))
      expect({ calls, isDisabled, reason }).toMatchObject({
        isDisabled: true,
        reason: expect.stringMatching(/^Not for .+s\. It takes the right to: /),
      })
}

/** What a reader was shown in each view: where other roles are shown something else follows from it. */
const shownTo = new Map<string, Shown[]>()

/** The views where something of what a reader was shown is so, and the pages that they are of. */
function viewsWith(isSo: (calls: string) => boolean): { pages: PageEntry[]; isWanted(view: string): boolean } {
  const views = new Set([...shownTo].flatMap(([view, shown]) => (shown.some(({ calls }) => isSo(calls)) ? [view] : [])))
  const paths = new Set([...views].map((view) => view.split(': ')[0]))
  return { pages: PAGES.filter(({ path }) => paths.has(path)), isWanted: (view) => views.has(view) }
}

test('a reader is offered on no page what the role may not do, is told why, and nothing ends in a 403', async () => {
  const { visit, refused } = await visitAs('reader')
  await using _ = visit
  const { page } = visit
  await tour(
    page,
    PAGES.filter((entry) => isFor('reader', entry)),
    async (view) => {
      shownTo.set(view, await callsOn(page))
    },
  )
  const shown = [...shownTo.values()].flat()
  expect(new Set(shown.map(({ calls }) => calls)).size).toBeGreaterThan(40)
  expectRefusalsTold('reader', shown)
  for (const { path, title } of PAGES.filter((entry) => !isFor('reader', entry))) {
    await visit.open(`/${path}`)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    await page.getByText('Not for your role').waitFor()
  }
  expect(refused).toEqual([])
})

test('support does what it is offered, and nothing of it ends in a 403', async () => {
  const { visit, refused } = await visitAs('support')
  await using _ = visit
  const { page } = visit
  const differing = viewsWith((calls) => mayCall('support', calls) && !mayCall('reader', calls))
  expect(differing.pages.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['app-events', 'flow-runs', 'deliveries']),
  )
  const done = new Set<string>()
  const look = async () => {
    expectRefusalsTold('support', await callsOn(page))
    for (const button of await page.locator('[data-calls]:not([aria-disabled]):not([disabled])').all()) {
      const calls = (await button.getAttribute('data-calls')) ?? ''
      // What asks for more before it calls is tried by its own test.
      if (done.has(calls) || calls === 'replays.create') continue
      done.add(calls)
      const answered = page.waitForResponse((response) => !['GET', 'OPTIONS'].includes(response.request().method()))
      await button.click()
      const confirm = page.getByRole('dialog').last().getByRole('button', { name: 'Cancel' })
      await Promise.race([answered, confirm.waitFor()])
      if (await confirm.isVisible()) await confirm.locator('xpath=following-sibling::button').click()
      await answered
    }
  }
  await tour(page, differing.pages, look, differing.isWanted)
  expect([...done].sort()).toEqual(expect.arrayContaining(['appEvents.replay', 'deliveries.retry', 'flowRuns.repeat']))
  expect(refused).toEqual([])
})

test('a developer is told where it takes an owner', async () => {
  const { visit, refused } = await visitAs('developer')
  await using _ = visit
  const differing = viewsWith((calls) => !mayCall('developer', calls))
  expect(differing.pages.map(({ path }) => path)).toEqual(expect.arrayContaining(['customers', 'workspace']))
  const shown: Shown[] = []
  const look = async () => {
    shown.push(...(await callsOn(visit.page)))
  }
  await tour(visit.page, differing.pages, look, differing.isWanted)
  expectRefusalsTold('developer', shown)
  expect(shown.some(({ calls, isDisabled }) => calls === 'customers.archive' && !isDisabled)).toBe(true)
  expect(refused).toEqual([])
})
