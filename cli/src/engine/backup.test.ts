import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildHouse, createEmptyDatabase, createTestDatabase, type House, type TestDatabase } from '@permea/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase } from '../../../server/src/platform/database.ts'
import { silentLog } from '../../../server/src/platform/log.ts'
import { migrate, migrationNames } from '../../../server/src/platform/migrations.ts'
import { migrateQueue } from '../../../server/src/platform/queue.ts'
import { openShell } from '../../testing/shell.ts'

const KEY = 'a key for tests that is long enough'
/** What COPY writes in another form than it is. */
const AWKWARD = 'tab\t, newline\n, backslash \\ \\N \\., quote "\', ä 𝒷'

let house: House
let whole: { file: string; dir: string; [Symbol.asyncDispose](): PromiseLike<void> }

async function inDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return work(client).finally(() => client.end())
}

/** Every table with its rows as text, in no order. */
function contentOf(url: string): Promise<Record<string, string[]>> {
  return inDatabase(url, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname in ('public', 'graphile_worker') order by 1`,
    )
    const content: Record<string, string[]> = {}
    for (const { name } of tables.filter((each) => !each.name.endsWith('.migrations'))) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t order by 1`)
      content[name] = rows.map((each) => each.row)
    }
    return content
  })
}

const shellFor = (database: { url: string }, key = KEY) =>
  openShell({ DATABASE_URL: database.url, PERMEA_ENCRYPTION_KEYS: key })

beforeAll(async () => {
  house = await buildHouse()
  await house.admin.customers.create({ body: { name: AWKWARD, internalId: 'acme' } })
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  await house.admin.flows.create({
    body: {
      key: 'note',
      nodes: { trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } } } },
    },
  })
  await house.admin.flowInstances.create({ body: { flowKey: 'note', userId: 'acme' } })
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: 'order' } })
  const body = JSON.stringify(Array.from({ length: 50 }, (_, n) => ({ of: 'acme', n, text: AWKWARD })))
  await fetch(globalWebhookUri, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await house.settle()
  const shell = await shellFor({ url: house.databaseUrl })
  const made = await shell.run('backup', 'whole.zip')
  expect(made).toMatchObject({ code: 0, err: '' })
  expect(made.out).toMatch(/tables with \d+ rows.*\n.*does not hold the encryption key \([0-9a-f]{8}/)
  whole = {
    file: path.join(shell.dir, 'whole.zip'),
    dir: shell.dir,
    [Symbol.asyncDispose]: () => shell[Symbol.asyncDispose](),
  }
}, 120_000)

