import { createPermea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

test('a token sees its own workspace, by key and id, and no other', async () => {
  const other = await addWorkspace(house.engine, house.clock, null)
  const { items } = await house.admin.workspaces.list()
  expect(items).toMatchObject([{ key: house.workspace.key, name: 'Test workspace' }])
  expect((await house.admin.workspaces.list({ query: { workspaceKey: other.key } })).items).toEqual([])
  for (const id of [house.workspace.key, items[0]?.id ?? ''])
    expect(await house.admin.workspaces.get({ params: { id } })).toEqual(items[0])
  expect(await refusalKey(house.admin.workspaces.get({ params: { id: other.key } }))).toBe('not_found')
})

test('the secret is shown only where it is asked for', async () => {
  const params = { id: house.workspace.key }
  expect(await house.admin.workspaces.get({ params })).not.toHaveProperty('secret')
  expect(await house.admin.workspaces.get({ params, query: { includeSecrets: true } })).toMatchObject({
    secret: house.workspace.secret,
  })
})

test('a new secret counts at once, and the old one no more', async () => {
  const params = { id: house.workspace.key }
  const secret = 'another-secret-that-is-long-enough'
  expect(await house.admin.workspaces.patch({ params, body: { name: 'Renamed', secret } })).toMatchObject({
    name: 'Renamed',
  })
  expect(await refusalKey(house.admin.workspaces.list())).toBe('not_authenticated')
  const token = await house.engine.tokens.sign({ ...house.workspace, secret }, { isAdmin: true }, 60)
  expect((await createPermea({ baseUrl: house.url, token }).workspaces.list()).items).toMatchObject([
    { name: 'Renamed' },
  ])
})

test('an access token is for the customer or the admin it was asked for', async () => {
  const params = { id: house.workspace.key }
  const self = async (body: { isAdmin?: boolean; tenantKey?: string; name?: string }) => {
    const { token } = await house.admin.workspaces.createAccessToken({ params, body })
    return createPermea({ baseUrl: house.url, token }).customers.self()
  }
  expect(await self({ tenantKey: 'customer-x', name: 'X' })).toMatchObject({
    internalId: 'customer-x',
    name: 'X',
    isAdmin: false,
  })
  expect(await self({ isAdmin: true })).toMatchObject({ workspaceKey: house.workspace.key, isAdmin: true })
})
