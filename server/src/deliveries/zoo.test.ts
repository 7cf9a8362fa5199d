import { buildHouse, type House, type ReceiverZoo, startReceiverZoo, type ZooReceiver } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

// One delivery against each receiver of the zoo, all at the same time: what is recorded of the attempt.

const TIMEOUT_MS = 3000
/** On a busy machine an answer may be noticed this much later. */
const SLACK_MS = 8000
const SECRET_HEADER = 'x-our-own'

interface Expected {
  outcome: 'acknowledged' | 'rejected' | 'unreachable' | 'forbidden'
  errorClass?: string
  httpStatus?: number
  error?: RegExp
  /** Seconds until the next attempt, from and to; null: there is none. Where absent, 5 s ± 20 %. */
  nextInSeconds?: readonly [number, number] | null
  durationMs?: readonly [number, number]
}

const redirected = (httpStatus: number): Expected => ({ outcome: 'rejected', errorClass: 'redirect', httpStatus })
const tooMany = (nextInSeconds?: readonly [number, number]): Expected => ({
  outcome: 'rejected',
  errorClass: 'rate_limited',
  httpStatus: 429,
  ...(nextInSeconds === undefined ? {} : { nextInSeconds }),
})
const timedOut: Expected = {
  outcome: 'unreachable',
  errorClass: 'timeout',
  error: new RegExp(`no complete answer from http://127\\.0\\.0\\.1:\\d+ within ${TIMEOUT_MS} ms`),
  // Timers of Node may go off a millisecond early.
  durationMs: [TIMEOUT_MS - 5, TIMEOUT_MS + SLACK_MS],
}
const arrived = (httpStatus = 200): Expected => ({ outcome: 'acknowledged', httpStatus, nextInSeconds: null })
const forbidden = (error: RegExp): Expected => ({ outcome: 'forbidden', errorClass: 'forbidden', error })

const IN_THE_ZOO: Record<ZooReceiver, Expected> = {
  healthy: arrived(),
  'slow 200': { ...arrived(), durationMs: [250, TIMEOUT_MS + SLACK_MS] },
  'empty 204': arrived(204),
  'server error 500': { outcome: 'rejected', errorClass: 'server_error', httpStatus: 500, error: /answered 500/ },
  'not found 404': { outcome: 'rejected', errorClass: 'client_error', httpStatus: 404 },
  'gone 410': { outcome: 'rejected', errorClass: 'gone', httpStatus: 410 },
  'redirect 301': redirected(301),
  'redirect 302': redirected(302),
  'redirect 307': redirected(307),
  'redirect 308': redirected(308),
  'redirect to a private address': redirected(302),
  '429 without Retry-After': tooMany(),
  '429 in 120 seconds': tooMany([120, 120]),
  '429 until a moment in five minutes': tooMany([290, 310]),
  '429 with a negative number': tooMany(),
  '429 with words': tooMany(),
  '429 in a thousand million seconds': tooMany([86_400, 86_400]),
  '429 with a date long past': tooMany(),
  'hangs before its headers': timedOut,
  'hangs in its body': timedOut,
  'slow drip': timedOut,
  'ten megabytes': arrived(),
  'ten megabytes of error': { outcome: 'rejected', errorClass: 'server_error', httpStatus: 500 },
  'gzip bomb': arrived(),
  'zeroes and broken characters': { outcome: 'rejected', errorClass: 'server_error', httpStatus: 500 },
  'tells its secrets': { outcome: 'rejected', errorClass: 'server_error', httpStatus: 500 },
  'half a body': { outcome: 'unreachable', errorClass: 'reset', error: /in the middle of its 200 answer/ },
  'connection reset': {
    outcome: 'unreachable',
    errorClass: 'reset',
    error: /closed the connection before it answered/,
  },
  'hangs up without a word': { outcome: 'unreachable', errorClass: 'reset' },
  'does not speak HTTP': { outcome: 'unreachable', errorClass: 'protocol', error: /does not speak HTTP/ },
  'headers without end': { outcome: 'unreachable', errorClass: 'protocol', error: /headers over 16 KB/ },
  'plain where TLS was meant': { outcome: 'unreachable', errorClass: 'tls', error: /TLS handshake/ },
  'self-signed': { outcome: 'unreachable', errorClass: 'tls', error: /self-signed certificate/ },
}

const ELSEWHERE: Record<string, { url: (zoo: ReceiverZoo) => string; expected: Expected }> = {
  'a port where nobody listens': {
    url: (zoo) => `http://127.0.0.1:${zoo.closedPort}/`,
    expected: { outcome: 'unreachable', errorClass: 'refused', error: /refuses connections/ },
  },
  'a name that nobody knows': {
    url: () => 'http://nowhere.test/',
    expected: { outcome: 'unreachable', errorClass: 'dns', error: /nowhere\.test/ },
  },
  'the address of cloud metadata': {
    url: () => 'http://169.254.169.254/latest/meta-data/',
    expected: forbidden(/169\.254\.169\.254/),
  },
  'a private address': { url: () => 'http://10.0.0.1/', expected: forbidden(/10\.0\.0\.1/) },
  'a name with a private address': { url: () => 'http://inside.test/', expected: forbidden(/10\.0\.0\.1/) },
  'a name with one private address among others': {
    url: () => 'http://mixed.test/',
    expected: forbidden(/10\.0\.0\.1/),
  },
  // It became an authorization header when it was saved.
  'a user name in the address': {
    url: (zoo) => zoo.urlOf('healthy').replace('http://', 'http://user:hush@'),
    expected: arrived(),
  },
}

