import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

let house: House

beforeEach(async () => {
  house = await buildHouse()
})

afterEach(() => house[Symbol.asyncDispose]())

test('a customer is changed by its path and by a query, under either of its ids', async () => {
  const { customers } = house.admin
  const { id } = await customers.create({ body: { internalId: 'c-1' } })
  expect(await customers.put({ params: { selector: id }, body: { name: 'One' } })).toMatchObject({ name: 'One' })
  expect(await customers.putByQuery({ query: { id }, body: { name: 'Two' } })).toMatchObject({ name: 'Two' })
  const patched = await customers.patchByQuery({ query: { internalId: 'c-1' }, body: { isTest: true } })
  expect(patched).toMatchObject({ id, name: 'Two', isTest: true })
  expect(await customers.getByQuery({ query: { internalId: 'c-1' } })).toEqual(patched)
  expect((await customers.list({ query: { isTest: true } })).items.map((each) => each.id)).toEqual([id])
  expect((await customers.list({ query: { isTest: false } })).items).toEqual([])
})

test('an id of yours stands for one customer', async () => {
  const { customers } = house.admin
  const { id } = await customers.create({ body: { internalId: 'c-1' } })
  await customers.create({ body: { internalId: 'taken' } })
  const body = { internalId: 'taken' }
  for (const call of [
    () => customers.create({ body }),
    () => customers.put({ params: { selector: id }, body }),
    () => customers.patch({ params: { selector: id }, body }),
    () => customers.putByQuery({ query: { id }, body }),
    () => customers.patchByQuery({ query: { id }, body }),
  ])
    expect(await refusalKey(call())).toBe('already_exists')
  expect(await customers.patch({ params: { selector: id }, body: { internalId: 'free' } })).toMatchObject({ id })
})

test('an archived customer is not changed until it is restored', async () => {
  const { customers } = house.admin
  const { id } = await customers.create({ body: { internalId: 'c-1' } })
  await customers.archiveByQuery({ query: { id } })
  const body = { name: 'Late' }
  for (const call of [
    () => customers.put({ params: { selector: id }, body }),
    () => customers.patch({ params: { selector: id }, body }),
    () => customers.putByQuery({ query: { id }, body }),
    () => customers.patchByQuery({ query: { id }, body }),
  ])
    expect(await refusalKey(call())).toBe('archived')
  expect(await customers.restoreByQuery({ query: { id } })).toMatchObject({ id })
  expect(await customers.patch({ params: { selector: id }, body })).toMatchObject({ name: 'Late' })
})

test('only customers that used a token lately are active', async () => {
  await house.admin.customers.create({ body: { internalId: 'quiet' } })
  const { id } = await (await house.as('lively')).customers.self()
  const ids = async (isActive: boolean) =>
    (await house.admin.customers.list({ query: { isActive } })).items.map((each) => each.internalId)
  expect(id).toBeDefined()
  expect(await ids(true)).toEqual(['lively'])
  expect(await ids(false)).toEqual(['quiet'])
})

test('credentials are the customer’s to store and to see', async () => {
  const customer = await house.as('customer-x')
  expect(await customer.customers.patchSelf({ body: { credentials: { key: 'k' } } })).toMatchObject({
    credentials: { key: 'k' },
  })
  expect(await customer.customers.self()).toMatchObject({ credentials: { key: 'k' } })
  await house.admin.customers.patch({ params: { selector: 'customer-x' }, body: { credentials: null } })
  expect(await customer.customers.self()).not.toHaveProperty('credentials')
  expect(await refusalKey(house.admin.customers.patchSelf({ body: { credentials: {} } }))).toBe('invalid_input')
})
