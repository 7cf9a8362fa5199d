import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { addWorkspace, buildHouse, type House, systemClock } from '@permea/testkit'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openShell, type Shell } from '../../testing/shell.ts'

/** As the house has it. */
const KEY = 'a key for tests that is long enough'

vi.setConfig({ testTimeout: 60_000 })

let house: House
let shell: Shell

beforeAll(async () => {
  house = await buildHouse()
  shell = await openShell({
    PERMEA_URL: house.url,
    PERMEA_WORKSPACE_KEY: house.workspace.key,
    PERMEA_WORKSPACE_SECRET: house.workspace.secret,
    DATABASE_URL: house.databaseUrl,
    PERMEA_ENCRYPTION_KEYS: KEY,
  })
  for (const name of ['one', 'two', '=three, "quoted"'])
    await house.admin.customers.create({ body: { internalId: name, name } })
})
afterAll(async () => {
  await shell[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

const recordsIn = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { action: string; elementName?: string; hash: string; sequence: number })

test('the log is exported as it is asked for, into a file or to standard output', async () => {
  const all = await shell.run('audit', 'export')
  expect(all).toMatchObject({ code: 0, err: '' })
  expect(recordsIn(all.out).map(({ action }) => action)).toEqual([
    'auditLog.noteExport',
    ...Array.from({ length: 3 }, () => 'customers.create'),
  ])
  const one = await shell.run('audit', 'export', '--action', 'customers.create', '--search', 'two')
  expect(recordsIn(one.out).map(({ elementName }) => elementName)).toEqual(['two'])
  const csv = await shell.run('audit', 'export', '--format', 'csv', '--element-type', 'customer', '-o', 'kept.csv')
  expect(csv).toMatchObject({ code: 0, err: '' })
  const text = await readFile(path.join(shell.dir, 'kept.csv'), 'utf8')
  expect(text.trim().split('\r\n')).toHaveLength(4)
  expect(text).toContain(`"'=three, ""quoted"""`)
  expect(await readdir(shell.dir)).toEqual(['kept.csv'])
})

test('an export that is refused says why, and leaves no file', async () => {
  const wrong = await shell.run('audit', 'export', '--from', 'yesterday', '-o', 'none.ndjson')
  expect(wrong.code).toBe(1)
  expect(wrong.err).toContain('from')
  expect((await shell.run('audit', 'export', '--token', 'forged')).code).toBe(4)
  expect((await shell.run('audit', 'export', '--format', 'xml')).code).toBe(2)
  expect(await readdir(shell.dir)).toEqual(['kept.csv'])
})

test('a chain that holds is verified by the engine, and by the database alone', async () => {
  const asked = await shell.run('audit', 'verify')
  expect(asked).toMatchObject({ code: 0, err: '' })
  expect(asked.out).toMatch(/the chain holds: records 1 to \d+\n {2}newest hash [0-9a-f]{64}/)
  const other = await addWorkspace(house.engine, systemClock, null)
  const alone = await shell.run('audit', 'verify', '--database', '--json')
  expect(alone).toMatchObject({ code: 0, err: '' })
  expect(recordsIn(alone.out)).toMatchObject([
    { workspaceKey: house.workspace.key, isIntact: true, firstSequence: 1 },
    { workspaceKey: other.key, isIntact: true, records: 0 },
  ])
  const [first] = recordsIn((await shell.run('audit', 'export')).out).slice(-1)
  for (const how of [[], ['--database']]) {
    expect((await shell.run('audit', 'verify', ...how, '--kept', String(first?.hash).toUpperCase())).code).toBe(0)
    const foreign = await shell.run('audit', 'verify', ...how, '--kept', 'f'.repeat(64))
    expect(foreign).toMatchObject({ code: 1, err: expect.stringContaining('this is another history') })
  }
  expect((await shell.run('audit', 'verify', '--kept', 'short')).code).toBe(2)
  expect((await shell.run('audit', 'verify', '--workspace', other.key)).code).toBe(2)
  expect((await shell.run('audit', 'verify', '--database', '--workspace', 'nowhere')).code).toBe(1)
  await using keyless = await openShell({ DATABASE_URL: house.databaseUrl })
  expect((await keyless.run('audit', 'verify', '--database')).err).toContain('PERMEA_ENCRYPTION_KEYS')
  await using strange = await openShell({
    DATABASE_URL: house.databaseUrl,
    PERMEA_ENCRYPTION_KEYS: 'another key that is long enough for this',
  })
  expect((await strange.run('audit', 'verify', '--database')).code).toBe(1)
})

test('a chain that was tampered with ends with 1 and names the first record that is wrong', async () => {
  await house.engine.database.pool.query(
    "begin; set local session_replication_role = 'replica'; update audit_records set action = 'flows.get' where sequence in (2, 3); commit",
  )
  for (const how of [[], ['--database']]) {
    const broken = await shell.run('audit', 'verify', ...how)
    expect(broken.code).toBe(1)
    expect(broken.out).toContain('the chain is broken')
    expect(broken.err).toMatch(/record 2 \(aud_\w+\): it was changed/)
  }
})
