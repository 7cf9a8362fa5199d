import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

let scene: Scene
let visit: Visit
let token: string

beforeAll(async () => {
  scene = await openScene()
  visit = await scene.visit()
  token = (await scene.house.admin.apiKeys.create({ body: { name: 'docs', scope: 'owner' } })).key
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

/** What the page has of an endpoint, opened. */
async function opened(method: string, path: string): Promise<Locator> {
  const section = visit.page.locator(`section[data-method="${method}"][data-path="${path}"]`)
  await section.getByText('Schemas, example, try it').click()
  await section.getByRole('button', { name: 'Send' }).waitFor()
  return section
}

const answer = (section: Locator) => section.getByLabel('What was answered')

test('an endpoint shows its schemas and an example, sends it as it was changed, and says the same in curl', async () => {
  const { page } = visit
  await page.goto(`${scene.house.url}/docs`)
  const create = await opened('post', '/customers')
  await create.getByRole('button', { name: 'Send' }).click()
  await create.getByText(/^401 /).waitFor()
  visit.expectComplaints(/401/)
  await page.getByLabel('Token that requests').pressSequentially(token)
  await create.getByRole('button', { name: 'Send' }).click()
  await create.getByText(/^201 /).waitFor()
  expect(JSON.parse((await answer(create).textContent()) ?? '')).toMatchObject({ name: 'text', internalId: 'text' })
  const body = create.getByRole('textbox', { name: 'Body' })
  await body.focus()
  await page.keyboard.press('ControlOrMeta+a')
  await body.pressSequentially('{ "internalId": "o\'hara", "name": "O\'Hara" }')
  // The command is what a shell takes: a quote in it, too.
  const command = (await create.getByLabel('The same as a curl command').textContent()) ?? ''
  expect(command).not.toContain(token)
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { env: { ...process.env, TOKEN: token } })
  expect(JSON.parse(stdout)).toMatchObject({ internalId: "o'hara", name: "O'Hara" })

  await create.getByText('Schema of the answer').click()
  expect(JSON.parse((await create.getByLabel('Schema of the answer').textContent()) ?? '')).toMatchObject({
    properties: { internalId: { type: 'string' } },
  })
  await create.getByText('Example of an answer').click()
  expect(JSON.parse((await create.getByLabel('Example of an answer').textContent()) ?? '')).toMatchObject({
    id: 'text',
  })

  const list = await opened('get', '/customers')
  await list.getByLabel('search').pressSequentially('hara')
  await list.getByLabel('export').selectOption('ndjson')
  await list.getByRole('button', { name: 'Send' }).click()
  await list.getByText(/^200 /).waitFor()
  expect(JSON.parse((await answer(list).textContent()) ?? '')).toMatchObject({ name: "O'Hara" })
  const one = await opened('get', '/customers/{selector}')
  await one.getByLabel('selector (needed)').pressSequentially("o'hara")
  await one.getByRole('button', { name: 'Send' }).click()
  await one.getByText(/^200 /).waitFor()
  // All of the page is more than axe goes through in a minute, and the same again and again.
  await visit.expectAccessible({ within: 'section[data-path="/customers"]' })
  await visit.expectAccessible({ within: 'body > label' })
})

test('every example of a body is taken as far as its shape goes', async () => {
  const wrong: string[] = []
  const paths = ['/flows', '/connectors', '/integrations', '/app-event-types', '/notification-endpoints', '/api-keys']
  for (const path of paths) {
    const section = await opened('post', path)
    await section.getByRole('button', { name: 'Send' }).click()
    const said = section.locator('[role=status] strong')
    await said.waitFor()
    const text = (await said.textContent()) ?? ''
    if (!text.startsWith('201')) wrong.push(`${path}: ${text} ${await answer(section).textContent()}`)
  }
  expect(wrong).toEqual([])
})

test('it can be read in the dark and on a phone, and shows itself in no other page', async () => {
  const { house } = scene
  await using narrow = await scene.visit({ width: 400, scheme: 'dark' })
  await narrow.page.goto(`${house.url}/docs`)
  await narrow.page.locator('section[data-path="/flows"] summary').first().click()
  await narrow.page.getByRole('button', { name: 'Send' }).waitFor()
  await narrow.expectAccessible({ within: 'section[data-path="/flows"]' })
  const { scrollWidth, clientWidth } = await narrow.page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return { scrollWidth, clientWidth }
  })
  expect(scrollWidth).toBeLessThanOrEqual(clientWidth)
  const { headers } = await fetch(`${house.url}/docs`)
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
})
