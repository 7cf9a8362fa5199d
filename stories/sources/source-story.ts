import type { BrokerSource } from '@permea/contract'
import {
  type BrokerProcess,
  buildHouse,
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  type House,
  passedOnTraces,
  pause,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'

/** A message as its sender hands it to the broker. */
export interface Sent {
  body: string
  headers?: Record<string, string>
}

interface SourceStory {
  start(): Promise<BrokerProcess>
  /** The address of what is read, without credentials. */
  url(broker: BrokerProcess, name: string): string
  /** User and password that the broker asks for. */
  login: [user: string, password: string]
  /** Makes what keeps messages. */
  prepare(broker: BrokerProcess, name: string): Promise<void>
  /** Resolves when the broker has them for certain. */
  send(broker: BrokerProcess, name: string, messages: readonly Sent[]): Promise<void>
  /** What cannot be read, by its URL, and what is said of it. */
  unreadable(broker: BrokerProcess): Record<string, RegExp>
  /** How many the broker has set aside of what was refused, where it can. */
  setAside?: (broker: BrokerProcess, name: string) => Promise<number>
}

type Source = z.output<typeof BrokerSource>

const CUSTOMERS = ['anna', 'ben', 'chloe']
const LIMIT_MS = 60_000
/** What is read by a process that dies is read by another after this long at most, on a busy machine. */
const TAKEN_OVER_MS_MAX = 30_000

/** What holds for events that are read from each kind of broker, against the real one. */
export function tellSourceStory(story: SourceStory): void {
  let broker: BrokerProcess
  let house: House

  beforeAll(async () => {
    ;[broker, house] = await Promise.all([story.start(), buildHouse({ engine: { tracing: passedOnTraces() } })])
    await furnish(house.admin)
  })
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]()
    await broker?.[Symbol.asyncDispose]()
  })

  const withLogin = (url: string) => url.replace('://', `://${story.login.join(':')}@`)
  const sourceOf = (selector: string) => house.admin.brokerSources.get({ params: { selector } })
  const reading = (key: string) =>
    until(`${key} is read`, LIMIT_MS, async () => (await sourceOf(key)).state === 'reading')
  const read = (key: string, more: object = {}) =>
    house.admin.brokerSources.create({
      body: { key, appEventTypeId: 'order', url: withLogin(story.url(broker, key)), ...more },
    })
  const stored = (customer?: string) => storedBy(house.admin, customer)
  const order = (no: string, customer = 'anna', headers: Record<string, string> = {}): Sent => ({
    body: JSON.stringify({ no, customer }),
    headers,
  })

  test('messages become events of their customers, once each; credentials are shown nowhere', async () => {
    await story.prepare(broker, 'plain')
    const made = await read('plain')
    expect(made).toMatchObject({ url: story.url(broker, 'plain'), hasLogin: true, accepted: 0 })
    await reading('plain')
    await story.send(broker, 'plain', [
      order('p1', 'anna', { 'webhook-id': 'one' }),
      order('p2', 'ben'),
      // What has the same id is the same message, and what has none is not.
      order('p1', 'anna', { 'webhook-id': 'one' }),
      order('p2', 'ben'),
      {
        body: JSON.stringify([
          { no: 'p3', customer: 'anna' },
          { no: 'p4', customer: 'chloe' },
        ]),
      },
    ])
    await until('all are stored', LIMIT_MS, async () => (await stored()).length === 5)
    expect((await stored('anna')).sort()).toEqual(['p1', 'p3'])
    expect(await stored('ben')).toEqual(['p2', 'p2'])
    expect(await stored('chloe')).toEqual(['p4'])
    await until('it is counted', LIMIT_MS, async () => (await sourceOf('plain')).accepted === 5)
    const shown = JSON.stringify([made, await sourceOf('plain'), await house.admin.brokerSources.list({})])
    expect(shown).not.toContain(story.login[1])
    expect(shown).not.toContain(Buffer.from(story.login.join(':')).toString('base64'))
  })

  test('what comes of a message stands in the trace that its sender names', async () => {
    const trigger = { type: 'app-event-trigger', config: { appEvent: { key: 'order' } }, links: [{ key: 'note' }] }
    const note = { type: 'transform-data', config: { output: 1 } }
    await house.admin.flows.create({ body: { key: 'traced', nodes: { trigger, note } } as never })
    const client = await house.as('dora')
    await client.flowInstances.getByQuery({ query: { flowKey: 'traced', autoCreate: true } })
    await story.prepare(broker, 'traced')
    await read('traced')
    const traceId = 'aaaabbbbccccddddeeeeffff00001234'
    await story.send(broker, 'traced', [
      order('t1', 'dora', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
      order('t2', 'dora', { traceparent: '00-broken-01' }),
    ])
    const runs = async () => (await client.flowRuns.list()).items.filter(({ state }) => state === 'completed')
    await until('both are run', LIMIT_MS, async () => (await runs()).length === 2)
    const traces = (await runs()).map((each) => each.traceId)
    expect(traces.filter((each) => each === traceId)).toHaveLength(1)
  })

  test('a header may say whose an event is, and another which message it is', async () => {
    await story.prepare(broker, 'named')
    await read('named', { customerHeader: 'X-Customer', idHeader: 'x-number' })
    await story.send(broker, 'named', [
      order('n1', 'anna', { 'x-customer': 'ben', 'x-number': '7' }),
      order('n1', 'anna', { 'x-customer': 'ben', 'x-number': '7' }),
      order('n2', 'anna', { 'x-customer': 'nobody', 'x-number': '8' }),
      order('n3', 'anna', { 'x-number': '9' }),
    ])
    await until('those of known customers are stored', LIMIT_MS, async () => (await stored('anna')).includes('n3'))
    expect((await stored('ben')).filter((no) => no === 'n1')).toHaveLength(1)
    const { id } = await sourceOf('named')
    await until('the other is refused', LIMIT_MS, async () => {
      const { items } = await house.admin.refusedRequests.list({ query: { elementId: id } })
      return items.length === 1 && items[0]?.reason === 'customer_unknown'
    })
  })

  test('what can never be taken in is refused where everybody sees it, and does not hold up what follows', async () => {
    await story.prepare(broker, 'poison')
    await read('poison')
    await story.send(broker, 'poison', [
      { body: '{"no": "x1", "password": "hidden-too", ' },
      { body: '7' },
      { body: '['.repeat(5000) },
      order('x2', 'ghost'),
      { body: JSON.stringify([{ no: 'x3', customer: 'anna' }, 5]) },
      order('x4'),
    ])
    await until('what follows is stored', LIMIT_MS, async () => (await stored('anna')).includes('x4'))
    const { id } = await sourceOf('poison')
    const refused = async () => (await house.admin.refusedRequests.list({ query: { elementId: id } })).items
    await until('five are refused', LIMIT_MS, async () => (await refused()).length === 5)
    const all = await refused()
    expect(all.map((each) => each.reason).sort()).toEqual([
      'customer_unknown',
      'event_not_an_object',
      'event_not_an_object',
      'malformed_body',
      'malformed_body',
    ])
    expect(all.every(({ path }) => path.startsWith(story.url(broker, 'poison').split('?')[0] ?? '-'))).toBe(true)
    expect(JSON.stringify(all)).not.toContain('hidden-too')
    await until('they are counted', LIMIT_MS, async () => {
      const source = await sourceOf('poison')
      return source.refused === 5 && source.accepted === 2 && source.lag === 0
    })
    const metrics = async () => (await fetch(`${house.url}/metrics`)).text()
    const of = (name: string, value: number) => `permea_broker_source_${name}{source="${id}"} ${value}`
    await until('a scrape has it', LIMIT_MS, async () => {
      const text = await metrics()
      return text.includes(of('lag_messages', 0)) && text.includes(of('failing', 0))
    })
    await until('Home has it', LIMIT_MS, async () => {
      const { brokerSources } = (await house.admin.statistics.get()).now
      return brokerSources?.waiting === 0 && brokerSources.unknown === 0 && brokerSources.failing === 0
    })
    if (story.setAside !== undefined) expect(await story.setAside(broker, 'poison')).toBe(4)
  })

  test('while it is paused, or a limit is reached, the broker keeps what comes', async () => {
    await story.prepare(broker, 'kept')
    await read('kept')
    await reading('kept')
    await house.admin.brokerSources.pause({ params: { selector: 'kept' } })
    expect(await sourceOf('kept')).toMatchObject({ state: 'paused' })
    const many = Array.from({ length: 30 }, (_, index) => order(`k${index}`, 'chloe'))
    await story.send(broker, 'kept', many)
    await house.admin.workspaces.patch({
      params: { id: house.workspace.key },
      body: { settings: { rateLimits: { webhooksPerAddress: 1 } } },
    })
    await house.admin.brokerSources.resume({ params: { selector: 'kept' } })
    await until('it is held', LIMIT_MS, async () => (await sourceOf('kept')).state === 'held')
    expect((await sourceOf('kept')).error).toMatch(/more than 1 requests at this address a second/)
    await house.admin.workspaces.patch({
      params: { id: house.workspace.key },
      body: { settings: { rateLimits: { webhooksPerAddress: 0 } } },
    })
    await until(
      'it goes on',
      LIMIT_MS,
      async () => (await stored('chloe')).filter((no) => no.startsWith('k')).length === 30,
    )
    // In the order of the broker; the list has the newest first.
    expect((await stored('chloe')).filter((no) => no.startsWith('k'))).toEqual(many.map((_, index) => `k${29 - index}`))
    await until('nothing waits', LIMIT_MS, async () => (await sourceOf('kept')).state === 'reading')
    const { items } = await house.admin.refusedRequests.list({ query: { elementId: (await sourceOf('kept')).id } })
    expect(items).toEqual([])
  })

  test('what cannot be read says why, and is read when it can be', async () => {
    const bad = Object.entries(story.unreadable(broker))
    for (const [index, [url, error]] of bad.entries()) {
      await house.admin.brokerSources.create({ body: { key: `bad-${index}`, appEventTypeId: 'order', url } })
      await until(`it is said of ${url}`, LIMIT_MS, async () => (await sourceOf(`bad-${index}`)).state === 'failing')
      const { id, error: said } = await sourceOf(`bad-${index}`)
      expect(said, url).toMatch(error)
      const text = await (await fetch(`${house.url}/metrics`)).text()
      expect(text).toContain(`permea_broker_source_failing{source="${id}"} 1`)
    }
    await until('Home names them', LIMIT_MS, async () => {
      const { brokerSources } = (await house.admin.statistics.get()).now
      return (
        brokerSources?.failing === bad.length && brokerSources.unknown === bad.length && brokerSources.waiting === 0
      )
    })
    await story.prepare(broker, 'mended')
    await house.admin.brokerSources.patch({
      params: { selector: 'bad-0' },
      body: { url: withLogin(story.url(broker, 'mended')) },
    })
    await story.send(broker, 'mended', [order('m1')])
    await until('it is read', LIMIT_MS, async () => (await stored('anna')).includes('m1'))
    for (const index of bad.keys()) await house.admin.brokerSources.archive({ params: { selector: `bad-${index}` } })
  })

  test('nothing is lost and nothing stored twice while the broker and the engine that reads are killed', {
    timeout: 240_000,
  }, async () => {
    await story.prepare(broker, 'killed')
    await using database = await createTestDatabase()
    const engines = await Promise.all(
      [0, 1].map(() => createEngineProcess({ databaseUrl: database.url, reachablePorts: [broker.port] })),
    )
    await using stack = new AsyncDisposableStack()
    for (const engine of engines) stack.use(engine)
    await Promise.all(engines.map((engine) => engine.start()))
    const adminOf = (engine: EngineProcess) => engine.as({ isAdmin: true })
    const [first, second] = engines as [EngineProcess, EngineProcess]
    await furnish(adminOf(first))
    await adminOf(first).brokerSources.create({
      body: { key: 'killed', appEventTypeId: 'order', url: withLogin(story.url(broker, 'killed')) },
    })
    const sent: string[] = []
    const sendMore = async (count: number) => {
      const some = Array.from({ length: count }, (_, index) => `q${sent.length + index}`)
      // Each has an id, and the broker has it twice: as a sender sends again that saw no acknowledgement.
      const messages = some.map((no, index) => order(no, CUSTOMERS[index % 3], { 'webhook-id': no }))
      await story.send(broker, 'killed', [...messages, ...messages.slice(0, 5)])
      sent.push(...some)
    }
    const allStored = (engine: EngineProcess) =>
      until('all are stored', 120_000, async () => new Set(await storedBy(adminOf(engine))).size === sent.length)

    await sendMore(40)
    await until('some are stored', LIMIT_MS, async () => (await storedBy(adminOf(second))).length > 0)
    await broker.kill()
    await pause(300)
    await broker.start()
    await sendMore(200)
    const reader = (await acceptedBy(first)) > 0 ? first : second
    const other = reader === first ? second : first
    await until('it is in the middle of it', LIMIT_MS, async () => (await storedBy(adminOf(other))).length > 60)
    await reader.kill('SIGKILL')
    const killedMs = performance.now()
    const accepted = await acceptedBy(other)
    await sendMore(40)
    await until('the other reads', TAKEN_OVER_MS_MAX, async () => (await acceptedBy(other)) > accepted)
    process.stdout.write(`${JSON.stringify({ takenOverMs: Math.round(performance.now() - killedMs) })}\n`)
    await allStored(other)
    await reader.start()
    await sendMore(20)
    await allStored(other)
    const all = await storedBy(adminOf(other))
    expect(all).toHaveLength(sent.length)
    const source: Source = await adminOf(other).brokerSources.get({ params: { selector: 'killed' } })
    expect(source).toMatchObject({ refused: 0 })
  })
}

async function furnish(admin: House['admin']): Promise<void> {
  await admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.customer' } } })
  for (const internalId of CUSTOMERS) await admin.customers.create({ body: { internalId } })
}

/** The numbers of the events that are stored, newest first. */
async function storedBy(admin: House['admin'], customer?: string): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin.appEvents.list({
      query: { limit: 1000, ...(customer === undefined ? {} : { userId: customer }), ...(cursor ? { cursor } : {}) },
    })
    found.push(...page.items.map((each) => (each.event as { no: string }).no))
    cursor = page.cursor
    if (cursor === undefined || page.items.length === 0) return found
  }
}

async function acceptedBy(engine: EngineProcess): Promise<number> {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  return Number(/^permea_events_accepted_total (\d+)/m.exec(text)?.[1] ?? 0)
}
