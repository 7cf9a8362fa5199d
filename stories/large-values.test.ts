import { createEngineProcess, createTestDatabase, startExternalApp, startReceiver, until } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'
import { longestSilenceOf } from './silence.ts'
import { connectVendor, offerEvent, offerVendor } from './vendor.ts'

// Valid values of hundreds of thousands of names or items, through everything that looks at them: the engine goes on
// answering others meanwhile.

const SILENCE_MS_MAX = 250
/** A machine has moments of its own: what is exceeded is measured again, so often at most. */
const TRIES = 5

const NAMES = JSON.stringify(Object.fromEntries(Array.from({ length: 400_000 }, (_, n) => [`n${n}`, n])))
const ITEMS = JSON.stringify({ items: Array.from({ length: 200_000 }, (_, n) => ({ id: n, of: `item ${n}` })) })

test('whatever is done with large values, the engine is never silent for long', { timeout: 240_000 }, async () => {
  await using vendor = await startExternalApp()
  await using receiver = await startReceiver()
  await using database = await createTestDatabase()
  await using engine = await createEngineProcess({
    databaseUrl: database.url,
    reachablePorts: [vendor.port, receiver.port],
  })
  await engine.start()
  const admin = engine.as({ isAdmin: true })
  const acme = engine.as({ id: 'acme' })
  await offerVendor(admin, vendor)
  const { id } = await connectVendor(acme, vendor)
  const trigger = { $var: '$.input.trigger' }
  const request = { uri: receiver.url, method: 'POST', body: { $var: '$.input.make' } }
  const flowOf = async (key: string, make: { type: string; config: object }, links: object[] = []) => {
    await admin.appEventTypes.create({ body: { key } })
    const first = { type: 'app-event-trigger', config: { appEvent: { key } }, links: [{ key: 'make' }] }
    const send = { type: 'api-request-to-your-app', config: { request } }
    const nodes = { trigger: first, make: { ...make, links }, ...(links.length === 0 ? {} : { send }) }
    await admin.flows.create({ body: { key, name: key, nodes } })
    await acme.flowInstances.create({ body: { flowKey: key, enabled: true } })
    const query = { appEventTypeKey: key, autoCreate: true }
    return (await acme.appEventSubscriptions.getByQuery({ query })).webhookUri
  }
  const copied = await flowOf('copied', { type: 'transform-data', config: { output: { all: trigger } } }, [
    { key: 'send' },
  ])
  const code = 'export default ({ input }) => Object.keys(input).length'
  const computed = await flowOf('computed', { type: 'run-javascript', config: { code, input: trigger } })
  const { url: handled } = await offerEvent(admin, acme, id, 'handled', 'return { events: [data] }')
  const headers = { 'content-type': 'application/json' }
  const statusOf = async (url: string, body: string, more: Record<string, string> = {}) =>
    (await fetch(url, { method: 'POST', headers: { ...headers, ...more }, body })).status
  const bearer = { authorization: `Bearer ${engine.tokenOf({ isAdmin: true })}` }
  const list = Array.from({ length: 45_000 }, (_, n) => `token ${n}`)

  const silences: number[] = []
  for (let tries = 0; tries < TRIES && (silences.at(-1) ?? Number.POSITIVE_INFINITY) > SILENCE_MS_MAX; tries += 1) {
    const watching = new AbortController()
    const silence = longestSilenceOf(engine, watching.signal)
    try {
      for (const body of [NAMES, ITEMS])
        for (const url of [copied, computed, handled]) expect(await statusOf(url, body)).toBe(200)
      const customer = JSON.stringify({ name: `customer ${tries}`, fields: { list } })
      expect(await statusOf(`${engine.url}/customers`, customer, bearer)).toBe(201)
      expect(await statusOf(`${engine.url}/flows`, NAMES, bearer)).toBe(400)
      await until('every run has ended', 60_000, async () => (await endedRuns(database.url)) === 4 * (tries + 1))
    } finally {
      watching.abort()
    }
    silences.push(Math.round(await silence))
  }
  expect(Math.min(...silences), JSON.stringify(silences)).toBeLessThanOrEqual(SILENCE_MS_MAX)
  // What was sent on is what came in.
  expect(receiver.received.map(({ body }) => (JSON.parse(String(body)) as { all: object }).all)).toContainEqual(
    JSON.parse(ITEMS),
  )
})

async function endedRuns(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query('select count(*)::int as count from flow_runs where ended_at is not null')
    return rows[0]?.count ?? 0
  } finally {
    await client.end()
  }
}
