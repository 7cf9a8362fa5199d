import { createPermea } from '@permea/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

const PASSWORD = 'correct horse battery'

let scene: Scene
let mainKey: string

beforeAll(async () => {
  scene = await openScene()
  mainKey = scene.house.workspace.key
  await scene.house.admin.customers.create({ body: { internalId: 'main-only', name: 'Of the main one' } })
})
afterAll(() => scene[Symbol.asyncDispose]())

/** A workspace with one customer, and a client of it. */
async function workspaceWith(name: string, customer: string) {
  const { house } = scene
  const made = await house.admin.workspaces.create({ body: { name } })
  const token = await house.engine.tokens.sign(made, { isAdmin: true }, 3600)
  const client = createPermea({ baseUrl: house.url, token })
  await client.customers.create({ body: { internalId: customer, name: customer } })
  return { ...made, client }
}

async function joined(client: { invitations: Scene['house']['admin']['invitations'] }, visit: Visit, email: string) {
  const { link } = await client.invitations.create({ body: { email, role: 'reader' } })
  await visit.page.goto(link)
  const name = visit.page.getByLabel('Your name')
  const password = visit.page.getByLabel(/^(New password|Password)$/)
  await password.waitFor()
  if (await name.isVisible()) await name.pressSequentially('Anna')
  await password.pressSequentially(PASSWORD)
  await visit.page.getByRole('button', { name: 'Join' }).click()
  await visit.page.getByRole('navigation', { name: 'Pages' }).waitFor()
}

const switchOf = ({ page }: Visit) => page.getByRole('button', { name: /: change$/ })

test('a workspace is made in the console and gone to by keys alone', async () => {
  await using visit = await scene.visit()
  const { page } = visit
  await visit.signIn()
  await switchOf(visit).press('Enter')
  await page.getByRole('option', { name: 'Make or manage workspaces…' }).waitFor()
  await visit.expectAccessible()
  await page.getByRole('textbox', { name: 'Workspace' }).press('End')
  for (const key of ['ArrowUp', 'Enter']) await page.keyboard.press(key)
  await page.getByRole('heading', { name: 'Workspaces', level: 1 }).waitFor()

  await page.getByLabel('Name').pressSequentially('Acme staging')
  await page.getByLabel('Key').pressSequentially('no/key')
  await page.getByRole('button', { name: 'Make it' }).click()
  await page.getByText('three letters').waitFor()
  await page.getByLabel('Key').press('ControlOrMeta+a')
  await page.getByLabel('Key').pressSequentially('acme-staging')
  await page.getByLabel('Key').press('Enter')
  await page.getByRole('status').getByText('The secret is shown here only').waitFor()
  await visit.expectAccessible()
  visit.expectComplaints(/400/)

  await page.getByRole('button', { name: 'Quotas of Acme staging' }).press('Enter')
  const quotas = page.getByRole('form', { name: 'Quotas of Acme staging' })
  await quotas.getByLabel('Customers').pressSequentially('12')
  await quotas.getByLabel('Customers').press('Enter')
  await quotas.getByRole('status').getByText('Saved').waitFor()
  await page.getByText('0 of 12').waitFor()
  await visit.expectAccessible()

  await switchOf(visit).press('Enter')
  await page.getByRole('textbox', { name: 'Workspace' }).pressSequentially('staging')
  await page.getByRole('option', { name: /Acme staging/ }).waitFor()
  expect(await page.getByRole('option', { name: mainKey }).count()).toBe(0)
  for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key)
  await page.waitForURL(/\/console\/~acme-staging\//)
  await page.getByRole('button', { name: 'Workspace Acme staging: change' }).waitFor()
  await visit.open('/~acme-staging/workspace')
  await page.getByText('0 of 12').waitFor()
  await visit.expectAccessible()
  // Owners of another workspace than the main one find no page to make any.
  expect(await page.getByRole('link', { name: 'Workspaces' }).count()).toBe(0)
})

