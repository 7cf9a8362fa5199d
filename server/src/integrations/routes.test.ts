import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

test('an integration is found by id and key, in the path and in a query, by any customer, who does not see its parameters', async () => {
  const made = await house.admin.integrations.create({ body: { name: 'Big CRM!', parameters: { region: 'eu' } } })
  expect(made).toMatchObject({ key: 'big-crm', name: 'Big CRM!', logoUri: '', parameters: { region: 'eu' } })
  const { integrations } = await house.as('customer-x')
  const { parameters: _, ...seen } = made
  for (const found of [
    await integrations.get({ params: { selector: 'big-crm' } }),
    await integrations.get({ params: { selector: made.id } }),
    await integrations.getByQuery({ query: { key: 'big-crm' } }),
    await integrations.getByQuery({ query: { id: made.id } }),
    ...(await integrations.list({ query: { search: 'CRM' } })).items,
  ])
    expect(found).toEqual(seen)
})

test('a key is taken by one that lives, and free again once it is archived', async () => {
  const { integrations } = house.admin
  const old = await integrations.create({ body: { key: 'crm' } })
  const params = { selector: (await integrations.create({ body: { key: 'other' } })).id }
  expect(await refusalKey(integrations.create({ body: { key: 'crm' } }))).toBe('already_exists')
  expect(await refusalKey(integrations.put({ params, body: { key: 'crm' } }))).toBe('already_exists')
  expect(await refusalKey(integrations.patch({ params, body: { key: 'crm' } }))).toBe('already_exists')
  await integrations.archive({ params: { selector: old.id } })
  expect(await integrations.put({ params, body: { key: 'crm', logoUri: 'https://logo' } })).toMatchObject({
    key: 'crm',
    logoUri: 'https://logo',
  })
  expect(await refusalKey(integrations.restore({ params: { selector: old.id } }))).toBe('already_exists')
})

test('an archived one is not changed until it is restored', async () => {
  const { integrations } = house.admin
  const params = { selector: (await integrations.create({ body: { key: 'crm' } })).id }
  await integrations.archive({ params })
  expect(await refusalKey(integrations.put({ params, body: { name: 'Late' } }))).toBe('archived')
  expect(await refusalKey(integrations.patch({ params, body: { name: 'Late' } }))).toBe('archived')
  expect((await integrations.list()).items).toEqual([])
  expect(await integrations.restore({ params })).toMatchObject({ key: 'crm' })
  expect(await integrations.patch({ params, body: { name: 'In time' } })).toMatchObject({ name: 'In time' })
})
