import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene } from './scene.ts'

const PASSWORD = 'a password for tests'

let scene: Scene

beforeAll(async () => {
  scene = await openScene({ adminPassword: PASSWORD })
})
afterAll(() => scene[Symbol.asyncDispose]())

test('the printed link signs in, once', async () => {
  const link = scene.house.engine.console?.oneTimeLink() ?? ''
  await using first = await scene.visit()
  await first.page.goto(link)
  await first.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  expect(first.page.url()).not.toContain('#')

  await using second = await scene.visit()
  await second.page.goto(link)
  await second.page.getByRole('alert').getByText('used already').waitFor()
  await second.expectAccessible()
  second.expectComplaints(/401/)
})

test('whoever is not signed in signs in and comes to where they wanted', async () => {
  await using visit = await scene.visit({ scheme: 'dark' })
  const { page } = visit
  await visit.open('/customers?search=somebody')
  await page.getByLabel('Admin password').pressSequentially('not the password')
  await visit.expectAccessible()
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('The password is not right').waitFor()
  await page.getByLabel('Admin password').press('ControlOrMeta+a')
  await page.getByLabel('Admin password').pressSequentially(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Customers', level: 1 }).waitFor()
  expect(new URL(page.url()).search).toBe('?search=somebody')
  visit.expectComplaints(/401/)
})

test('an admin token signs in; the token of a customer does not', async () => {
  await using visit = await scene.visit()
  const { page } = visit
  await visit.open('/sign-in')
  await page.getByText('Admin token').click()
  await page
    .getByLabel('Admin token', { exact: true })
    .last()
    .pressSequentially(await scene.house.tokenOf({ id: 'acme' }))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('needs an admin token').waitFor()
  const field = page.getByLabel('Admin token', { exact: true }).last()
  await field.press('ControlOrMeta+a')
  await field.pressSequentially(await scene.house.tokenOf({ isAdmin: true }))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
  visit.expectComplaints(/401/)
})

test('signing out everywhere ends every session', async () => {
  await using here = await scene.visit()
  await using there = await scene.visit()
  await here.signIn()
  await there.signIn()
  await there.page.getByRole('button', { name: 'Appearance and sign out' }).click()
  await there.page.getByRole('menuitem', { name: 'Sign out everywhere' }).click()
  await there.page.getByRole('heading', { name: 'Sign in to Permea' }).waitFor()
  await here.open('/flows')
  await here.page.getByRole('heading', { name: 'Sign in to Permea' }).waitFor()
  here.expectComplaints(/401/)
})
