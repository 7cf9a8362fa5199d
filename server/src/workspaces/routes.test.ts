import { createPermea } from '@permea/sdk'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

/** A client of a workspace, by its secret. */
async function ownerOf(workspace: { key: string; secret: string }) {
  const token = await house.engine.tokens.sign(workspace, { isAdmin: true }, 600)
  return createPermea({ baseUrl: house.url, token })
}

test('a token sees its own workspace, by key and id, and no other; one of the main workspace sees all', async () => {
  const main = house.workspace
  const other = await house.admin.workspaces.create({ body: { name: 'Other' } })
  const owner = await ownerOf(other)
  const { items } = await owner.workspaces.list()
  expect(items).toMatchObject([{ key: other.key, name: 'Other', isMain: false, type: 'production' }])
  expect((await owner.workspaces.list({ query: { workspaceKey: main.key } })).items).toEqual([])
  for (const id of [other.key, other.id]) expect(await owner.workspaces.get({ params: { id } })).toEqual(items[0])
  for (const asked of [
    () => owner.workspaces.get({ params: { id: main.key } }),
    () => owner.workspaces.patch({ params: { id: main.key }, body: { name: 'Mine' } }),
    () => owner.workspaces.rotateSecret({ params: { id: main.key } }),
    () => owner.workspaces.createAccessToken({ params: { id: main.key }, body: {} }),
  ])
    expect(await refusalKey(asked())).toBe('not_found')
  const all = await house.admin.workspaces.list()
  expect(all.items.map(({ key, isMain }) => [key, isMain])).toEqual([
    [main.key, true],
    [other.key, false],
  ])
  expect((await house.admin.workspaces.list({ query: { workspaceKey: other.key } })).items).toEqual(items)
  expect(await house.admin.workspaces.get({ params: { id: other.id } })).toEqual(items[0])
  // Whoever owns the installation may draw a new secret, which is seen, but not read the one that is in use.
  expect(
    await refusalKey(house.admin.workspaces.get({ params: { id: other.key }, query: { includeSecrets: true } })),
  ).toBe('not_found')
  expect(await refusalKey(house.admin.workspaces.createAccessToken({ params: { id: other.key }, body: {} }))).toBe(
    'not_found',
  )
})

test('workspaces are made by owners of the main workspace alone, and a key is there once', async () => {
  const made = await house.admin.workspaces.create({ body: { name: 'Acme', key: 'acme', type: 'development' } })
  expect(made).toMatchObject({ key: 'acme', name: 'Acme', type: 'development', isMain: false })
  expect(await refusalKey(house.admin.workspaces.create({ body: { name: 'Acme', key: 'acme' } }))).toBe(
    'already_exists',
  )
  expect(await refusalKey(house.admin.workspaces.create({ body: { name: 'Acme', key: '../x' } }))).toBe('invalid_input')
  const owner = await ownerOf(made)
  expect(await refusalKey(owner.workspaces.create({ body: { name: 'Mine' } }))).toBe('access_denied')
  for (const [client, may] of [
    [house.admin, 'already_exists'],
    [owner, 'access_denied'],
  ] as const) {
    const { key: token } = await client.apiKeys.create({ body: { name: 'ci', scope: 'owner' } })
    const asked = createPermea({ baseUrl: house.url, token }).workspaces.create({ body: { name: 'x', key: 'acme' } })
    expect(await refusalKey(asked)).toBe(may)
  }
})

test('a workspace is one of its own: what it has, nobody else sees, and a new secret counts at once', async () => {
  const made = await house.admin.workspaces.create({ body: { name: 'Acme' } })
  const owner = await ownerOf(made)
  await owner.customers.create({ body: { internalId: 'anna', name: 'Anna' } })
  expect((await house.admin.customers.list()).items).toEqual([])
  const { secret } = await house.admin.workspaces.rotateSecret({ params: { id: made.key } })
  expect(await refusalKey(owner.customers.list())).toBe('not_authenticated')
  expect((await (await ownerOf({ ...made, secret })).customers.list()).items).toMatchObject([{ internalId: 'anna' }])
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