afterAll(async () => {
  await whole[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

test('what is restored into an empty database is row for row what was there', async () => {
  await using empty = await createEmptyDatabase()
  await using shell = await shellFor(empty)
  const before = await contentOf(house.databaseUrl)
  expect(await shell.run('restore', whole.file)).toMatchObject({ code: 0, out: expect.stringContaining('Restored') })
  expect(await contentOf(empty.url)).toEqual(before)
  expect(JSON.stringify(before)).toContain('backslash')
  // Identities go on where they were, and the keys of tables hold again.
  await using other = await buildHouse({ database: { url: empty.url, workspace: house.workspace } })
  await other.admin.customers.create({ body: { name: 'Globex', internalId: 'globex' } })
  const { globalWebhookUri } = await other.admin.appEventTypes.get({ params: { selector: 'order' } })
  const sent = await fetch(globalWebhookUri.replace(/^http:\/\/[^/]+/, other.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"of": "acme"}',
  })
  expect(sent.status).toBe(200)
  await other.settle()
  expect((await other.admin.flowRuns.list({ query: { limit: 100 } })).items).toHaveLength(51)
  const atWork = await shell.run('restore', whole.file, '--force')
  expect(atWork).toMatchObject({ code: 1, err: expect.stringContaining('an engine is at work') })
})

test('a database that has something is left alone, unless it is forced', async () => {
  await using own = await createTestDatabase()
  await using shell = await shellFor(own)
  await inDatabase(own.url, (client) =>
    client.query(`insert into customers (id, workspace_id, internal_id, name, fields, created_at, updated_at)
                  select gen_random_uuid(), gen_random_uuid(), 'x', 'x', '{}', now(), now() where false`),
  )
  // A schema without rows is as good as none.
  expect(await shell.run('restore', whole.file)).toMatchObject({ code: 0 })
  const again = await shell.run('restore', whole.file)
  expect(again.code).toBe(1)
  expect(again.err).toMatch(/the database is not empty \(\w+ has rows\)/)
  expect((await shell.run('restore', whole.file, '--force')).code).toBe(0)
  expect(await contentOf(own.url)).toEqual(await contentOf(house.databaseUrl))
})

test('tables of somebody else are never thrown away', async () => {
  await using empty = await createEmptyDatabase()
  await inDatabase(empty.url, (client) => client.query('create table theirs (id int)'))
  await using shell = await shellFor(empty)
  const { code, err } = await shell.run('restore', whole.file, '--force')
  expect(code).toBe(1)
  expect(err).toContain("tables that are not the engine's (theirs …)")
  await inDatabase(empty.url, (client) => client.query('select * from theirs'))
})

test('a backup of an older version is brought forward', async () => {
  const names = await migrationNames()
  await using old = await createEmptyDatabase()
  await using empty = await createEmptyDatabase()
  const database = createDatabase({ url: old.url, connectionsMax: 1, log: silentLog })
  await migrate(database, { only: names.slice(0, 3) })
  await migrateQueue(database, silentLog)
  await database.close()
  await using shell = await shellFor(old)
  expect((await shell.run('backup', 'old.zip')).code).toBe(0)
  await using other = await shellFor(empty)
  expect((await other.run('restore', path.join(shell.dir, 'old.zip'))).code).toBe(0)
  const { rows } = await inDatabase(empty.url, (client) =>
    client.query<{ name: string }>('select name from migrations order by name'),
  )
  expect(rows.map((row) => row.name)).toEqual(names)
})

/** A database that a command must not have touched. */
async function expectUntouched(database: TestDatabase): Promise<void> {
  const { rows } = await inDatabase(database.url, (client) =>
    client.query(`select 1 from pg_class where relnamespace = 'public'::regnamespace`),
  )
  expect(rows).toEqual([])
}

test('what is no whole backup, or one of a newer version, is refused before anything is changed', async () => {
  await using empty = await createEmptyDatabase()
  await using shell = await shellFor(empty)
  const bytes = await readFile(whole.file)
  const refusals: [string, Buffer, RegExp][] = [
    ['half.zip', bytes.subarray(0, bytes.length / 2), /half\.zip is no whole backup/],
    ['text.zip', Buffer.from('no zip'), /text\.zip is no whole backup/],
    ['damaged.zip', damaged(bytes), /damaged\.zip is damaged: own\/app_events\.copy/],
  ]
  for (const [name, content, message] of refusals) {
    await writeFile(path.join(shell.dir, name), content)
    const { code, err } = await shell.run('restore', name)
    expect([name, code]).toEqual([name, 1])
    expect(err).toMatch(message)
  }
  expect(await shell.run('restore', 'nowhere.zip')).toMatchObject({ code: 2, err: expect.stringContaining('no file') })
  await expectUntouched(empty)
  // A database with a migration that nobody here knows.
  await using newer = await createTestDatabase()
  await inDatabase(newer.url, (client) => client.query(`insert into migrations (name) values ('9999-later.sql')`))
  await using theirs = await shellFor(newer)
  expect((await theirs.run('backup', 'newer.zip')).code).toBe(0)
  const { err } = await shell.run('restore', path.join(theirs.dir, 'newer.zip'))
  expect(err).toMatch(/made by a newer version .* it has 9999-later\.sql/)
  await expectUntouched(empty)
})

/** One byte of the rows of the largest table is another. */
function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const at = copy.indexOf('own/app_events.copy') + 200
  copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at)
  return copy
}

test('the key of the backup has to be there, or is done without on purpose', async () => {
  await using empty = await createEmptyDatabase()
  await using shell = await shellFor(empty, 'quite another key that is also long enough')
  const refused = await shell.run('restore', whole.file)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/the encryption key [0-9a-f]{8} of the backup is not here/)
  await expectUntouched(empty)
  expect((await shell.run('restore', whole.file, '--without-key')).code).toBe(0)
})

test('a file is checked without a database, and none is overwritten unasked', async () => {
  await using shell = await openShell({ DATABASE_URL: house.databaseUrl })
  const checked = await shell.run('restore', whole.file, '--check', '--json')
  expect(JSON.parse(checked.out)).toMatchObject({ tables: { app_events: 50, customers: 1 } })
  await writeFile(path.join(shell.dir, 'mine.zip'), 'mine')
  expect((await shell.run('backup', 'mine.zip')).code).toBe(2)
  expect(await readFile(path.join(shell.dir, 'mine.zip'), 'utf8')).toBe('mine')
  expect((await shell.run('backup', 'mine.zip', '--force')).code).toBe(0)
  expect((await shell.run('restore', 'mine.zip', '--check')).code).toBe(0)
  const stopped = shell.begin('backup', 'stopped.zip')
  expect(await stopped.stop()).toBe(1)
  await expect(readFile(path.join(shell.dir, 'stopped.zip.part'))).rejects.toThrow('ENOENT')
  await using nothing = await openShell({})
  expect(await nothing.run('backup')).toMatchObject({ code: 2, err: expect.stringContaining('there is no database') })
})
