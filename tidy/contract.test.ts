import { contract, type EndpointTable, ERRORS } from '@permea/contract'
import { describe, expect, test } from 'vitest'

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
)

describe.each(endpoints)('$name', ({ endpoint }) => {
  test('has a path of kebab-case words and parameters, each parameter once', () => {
    expect(endpoint.path).toMatch(/^(?:\/(?:[a-z0-9]+(?:-[a-z0-9]+)*|:[a-z][a-zA-Z0-9]*))+$/)
    const params = endpoint.path.match(/:\w+/g) ?? []
    expect(new Set(params).size).toBe(params.length)
  })

  test('lists refusals that exist, each once', () => {
    expect(Object.keys(ERRORS)).toEqual(expect.arrayContaining([...endpoint.refusals]))
    expect(new Set(endpoint.refusals).size).toBe(endpoint.refusals.length)
  })

  test('has a summary: one line that ends without a dot', () => {
    expect(endpoint.summary).toMatch(/^\S(?:.*[^\s.])?$/)
  })

  test('takes a query that is an object of names', () => {
    expect(endpoint.query?.def.type ?? 'object').toBe('object')
  })

  // The published client names the links that are to go in the body of a DELETE.
  test('has no body where HTTP gives it no meaning', () => {
    const isOfLinks = endpoint.method === 'DELETE' && endpoint.path.endsWith('/links')
    if (!isOfLinks && (endpoint.method === 'GET' || endpoint.method === 'DELETE')) expect(endpoint.body).toBeUndefined()
  })
})

test('no two endpoints have one method and path, whatever their parameters are called', () => {
  const places = Map.groupBy(
    endpoints,
    ({ endpoint }) => `${endpoint.method} ${endpoint.path.replaceAll(/:\w+/g, ':')}`,
  )
  const clashes = [...places.values()].filter((place) => place.length > 1).map((place) => place.map(({ name }) => name))
  expect(clashes).toEqual([])
})
