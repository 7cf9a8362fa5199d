import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { until } from '@permea/testkit'
import { afterEach, expect, test } from 'vitest'
import type { AllowRule } from '../address-policy.ts'
import { createDial, type Lookup } from '../dial.ts'
import type { BrokerOutcome } from './broker.ts'
import { type Brokers, createBrokers } from './brokers.ts'

// What holds for every kind, with far ends that say what no well-behaved server would.

const URLS = ['nats://HOST/orders', 'redis://HOST/orders', 'amqp://HOST/?queue=orders']
const LOOPBACK: readonly AllowRule[] = [{ network: '127.0.0.1', prefixBits: 32, port: null }]

const open: { [Symbol.asyncDispose](): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

const noHttp = async () => ({ kind: 'invalid', message: 'nothing here goes over HTTP' }) as const

function brokersWith({
  allow = LOOPBACK,
  lookup = async () => [{ address: '127.0.0.1', family: 4 }],
  ...bounds
}: {
  allow?: readonly AllowRule[]
  lookup?: Lookup
  idleMs?: number
  connectionsMax?: number
} = {}): Brokers {
  const brokers = createBrokers({
    dial: createDial({ allow, lookup, connectTimeoutMs: 5000 }),
    send: noHttp,
    ...bounds,
  })
  open.push({ [Symbol.asyncDispose]: () => brokers.close() })
  return brokers
}

function publish(
  brokers: Brokers,
  url: string,
  more: { timeoutMs?: number; signal?: AbortSignal; body?: string } = {},
): Promise<BrokerOutcome> {
  const message = {
    url,
    authorization: `Basic ${btoa('user:hidden')}`,
    id: 'msg_1',
    type: 'order.created',
    headers: { 'x-team': 'blue' },
    body: '{}',
  }
  return brokers.publish({ ...message, timeoutMs: 20_000, ...more })
}

/** A server on loopback that does with each connection what it is told. */
async function farEnd(
  onSocket: (socket: Socket) => void,
): Promise<{ host: string; port: number; sockets: Set<Socket>; accepted(): number }> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    accepted += 1
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  const { port } = server.address() as { port: number }
  return { host: `127.0.0.1:${port}`, port, sockets, accepted: () => accepted }
}

/** Speaks as much of Redis as a client needs to add an entry; `onAdd` is what XADD is answered. */
const redisLike = (onAdd: () => string) => (socket: Socket) => {
  socket.on('data', (chunk) => {
    for (const command of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g))
      socket.write(command[1]?.toLowerCase() === 'xadd' ? onAdd() : command[1] === 'ping' ? '+PONG\r\n' : '+OK\r\n')
  })
}

test.each(URLS)('%s: an address that is not allowed is not connected to, however it is written', async (url) => {
  const names: Record<string, string[]> = {
    'inside.example': ['10.0.0.7'],
    'both.example': ['93.184.215.14', '192.168.1.1'],
  }
  const lookup: Lookup = async (name) => (names[name] ?? []).map((address) => ({ address, family: 4 }))
  const brokers = brokersWith({ allow: [], lookup })
  const hosts = [
    '127.0.0.1:4222',
    '10.1.2.3',
    '0x7f.1',
    '[::1]:6379',
    '[::ffff:10.0.0.1]',
    '169.254.169.254',
    'inside.example',
    'both.example',
  ]
  for (const host of hosts)
    expect(await publish(brokers, url.replace('HOST', host)), host).toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('is not allowed'),
    })
})

test.each(URLS)('%s: what is not there, resolves to nothing or speaks something else is told of', async (url) => {
  const silent = await farEnd(() => {})
  const http = await farEnd((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const closing = await farEnd((socket) => void socket.destroy())
  const brokers = brokersWith({
    lookup: async (name) => {
      if (name === 'nowhere.example') throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })
      return [{ address: '127.0.0.1', family: 4 }]
    },
  })
  const at = (host: string, timeoutMs?: number) =>
    publish(brokers, url.replace('HOST', host), timeoutMs === undefined ? {} : { timeoutMs })
  expect(await at('127.0.0.1:1')).toMatchObject({ kind: 'unreachable', reason: 'refused' })
  expect(await at('nowhere.example')).toMatchObject({ kind: 'unreachable', reason: 'dns' })
  expect(await at(silent.host, 300)).toMatchObject({
    kind: 'unreachable',
    reason: 'timeout',
    message: `no acknowledgement from ${silent.host} within 300 ms`,
  })
  for (const { host } of [http, closing]) {
    const outcome = await at(host)
    expect(outcome).toMatchObject({ kind: 'unreachable' })
    expect(['protocol', 'reset', 'timeout']).toContain(outcome.kind === 'unreachable' ? outcome.reason : '')
    expect(JSON.stringify(outcome)).not.toContain('hidden')
  }
  await until('nothing is held of what failed', 20_000, () => brokers.count() === 0)
})

