import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene } from './scene.ts'

let scene: Scene

beforeAll(async () => {
  scene = await openScene({ adminPassword: 'a password for tests' })
})
afterAll(() => scene[Symbol.asyncDispose]())

test('the printed link signs in, once', async () => {
  const link = scene.house.engine.console?.oneTimeLink() ?? ''
  await using first = await scene.visit()
  await first.page.goto(link)
  await first.page.getByRole('navigation', { name: 'Pages' }).waitFor()
  expect(first.page.url()).not.toContain('#')
  await first.expectAccessible()

  await using second = await scene.visit()
  await second.page.goto(link)
  await second.page.getByRole('alert').getByText('used already').waitFor()
  await second.expectAccessible()
  second.complaints.length = 0
})
