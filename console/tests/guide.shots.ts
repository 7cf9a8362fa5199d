import { fileURLToPath } from 'node:url'
import { answering, seededRandom } from '@permea/testkit'
import { afterAll, beforeAll, test } from 'vitest'
import { openScene, type Scene } from './scene.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

const DOCS = fileURLToPath(new URL('../../docs/use/', import.meta.url))
const MINUTE_MS = 60_000
const MINUTES = 55

let scene: Scene
let workshop: Workshop

/** Most of an hour in which orders come in, and some cannot be booked. */
beforeAll(async () => {
  scene = await openScene({ clock: 'settable' })
  const { house } = scene
  house.clock.advance(-MINUTES * MINUTE_MS)
  workshop = await openWorkshop(house)
  for (const name of ['Globex', 'Initech', 'Umbrella Coffee', 'Stark Logistics']) {
    const customer = await house.admin.customers.create({ body: { name, internalId: name.toLowerCase() } })
    await house.admin.flowInstances.create({ body: { flowId: workshop.flow.id, userId: customer.id, enabled: true } })
  }
  const random = seededRandom(7)
  workshop.receiver.behave(async (request, response) => {
    const isBad = (request.json as { lines?: unknown[] } | undefined)?.lines?.length === 0
    return answering(isBad ? 422 : 200, isBad ? { error: 'an order needs lines' } : { booked: true })(request, response)
  })
  const customers = ['acme', 'globex', 'initech', 'umbrella coffee', 'stark logistics']
  for (let minute = 0; minute < MINUTES; minute += 1) {
    const orders = Array.from({ length: random.between(2, 14) }, (_, at) => ({
      customer: random.pick(customers),
      orderId: String(1000 + minute * 20 + at),
      total: random.between(5, 400),
      lines:
        random.next() < 0.06 ? [] : [{ sku: random.pick(['seat', 'credits', 'support']), count: random.between(1, 9) }],
    }))
    await workshop.send(orders)
    house.clock.advance(MINUTE_MS)
  }
  await workshop.send(Array.from({ length: 6 }, () => ({ customer: 'globex', orderId: '3001', lines: [] })))
  await house.engine.lookAfterAlerts()
  await house.settle()
}, 120_000)
afterAll(async () => {
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const SHOTS: readonly { name: string; path(): Promise<string>; waitFor: string }[] = [
  { name: 'home', path: async () => '/', waitFor: 'canvas' },
  { name: 'app-events', path: async () => '/app-events', waitFor: '[data-index="5"]' },
  {
    name: 'flow-run',
    async path() {
      const { items } = await scene.house.admin.flowRuns.list({ query: { state: 'failed', limit: 1 } })
      return `/flow-runs/${items[0]?.id}?state=failed`
    },
    waitFor: '.step-details .cm-content',
  },
  { name: 'flow', path: async () => `/flows/${workshop.flow.id}`, waitFor: '.react-flow__node' },
  {
    name: 'webhook-notifications',
    async path() {
      const { items } = await scene.house.admin.notificationEndpoints.list()
      return `/webhook-notifications/${items[0]?.id}?tab=attempts`
    },
    waitFor: '.plain-list li',
  },
]

test.each(['light', 'dark'] as const)('the pictures in %s', async (scheme) => {
  await using visit = await scene.visit({ scheme, width: 1200 })
  await visit.page.setViewportSize({ width: 1200, height: 740 })
  await visit.signIn()
  for (const shot of SHOTS) {
    await visit.open(await shot.path())
    await visit.page.locator(shot.waitFor).first().waitFor()
    await visit.page.getByText('Live', { exact: true }).waitFor()
    await visit.page.evaluate(() => document.fonts.ready)
    // Charts and editors come after the page.
    await visit.page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' })
    await visit.page.screenshot({ path: `${DOCS}console-${shot.name}-${scheme}.png`, animations: 'disabled' })
  }
})
