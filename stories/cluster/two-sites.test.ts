import { connect } from '@nats-io/transport-node'
import {
  createEngineProcess,
  createLink,
  createPostgresProcess,
  type EngineProcess,
  type NatsCluster,
  postgresSocketOf,
  seededRandom,
  startNatsCluster,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLedger, eventIds, furnish, type Ledger, nameOf, reckon, shipmentMaker, twoCalls } from '../ledger.ts'
import { startClients } from '../operate/steady-clients.ts'
import { type FarSite, makeFarSite } from './far-site.ts'

// Two sites, one with the database and two servers of NATS, the other with one; an engine and its senders at each.

const FLOWS = ['orders']
const STREAM = 'permea_intake'
/** What a packet takes between continents, and more of it lost than anybody would put up with. */
const APART = { delayMs: 35, jitterMs: 10, lostShare: 0.02 }

const random = seededRandom()
const stack = new AsyncDisposableStack()
const taken = new Map<string, number>()
let site: FarSite
let nats: NatsCluster
let near: EngineProcess
let far: EngineProcess
let places: Awaited<ReturnType<typeof furnish>>
const ledgers = { near: createLedger(), far: createLedger() }

beforeAll(async () => {
  const [receiver, postgres] = await Promise.all([startReceiver(), createPostgresProcess(), makeFarSite()]).then(
    ([first, second, third]) => {
      site = stack.use(third)
      return [stack.use(first), stack.use(second)] as const
    },
  )
  await postgres.start()
  receiver.behave((request, response) => {
    const what = nameOf(request)
    taken.set(what, (taken.get(what) ?? 0) + 1)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
  const here = { address: site.near, within: [] }
  nats = stack.use(await startNatsCluster([here, here, { address: site.far, within: site.within }]))
  const database = stack.use(await createLink(postgresSocketOf(postgres.urlOf('postgres')), site.near))
  const application = stack.use(await createLink(receiver.port, site.near))
  const options = {
    databaseUrl: `postgres://postgres@${site.near}:${database.port}/postgres`,
    reachablePorts: [],
    env: {
      PERMEA_NATS_URL: nats.url,
      PERMEA_NATS_MEGABYTES: '64',
      PERMEA_EGRESS_ALLOW: `${site.near}/32:${application.port}`,
    },
  }
  // Those of its own site: a connection that is cut silently is noticed after some seconds.
  const nearby = nats.url.split(',').slice(0, 2).join(',')
  near = stack.use(await createEngineProcess({ ...options, env: { ...options.env, PERMEA_NATS_URL: nearby } }))
  far = stack.use(await createEngineProcess({ ...options, elsewhere: site }))
  await near.start()
  site.wireIs(APART)
  await far.start()
  places = await furnish(
    near,
    FLOWS.map((key) => twoCalls(key, `${site.near}:${application.port}`)),
    ['anna', 'ben', 'chloe', 'dora', 'emil', 'fritz'],
  )
  await until('each works a share', 60_000, async () => (await shardsOf(near)) === 32 && (await shardsOf(far)) === 32)
}, 240_000)

afterAll(() => stack.disposeAsync(), 60_000)

async function shardsOf(engine: EngineProcess): Promise<number> {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  return Number(/^permea_shards_owned (\d+)/m.exec(text)?.[1])
}

function sendersAt(engine: EngineProcess, ledger: Ledger) {
  const make = shipmentMaker(random, { ...places, tokenOf: (customer) => near.tokenOf({ id: customer }) })
  const name = engine === near ? 'n' : 'f'
  let made = 0
  return startClients(
    () => engine,
    () => {
      made += 1
      // Orders and keys of both sites are apart.
      const shipment = make()
      const orders = shipment.orders.map((order) => `${name}-${ledger.acknowledged.size}-${made}-${order}`)
      return { ...shipment, orders, key: orders.join() }
    },
    ledger,
  )
}

/** Acknowledged ids of both sites against rows, runs and what the receiver saw. */
async function balanced(what: string): Promise<void> {
  const left = async (state: 'queued' | 'running') =>
    (await places.admin.flowRuns.list({ query: { state, limit: 1 } })).items.length
  const behind = async ({ url }: EngineProcess) => {
    const said = (await (await fetch(`${url}/readyz`)).json()) as { intakeLog?: { messages: number } }
    return said.intakeLog?.messages ?? 1
  }
  const acknowledged = new Set(Object.values(ledgers).flatMap((ledger) => [...ledger.acknowledged.keys()]))
  let rows = new Set<string>()
  // A message that nobody told of is not among those behind until it is looked for.
  await until('everything is applied', 60_000, async () => {
    rows = new Set(await eventIds(places.admin))
    return [...acknowledged].every((id) => rows.has(id)) && (await behind(near)) + (await behind(far)) === 0
  }).catch(() => {})
  await until('every run has ended', 60_000, async () => (await left('queued')) + (await left('running')) === 0)
  for (const [name, ledger] of Object.entries(ledgers)) {
    const sums = await reckon(ledger, places.admin, taken, FLOWS)
    process.stdout.write(
      `${JSON.stringify({
        ...{ what, site: name, seed: random.seed, acknowledged: sums.acknowledged, lost: sums.lost.length },
        ...{ duplicates: sums.duplicates, unanswered: ledger.unanswered, refused: Object.fromEntries(ledger.refused) },
        reasons: [...ledger.reasons],
      })}\n`,
    )
    expect(sums.lost).toEqual([])
    expect(sums.notCompleted).toEqual([])
    // What was sent again was told of the first.
    expect(new Set([...ledger.acknowledged.values()].map(({ order }) => order)).size).toBe(ledger.acknowledged.size)
  }
  // Every row was acknowledged, and everything acknowledged is a row.
  expect([...acknowledged].filter((id) => !rows.has(id))).toEqual([])
  expect(rows.size).toBe(acknowledged.size)
}

test('at 80 ms there and back, with two packets of a hundred lost, nobody is refused at either site', {
  timeout: 240_000,
}, async () => {
  for (const ledger of Object.values(ledgers)) {
    ledger.refused.clear()
    ledger.unanswered = 0
  }
  await using nearby = sendersAt(near, ledgers.near)
  await using faraway = sendersAt(far, ledgers.far)
  await until('events were taken in at both', 120_000, () => {
    return ledgers.near.acknowledged.size > 150 && ledgers.far.acknowledged.size > 80
  })
  await Promise.all([nearby.finish(), faraway.finish()])
  await balanced('apart')
  for (const { refused, unanswered } of Object.values(ledgers)) {
    expect(Object.fromEntries(refused)).toEqual({})
    expect(unanswered).toBe(0)
  }
})

/** Has the server of the other site decide for the log. */
async function leadFromAfar(): Promise<void> {
  const [, , there] = nats.nodes
  const connection = await connect({ servers: nats.url.split(',').map((each) => each.replace('nats://', '')) })
  try {
    await until('the other site leads', 60_000, async () => {
      const leader = await nats.leaderOf(STREAM)
      if (leader === there) return true
      if (leader !== null) await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${STREAM}`).catch(() => {})
      return false
    })
  } finally {
    await connection.close()
  }
}

test('while the sites are cut off from each other the one with two servers goes on, and the other acknowledges nothing', {
  timeout: 300_000,
}, async () => {
  await leadFromAfar()
  const before = ledgers.far.acknowledged.size
  await using nearby = sendersAt(near, ledgers.near)
  await using faraway = sendersAt(far, ledgers.far)
  await until('the other site takes in', 60_000, () => ledgers.far.acknowledged.size > before + 10)
  site.wireIs({ ...APART, lostShare: 1 })
  const cutNear = ledgers.near.acknowledged.size
  await until('this one takes in', 60_000, () => ledgers.near.acknowledged.size > cutNear + 60)
  await nearby.finish()
  const refusals = () => [...ledgers.far.refused.values()].reduce((sum, times) => sum + times, 0)
  await until('the other site refuses', 60_000, () => refusals() > 0)
  const cutFar = ledgers.far.acknowledged.size
  await until('it goes on refusing', 60_000, () => refusals() > 4)
  expect(ledgers.far.acknowledged.size).toBe(cutFar)
  site.wireIs(APART)
  await until('the other takes in again', 120_000, () => ledgers.far.acknowledged.size > cutFar + 10)
  await faraway.finish()
  await balanced('cut off')
  for (const { refused } of Object.values(ledgers))
    expect([...refused.keys()].filter((what) => what !== '503 internal unavailable')).toEqual([])
})
