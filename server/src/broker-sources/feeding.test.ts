import type { ErrorKey } from '@permea/contract'
import { until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { RateLimited } from '../api/refusal.ts'
import type { EventRequest } from '../events/stages.ts'
import type { ArrivedMessage, ReadRequest } from '../outbound/brokers/reading.ts'
import { systemClock } from '../platform/clock.ts'
import { createFeeding, type Feeding } from './feeding.ts'
import type { Taken } from './read-session.ts'
import type { BrokerSource } from './source.ts'

const SOURCE: BrokerSource = {
  id: '01a22dba-44f7-7311-b90b-d4a20c4c2e4c',
  workspaceId: '01a22dba-44f7-7311-b90b-d4a20c4c2e4d',
  uuid: '',
  key: 'source',
  name: 'source',
  description: null,
  meta: null,
  revision: '1',
  appEventTypeId: '01a22dba-44f7-7311-b90b-d4a20c4c2e4e',
  url: 'nats://host/orders',
  loginSealed: null,
  customerHeader: null,
  idHeader: null,
  pausedAt: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  archivedAt: null,
}

const STORED: Taken = {
  kind: 'answered',
  status: 200,
  body: { results: [{ id: 'aev_1' }] } as never,
  isRepeat: false,
}

/** A broker that hands out what it has from the first message that is not settled, each time it is connected to. */
function brokerOf(bodies: string[]) {
  const settled = new Map<number, 'done' | 'drop'>()
  let connections = 0
  let isDown = false
  let end: (error: Error) => void = () => {}
  return {
    settled,
    connections: () => connections,
    breakOff: () => end(new Error('the connection to the server ended')),
    goDown() {
      isDown = true
      this.breakOff()
    },
    async read({ take }: ReadRequest) {
      connections += 1
      if (isDown) return { kind: 'unreachable' as const, message: 'nobody listens' }
      const ended = Promise.withResolvers<Error>()
      end = ended.resolve
      for (const [index, body] of bodies.entries()) {
        if (settled.has(index)) continue
        take({
          id: String(index),
          headers: {},
          body: Buffer.from(body),
          place: `at ${index}`,
          done: () => settled.set(index, 'done'),
          drop: () => settled.set(index, 'drop'),
        } satisfies ArrivedMessage)
      }
      return {
        kind: 'reading' as const,
        reading: { ended: ended.promise, lag: async () => bodies.length - settled.size, close: async () => {} },
      }
    },
  }
}

function feedingFrom(
  broker: ReturnType<typeof brokerOf>,
  accept: (requests: EventRequest[]) => Promise<(Taken | Promise<Taken>)[]>,
  admit: () => void = () => {},
): { feeding: Feeding; refused: { reason: ErrorKey; message: string; place: string }[] } {
  const refused: { reason: ErrorKey; message: string; place: string }[] = []
  const feeding = createFeeding({
    source: SOURCE,
    webhookKey: 'key',
    authorization: null,
    clock: systemClock,
    random: () => 0,
    tracing: null,
    backoffMs: 1,
    sayMs: 10,
    read: broker.read,
    accept,
    admit,
    refused: ({ place }, { reason, message }) => refused.push({ reason, message, place }),
    changed() {},
  })
  return { feeding, refused }
}

const textsOf = (requests: readonly EventRequest[]) => requests.map(({ events }) => events[0]?.text ?? '')

test('a message that cannot be stored for our own mistake is set aside after three tries, and harms no other', async () => {
  const broker = brokerOf(['{"n":0}', '{"n":1}', '{"n":2}'])
  const { feeding, refused } = feedingFrom(broker, async (requests) => {
    if (textsOf(requests).includes('{"n":1}')) throw new Error('a mistake of ours')
    return requests.map(() => STORED)
  })
  await until('all are settled', 20_000, () => broker.settled.size === 3)
  expect(Object.fromEntries(broker.settled)).toEqual({ 0: 'done', 1: 'drop', 2: 'done' })
  expect(refused).toEqual([{ reason: 'internal', message: 'it failed 3 times: a mistake of ours', place: 'at 1' }])
  await feeding.stop()
})

test('what cannot be stored now stays with the broker, and is taken up again in order', async () => {
  const broker = brokerOf(['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}'])
  const stored: string[] = []
  let isAway = true
  const { feeding, refused } = feedingFrom(broker, async (requests) => {
    if (isAway) return requests.map(() => ({ kind: 'refused', key: 'unavailable', message: 'away' }) as const)
    stored.push(...textsOf(requests))
    return requests.map(() => STORED)
  })
  await until('it is tried again', 20_000, () => broker.connections() > 2)
  expect(broker.settled.size).toBe(0)
  expect(feeding.say()).toMatchObject({ error: 'away', accepted: 0 })
  isAway = false
  await until('all are settled', 20_000, () => broker.settled.size === 4)
  expect(stored).toEqual(['{"n":0}', '{"n":1}', '{"n":2}', '{"n":3}'])
  expect(refused).toEqual([])
  expect(feeding.say()).toMatchObject({ accepted: 4, state: 'reading' })
  await feeding.stop()
})

test('a limit of the workspace holds it without losing its connection', async () => {
  const broker = brokerOf(['{"n":0}', '{"n":1}'])
  let isHeld = true
  const { feeding } = feedingFrom(
    broker,
    async (requests) => requests.map(() => STORED),
    () => {
      if (isHeld) throw new RateLimited('too fast', 0.01)
    },
  )
  await until('it is held', 20_000, () => feeding.say().state === 'held')
  expect(feeding.say()).toMatchObject({ error: 'too fast' })
  isHeld = false
  await until('all are settled', 20_000, () => broker.settled.size === 2)
  expect(feeding.say()).toMatchObject({ state: 'reading' })
  expect(broker.connections()).toBe(1)
  await feeding.stop()
})

test('a connection that ends is made anew; one that is stopped is not', async () => {
  const broker = brokerOf([])
  const { feeding } = feedingFrom(broker, async () => [])
  await until('it is read', 20_000, () => feeding.say().state === 'reading')
  broker.breakOff()
  await until('it is read again', 20_000, () => broker.connections() === 2)
  expect(feeding.say().error).toBe('the connection to the server ended')
  await feeding.stop()
  broker.breakOff()
  expect(broker.connections()).toBe(2)
})

test('what waits at a broker that is not connected to is not known, whatever it said before', async () => {
  const broker = brokerOf([])
  const { feeding } = feedingFrom(broker, async () => [])
  await until('it is told', 20_000, () => feeding.say().lag === 0)
  broker.goDown()
  await until('it cannot be read', 20_000, () => feeding.say().error === 'nobody listens')
  expect(feeding.say()).toMatchObject({ connectedAt: null, lag: null })
  expect(feeding.how.lag).toBeNull()
  await feeding.stop()
})