test.each(URLS)('%s: where the first server cannot be reached, another that is named is', async (url) => {
  const silent = await farEnd(() => {})
  const brokers = brokersWith()
  const separator = url.includes('?') ? '&' : '?'
  const outcome = await publish(brokers, `${url.replace('HOST', '127.0.0.1:1')}${separator}servers=${silent.host}`, {
    timeoutMs: 3000,
  })
  expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
  expect(silent.sockets.size).toBeLessThanOrEqual(1)
})

test('a cluster sends on to another server, and nowhere that is not allowed', async () => {
  const other = await farEnd(redisLike(() => '$3\r\n1-1\r\n'))
  const wellMeant = await farEnd(redisLike(() => `-MOVED 1 127.0.0.1:${other.port}\r\n`))
  const hostile = await farEnd(redisLike(() => '-MOVED 1 169.254.169.254:80\r\n'))
  const circling: { port: number } = await farEnd(redisLike(() => `-MOVED 1 :${circling.port}\r\n`))
  const brokers = brokersWith()
  const sent = await Promise.all(Array.from({ length: 20 }, () => publish(brokers, `redis://${wellMeant.host}/orders`)))
  expect(sent.map((each) => each.kind)).toEqual(Array.from({ length: 20 }, () => 'accepted'))
  expect(other.sockets.size).toBe(1)
  await until('the former connection is gone', 20_000, () => wellMeant.sockets.size === 0)
  expect(await publish(brokers, `redis://${hostile.host}/orders`)).toMatchObject({ kind: 'forbidden' })
  expect(await publish(brokers, `redis://127.0.0.1:${circling.port}/orders`)).toMatchObject({ kind: 'refused' })
})

test('one connection serves all that is sent to an address at the same time, and is closed when nothing is', async () => {
  const server = await farEnd(redisLike(() => '$3\r\n1-1\r\n'))
  const brokers = brokersWith({ idleMs: 300 })
  const url = `redis://${server.host}/orders`
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => publish(brokers, url)))
  expect(outcomes.every((each) => each.kind === 'accepted')).toBe(true)
  expect(server.sockets.size).toBe(1)
  await until('the idle connection is closed', 20_000, () => server.sockets.size === 0 && brokers.count() === 0)
  expect(await publish(brokers, url)).toMatchObject({ kind: 'accepted', receipt: { entry: '1-1' } })
})

test('connections are bounded: an idle one makes room, and where none is idle nothing more is opened', async () => {
  const server = await farEnd(redisLike(() => '$3\r\n1-1\r\n'))
  const silent = await farEnd(() => {})
  const brokers = brokersWith({ connectionsMax: 2 })
  for (const stream of ['a', 'b', 'c'])
    expect(await publish(brokers, `redis://${server.host}/${stream}`)).toMatchObject({ kind: 'accepted' })
  expect(brokers.count()).toBe(2)
  const stuck = ['a', 'b'].map((stream) => publish(brokers, `redis://${silent.host}/${stream}`, { timeoutMs: 1000 }))
  expect(await publish(brokers, `redis://${server.host}/d`)).toMatchObject({
    kind: 'unreachable',
    message: '2 connections to brokers are open already',
  })
  for (const each of stuck) expect(await each).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
  expect(await publish(brokers, `redis://${server.host}/d`)).toMatchObject({ kind: 'accepted' })
})

test('who gives up is not kept waiting, and a login that cannot be read is refused before anything is sent', async () => {
  const silent = await farEnd(() => {})
  const brokers = brokersWith()
  const giveUp = new AbortController()
  const waiting = publish(brokers, `redis://${silent.host}/a`, { signal: giveUp.signal })
  await until('it is connected', 20_000, () => silent.sockets.size === 1)
  giveUp.abort()
  expect(await waiting).toMatchObject({ kind: 'aborted' })
  const message = {
    url: `redis://${silent.host}/b`,
    id: 'msg_1',
    type: 'order.created',
    headers: {},
    body: '',
    timeoutMs: 1000,
  }
  expect(await brokers.publish({ ...message, authorization: 'Digest x' })).toMatchObject({ kind: 'invalid' })
  expect(await brokers.publish({ ...message, url: 'nats://h', authorization: null })).toMatchObject({ kind: 'invalid' })
})
