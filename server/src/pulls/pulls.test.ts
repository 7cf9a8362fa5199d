import {
  addApp,
  answering,
  buildHouse,
  connectApp,
  createTestDatabase,
  type House,
  type Receiver,
  type RecordApp,
  startReceiver,
  startRecordApp,
  ticketCollection,
} from '@permea/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let receiver: Receiver
let desk: RecordApp

beforeEach(async () => {
  receiver = await startReceiver()
  receiver.behave(answering(200))
  desk = await startRecordApp()
})

afterEach(async () => {
  await desk[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

type Events = NonNullable<NonNullable<Parameters<typeof addApp>[1]['data']>[string]['events']>
const KINDS = ['created', 'updated', 'deleted'] as const

/** Flows that tell your app of each kind of change of the collection. */
async function watch(house: House, events: Events | undefined, kinds: readonly (typeof KINDS)[number][] = KINDS) {
  const collection = events === undefined ? ticketCollection : { ...ticketCollection, events }
  await addApp(house, { url: desk.url, data: { tickets: collection } })
  const { client, connection } = await connectApp(house, { customer: 'acme' })
  const dataSource = { collectionKey: 'tickets', fullSyncIntervalSeconds: 60, pullUpdatesIntervalSeconds: 60 }
  for (const what of kinds) {
    const body = { id: { $var: '$.input.t.record.id' }, subject: { $var: '$.input.t.record.fields.subject' } }
    const nodes = {
      t: { type: `data-record-${what}-trigger`, config: { dataSource }, links: [{ key: 'tell' }] },
      tell: { type: 'api-request-to-your-app', config: { request: { method: 'POST', uri: what, body } } },
    }
    await house.admin.flows.create({ body: { key: what, nodes } })
    await client.flowInstances.getByQuery({ query: { flowKey: what, connectionId: connection.id, autoCreate: true } })
  }
  await house.settle()
  return client
}

interface Told {
  id: string
  subject?: string
}
const told = (...kinds: string[]): Told[] =>
  receiver.received.filter((each) => kinds.includes(each.path.slice(1))).map((each) => each.json as Told)
const idsOf = (list: readonly Told[]) => list.map((each) => each.id)
const LOOK_MS = 80_000

describe('the newest records of an app that lists them by time', () => {
  const latest = (by: string) => ({
    implementationType: 'pull-latest-records' as const,
    methods: {
      pullLatestRecords: {
        run: `export default async ({ apiClient, cursor }) => {
          const { items, next } = await apiClient.get('/tickets/latest', { by: '${by}', ...(cursor ? { cursor } : {}) })
          return { records: items, ...(next === undefined ? {} : { cursor: next }) }
        }`,
      },
    },
  })

  test('each is told of once, oldest first, also where many share a moment, pages end among them and one fails', async () => {
    await using house = await buildHouse({ appBaseUri: receiver.url, clock: 'settable' })
    await desk.create('tickets', { subject: 'Before' })
    const events = { created: latest('createdAt'), updated: latest('updatedAt') }
    await watch(house, events, ['created', 'updated'])
    desk.pageSize = 2
    const made: string[] = []
    for (let number = 1; number <= 5; number += 1) made.push(await desk.create('tickets', { subject: `No ${number}` }))
    // All of one moment, as an app stamps what was imported at once.
    for (const id of made) {
      const record = desk.records.get('tickets')?.get(id)
      Object.assign(record ?? {}, { createdAt: '2026-01-01T01:00:00.000Z', updatedAt: '2026-01-01T01:00:00.000Z' })
    }
    desk.failNext(null, { status: 503 })
    for (let look = 0; look < 3; look += 1) await house.advance(LOOK_MS)
    expect(idsOf(told('created')).toSorted()).toEqual(made.toSorted())
    expect(told('updated')).toEqual([])
    // One more of the same moment is still new.
    const late = await desk.create('tickets', { subject: 'Late' })
    Object.assign(desk.records.get('tickets')?.get(late) ?? {}, {
      createdAt: '2026-01-01T01:00:00.000Z',
      updatedAt: '2026-01-01T01:00:00.000Z',
    })
    const record = desk.records.get('tickets')?.get(made[0] ?? '')
    Object.assign(record ?? {}, { subject: 'Changed', updatedAt: '2026-01-01T02:00:00.000Z' })
    for (let look = 0; look < 2; look += 1) await house.advance(LOOK_MS)
    expect(idsOf(told('created')).at(-1)).toBe(late)
    expect(told('created')).toHaveLength(6)
    expect(told('updated')).toEqual([{ id: made[0], subject: 'Changed' }])
  })
})

test('a connector that keeps its own state of what it told is asked from where it stood, and nothing is told twice', async () => {
  await using house = await buildHouse({ appBaseUri: receiver.url, clock: 'settable' })
  const collectEvents = `export default async ({ apiClient, state }) => {
    const { items } = await apiClient.get('/tickets')
    const fresh = items.slice(state.count)
    return { events: fresh.map((record) => ({ type: 'created', record })), state: { count: state.count + fresh.length } }
  }`
  const subscribe = `export default async ({ apiClient }) => {
    const { items } = await apiClient.get('/tickets')
    return { count: items.length }
  }`
  await desk.create('tickets', { subject: 'Before' })
  const created = {
    implementationType: 'custom-pull' as const,
    methods: { subscribe: { run: subscribe }, collectEvents: { run: collectEvents } },
  }
  await watch(house, { created }, ['created'])
  const first = await desk.create('tickets', { subject: 'First' })
  desk.failNext({ status: 500 })
  for (let look = 0; look < 2; look += 1) await house.advance(LOOK_MS)
  const second = await desk.create('tickets', { subject: 'Second' })
  for (let look = 0; look < 2; look += 1) await house.advance(LOOK_MS)
  expect(told('created')).toEqual([
    { id: first, subject: 'First' },
    { id: second, subject: 'Second' },
  ])
})

type Step =
  | { do: 'create' }
  | { do: 'change' | 'remove'; at: number }
  | { do: 'look'; failures: (number | null)[]; pageSize: number }
  | { do: 'kill' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant({ do: 'create' } as const) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('change' as const, 'remove' as const), at: fc.nat(20) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('look' as const),
        failures: fc.array(fc.constantFrom(null, null, 429, 500, 503), { maxLength: 5 }),
        pageSize: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'kill' } as const) },
  ),
  { minLength: 8, maxLength: 20 },
)

