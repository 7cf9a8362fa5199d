import { contract, type Endpoint, type EndpointTable, ERRORS, ErrorData, refusalsOf } from '@permea/contract'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unknownFieldsOf } from './unknown-fields.ts'

// What every endpoint refuses in the same way, read from the contract; each room tests the refusals of its own.

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
)

let house: House
let adminToken: string
let customerToken: string

beforeAll(async () => {
  house = await buildHouse()
  adminToken = await house.tokenOf({ isAdmin: true })
  customerToken = await house.tokenOf({ id: 'customer-x' })
})

afterAll(() => house[Symbol.asyncDispose]())

/** Sends what fits the endpoint but names things that are not there. */
function send(endpoint: Endpoint, with_: { token?: string; query?: string; body?: unknown }): Promise<Response> {
  const body = with_.body ?? (endpoint.body === undefined ? undefined : nowhereFor(endpoint))
  const path = endpoint.path.replaceAll(/:\w+/g, 'unknown')
  return fetch(`${house.url}${path}${with_.query ?? ''}`, {
    method: endpoint.method,
    headers: {
      ...(with_.token === undefined ? {} : { authorization: `Bearer ${with_.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** Every way in which a body or a query names something, naming what is not there. */
const NOWHERE = {
  id: 'unknown',
  key: 'unknown',
  userId: 'unknown',
  flowId: 'unknown',
  appEventTypeId: 'unknown',
  url: 'https://unknown.example/',
  flowInstanceId: 'unknown',
  integrationKey: 'unknown',
  integrationKeys: ['unknown'],
  destinationId: 'unknown',
  connectorKey: 'unknown',
  appUrl: 'https://unknown.invalid',
  function: 'export default () => 1',
  connectionId: 'unknown',
  externalRecordId: 'unknown',
  appRecordId: 'unknown',
  direction: 'import',
  role: 'reader',
  fields: {},
  query: 'unknown',
}

const unknownIn = (endpoint: Endpoint, body: object) => unknownFieldsOf(endpoint)(body)

/** What is searched for is a text, what is matched an object, under the same name. */
function nowhereFor(endpoint: Endpoint): object {
  const isText = endpoint.body?.safeParse(NOWHERE).error?.issues.some(({ path }) => path[0] === 'query') !== true
  const all = isText ? NOWHERE : { ...NOWHERE, query: {} }
  const unknown = new Set(unknownIn(endpoint, all).map(({ field }) => field))
  return Object.fromEntries(Object.entries(all).filter(([name]) => !unknown.has(name)))
}
const NOWHERE_QUERY =
  '?id=unknown&userId=unknown&integrationKey=unknown' +
  '&dataSourceKey=unknown&fieldMappingKey=unknown&appDataSchemaKey=unknown&dataLinkTableKey=unknown&confirm=unknown'

async function expectRefusal(response: Response, key: keyof typeof ERRORS): Promise<void> {
  const error = ErrorData.parse(await response.json())
  expect(error).toMatchObject({ key, type: ERRORS[key].type })
  expect(response.status).toBe(ERRORS[key].status)
}

const closed = endpoints.filter(({ endpoint }) => endpoint.access !== 'public')

test.each(closed)('$name needs a token', async ({ endpoint }) => {
  await expectRefusal(await send(endpoint, {}), 'not_authenticated')
  await expectRefusal(await send(endpoint, { token: 'no-token' }), 'not_authenticated')
})

test.each(closed.filter(({ endpoint }) => endpoint.access === 'admin'))(
  '$name needs an admin’s token',
  async ({ endpoint }) => {
    await expectRefusal(await send(endpoint, { token: customerToken }), 'access_denied')
  },
)

test.each(endpoints.filter(({ endpoint }) => endpoint.query !== undefined))(
  '$name refuses a query that says one thing twice',
  async ({ endpoint }) => {
    const [name] = Object.keys(endpoint.query?.shape ?? {})
    const response = await send(endpoint, { token: adminToken, query: `?${name}=a&${name}=b` })
    await expectRefusal(response, 'invalid_input')
  },
)

// Where the body is the input of something, it may be anything.
test.each(endpoints.filter(({ endpoint }) => endpoint.body?.safeParse(['a list']).success === false))(
  '$name refuses a body that is not an object',
  async ({ endpoint }) => {
    await expectRefusal(await send(endpoint, { token: adminToken, body: ['a list'] }), 'invalid_input')
  },
)

const UNHEARD_OF = { unheardOf: 1 }

test.each(endpoints.filter(({ endpoint }) => unknownIn(endpoint, UNHEARD_OF).length > 0))(
  '$name refuses a field that nobody knows',
  async ({ endpoint }) => {
    await expectRefusal(await send(endpoint, { token: adminToken, body: UNHEARD_OF }), 'invalid_input')
  },
)

// Who has no account finds nothing in it; `people.test.ts` looks there.
const isOfAccount = (endpoint: Endpoint) => endpoint.needs === 'account'

// What takes only certain fields does not take all of those above.
const isChoosy = (endpoint: Endpoint) =>
  endpoint.body?.safeParse(NOWHERE).error?.issues[0]?.code === 'unrecognized_keys'

test.each(
  endpoints.filter(
    ({ endpoint }) => refusalsOf(endpoint).includes('not_found') && !isChoosy(endpoint) && !isOfAccount(endpoint),
  ),
)('$name does not know what is not there', async ({ endpoint }) => {
  const query = endpoint.query === undefined ? '' : NOWHERE_QUERY
  await expectRefusal(await send(endpoint, { token: adminToken, query }), 'not_found')
})
