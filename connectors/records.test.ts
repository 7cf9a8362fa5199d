import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  type House,
  type Received,
  type Receiver,
  refusalKey,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ASANA } from './record-cases/asana.ts'
import { asked } from './record-cases/asked.ts'
import { DIRECTUS } from './record-cases/directus.ts'
import { DISCORD } from './record-cases/discord.ts'
import { GHOST } from './record-cases/ghost.ts'
import { GITHUB } from './record-cases/github.ts'
import { GOCARDLESS } from './record-cases/gocardless.ts'
import { asksFor } from './record-cases/graphql.ts'
import { HUBSPOT } from './record-cases/hubspot.ts'
import { INTERCOM } from './record-cases/intercom.ts'
import { LINEAR } from './record-cases/linear.ts'
import { NOTION } from './record-cases/notion.ts'
import { PADDLE } from './record-cases/paddle.ts'
import { RAZORPAY } from './record-cases/razorpay.ts'
import type { RecordCase, RecordStep } from './record-cases/record-case.ts'
import { SHOPIFY } from './record-cases/shopify.ts'
import { SLACK } from './record-cases/slack.ts'
import { SQUARE } from './record-cases/square.ts'
import { STRIPE } from './record-cases/stripe.ts'
import { TRELLO } from './record-cases/trello.ts'
import { WORKOS } from './record-cases/workos.ts'
import { ZENDESK } from './record-cases/zendesk.ts'

// Collections of the ready-made connectors ask for what the vendors' own packages ask for, and read what these read.

let app: Receiver
let house: House

