import { type BrokerProcess, buildHouse, type House, type Receiver, startReceiver, until } from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A message as a reader of the broker finds it. */
export interface Arrived {
  headers: Record<string, string>
  body: string
}

interface BrokerStory {
  start(): Promise<BrokerProcess>
  /** The address of a target of the broker that is there, without credentials. */
  url(broker: BrokerProcess, target: string): string
  /** User and password that the broker asks for. */
  login: [user: string, password: string]
  /** Makes what keeps messages of a target. */
  prepare(broker: BrokerProcess, target: string): Promise<void>
  read(broker: BrokerProcess, target: string): Promise<Arrived[]>
  /** What is refused, by its URL, and the error. */
  refusals(broker: BrokerProcess): Record<string, RegExp>
  /** The broker itself knows a message again that was sent twice. */
  isDeduplicating: boolean
}

const TARGETS = { one: 'signed', many: 'killed', stuck: 'stuck' }
const MESSAGES = 120

/** What holds for deliveries to each kind of broker, against the real one. */
export function tellBrokerStory(story: BrokerStory): { house(): House; broker(): BrokerProcess } {
  let broker: BrokerProcess
  let house: House
  let receiver: Receiver

  beforeAll(async () => {
    ;[broker, house, receiver] = await Promise.all([story.start(), buildHouse(), startReceiver()])
    for (const target of Object.values(TARGETS)) await story.prepare(broker, target)
  })
  afterAll(async () => {
    // What is written to the broker ends before it does.
    await house[Symbol.asyncDispose]()
    await Promise.all([broker[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()])
  })

  const withLogin = (url: string) => {
    const [user, password] = story.login
    return url.replace('://', `://${user}:${password}@`)
  }
  const endpoint = (url: string, more: object = {}) =>
    house.admin.notificationEndpoints.create({ body: { url, eventTypes: ['connection.created'], ...more } })

  async function tell(...names: string[]): Promise<void> {
    const happenings = names.map((name) => ({
      workspaceId: house.workspace.id,
      customerId: null,
      eventType: 'connection.created' as const,
      data: {
        connection: {
          id: `con_${name}`,
          integrationId: 'int_1',
          integrationKey: 'slack',
          name,
          disconnected: false,
          customerId: 'c-1',
        },
      },
    }))
    await house.engine.database.transaction((tx) => house.engine.notifications.tell(tx, happenings))
  }
  const deliveriesOf = async (destinationId: string) => {
    const { items } = await house.admin.deliveries.list({ query: { destinationId, limit: 1000 } })
    return items
  }
  const nameIn = ({ body }: Arrived) =>
    (JSON.parse(body) as { data: { connection: { name: string } } }).data.connection.name

  test('a message arrives with its headers, signed; credentials are shown nowhere', async () => {
    const url = story.url(broker, TARGETS.one)
    const made = await endpoint(withLogin(url), { headers: { 'X-Team': 'blue' } })
    expect(made.url).toBe(url)
    expect(made.headerNames.map((name) => name.toLowerCase()).sort()).toEqual(['authorization', 'x-team'])
    const { attempt, deliveryId } = await house.admin.notificationEndpoints.test({ params: { id: made.id }, body: {} })
    expect(attempt).toMatchObject({ outcome: 'acknowledged' })
    const delivery = await house.admin.deliveries.get({ params: { id: deliveryId } })
    expect(delivery.state).toBe('succeeded')
    expect(delivery.attempts).toMatchObject([{ request: { method: 'PUBLISH', uri: url }, outcome: 'acknowledged' }])
    const [message, ...others] = await story.read(broker, TARGETS.one)
    expect(others).toEqual([])
    expect(message?.headers).toMatchObject({
      'x-team': 'blue',
      'content-type': 'application/json',
      'webhook-id': delivery.messageId,
    })
    expect(Object.keys(message?.headers ?? {})).not.toContain('authorization')
    new Webhook(made.secret ?? '').verify(message?.body ?? '', message?.headers ?? {})
    const shown = JSON.stringify([
      made,
      delivery,
      await house.admin.notificationEndpoints.get({ params: { id: made.id } }),
    ])
    expect(shown).not.toContain(story.login[1])
    // Sent again it has the same id, so that a reader can drop it.
    await house.admin.deliveries.retry({ params: { id: deliveryId } })
    const again = await story.read(broker, TARGETS.one)
    expect(new Set(again.map((each) => each.headers['webhook-id'])).size).toBe(1)
    expect(again).toHaveLength(story.isDeduplicating ? 1 : 2)
    await house.admin.notificationEndpoints.archive({ params: { id: made.id } })
  })

  test('credentials go to their server alone: an address elsewhere forgets them', async () => {
    const url = story.url(broker, TARGETS.one)
    const { id } = await endpoint(withLogin(url))
    const change = (to: string) => house.admin.notificationEndpoints.patch({ params: { id }, body: { url: to } })
    expect((await change(url)).headerNames).toEqual(['authorization'])
    expect((await change(url.replace('127.0.0.1', 'localhost'))).headerNames).toEqual([])
    await house.admin.notificationEndpoints.archive({ params: { id } })
  })

  test('what the broker refuses is an attempt that says why', async () => {
    for (const [url, error] of Object.entries(story.refusals(broker))) {
      const { id } = await endpoint(url)
      const { attempt } = await house.admin.notificationEndpoints.test({ params: { id }, body: {} })
      expect(attempt, url).toMatchObject({ outcome: 'rejected' })
      expect(attempt.error, url).toMatch(error)
      await house.admin.notificationEndpoints.archive({ params: { id } })
    }
  })

  test('a broker that is killed meanwhile gets everything, and has what it acknowledged', async () => {
    const schedule = { scheduleMs: Array.from({ length: 50 }, () => 1000) }
    const { id } = await endpoint(withLogin(story.url(broker, TARGETS.many)), { ...schedule, concurrency: 5 })
    const names = Array.from({ length: MESSAGES }, (_, index) => `m${index}`)
    await tell(...names.slice(0, MESSAGES / 2))
    await until('some are delivered', 30_000, async () =>
      (await deliveriesOf(id)).some(({ state }) => state === 'succeeded'),
    )
    await broker.kill()
    const acknowledged = (await deliveriesOf(id)).filter(({ state }) => state === 'succeeded')
    await tell(...names.slice(MESSAGES / 2))
    await until('the broker is missed', 30_000, async () =>
      (await deliveriesOf(id)).some(({ attemptsMade, state }) => state === 'pending' && attemptsMade > 0),
    )
    await broker.start()
    await until('everything is delivered', 60_000, async () => {
      const all = await deliveriesOf(id)
      return all.length === MESSAGES && all.every(({ state }) => state === 'succeeded')
    })
    const arrived = await story.read(broker, TARGETS.many)
    const ids = new Set(arrived.map((each) => each.headers['webhook-id']))
    expect(acknowledged.filter(({ messageId }) => !ids.has(messageId))).toEqual([])
    expect(new Set(arrived.map(nameIn))).toEqual(new Set(names))
    expect(ids.size).toBe(MESSAGES)
    if (story.isDeduplicating) expect(arrived).toHaveLength(MESSAGES)
    await house.admin.notificationEndpoints.archive({ params: { id } })
  })

  test('a broker that stands still harms no other receiver', async () => {
    const stuck = await endpoint(withLogin(story.url(broker, TARGETS.stuck)))
    const well = await endpoint(`${receiver.url}/hook`)
    broker.pause()
    try {
      const names = Array.from({ length: 100 }, (_, index) => `s${index}`)
      await tell(...names)
      await until('the other has everything', 30_000, () => receiver.received.length === names.length)
      expect((await deliveriesOf(stuck.id)).every(({ state }) => state === 'pending')).toBe(true)
    } finally {
      broker.goOn()
    }
    for (const { id } of [stuck, well]) await house.admin.notificationEndpoints.archive({ params: { id } })
  })

  return { house: () => house, broker: () => broker }
}