test('nothing of another workspace is shown: lists, records, links, drafts, and the page after a reload', async () => {
  const other = await workspaceWith('Nordwind', 'north-only')
  const [mine] = (await scene.house.admin.customers.list()).items
  await using visit = await scene.visit()
  const { page } = visit
  await visit.signIn()
  await visit.open('/customers')
  await page.getByText('Of the main one').waitFor()
  await visit.open('/app-event-types')
  const drawer = page.getByRole('dialog')
  const name = drawer.getByRole('textbox', { name: 'Name', exact: true })
  const begin = () => page.getByRole('link', { name: /^New / }).first().click()
  await begin()
  await name.pressSequentially('Begun in the main one')
  await drawer.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Leave, keep the draft' }).click()
  await drawer.first().waitFor({ state: 'detached' })
  await begin()
  await page.getByText(/Your draft of/).waitFor()

  await visit.open(`/~${other.key}/customers`)
  await page.getByText('north-only').first().waitFor()
  expect(await page.getByText('Of the main one').count()).toBe(0)
  await page.reload()
  await page.getByText('north-only').first().waitFor()
  await page.getByRole('link', { name: 'App Event Types', exact: true }).click()
  await page.waitForURL(new RegExp(`/~${other.key}/app-event-types$`))
  await begin()
  await expect.poll(() => name.inputValue()).toBe('')
  expect(await page.getByText(/Your draft of/).count()).toBe(0)
  await visit.open(`/~${other.key}/customers/${mine?.id}`)
  await page.getByText('It does not exist (any more)').waitFor()
  visit.expectComplaints(/404/)
})

test('who is one of two workspaces goes between them, and is out of one at once', async () => {
  const north = await workspaceWith('Northern', 'north-anna')
  const south = await workspaceWith('Southern', 'south-anna')
  await using visit = await scene.visit()
  await joined(north.client, visit, 'anna@example.com')
  await joined(south.client, visit, 'anna@example.com')
  await visit.page.setViewportSize({ width: 400, height: 800 })
  const { page } = visit
  await visit.open(`/~${north.key}/customers`)
  await page.getByText('north-anna').first().waitFor()
  const tooWide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(await tooWide()).toBe(0)
  await switchOf(visit).click()
  await page.getByRole('option', { name: /Southern/ }).waitFor()
  expect(await page.getByRole('option').count()).toBe(2)
  await visit.expectAccessible()
  await page.getByRole('option', { name: /Southern/ }).click()
  await page.waitForURL(new RegExp(`/~${south.key}/`))

  await page.getByRole('button', { name: 'Workspace Southern: change' }).waitFor()
  // By the box that finds everything, too.
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByLabel('Jump to').pressSequentially('Northern')
  await page.getByRole('button', { name: /Workspace Northern/ }).click()
  await page.waitForURL(new RegExp(`/~${north.key}/`))

  await page.goto('about:blank')
  const [anna] = (await north.client.people.list()).items
  await north.client.people.archive({ params: { id: anna?.id ?? '' } })
  await visit.open(`/~${north.key}/customers`)
  await page.getByText('There is no such workspace').waitFor()
  await visit.expectAccessible()
  await visit.open(`/~${mainKey}/customers`)
  await page.getByText('There is no such workspace').waitFor()
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.getByRole('link', { name: 'To your own' }).click()
  await page.getByText('Southern').first().waitFor()
  visit.expectComplaints(/404/)
})

test('a workspace is deleted once its key was typed, and its deletion is listed', async () => {
  const { key } = await workspaceWith('To be deleted', 'globex')
  await using visit = await scene.visit()
  const { page } = visit
  await visit.signIn()
  await page.goto(`${scene.house.url}/console/workspaces`)
  await page.getByRole('button', { name: 'Delete To be deleted' }).press('Enter')
  const asked = page.getByRole('dialog', { name: 'Delete To be deleted?' })
  await asked.getByLabel('Type the key of the workspace').pressSequentially('another')
  const button = asked.getByRole('button', { name: 'Delete for good' })
  expect(await button.isDisabled()).toBe(true)
  await asked.getByLabel('Type the key of the workspace').press('ControlOrMeta+a')
  await asked.getByLabel('Type the key of the workspace').pressSequentially(key)
  await asked.getByLabel('Type the key of the workspace').press('Enter')
  const deleted = page.getByRole('list', { name: 'Deleted workspaces' })
  await deleted.getByText(key).waitFor()
  await page.getByRole('button', { name: 'Delete To be deleted' }).waitFor({ state: 'detached' })
  await deleted.getByText(/completed/i).waitFor({ timeout: 60_000 })
  await visit.expectAccessible()
}, 120_000)
