import { createPermea } from '@permea/sdk'
import { buildHouse, type House, refusalKey, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House
/** Another process on the same database. */
let other: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
  other = await buildHouse({ database: { url: house.databaseUrl, workspace: house.workspace }, clock: 'settable' })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

const make = (name: string, more: object = {}) =>
  house.admin.apiKeys.create({ body: { name, scope: 'reader', ...more } })
const by = (at: House, key: string) => createPermea({ baseUrl: at.url, token: key })

test('a key is shown once and kept as a hash, and says when it was used', async () => {
  const made = await make('dashboard')
  expect(made.key).toMatch(/^permea_[\w-]{43}$/)
  expect(made.key.startsWith(made.prefix)).toBe(true)
  expect(made).toMatchObject({ createdBy: 'workspace-secret', scope: 'reader' })
  const { rows } = await sql<{ all: string }>`select string_agg(k::text, ' ') as all from api_keys k`.execute(
    house.engine.database.db,
  )
  expect(rows[0]?.all).not.toContain(made.key.slice(made.prefix.length))

  await by(house, made.key).flows.list()
  const seen = () => house.admin.apiKeys.list().then(({ items }) => items.find(({ id }) => id === made.id))
  await until('its use is noted', 20_000, async () => (await seen())?.lastUsedAt !== undefined)
  expect(await seen()).not.toHaveProperty('key')
})

test('a key that was ended, is too old or was never made is refused in every process', async () => {
  const kept = await make('kept')
  const ended = await make('ended')
  const old = await make('old', { expiresAt: new Date(house.clock.now().getTime() + 60_000).toISOString() })
  for (const at of [house, other]) for (const { key } of [kept, ended, old]) await by(at, key).flows.list()

  await house.admin.apiKeys.archive({ params: { id: ended.id } })
  expect(await refusalKey(by(house, ended.key).flows.list())).toBe('not_authenticated')
  const statusElsewhere = () =>
    fetch(`${other.url}/flows`, { headers: { authorization: `Bearer ${ended.key}` } }).then(({ status }) => status)
  await until('it is refused elsewhere', 20_000, async () => (await statusElsewhere()) === 401)
  expect(await refusalKey(house.admin.apiKeys.archive({ params: { id: ended.id } }))).toBe('not_found')

  house.clock.advance(61_000)
  expect(await refusalKey(by(house, old.key).flows.list())).toBe('not_authenticated')
  expect(await refusalKey(by(house, `${kept.key.slice(0, -2)}AA`).flows.list())).toBe('not_authenticated')
  expect(await refusalKey(by(house, kept.prefix).flows.list())).toBe('not_authenticated')
  await by(house, kept.key).flows.list()
})

test('an end that is past, and a scope that nobody knows, are refused', async () => {
  expect(await refusalKey(make('late', { expiresAt: '2020-01-01T00:00:00Z' }))).toBe('invalid_input')
  expect(await refusalKey(make('all', { scope: 'everything' }))).toBe('invalid_input')
})