/** What names stand for here; no resolver is asked. */
const NAMES: Record<string, string[]> = { 'inside.test': ['10.0.0.1'], 'mixed.test': ['93.184.215.14', '10.0.0.1'] }

let zoo: ReceiverZoo
let house: House
const destinationIds = new Map<string, string>()

beforeAll(async () => {
  zoo = await startReceiverZoo()
  house = await buildHouse({
    clock: 'settable',
    engine: {
      attemptTimeoutMs: TIMEOUT_MS,
      async lookup(hostname) {
        const addresses = NAMES[hostname]
        if (addresses === undefined) throw Object.assign(new Error(`ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' })
        return addresses.map((address) => ({ address, family: 4 }))
      },
    },
  })
  const urls: [string, string][] = [
    ...Object.keys(IN_THE_ZOO).map((name): [string, string] => [name, zoo.urlOf(name as ZooReceiver)]),
    ...Object.entries(ELSEWHERE).map(([name, { url }]): [string, string] => [name, url(zoo)]),
  ]
  for (const [name, url] of urls) {
    const { id } = await house.admin.notificationEndpoints.create({
      body: { name, url, eventTypes: ['connection.created'], headers: { [SECRET_HEADER]: 'a value that is hidden' } },
    })
    destinationIds.set(name, id)
  }
  await tell()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await zoo[Symbol.asyncDispose]()
})

async function tell(): Promise<void> {
  const connection = {
    id: 'con_1',
    integrationId: 'int_1',
    integrationKey: 'slack',
    name: 'Slack',
    disconnected: false,
    customerId: 'customer-123',
  }
  const { database, notifications } = house.engine
  const about = { workspaceId: house.workspace.id, customerId: null, data: { connection } }
  await database.transaction((tx) => notifications.tell(tx, [{ ...about, eventType: 'connection.created' }]))
  await house.settle()
}

async function deliveryTo(name: string) {
  const destinationId = destinationIds.get(name) ?? ''
  const { items } = await house.admin.deliveries.list({ query: { destinationId } })
  expect(items).toHaveLength(1)
  return house.admin.deliveries.get({ params: { id: items[0]?.id ?? '' } })
}

const everybody: [string, Expected][] = [
  ...Object.entries(IN_THE_ZOO),
  ...Object.entries(ELSEWHERE).map(([name, { expected }]): [string, Expected] => [name, expected]),
]

test.each(everybody)('%s', async (name, expected) => {
  const { attempts, ...delivery } = await deliveryTo(name)
  expect(attempts).toHaveLength(1)
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('there is one')
  const { outcome, errorClass, httpStatus } = expected
  expect({ outcome: attempt.outcome, errorClass: attempt.errorClass, httpStatus: attempt.httpStatus }).toEqual({
    outcome,
    errorClass,
    httpStatus,
  })
  const [shortestMs, longestMs] = expected.durationMs ?? [0, TIMEOUT_MS + SLACK_MS]
  expect(attempt.durationMs).toBeGreaterThanOrEqual(shortestMs)
  expect(attempt.durationMs).toBeLessThanOrEqual(longestMs)

  if (outcome === 'acknowledged') expect(attempt.error).toBeUndefined()
  else expect(attempt.error).toMatch(expected.error ?? /^the receiver answered \d{3}$|127\.0\.0\.1/)
  expect((attempt.error ?? '').length).toBeLessThan(500)
  expect(attempt.error ?? '').not.toMatch(/undefined|\[object|\n/)

  expect(delivery.state).toBe(outcome === 'acknowledged' ? 'succeeded' : 'pending')
  const inSeconds =
    attempt.nextAttemptAt === undefined
      ? null
      : (new Date(attempt.nextAttemptAt).getTime() - house.clock.now().getTime()) / 1000
  if (expected.nextInSeconds === null) expect(inSeconds).toBeNull()
  else {
    const [from, to] = expected.nextInSeconds ?? [4, 6]
    expect(inSeconds).toBeGreaterThanOrEqual(from)
    expect(inSeconds).toBeLessThanOrEqual(to)
  }

  expect(excerptOf(attempt.response).length).toBeLessThanOrEqual(16_384)
  expect(JSON.stringify(attempt)).not.toMatch(/hush|hidden/)
})

function excerptOf(response: unknown): string {
  const body = (response as { body?: unknown } | undefined)?.body ?? ''
  return typeof body === 'string' ? body : JSON.stringify(body)
}

test('no redirect is followed', () => {
  expect(zoo.canaryVisits).toEqual([])
})

test('410 pauses, nothing else does at the first failure', async () => {
  const { items } = await house.admin.notificationEndpoints.list({ query: { limit: 1000 } })
  expect(items.filter((endpoint) => endpoint.state !== 'active').map((endpoint) => endpoint.name)).toEqual(['gone 410'])
})
