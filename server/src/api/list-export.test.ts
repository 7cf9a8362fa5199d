import { contract } from '@permea/contract'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportedFile } from './list-export.ts'

/** More than two pages of an export. */
const CUSTOMERS = 600
/** This one’s fields are like no other’s, and it is in the last page. */
const ODD = { big: 1, note: '=1+1, "quoted"\nand more' }

let house: House

beforeAll(async () => {
  house = await buildHouse()
  await house.admin.customers.create({ body: { internalId: 'odd', name: 'Odd', fields: ODD } })
  await house.admin.customers.create({ body: { internalId: 'long', name: 'Long' } })
  for (let at = 0; at < CUSTOMERS; at += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        house.admin.customers.create({
          body: { internalId: `c-${at + n}`, name: `Of ${n % 2}`, fields: { n: at + n } },
        }),
      ),
    )
})
afterAll(() => house[Symbol.asyncDispose]())

async function get(path: string, token?: string): Promise<Response> {
  const authorization = `Bearer ${token ?? (await house.tokenOf({ isAdmin: true }))}`
  return fetch(house.url + path, { headers: { authorization } })
}

/** Rows of cells. @source RFC 4180 */
function csvOf(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'))
    if (end === '\r\n') rows.push([])
    if (end === '') break
  }
  return rows.slice(0, -1)
}

test('a list is answered whole as JSON, as lines of it and as CSV: every row once, whatever a page holds', async () => {
  const json = await get('/customers?export=json')
  expect(json.headers.get('content-disposition')).toBe('attachment; filename="customers.json"')
  const listed = (await json.json()) as { internalId: string }[]
  expect(listed).toHaveLength(CUSTOMERS + 2)
  expect(new Set(listed.map((each) => each.internalId)).size).toBe(CUSTOMERS + 2)
  const lines = (await (await get('/customers?export=ndjson&limit=1')).text()).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual(listed)
  const csv = await get('/customers?export=csv')
  expect(csv.headers.get('content-type')).toContain('text/csv')
  const [head = [], ...rows] = csvOf(await csv.text())
  expect(rows).toHaveLength(listed.length)
  const cellOf = (row: string[] | undefined, name: string) => row?.[head.indexOf(name)]
  expect(rows.map((row) => cellOf(row, 'internalId'))).toEqual(listed.map((each) => each.internalId))
  expect(cellOf(rows[0], 'fields.n')).toMatch(/^\d+$/)
  const odd = rows.find((row) => cellOf(row, 'internalId') === 'odd')
  // What the first page has no column for is not lost; nor does a spreadsheet reckon with it, since it stands in JSON.
  expect(JSON.parse(cellOf(odd, 'more') ?? '')).toEqual({ 'fields.big': 1, 'fields.note': ODD.note })
})

test('filters count, texts that a spreadsheet would reckon with do not, an empty list is a file too', async () => {
  const found = (await (await get('/customers?export=json&search=Odd')).json()) as { internalId: string }[]
  expect(found.map((each) => each.internalId)).toEqual(['odd'])
  const [head = [], row] = csvOf(await (await get('/customers?export=csv&search=Odd')).text())
  expect(row?.[head.indexOf('fields.note')]).toBe(`'${ODD.note}`)
  expect(await (await get('/customers?export=json&search=nobody')).json()).toEqual([])
  const [names, ...none] = csvOf(await (await get('/customers?export=csv&search=nobody')).text())
  expect(names).toEqual(expect.arrayContaining(['id', 'internalId', 'name', 'more']))
  expect(none).toEqual([])
})

test('what is refused as a page is refused as a file, and a role sees no more in it', async () => {
  expect((await get('/customers?export=xml')).status).toBe(400)
  expect((await get('/customers?export=csv&cursor=x')).status).toBe(400)
  expect((await get('/customers?export=csv', 'none')).status).toBe(401)
  expect((await get('/customers?export=csv', await house.tokenOf({ id: 'c-1' }))).status).toBe(403)
  const { key } = await house.admin.apiKeys.create({ body: { name: 'reader', scope: 'reader' } })
  const shown = await (await get('/customers?export=csv&search=Odd', key)).text()
  expect(shown).toContain('odd')
  expect(shown).not.toContain('quoted')
})

test('who took what away is in the audit log', async () => {
  await (await get('/customers?export=ndjson&includeArchived=true')).text()
  const [newest] = (await house.admin.auditLog.list()).items
  expect(newest).toMatchObject({
    action: 'auditLog.noteExport',
    after: { elementType: 'customer', format: 'ndjson', 'filter.includeArchived': 'true' },
  })
})

test('no more is read than is taken, and nothing after who reads has left', async () => {
  let pages = 0
  const item = { id: 'x', filler: 'x'.repeat(1000) }
  const { text } = await exportedFile({
    endpoint: contract.customers.list,
    format: 'ndjson',
    call: { principal: {} as never, params: {}, query: {}, body: undefined },
    rawQuery: {},
    page: async () => ({ items: Array.from({ length: 250 }, () => item), cursor: String(++pages) }),
    note: async () => {},
    isEnding: () => false,
  })
  let chars = 0
  for await (const chunk of text) {
    chars += String(chunk).length
    if (chars > 1_000_000) break
  }
  // A page is 250 kB; one more may be on its way.
  expect(pages).toBeLessThanOrEqual(6)
  const taken = pages
  expect(text.destroyed).toBe(true)
  expect(pages).toBe(taken)
})

test('a file ends as one that was cut off where the process stops', async () => {
  let isEnding = false
  const { text } = await exportedFile({
    endpoint: contract.customers.list,
    format: 'json',
    call: { principal: {} as never, params: {}, query: {}, body: undefined },
    rawQuery: {},
    page: async () => ({ items: [{ id: 'x' }], cursor: 'more' }),
    note: async () => {},
    isEnding: () => isEnding,
  })
  const reading = (async () => {
    for await (const _ of text) isEnding = true
  })()
  await expect(reading).rejects.toThrow('the process stops')
})
