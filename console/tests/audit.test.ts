import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

/** More than the first page of a list has. */
const CUSTOMERS = 60

let scene: Scene
let visit: Visit
let flowId: string

beforeAll(async () => {
  scene = await openScene()
  const { admin } = scene.house
  flowId = (await admin.flows.create({ body: { key: 'sync', name: 'Sync', description: 'as it was' } })).id
  await admin.flows.patch({ params: { selector: 'sync' }, body: { description: 'as it is' } })
  for (let at = 0; at < CUSTOMERS; at++)
    await admin.customers.create({ body: { internalId: `c${at}`, name: `Customer ${at}` } })
  visit = await scene.visit({ width: 1440 })
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const rows = () => visit.page.locator('[role=row][data-index]')

test('from an element to what was changed of it, with how it was before and after', async () => {
  const { page } = visit
  await visit.open(`/flows/${flowId}`)
  await page.getByRole('dialog').getByRole('link', { name: 'History' }).click()
  await page.getByRole('heading', { name: 'Audit Log', level: 1 }).waitFor()
  await expect.poll(() => rows().count(), { timeout: 20_000 }).toBe(2)
  await page.getByRole('link', { name: 'flows.patch' }).click()
  const dialog = page.getByRole('dialog')
  const difference = dialog.getByLabel('What it was, and what it is')
  await difference.getByText('as it was').waitFor()
  await difference.getByText('as it is').waitFor()
  await dialog.getByText('127.0.0.1').waitFor()
  await visit.expectAccessible({ within: '[role=dialog]' })
  await dialog.getByRole('link', { name: flowId }).click()
  await page.getByRole('dialog').getByRole('heading', { name: 'Sync' }).waitFor()
})

test('the log is filtered by who, what, kind and time, read on page by page, and follows what is changed', async () => {
  const { page } = visit
  await visit.open('/audit-log?elementType=customer')
  const oldest = page.getByRole('row', { name: /Customer 0(?!\d)/ })
  await expect
    .poll(
      async () => {
        await page.mouse.move(700, 500)
        await page.mouse.wheel(0, 2000)
        return oldest.count()
      },
      { timeout: 30_000 },
    )
    .toBe(1)
  await page.getByLabel('Names, addresses, values').pressSequentially('Customer 17')
  await expect.poll(() => rows().count(), { timeout: 20_000 }).toBe(1)
  await page.getByRole('row', { name: /customers\.create/ }).waitFor()
  await visit.open('/audit-log?actorKind=workspace-secret&action=flows.patch&outcome=done&from=24h')
  await expect.poll(() => rows().count(), { timeout: 20_000 }).toBe(1)
  await page.getByRole('combobox', { name: 'As what' }).click()
  await page.getByRole('option', { name: 'API key' }).click()
  await page.getByText('No change fits these filters').waitFor()
  await visit.open('/audit-log')
  await rows().first().waitFor()
  await scene.house.admin.flows.patch({ params: { selector: 'sync' }, body: { description: 'while it is open' } })
  await page.getByRole('row', { name: /flows\.patch/ }).waitFor()
})

test('what the filters leave is exported as the engine writes it, and any export is in the log', async () => {
  const { page } = visit
  const saved = async (item: string) => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: item, exact: true }).click()
    return readFile(await (await download).path(), 'utf8')
  }
  await visit.open('/audit-log?elementType=flow')
  await rows().first().waitFor()
  const csv = (await saved('As CSV')).trim().split('\r\n')
  expect(csv[0]).toMatch(/^id,sequence,createdAt,/)
  expect(csv).toHaveLength(4)
  const lines = (await saved('As JSON, one record a line')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).action)).toEqual(['flows.patch', 'flows.patch', 'flows.create'])
  await visit.open('/customers?search=Customer 17')
  await rows().first().waitFor()
  expect(JSON.parse(await saved('As JSON'))).toHaveLength(1)
  const { items } = await scene.house.admin.auditLog.list({ query: { action: 'auditLog.noteExport' } })
  expect(items.map((each) => each.after)).toMatchObject([
    { elementType: 'customer', format: 'json' },
    { elementType: 'audit-log', format: 'ndjson', 'filter.elementType': 'flow' },
    { elementType: 'audit-log', format: 'csv', 'filter.elementType': 'flow' },
  ])
})

test('the chain is verified, and where it is broken the first record is named', async () => {
  const { page } = visit
  await visit.open('/audit-log')
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByRole('alert').getByText('The chain holds').waitFor()
  await scene.house.engine.database.pool.query(
    "begin; set local session_replication_role = 'replica'; update audit_records set action = 'flows.get' where sequence = 3; commit",
  )
  await visit.open('/audit-log')
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByRole('alert').getByText('At record 3: it was changed').waitFor()
  await visit.expectAccessible()
})
