import { createTestDatabase } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type Database, sql } from './database.ts'
import { silentLog } from './log.ts'
import { conditionsOf, type LookingThrough, lookThrough, newestOf } from './look-through.ts'

const WORKSPACE = '00000000-0000-0000-0000-000000000001'
const OTHER_WORKSPACE = '00000000-0000-0000-0000-000000000002'
const COMMON = '00000000-0000-0000-0000-00000000000a'
const RARE = '00000000-0000-0000-0000-00000000000b'
const ROWS = 9000

let database: Database
let clone: Awaited<ReturnType<typeof createTestDatabase>>

beforeAll(async () => {
  clone = await createTestDatabase()
  database = createDatabase({ url: clone.url, connectionsMax: 4, log: silentLog })
  // Every 3,000th is of a rare type, the last one among them; a few are of another workspace.
  await sql`
    insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
    select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           case when n % 1000 = 1 then ${OTHER_WORKSPACE} else ${WORKSPACE} end::uuid, ${COMMON},
           case when n % 3000 = 0 then ${RARE} else ${COMMON} end::uuid, '{"n":' || n || '}'
      from generate_series(1, ${ROWS}) n`.execute(database.db)
})
afterAll(async () => {
  await database.close()
  await clone[Symbol.asyncDispose]()
})

const NOTHING = { from: null, to: null }

function wishFor(given: Partial<LookingThrough> & Pick<LookingThrough, 'known' | 'rare'>): LookingThrough {
  return { log: 'app_events', columns: sql.raw('id, payload'), page: { limit: 10, before: null }, ...given }
}

function ofType(type: string | null, workspaceId = WORKSPACE) {
  return conditionsOf({ workspaceId, indexed: {}, others: { app_event_type_id: type }, span: NOTHING })
}

/** Goes on from page to page until there are no more. */
async function all(wish: LookingThrough): Promise<{ numbers: number[]; pages: number }> {
  const numbers: number[] = []
  let { before } = wish.page
  for (let pages = 1; ; pages += 1) {
    const { rows, lookedTo } = await lookThrough<{ id: string; payload: string }>(database.db, {
      ...wish,
      page: { ...wish.page, before },
    })
    numbers.push(...rows.map((row) => (JSON.parse(row.payload) as { n: number }).n))
    before = lookedTo ?? (rows.length === wish.page.limit ? (rows.at(-1)?.id ?? null) : null)
    if (before === null) return { numbers, pages }
  }
}

test('what is rare is found, however far back it is', async () => {
  const found = await lookThrough(database.db, wishFor(ofType(RARE)))
  expect(found.rows).toHaveLength(3)
  expect(found.lookedTo).toBeNull()
})

test('a page that takes too long ends short, or empty, says how far it came, and the next goes on from there', async () => {
  const { numbers, pages } = await all(wishFor({ ...ofType(RARE), lookMs: 0 }))
  expect(numbers).toEqual([9000, 6000, 3000])
  expect(pages).toBeGreaterThan(5)
})

test('for any page size and time, nothing is left out and nothing is told twice', async () => {
  const expected = Array.from({ length: ROWS / 100 }, (_, at) => ROWS - 100 * at).filter((n) => n % 1000 !== 1)
  const hundredth = [sql`r.payload ~ '00\\}$'`]
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 120 }), fc.constantFrom(0, 300), async (limit, lookMs) => {
      const conditions = conditionsOf({
        workspaceId: WORKSPACE,
        indexed: { customer_id: COMMON },
        others: {},
        more: hundredth,
        span: NOTHING,
      })
      const { numbers } = await all(wishFor({ ...conditions, page: { limit, before: null }, lookMs }))
      expect(numbers).toEqual(expected)
    }),
    { numRuns: 8 },
  )
})

test('another workspace is looked for like anything else that is rare', async () => {
  const { numbers } = await all(wishFor({ ...ofType(COMMON, OTHER_WORKSPACE), lookMs: 0 }))
  expect(numbers).toEqual(Array.from({ length: 9 }, (_, at) => 8001 - 1000 * at))
})

test('a page of two logs goes no further back than both were looked through', () => {
  const row = (id: string) => ({ id })
  const one = { rows: [row('9'), row('3')], lookedTo: null }
  const other = { rows: [row('8')], lookedTo: '5' }
  expect(newestOf([one, other], 10)).toEqual({ rows: [row('9'), row('8')], lookedTo: '5' })
  expect(newestOf([one, other], 2)).toEqual({ rows: [row('9'), row('8')], lookedTo: null })
  expect(newestOf([one, { rows: [row('9')], lookedTo: null }], 10).rows).toEqual([row('9'), row('3')])
})

test.each([
  ['what an index finds', ofType(null, OTHER_WORKSPACE)],
  ['what is looked for', ofType(RARE, OTHER_WORKSPACE)],
])('a page of %s holds no more bytes than are made in a moment, and at least one row', async (_, conditions) => {
  // Packed they take hardly any room: what counts is what is sent.
  const sizes = [5, 5, 5, 9, 1, 1, 1, 1, 5].map((mebibytes) => mebibytes * 1024 * 1024)
  await sql`
    insert into app_events (id, workspace_id, customer_id, app_event_type_id, payload)
    select ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, ${OTHER_WORKSPACE}, ${COMMON}, ${RARE},
           '{"n":' || n || ',"filler":"' || repeat('x', size) || '"}'
      from unnest(${sizes}::int[]) with ordinality as each (size, n)
    on conflict do nothing`.execute(database.db)
  const span = sql`r.id >= '00000000-0000-7000-9000-000000000000'`
  const known = sql`${conditions.known} and ${span}`
  const heavy = ['payload']
  const found = await all(wishFor({ ...conditions, known, heavy, page: { limit: 4, before: null } }))
  expect(found).toEqual({ numbers: [9, 8, 7, 6, 5, 4, 3, 2, 1], pages: 4 })
  const first = await lookThrough(database.db, wishFor({ ...conditions, known, heavy }))
  expect(first.rows.length).toBe(4)
  expect(first.lookedTo).toBe(first.rows.at(-1)?.id)
})
