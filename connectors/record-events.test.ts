import {
  addApp,
  answering,
  buildHouse,
  type House,
  type Receiver,
  startReceiver,
  valueOfConnector,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asked } from './record-cases/asked.ts'
import { EVENT_CASES, type EventCase } from './record-cases/event-cases.ts'
import { asksFor } from './record-cases/graphql.ts'

// Collections of the ready-made connectors hear of changes by webhook: registered as the vendors' packages register them,
// verified as these verify, and made records.

let app: Receiver
let mine: Receiver
let house: House

beforeAll(async () => {
  app = await startReceiver()
  mine = await startReceiver()
  mine.behave(answering(200))
  house = await buildHouse()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await Promise.all([app[Symbol.asyncDispose](), mine[Symbol.asyncDispose]()])
})

/** The app at the receiver, which answers what the case says and nothing else. */
function behaveAs({ registers, answer, headers, others = {} }: EventCase): void {
  app.behave(async (request, response) => {
    const wanted = `${request.method} ${new URL(request.path, app.url).pathname.replace(/\/$/, '')}`
    const target = (request.json as { data?: { target?: string } } | undefined)?.data?.target
    // Asana asks at the URL before it answers.
    if (target !== undefined && headers !== undefined && target.startsWith(house.url)) {
      const shaken = await fetch(target, { method: 'POST', headers })
      expect(shaken.headers.get('x-hook-secret')).toBe(headers['x-hook-secret'])
    }
    if (wanted === registers) return answering(201, answer, headers)(request, response)
    if (others[wanted] !== undefined) return answering(200, others[wanted])(request, response)
    await answering(request.method === 'DELETE' ? 200 : 404, {})(request, response)
  })
}

async function connected(of: EventCase['of']) {
  const { definition } = await house.engine.connectors.find({ workspaceId: house.workspace.id }, of.connector)
  const { slot, credentials } = of.makeApiClient
  const args = { credentials, connectorParameters: {} }
  const made = (await valueOfConnector(house, { connector: of.connector, slot, args })) as { baseUri: string }
  const key = `as-${of.connector}-${of.collection}`
  const url = `${app.url}${new URL(made.baseUri).pathname.replace(/\/$/, '')}`
  await addApp(house, { key, url, data: definition.data, responseHandlers: definition.responseHandlers })
  const anna = await house.as('anna')
  const input = { apiKey: 'k', ...credentials, apiSecretKey: 'shpss_1' }
  return { anna, connection: await anna.connections.create({ body: { integrationKey: key, input } }) }
}

test.each(EVENT_CASES.map((of) => [`${of.of.connector}/${of.of.collection} ${of.type}`, of] as const))(
  '%s: is registered as the vendor’s package does it, and what comes then becomes a record once',
  async (_, of) => {
    behaveAs(of)
    const { anna, connection } = await connected(of.of)
    app.received.length = 0
    mine.received.length = 0
    const subscription = await anna.externalEventSubscriptions.create({
      body: {
        connectionId: connection.id,
        eventKey: `data-record-${of.type}:${of.of.collection}`,
        parameters: of.parameters ?? of.of.parameters ?? {},
        webhookUri: `${mine.url}/told`,
      },
    })
    expect(subscription.status).toBe('subscribed')

    const isRegistering = ({ method, path }: { method: string; path: string }) =>
      `${method} ${new URL(path, app.url).pathname.replace(/\/$/, '')}` === of.registers
    const ours = app.received.find(isRegistering)
    if (ours === undefined) throw new Error('nothing was registered')
    const [url = ''] = new RegExp(`${house.url}[^"&]*`).exec(decodeURIComponent(ours.path + ours.body)) ?? []
    const secret = typeof of.secret === 'string' ? of.secret : of.secret(ours.body)
    app.received.length = 0
    await of.vendor(of.of.client(app.url), { url, secret })
    const theirs = app.received.find(isRegistering)
    if (theirs === undefined) throw new Error('the package registered nothing')
    expect(registration(ours)).toEqual(registration(theirs))

    const send = (body: unknown, change = (text: string) => text) => {
      const text = JSON.stringify(body)
      const headers = { 'content-type': 'application/json', ...of.sign(text, { url, secret }) }
      return fetch(url, { method: 'POST', headers, body: change(text) })
    }
    const text = JSON.stringify(of.body)
    if (of.takes !== undefined) expect(await of.takes(text, of.sign(text, { url, secret }), { url, secret })).toBe(true)
    // A changed byte, an event of another kind, the event, and the event once more.
    expect((await send(of.body, (each) => `${each} `)).status).toBe(401)
    if (of.otherBody !== undefined) expect((await send(of.otherBody)).ok).toBe(true)
    expect((await send(of.body)).ok).toBe(true)
    const event = house.engine.connectors
    const { definition } = await event.find({ workspaceId: house.workspace.id }, of.of.connector)
    const collection = definition.data?.[of.of.collection]
    const base = definition.data?.objects
    const said = [collection, base].flatMap((each) => [each?.events?.[of.type], each?.events?.all])
    if (said.some((each) => each?.dedupeKey !== undefined)) expect((await send(of.body)).ok).toBe(true)
    await house.settle()
    expect(mine.received.map(({ json }) => json)).toMatchObject([{ type: of.type, record: of.record }])

    app.received.length = 0
    await anna.externalEventSubscriptions.archive({ params: { id: subscription.id } })
    await house.settle()
    const isTaken = of.registers === 'POST /graphql' ? 'POST' : 'DELETE'
    expect(app.received.map(({ method }) => method)).toContain(isTaken)
  },
)

/** What a package sends in the query, the connector may send in the body. */
function registration(received: Receiver['received'][number]) {
  const { method, path, query, body } = asked(received, ['key', 'token'])
  const isGraphql = path.endsWith('/graphql')
  const given = isGraphql
    ? asksFor(body).filter((each) => each.includes('('))
    : { ...Object.fromEntries(query), ...(body as object | null) }
  return { method, path: path.replace(/\/$/, ''), given }
}
