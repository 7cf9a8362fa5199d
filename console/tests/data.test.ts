import { addApp, connectApp, type RecordApp, startRecordApp, ticketCollection } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openScene, type Scene, type Visit } from './scene.ts'

let scene: Scene
let desk: RecordApp
let visit: Visit
let connectionId: string
let mappingId: string
let flowId: string

beforeAll(async () => {
  scene = await openScene()
  desk = await startRecordApp()
  desk.pageSize = 10
  for (let number = 1; number <= 12; number += 1) await desk.create('tickets', { subject: `Ticket ${number}` })
  const { house } = scene
  await addApp(house, { url: desk.url, data: { tickets: ticketCollection } })
  connectionId = (await connectApp(house, { customer: 'acme' })).connection.id
  const { admin } = house
  await admin.dataSources.create({ body: { key: 'tickets', integrationKey: 'crm', collectionKey: 'tickets' } })
  const mapping = await admin.fieldMappings.create({
    body: { key: 'tickets', integrationKey: 'crm', dataSourceKey: 'tickets' },
  })
  mappingId = mapping.id
  const flow = await admin.flows.create({
    body: { key: 'watch', nodes: { t: { type: 'data-record-created-trigger' } } },
  })
  flowId = flow.id
  visit = await scene.visit()
  await visit.signIn()
})
afterAll(async () => {
  await visit[Symbol.asyncDispose]()
  await desk[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const ticketsOf = () => [...(desk.records.get('tickets')?.values() ?? [])]

test('records of a connection are looked through, found, made, changed and deleted', async () => {
  const { page } = visit
  await visit.open(`/connections/${connectionId}?tab=data`)
  const data = page.getByRole('dialog')
  await data.getByRole('table').getByText('Ticket 10', { exact: true }).first().waitFor()
  await data.getByRole('button', { name: 'More', exact: true }).click()
  await data.getByText('12 in all').waitFor()
  await visit.expectAccessible({ within: '[role=dialog]' })

  await data.getByRole('button', { name: 'New record' }).click()
  await data.getByRole('textbox', { name: 'Subject' }).pressSequentially('Typed by hand, 1/2')
  await data.getByRole('button', { name: 'Create', exact: true }).click()
  await data.getByRole('button', { name: 'New record' }).waitFor()
  expect(ticketsOf().at(-1)).toMatchObject({ subject: 'Typed by hand, 1/2' })

  await data.getByRole('combobox', { name: 'Records' }).click()
  await page.getByRole('option', { name: 'With the id' }).click()
  await data.getByRole('textbox', { name: 'Id' }).pressSequentially('t3')
  await data.getByRole('button', { name: 'Find' }).click()
  await data.getByRole('table').getByRole('button').click()
  const subject = data.getByRole('textbox', { name: 'Subject' })
  await subject.press('End')
  await subject.pressSequentially(', changed')
  // Work that is not saved is asked for.
  await data.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Stay' }).click()
  await data.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).first().waitFor()
  expect(desk.records.get('tickets')?.get('t3')).toMatchObject({ subject: 'Ticket 3, changed' })
  await data.getByRole('button', { name: 'Delete the record' }).click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByText('Deleted', { exact: true }).waitFor()
  expect(desk.records.get('tickets')?.has('t3')).toBe(false)
})

test('a mapping is written beside the fields of both sides', async () => {
  const { page } = visit
  await visit.open(`/field-mappings/${mappingId}`)
  const mapping = page.getByRole('dialog')
  await mapping.getByRole('region', { name: 'Fields of the collection' }).getByText('subject').first().waitFor()
  await mapping.getByRole('textbox', { name: 'From the app: your fields' }).click()
  await page.keyboard.type('{"title": {"$var": "$.subject"}')
  await mapping.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved', { exact: true }).first().waitFor()
  await mapping.getByRole('region', { name: 'Fields of your application' }).getByText('title').waitFor()
  const saved = await scene.house.admin.fieldMappings.get({ params: { selector: mappingId } })
  expect(saved.importValue).toEqual({ title: { $var: '$.subject' } })

  // The other way, with a field of the other side that is chosen by keyboard.
  await mapping.getByRole('textbox', { name: 'To the app: fields of the collection' }).click()
  await page.keyboard.type('{"subject": ')
  await mapping.getByRole('button', { name: 'Insert a field into To the app: fields of the collection' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('textbox', { name: 'Search fields' }).pressSequentially('tit')
  await page.getByRole('option', { name: /^\$\.title/ }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await mapping.getByRole('textbox', { name: 'To the app: fields of the collection' }).getByText('$.title').waitFor()
  await mapping.getByRole('button', { name: 'Save' }).click()
  await expect
    .poll(async () => (await scene.house.admin.fieldMappings.get({ params: { selector: mappingId } })).exportValue, {
      timeout: 20_000,
    })
    .toEqual({ subject: { $var: '$.title' } })
  await visit.expectAccessible({ within: '[role=dialog]' })
})

test('the trigger of a flow offers the data sources and mappings that there are', async () => {
  const { page } = visit
  await visit.open(`/flows/${flowId}`)
  await page.getByRole('group', { name: 'Data source' }).getByRole('combobox', { name: 'Key' }).click()
  await page.getByRole('option', { name: /tickets/ }).click()
  await page.getByRole('group', { name: 'Field mapping' }).getByRole('combobox', { name: 'Key' }).click()
  await page.getByRole('option', { name: /tickets/ }).click()
  await page.getByRole('button', { name: 'Save nodes' }).click()
  await expect
    .poll(async () => (await scene.house.admin.flows.get({ params: { selector: flowId } })).nodes.t?.config)
    .toEqual({ dataSource: { key: 'tickets' }, fieldMapping: { key: 'tickets' } })
})

test('fields of records are picked into formulas, by click and while typing', async () => {
  const { page } = visit
  const { admin } = scene.house
  const flow = await admin.flows.create({
    body: {
      key: 'tell',
      integrationKey: 'crm',
      nodes: {
        say: { type: 'custom-http-request', config: { request: { method: 'POST' } } },
        t: {
          type: 'data-record-created-trigger',
          config: { dataSource: { key: 'tickets' } },
          links: [{ key: 'say' }],
        },
      },
    },
  })
  await page.setViewportSize({ width: 400, height: 740 })
  await visit.open(`/flows/${flow.id}`)
  const address = page.getByRole('textbox', { name: 'Address', exact: true })
  const body = page.getByRole('textbox', { name: 'Body', exact: true })

  // Nothing was there: what is picked is the whole value.
  const pick = page.getByRole('button', { name: 'Insert a field into Body' })
  await pick.click()
  await page.getByRole('textbox', { name: 'Search fields' }).pressSequentially('subject')
  const option = page.getByRole('option', { name: /\$\.input\.t\.record\.fields\.subject string/ })
  await option.waitFor()
  await visit.expectAccessible({ within: '[role=listbox]' })
  await page.emulateMedia({ colorScheme: 'dark' })
  await visit.expectAccessible({ within: '[role=listbox]', onlyColors: true })
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth))
    .toBe(0)
  await option.click()
  await body.getByText('$.input.t.record.fields.subject').waitFor()
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1280, height: 800 })

  // Begun as text, it becomes a formula.
  await address.pressSequentially('$.input.t.record.fields.stat')
  const offered = page.locator('.cm-tooltip-autocomplete li[aria-selected]')
  await offered.getByText('$.input.t.record.fields.status').waitFor()
  // The editor takes no answer to what has only just appeared.
  await visit.expectAccessible({ within: '.cm-tooltip-autocomplete' })
  await page.keyboard.press('Enter')
  await address.getByText('"$var"').waitFor()

  await page.getByRole('button', { name: 'Save nodes' }).click()
  await expect
    .poll(async () => (await admin.flows.get({ params: { selector: flow.id } })).nodes.say?.config, { timeout: 20_000 })
    .toMatchObject({
      request: {
        uri: { $var: '$.input.t.record.fields.status' },
        body: { $var: '$.input.t.record.fields.subject' },
      },
    })

  // Within a text of JSON it is the path alone.
  await body.click()
  await page.keyboard.press('ControlOrMeta+a')
  await body.pressSequentially('{ "a": { "$var": "')
  await pick.click()
  await page.getByRole('textbox', { name: 'Search fields' }).pressSequentially('record body')
  await page
    .getByRole('option', { name: /fields\.body/ })
    .first()
    .click()
  await page.keyboard.type('" } }')
  await page.getByRole('button', { name: 'Save nodes' }).click()
  await expect
    .poll(async () => (await admin.flows.get({ params: { selector: flow.id } })).nodes.say?.config, { timeout: 20_000 })
    .toMatchObject({ request: { body: { a: { $var: '$.input.t.record.fields.body' } } } })
})
