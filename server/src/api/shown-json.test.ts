import { sendEvents } from '@permea/sdk'
import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { sql } from '../platform/database.ts'
import { answerText, storedJson } from './shown-json.ts'

const long = (head: string, chars = 20_000) => `{${head}, "filler": "${'x'.repeat(chars)}"}`

test('a long text goes into an answer as it stands, numbers and all; one that is broken says so', async () => {
  const stored = [
    long('"id": 12345678901234567890, "marks": "$1 $& $`"'),
    long('"b": 1.10'),
    long('"broken": }'),
    '{"short": 1}',
  ]
  const text = await answerText({ items: stored.map((each) => ({ event: storedJson(each) })), cursor: 'c' })
  expect(text).toContain(`{"event":${stored[0]}},{"event":${stored[1]}},{"event":{"error":`)
  expect((JSON.parse(text) as { items: { event: object }[] }).items[3]).toEqual({ event: { short: 1 } })
})

test('very long ones are looked through in turns, and one that is broken says so too', async () => {
  const stored = [long('"id": 12345678901234567890', 300_000), long('"broken": }', 300_000), long('"c": 1')]
  const text = await answerText({ items: stored.map((each) => storedJson(each)) })
  const { items } = JSON.parse(text) as { items: { error?: { key: string } }[] }
  expect(items.map((each) => each.error?.key)).toEqual([undefined, 'internal', undefined])
  expect(text).toContain(stored[0])
  let turns = 0
  const ticking = setInterval(() => (turns += 1), 0)
  const list = JSON.stringify(Array.from({ length: 300_000 }, (_, n) => ({ n })))
  expect(await answerText(storedJson(list))).toBe(list)
  clearInterval(ticking)
  expect(turns).toBeGreaterThan(2)
})

test('elsewhere it is its value', async () => {
  expect(JSON.parse(JSON.stringify({ event: storedJson(long('"a": [1]')) }))).toMatchObject({ event: { a: [1] } })
  expect(await answerText({ none: undefined, text: 'x' })).toBe('{"text":"x"}')
})

test('lists of large events and of their runs come in pages that are made in a moment', async () => {
  await using house = await buildHouse()
  const customer = await house.as('anna')
  await house.admin.appEventTypes.create({ body: { key: 'file', tenantIdFormula: 'anna' } })
  const trigger = { type: 'app-event-trigger', config: { appEvent: { key: 'file' } } }
  await customer.flowInstances.create({ body: { name: 'Files', nodes: { trigger } } })
  await house.settle()
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: 'file' } })
  for (let n = 1; n <= 5; n += 1) await sendEvents(globalWebhookUri, { n, content: 'x'.repeat(3 * 1024 * 1024) })
  await house.settle()
  type Item = { n?: number }
  async function numbersIn(
    list: (cursor: string | undefined) => Promise<{ items: unknown[]; cursor?: string | undefined }>,
  ) {
    const pages: number[][] = []
    for (let cursor: string | undefined; ; ) {
      const page = await list(cursor)
      pages.push(
        page.items.map((each) => ((each as { event?: Item }).event ?? (each as { input?: Item }).input)?.n ?? 0),
      )
      cursor = page.cursor
      if (cursor === undefined) return pages
    }
  }
  const paging = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor })
  const pages = [
    [5, 4, 3],
    [2, 1],
  ]
  expect(await numbersIn((cursor) => house.admin.appEvents.list({ query: paging(cursor) }))).toEqual(pages)
  expect(await numbersIn((cursor) => customer.flowRuns.list({ query: paging(cursor) }))).toEqual(pages)
  // Broken by hand: the list is whole all the same.
  await sql`update app_events set payload = ${long('"n": }')} where payload like '{"n":5,%'`.execute(
    house.engine.database.db,
  )
  const { items } = await house.admin.appEvents.list()
  expect(items[0]?.event).toMatchObject({ error: { key: 'internal' } })
})
