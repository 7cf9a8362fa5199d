import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

// Where is my event? One tree from the request to the last attempt, with the reason where it stops, and what to do.

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  visit = await scene.visit()
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const tree = () => visit.page.getByRole('tabpanel', { name: 'Way' })

async function newestEvent(): Promise<string> {
  const { items } = await scene.house.admin.appEvents.list({ query: { limit: 1 } })
  return items[0]?.id ?? ''
}

async function changeFlow(change: { enabled: boolean }): Promise<string> {
  const { items } = await scene.house.admin.flowInstances.list({ query: { userId: workshop.customer.id } })
  const id = items[0]?.id ?? ''
  await scene.house.admin.flowInstances.patch({ params: { id }, body: change })
  await scene.house.settle()
  return id
}

test('a failed run is seen beneath its event, with its error and what to do, down to the attempt that told of it', async () => {
  await workshop.send([BAD_ORDER])
  await visit.open('/app-events')
  await visit.page.getByRole('link', { name: 'Order created' }).first().click()
  await visit.page.getByRole('tab', { name: 'Way' }).click()
  await tree().getByText('POST to the webhook of').waitFor()
  const run = tree().getByRole('listitem').filter({ hasText: 'Flow run' }).last()
  await run
    .getByText(/an order needs lines|answered with 422|422/)
    .first()
    .waitFor()
  await run.getByText('What to do:').first().waitFor()
  await run.getByText('Attempt 1').waitFor()
  await run.getByText('answered 200').waitFor()
  await visit.expectAccessible()
  // And from the run, the same tree.
  await run.getByRole('link', { name: 'Book the order' }).click()
  await visit.page.getByRole('tab', { name: 'Way' }).click()
  await tree().getByText('POST to the webhook of').waitFor()
})

test('where the far end cannot be reached, the tree says so, and what to do about it', async () => {
  const { admin } = scene.house
  const endpoint = await admin.notificationEndpoints.create({
    body: { name: 'Gone', url: 'http://127.0.0.1:9/hooks', eventTypes: ['flowRun.completed'] },
  })
  await workshop.send([GOOD_ORDER])
  await visit.open(`/app-events/${await newestEvent()}?tab=trail`)
  await tree().getByText('Nobody listens there', { exact: false }).waitFor()
  await admin.notificationEndpoints.archive({ params: { id: endpoint.id } })
})

test('an event whose flow is disabled, or that no flow waits for, says which, and leads to where that is changed', async () => {
  const instanceId = await changeFlow({ enabled: false })
  await workshop.send([GOOD_ORDER])
  await visit.open(`/app-events/${await newestEvent()}?tab=trail`)
  await tree().getByText('is disabled for this customer').waitFor()
  await tree().getByRole('link', { name: 'Enable it', exact: false }).click()
  await visit.page.waitForURL(new RegExp(`/flow-instances/${instanceId}`))
  await changeFlow({ enabled: true })

  await scene.house.admin.customers.create({ body: { name: 'Without flows', internalId: 'none' } })
  await workshop.send([{ ...GOOD_ORDER, customer: 'none' }])
  await visit.open(`/app-events/${await newestEvent()}?tab=trail`)
  await tree().getByText('No flow of this customer waits for events of this type').waitFor()
  await visit.expectAccessible()
})

test('a run that a filter ended says which, and that its condition did not hold', async () => {
  const { admin } = scene.house
  const nodes = {
    trigger: {
      type: 'app-event-trigger',
      config: { appEvent: { key: 'order.created' } },
      links: [{ key: 'only-large' }],
    },
    'only-large': {
      type: 'filter',
      config: { filter: { $eval: { $var: '$.input.trigger.lines' }, isEmpty: true } },
      links: [{ key: 'keep' }],
    },
    keep: { type: 'transform-data', config: { output: 1 } },
  }
  const flow = await admin.flows.create({ body: { key: 'large', name: 'Large orders', nodes } })
  await admin.flowInstances.create({ body: { flowId: flow.id, userId: workshop.customer.id, enabled: true } })
  await workshop.send([GOOD_ORDER])
  await visit.open(`/app-events/${await newestEvent()}?tab=trail`)
  await tree()
    .getByText(/Stopped by only-large: it handed nothing on/)
    .waitFor()
})

test('what was refused says what to do', async () => {
  const refused = await fetch(workshop.eventType.globalWebhookUri, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ customer: 'nobody-knows', orderId: '1' }),
  })
  expect(refused.status).toBe(400)
  await visit.open('/refused-requests')
  await visit.page.getByRole('row').filter({ hasText: 'nobody-knows' }).or(visit.page.getByRole('row')).nth(1).waitFor()
  await visit.page.getByRole('row').nth(1).getByRole('link').first().click()
  await visit.page.getByRole('dialog').getByText('Create the customer with this id first').waitFor()
})

test('what the intake log could not apply is listed with its error, and applied again from there', async () => {
  const { database } = scene.house.engine
  await database.pool.query(
    `insert into intake_set_aside (id, workspace_id, shard, sequence, entry, error, tries)
     values ('01920000-0000-7000-8000-000000000001', null, 3, 41, 'what', 'a table was full', 5)`,
  )
  const { page } = visit
  await visit.open('/set-aside-intake')
  await page.getByRole('row').filter({ hasText: 'a table was full' }).getByRole('link').first().click()
  const drawer = page.getByRole('dialog')
  await drawer.getByRole('heading', { name: '41 of shard 3' }).waitFor()
  await visit.expectAccessible()
  await drawer.getByRole('button', { name: 'Apply again' }).click()
  await page.getByText(/^Still not: .*no message/).waitFor()
  // The error of the new try stands in the place of the old one.
  await drawer
    .getByText(/no message/)
    .first()
    .waitFor()
})
