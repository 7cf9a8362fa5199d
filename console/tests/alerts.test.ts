import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'
import { BAD_ORDER, GOOD_ORDER, openWorkshop, type Workshop } from './workshop.ts'

let scene: Scene
let workshop: Workshop
let visit: Visit

beforeAll(async () => {
  scene = await openScene()
  workshop = await openWorkshop(scene.house)
  await workshop.send([GOOD_ORDER, ...Array(5).fill(BAD_ORDER)])
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await workshop[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test('the navigation counts what is ongoing; the alert leads to the flow, the customer, the run and its threshold', async () => {
  const { page } = visit
  await page.getByRole('link', { name: /^Alerts 1 ongoing/ }).click()
  await page.getByRole('link', { name: 'Flow failing' }).click()
  const alert = page.getByRole('dialog')
  await alert.getByRole('link', { name: 'Book the order' }).waitFor()
  await alert.getByRole('link', { name: 'Acme Robotics' }).waitFor()
  await alert.getByText('5 failed runs in a row').waitFor()
  await visit.expectAccessible()
  await alert.getByRole('link', { name: 'See it, in node book' }).click()
  await page
    .getByRole('heading', { name: /Book the order/ })
    .first()
    .waitFor()
  expect(page.url()).toContain('/flow-runs/fr_')
})

test('thresholds and channels are set, and a test says how it went', async () => {
  const { page } = visit
  await visit.open('/alerts')
  await page.getByRole('link', { name: 'How soon, and who is told' }).first().click()
  const form = page.getByRole('dialog')
  const failures = form.getByRole('textbox', { name: 'A flow fails, in runs in a row' })
  await failures.press('ControlOrMeta+a')
  await failures.pressSequentially('3')
  await form.getByRole('textbox', { name: 'Mail to' }).pressSequentially('ops@example.com, oncall@example.com')
  await form
    .getByRole('textbox', { name: 'Slack-compatible webhook' })
    .pressSequentially(`${workshop.receiver.url}/chat`)
  await visit.expectAccessible()
  await form.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('Saved', { exact: true }).waitFor()
  expect(await scene.house.admin.alertSettings.get()).toMatchObject({
    flowFailures: 3,
    mailTo: ['ops@example.com', 'oncall@example.com'],
  })
  await form.getByRole('button', { name: 'Send a test' }).click()
  await form.getByText('PERMEA_SMTP_URL').last().waitFor()
  await form.getByText('sent', { exact: true }).waitFor()
})

test('Home counts what the lists have, and each figure leads to its rows', async () => {
  const { page } = visit
  await visit.open('/')
  const figure = page.locator('.number').filter({ hasText: 'Runs failed' })
  await figure.getByText('5', { exact: true }).waitFor()
  await figure.getByRole('link').click()
  await page.getByRole('table', { name: 'Flow Runs' }).waitFor()
  expect(page.url()).toMatch(/state=failed&from=1h|from=1h&state=failed/)
  await page
    .getByRole('link', { name: /Book the order/ })
    .nth(4)
    .waitFor()
  expect(await page.getByRole('link', { name: /Book the order/ }).count()).toBe(5)
})
