import { sendEvents } from '@permea/sdk'
import { createEngineProcess, createTestDatabase, pause, seededRandom, until } from '@permea/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'

// What a run waits for is not missed, whenever the engine is killed.

const KILLS = Number(process.env.KILLS ?? 3)
const ORDERS_PER_LIFE = 25

test('runs that wait for events find each of them, whenever the engine is killed', {
  timeout: 90_000 + KILLS * 15_000,
}, async () => {
  const random = seededRandom()
  await using database = await createTestDatabase()
  await using engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts: [] })
  await using connection = await connected(database.url)
  await engine.start()
  const admin = engine.as({ isAdmin: true })
  for (const key of ['order', 'payment']) await admin.appEventTypes.create({ body: { key, name: key } })
  const nodes = {
    trigger: { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'paid' }] },
    paid: {
      type: 'wait-for-event',
      config: { appEvent: { key: 'payment' }, field: 'order', value: { $var: '$.input.trigger.id' } },
    },
  }
  await admin.flows.create({ body: { key: 'paid', nodes } })
  const customer = engine.as({ id: 'acme' })
  const { id } = await customer.flowInstances.getByQuery({ query: { flowKey: 'paid', autoCreate: true } })
  const { items } = await customer.appEventSubscriptions.list()
  const addressOf = (key: string) => items.find((each) => each.appEventType?.key === key)?.webhookUri ?? ''
  const [orders, payments] = [addressOf('order'), addressOf('payment')]

  const sent: string[] = []
  let acknowledged = 0
  const paid = new Set<string>()
  async function pay(order: string): Promise<void> {
    await sendEvents(payments, { order }).then(
      () => paid.add(order),
      () => {},
    )
  }
  for (let life = 1; life <= KILLS; life += 1) {
    const names = Array.from({ length: ORDERS_PER_LIFE }, (_, index) => `${life}-${index}`)
    const load = Promise.all(
      names.map(async (order) => {
        await pause(random.between(0, 400))
        const isStored = await sendEvents(orders, { id: order }).then(
          () => true,
          () => false,
        )
        sent.push(order)
        if (!isStored) return
        acknowledged += 1
        await pay(order)
      }),
    )
    await pause(random.between(50, 500))
    await engine.kill('SIGKILL')
    await load
    await engine.start()
  }
  // What was not acknowledged may be stored all the same: it is paid now, after everything else.
  for (const order of sent) if (!paid.has(order)) await pay(order)
  expect(paid.size).toBe(sent.length)
  await until('every run has ended', 60_000, async () => {
    const { rows } = await connection.query('select 1 from flow_runs_open limit 1')
    return rows.length === 0
  })
  const { rows } = await connection.query<{ state: string; n: number }>(
    'select state, count(*)::int as n from flow_runs group by state',
  )
  process.stdout.write(`${JSON.stringify({ seed: random.seed, kills: KILLS, acknowledged, rows })}\n`)
  expect(rows.map((row) => row.state)).toEqual(['completed'])
  expect(rows[0]?.n).toBeGreaterThanOrEqual(acknowledged)
  expect((await customer.flowRuns.list({ query: { flowInstanceId: id, state: 'failed' } })).items).toEqual([])
})

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}