test('whatever changes in an app, fails or dies: what flows were told is what changed', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      desk.records.get('tickets')?.clear()
      receiver.received.length = 0
      await using database = await createTestDatabase()
      const first = await buildHouse({ appBaseUri: receiver.url, clock: 'settable', database })
      let house = first
      const start = async () => {
        house = await buildHouse({
          clock: 'settable',
          startsAt: house.clock.now(),
          database: { url: database.url, workspace: first.workspace },
        })
      }
      const baseline = [await desk.create('tickets', { subject: 'a' }), await desk.create('tickets', { subject: 'b' })]
      await watch(house, undefined)
      const seen = new Set(baseline)
      const ever = { created: new Set<string>(), updated: new Set<string>(), deleted: new Set<string>() }
      let version = 0
      const look = async () => {
        await house.advance(LOOK_MS)
        for (const id of idsOf(told('created'))) seen.add(id)
      }
      for (const step of sequence) {
        const ids = [...(desk.records.get('tickets')?.keys() ?? [])]
        const id = 'at' in step ? ids[step.at % Math.max(1, ids.length)] : undefined
        version += 1
        if (step.do === 'create') ever.created.add(await desk.create('tickets', { subject: `v${version}` }))
        else if (step.do === 'change' && id !== undefined) {
          await desk.change('tickets', id, { subject: `v${version}` })
          ever.updated.add(id)
        } else if (step.do === 'remove' && id !== undefined) {
          await desk.remove('tickets', id)
          ever.deleted.add(id)
        } else if (step.do === 'look') {
          desk.pageSize = step.pageSize
          desk.failNext(...step.failures.map((status) => (status === null ? null : { status })))
          await look()
        } else if (step.do === 'kill') {
          // Dies in the middle of a page, where one is read just now.
          const dying = house
          const died = new Promise<void>((resolve) => {
            desk.onPage = () => {
              desk.onPage = null
              resolve()
            }
          })
          const looking = dying.advance(LOOK_MS).catch(() => undefined)
          await Promise.race([died, looking])
          await dying[Symbol.asyncDispose]()
          desk.onPage = null
          await start()
        }
      }
      desk.failNext()
      for (let quiet = 0; quiet < 4; quiet += 1) await look()
      await house[Symbol.asyncDispose]()

      // Nothing is invented …
      for (const kind of KINDS) for (const id of idsOf(told(kind))) expect(ever[kind]).toContain(id)
      // … everything that was seen to come and go is told of …
      const gone = new Set(idsOf(told('deleted')))
      for (const id of ever.deleted) if (seen.has(id)) expect([...gone]).toContain(id)
      // … and what was told last of a record is how it is.
      const last = new Map(told('created', 'updated').map(({ id, subject }) => [id, subject]))
      for (const [id, record] of desk.records.get('tickets') ?? []) {
        const isUntouched = baseline.includes(id) && !ever.updated.has(id)
        expect([id, last.get(id)]).toEqual([id, isUntouched ? undefined : record.subject])
      }
    }),
    { numRuns: 3, endOnFailure: true },
  )
})