beforeAll(async () => {
  app = await startReceiver()
  house = await buildHouse()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const CASES = [
  [STRIPE, GITHUB, HUBSPOT, SLACK, NOTION, ASANA, INTERCOM, WORKOS, DIRECTUS, GHOST],
  [SQUARE, LINEAR, ZENDESK, TRELLO, SHOPIFY, PADDLE, GOCARDLESS, RAZORPAY, DISCORD],
].flat(2)

/** A connection to an app at the receiver that has the data of a ready-made connector, made once for each. */
const connected = new Map<string, Promise<string>>()

function connectionTo(of: RecordCase<unknown>): Promise<string> {
  const made = connected.get(of.connector) ?? connect(of)
  connected.set(of.connector, made)
  return made
}

async function connect({ connector, makeApiClient }: RecordCase<unknown>): Promise<string> {
  const { definition } = await house.engine.connectors.find({ workspaceId: house.workspace.id }, connector)
  const args = { credentials: makeApiClient.credentials, connectorParameters: {} }
  const { baseUri } = (await valueOfConnector(house, { connector, slot: makeApiClient.slot, args })) as {
    baseUri: string
  }
  const path = new URL(baseUri).pathname.replace(/\/$/, '')
  const key = `as-${connector}`
  await addApp(house, {
    key,
    url: `${app.url}${path}`,
    data: definition.data,
    responseHandlers: definition.responseHandlers,
  })
  const { connection } = await connectApp(house, { customer: 'anna', integrationKey: key })
  return connection.id
}

const isGraphql = (body: unknown): body is { query: string } =>
  typeof (body as { query?: unknown } | null)?.query === 'string'

/** A method called over the API, as a customer calls it. */
async function call(of: RecordCase<unknown>, { method, given }: RecordStep<unknown>): Promise<unknown> {
  const { dataCollections } = await house.as('anna')
  const params = { connectionSelector: await connectionTo(of), key: of.collection }
  const request = { params, body: { ...given, parameters: of.parameters } }
  switch (method) {
    case 'list':
      return dataCollections.listRecords(request)
    case 'search':
      return dataCollections.searchRecords(request as Parameters<typeof dataCollections.searchRecords>[0])
    case 'match':
      return dataCollections.matchRecord(request as Parameters<typeof dataCollections.matchRecord>[0])
    case 'findById':
      return dataCollections.findRecordById(request as Parameters<typeof dataCollections.findRecordById>[0])
    case 'create':
      return dataCollections.createRecord(request as Parameters<typeof dataCollections.createRecord>[0])
    case 'update':
      return dataCollections.updateRecord(request as Parameters<typeof dataCollections.updateRecord>[0])
    case 'delete':
      return dataCollections.deleteRecord(request as Parameters<typeof dataCollections.deleteRecord>[0])
  }
}

describe.each(CASES.map((of) => [`${of.connector}/${of.collection}`, of] as const))('%s', (_name, of) => {
  test('every method that is offered is asked for here', async () => {
    const { dataCollections } = await house.as('anna')
    const params = { connectionSelector: await connectionTo(of), key: of.collection }
    app.behave(answering(200, { results: [], data: [] }))
    const spec = await dataCollections.get({ params, query: of.parameters ?? {} })
    const offered = ['list', 'search', 'match', 'findById', 'create', 'update', 'delete'].filter(
      (method) => spec[method as 'list'] !== undefined,
    )
    expect(offered.toSorted()).toEqual([...new Set(of.steps.map(({ method }) => method))].toSorted())
  })

  test('a record has the fields that the collection tells of', async () => {
    const { definition } = await house.engine.connectors.find({ workspaceId: house.workspace.id }, of.connector)
    const { fieldsSchema } = definition.data?.[of.collection] ?? {}
    const find = of.steps.find(({ method }) => method === 'findById') as RecordStep<unknown>
    app.behave(answering(200, of.whole))
    const { record } = (await call(of, find)) as { record: { fields: Record<string, unknown> } }
    expect(Object.keys(record.fields)).toEqual(expect.arrayContaining(Object.keys(fieldsSchema?.properties ?? {})))
  })

  test.each(of.steps.map((step) => [step.method, step] as const))(
    '%s asks for what the vendor’s package asks for, and reads what that reads',
    async (_method, step) => {
      await connectionTo(of)
      app.behave(answering(step.status ?? 200, step.answer, step.headers))
      app.received.length = 0
      const taken = await step.vendor(of.client(app.url))
      const [theirs] = app.received.splice(0)
      const given = await call(of, step)
      const ours = app.received.at(-1)
      const [oursIs, theirsIs] = [asked(ours as Received), asked(theirs as Received, step.besides)]
      if (theirsIs.path.endsWith('/graphql') && isGraphql(theirsIs.body) && isGraphql(oursIs.body)) {
        // The package asks for every field that there is.
        expect({ ...oursIs, body: null }).toEqual({ ...theirsIs, body: null })
        expect(asksFor(theirsIs.body)).toEqual(expect.arrayContaining(asksFor(oursIs.body)))
      } else expect(oursIs).toEqual(theirsIs)
      expect(given).toMatchObject(step.gives as object)
      // A page after the last one would be asked for ever.
      expect(Object.hasOwn(given as object, 'cursor')).toBe(Object.hasOwn(step.gives as object, 'cursor'))
      // What the package makes of the answer has the same ids.
      for (const [, id] of JSON.stringify(step.gives).matchAll(/"id":"([^"]+)"/g))
        expect(JSON.stringify(taken)).toContain(id)
    },
  )
})

const caseOf = (connector: string, collection: string) =>
  CASES.find((of) => of.connector === connector && of.collection === collection) as RecordCase<unknown>

const step = (method: RecordStep<unknown>['method'], given: Record<string, unknown>) =>
  ({ method, given }) as RecordStep<unknown>

test('a customer that Stripe says is deleted is not there', async () => {
  app.behave(answering(200, { id: 'cus_1', object: 'customer', deleted: true }))
  expect(await refusalKey(call(caseOf('stripe', 'customers'), step('findById', { id: 'cus_1' })))).toBe('not_found')
})

test('an address that nobody has at Slack matches no user; what Slack refuses is an error', async () => {
  const users = caseOf('slack', 'users')
  const match = step('match', { query: { email: 'nobody@example.com' } })
  app.behave(answering(200, { ok: false, error: 'users_not_found' }))
  expect(await call(users, match)).toEqual({})
  app.behave(answering(200, { ok: false, error: 'missing_scope' }))
  expect(await refusalKey(call(users, match))).toBe('connection_failed')
})

test('where pages are counted, a full one has another after it', async () => {
  const full = Array.from({ length: 100 }, (_, index) => ({
    id: index + 1,
    number: index + 1,
    full_name: `a/${index}`,
  }))
  app.behave(answering(200, full))
  const issues = caseOf('github', 'issues')
  const page = (await call(issues, step('list', {}))) as { records: unknown[]; cursor?: string }
  expect([page.records.length, page.cursor]).toEqual([100, '2'])
  app.behave(answering(200, { items: full }))
  expect(await call(issues, step('search', { query: 'a', cursor: '2' }))).toMatchObject({ cursor: '3' })
  app.behave(answering(200, full))
  expect(await call(caseOf('github', 'repositories'), step('list', {}))).toMatchObject({ cursor: '2' })
  app.behave((request, response) =>
    answering(200, { data: request.path.startsWith('/fields') ? [] : full })(request, response),
  )
  expect(await call(caseOf('directus', 'items'), step('list', {}))).toMatchObject({ cursor: '2' })
  expect(await call(caseOf('directus', 'items'), step('search', { query: 'a' }))).toMatchObject({ cursor: '2' })
})

test('fields that a connection has of its own are told with their types', async () => {
  app.behave((request, response) => {
    const answer = request.path.startsWith('/fields')
      ? [
          { field: 'id', type: 'integer', schema: { is_primary_key: true } },
          { field: 'title', type: 'string', schema: {} },
          { field: 'price', type: 'decimal', schema: {} },
          { field: 'tags', type: 'json', schema: {} },
          { field: 'divider', type: 'alias', schema: null },
        ]
      : [
          { name: 'email', type: 'string', hubspotDefined: true },
          { name: 'size', label: 'Size', type: 'enumeration', options: [{ value: 's' }, { value: 'l' }] },
          { name: 'not_asked_for', type: 'string' },
        ]
    return answering(200, { data: answer, results: answer })(request, response)
  })
  const { dataCollections } = await house.as('anna')
  const schemaOf = async (of: RecordCase<unknown>, query: Record<string, string>) => {
    const params = { connectionSelector: await connectionTo(of), key: of.collection }
    const { fieldsSchema } = await dataCollections.refresh({ params, query })
    return (fieldsSchema as { properties: Record<string, unknown> }).properties
  }
  expect(await schemaOf(caseOf('directus', 'items'), { collection: 'articles' })).toEqual({
    id: { type: 'integer', readOnly: true },
    title: { type: 'string' },
    price: { type: 'number' },
    tags: {},
  })
  const contacts = await schemaOf(caseOf('hubspot', 'contacts'), { properties: 'email,size' })
  expect(contacts.size).toEqual({ type: 'string', title: 'Size', enum: ['s', 'l'] })
  expect(contacts).not.toHaveProperty('not_asked_for')
})
