import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { until } from '@permea/testkit'
import { expect, test } from 'vitest'
import { createOutbound } from '../outbound/client.ts'
import { listenHttp } from '../outbound/far-end.ts'
import type { SandboxHost } from '../sandbox/call.ts'
import { fn, openTrial } from '../sandbox/trial.ts'
import { fetchForGuest } from './guest-fetch.ts'

// What functions receive, with real requests and real processes: it never takes more memory than it may.

const MB = 1_000_000
const MIB = 1024 * 1024

/** A sandbox whose functions may `fetch` from loopback. */
function openWorld(options: { requestBytesMax?: number } = {}) {
  const trial = openTrial(options)
  const outbound = createOutbound({ allow: [{ network: '127.0.0.1', prefixBits: 32, port: null }] })
  const host: SandboxHost = {
    fetch: (request, allowance, signal) => fetchForGuest(outbound, request, { allowance, signal }),
    request: () => Promise.reject(new Error('there is no client here')),
  }
  return {
    ...trial,
    host,
    connectionCount: () => outbound.connectionCount(),
    bytes: () => trial.sandbox.status().requestBytes,
    async [Symbol.asyncDispose]() {
      await trial[Symbol.asyncDispose]()
      await outbound.close()
    },
  }
}

const ZEROS = Buffer.alloc(64 * 1024)

/** Sends so many zeros, as fast as the other side takes them. */
function sendZeros(response: ServerResponse, bytes: number): void {
  let left = bytes
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      const part = ZEROS.subarray(0, left)
      left -= part.length
      if (!response.write(part)) return
    }
    response.end()
  }
  response.on('drain', more)
  more()
}

/** Fetches so many times at once, and says what it got and what it was refused. */
const GREEDY = fn(`
  const told = { bytes: 0, refused: 0, others: [] }
  await Promise.all(Array.from({ length: args.count }, async () => {
    try {
      const { byteLength } = await (await fetch(args.url)).arrayBuffer()
      told.bytes += byteLength
    } catch (error) {
      if (error.type === 'custom_code' && error.key === 'limit_exceeded') told.refused += 1
      else told.others.push(error.message)
    }
  }))
  return told`)
type Told = { bytes: number; refused: number; others: string[] }

const LIMITS = { cpuMs: 20_000, wallMs: 60_000, memoryBytes: 128 * MIB }

test('while functions fetch a hundred times 10 MB at once, no more is held than may be, and others are answered', {
  timeout: 120_000,
}, async () => {
  let open = 0
  let openMost = 0
  await using receiver = await listenHttp((_request, response) => {
    open += 1
    openMost = Math.max(openMost, open)
    response.on('close', () => {
      open -= 1
    })
    sendZeros(response, 10 * MB)
  })
  await using world = openWorld()
  const { host, returned, bytes } = world
  let isOver = false
  const bystander = (async () => {
    let calls = 0
    for (; !isOver; calls += 1) expect(await returned(fn('return 1'), { owner: 'bystander' })).toBe(1)
    return calls
  })()
  const attack = { host, owner: 'attacker', args: { url: receiver.url, count: 100 }, limits: LIMITS }
  const told = (await Promise.all([returned(GREEDY, attack), returned(GREEDY, attack)])) as Told[]
  isOver = true
  expect(await bystander).toBeGreaterThan(50)
  for (const { bytes: received, refused, others } of told) {
    expect(others).toEqual([])
    expect(received + refused * 10 * MB).toBe(1_000 * MB)
    expect(received).toBeGreaterThan(0)
  }
  expect(openMost).toBeLessThanOrEqual(12)
  // Two calls with six open each would be 120 MB: one owner has a quarter.
  expect(bytes().heldMost).toBeLessThanOrEqual(64 * MIB)
  expect(bytes().heldMost).toBeGreaterThan(30 * MB)
  expect(bytes()).toMatchObject({ held: 0, kept: 0 })
})

test('a request for which there is no room fails with its key, its connection is dropped, and the rest goes on', async () => {
  const sent: ServerResponse[] = []
  await using receiver = await listenHttp((_request, response) => {
    sent.push(response)
    response.writeHead(200, { 'content-length': 900_000 }).write(Buffer.alloc(899_999))
  })
  await using world = openWorld({ requestBytesMax: 16 * MB })
  // A quarter is 4 MB: of six answers of 0.9 MB four fit.
  const call = world.returned(GREEDY, { host: world.host, args: { url: receiver.url, count: 6 } })
  await until('one is dropped', 10_000, () => sent.length === 6 && sent.some((response) => response.destroyed))
  expect(world.bytes().held).toBeLessThanOrEqual(4 * MB)
  await until('the others came as far as they can', 10_000, () => world.bytes().held > 3.5 * MB)
  for (const response of sent) response.end('.')
  const { bytes, refused, others } = (await call) as Told
  expect(others).toEqual([])
  expect(refused).toBe(2)
  expect(bytes).toBe(4 * 900_000)
  expect(world.bytes().held).toBe(0)
})

test('packed answers count by what they become', async () => {
  const bomb = gzipSync(Buffer.alloc(8 * MB))
  await using receiver = await listenHttp((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  })
  await using world = openWorld({ requestBytesMax: 20 * MB })
  const told = await world.returned(GREEDY, {
    host: world.host,
    args: { url: receiver.url, count: 20 },
    limits: LIMITS,
  })
  expect(told).toEqual({ bytes: 0, refused: 20, others: [] })
  expect(world.bytes().heldMost).toBeLessThanOrEqual(5 * MB)
  expect(world.bytes().held).toBe(0)
})

test('what stands beside a status is there, as Node’s fetch has it', async () => {
  const answers: Record<string, () => [status: number, text: string | undefined]> = {
    '/usual': () => [404, undefined],
    '/own': () => [200, 'Quite fine'],
    '/odd': () => [299, 'Ünter uns'],
  }
  await using receiver = await listenHttp((request, response) => {
    const [status, text] = answers[request.url ?? '']?.() ?? [500, undefined]
    const packed = { 'content-encoding': 'gzip' }
    if (text === undefined) response.writeHead(status, packed).end(gzipSync('packed'))
    else response.writeHead(status, text, packed).end(gzipSync('packed'))
  })
  await using world = openWorld()
  const code = fn(`
    const answers = await Promise.all(args.paths.map((path) => fetch(args.url + path)))
    return answers.map((answer) => [answer.clone().status, answer.clone().statusText])`)
  const paths = Object.keys(answers)
  const args = { url: receiver.url, paths }
  const theirs = await Promise.all(paths.map((path) => fetch(receiver.url + path)))
  expect(await world.returned(code, { host: world.host, args })).toEqual(
    theirs.map(({ status, statusText }) => [status, statusText]),
  )
  expect(theirs.map(({ statusText }) => statusText).slice(0, 2)).toEqual(['Not Found', 'Quite fine'])
})

test('of one call the far end never sees more than six requests at a time, and all of them in the end', async () => {
  let open = 0
  const seen: number[] = []
  await using receiver = await listenHttp((request, response) => {
    open += 1
    seen.push(open)
    setTimeout(() => {
      open -= 1
      response.end(request.url)
    }, seen.length % 5)
  })
  await using world = openWorld()
  const code = fn(
    'return Promise.all(Array.from({ length: 100 }, (_, n) => fetch(args.url + "/" + n).then((answer) => answer.text())))',
  )
  const paths = await world.returned(code, { host: world.host, args: { url: receiver.url } })
  expect(paths).toEqual(Array.from({ length: 100 }, (_, n) => `/${n}`))
  expect(seen).toHaveLength(100)
  expect(Math.max(...seen)).toBe(6)
})

test('however a call ends while it receives, nothing stays held, and what waited is never sent', async () => {
  let requests = 0
  let isOver = false
  await using receiver = await listenHttp((request, response) => {
    requests += 1
    if (isOver) response.destroy()
    else if (request.url === '/reset') response.write(ZEROS, () => response.socket?.resetAndDestroy())
    else response.write(ZEROS)
  })
  await using world = openWorld()
  const aborting = new AbortController()
  const all = 'Promise.all(Array.from({ length: 30 }, () => fetch(args.url).then((answer) => answer.text())))'
  const endings: [failure: string, given: object, body: string][] = [
    ['wall_timeout', { limits: { wallMs: 4_000 } }, `await ${all}`],
    ['aborted', { signal: aborting.signal }, `await ${all}`],
    ['cpu_timeout', {}, `${all}; await new Promise((resolve) => setTimeout(resolve, 300)); for (;;);`],
  ]
  for (const [failure, given, body] of endings) {
    requests = 0
    isOver = false
    const call = world.failed(fn(body), { host: world.host, args: { url: receiver.url }, owner: failure, ...given })
    await until('six are being received', 10_000, () => requests === 6 && world.bytes().held > 6 * ZEROS.length)
    if (failure === 'aborted') aborting.abort()
    // Also for requests that come only now.
    const endNow = () => {
      isOver = true
      for (const socket of receiver.sockets) socket.destroy()
    }
    // A function that was stopped ends when what it has under way does.
    if (failure === 'cpu_timeout') setTimeout(endNow, 1_500)
    expect(await call).toMatchObject({ failure })
    endNow()
    await until(`nothing is held after ${failure}`, 10_000, () => world.bytes().held === 0)
    expect(requests).toBe(6)
  }
  isOver = false
  const refused = 'return Promise.allSettled([1, 2].map(() => fetch(args.url).then((answer) => answer.text())))'
  await world.returned(fn(refused), { host: world.host, args: { url: `${receiver.url}/reset` } })
  expect(world.bytes()).toMatchObject({ held: 0, kept: 0 })
})

test('a request that is given up is broken off, and others take its place', async () => {
  await using world = openWorld()
  let open = 0
  await using server = await listenHttp((request, response) => {
    if (request.url?.endsWith('quick') === true) return void response.end('quick')
    open += 1
    response.on('close', () => {
      open -= 1
    })
  })
  const body = `
    const hanging = Array.from({ length: 6 }, () => fetch(args.url, { signal: AbortSignal.timeout(300) }).catch((error) => error.name))
    const quick = fetch(args.url + '/quick').then((answer) => answer.text())
    return [await Promise.all(hanging), await quick]`
  const seen = await world.returned(fn(body), { host: world.host, args: { url: server.url } })
  expect(seen).toEqual([Array.from({ length: 6 }, () => 'TimeoutError'), 'quick'])
  await until('all connections are closed', 20_000, () => open === 0)
  expect(world.bytes().held).toBe(0)
})
