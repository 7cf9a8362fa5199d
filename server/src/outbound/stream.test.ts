import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pause } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { createOutbound, type OutboundOptions } from './client.ts'
import { type FarEnd, gone, listenHttp, listenRaw } from './far-end.ts'
import type { StreamedOutcome } from './stream.ts'

const LOOPBACK = [{ network: '127.0.0.0', prefixBits: 8, port: null }]
const create = (options: Partial<OutboundOptions> = {}) => createOutbound({ allow: LOOPBACK, ...options })

const MEGABYTE = 1024 * 1024

async function textOf(outcome: StreamedOutcome): Promise<string> {
  assert.ok(outcome.kind === 'answered', JSON.stringify(outcome))
  return (await outcome.body.toArray()).join('')
}

/** Answers with what came in, as it comes in. */
const echoing = () =>
  listenHttp((request, response) => {
    response.writeHead(200, { 'x-length': request.headers['content-length'] ?? 'chunked' })
    request.pipe(response)
  })

test('a body is sent and an answer received without either being held in memory', async () => {
  await using receiver = await echoing()
  await using outbound = create()
  const block = randomBytes(MEGABYTE)
  const blocks = 64
  const outcome = await outbound.stream({
    url: receiver.url,
    method: 'POST',
    body: Readable.from(
      (function* () {
        for (let n = 0; n < blocks; n += 1) yield block
      })(),
      { objectMode: false },
    ),
  })
  assert.ok(outcome.kind === 'answered')
  const hash = createHash('sha256')
  let mostHeld = 0
  for await (const chunk of outcome.body) {
    hash.update(chunk as Buffer)
    mostHeld = Math.max(mostHeld, outcome.body.readableLength)
  }
  const whole = createHash('sha256')
  for (let n = 0; n < blocks; n += 1) whole.update(block)
  expect(hash.digest('hex')).toBe(whole.digest('hex'))
  expect(mostHeld).toBeLessThan(MEGABYTE)
})

test('whoever takes the answer slowly slows the receiver down, rather than filling memory', async () => {
  let written = 0
  await using receiver = await listenHttp(async (_request, response) => {
    const block = Buffer.alloc(MEGABYTE)
    while (written < 256 && !response.destroyed) {
      written += 1
      if (!response.write(block)) await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
    response.end()
  })
  await using outbound = create()
  const outcome = await outbound.stream({ url: receiver.url, method: 'GET' })
  assert.ok(outcome.kind === 'answered')
  await once(outcome.body, 'readable')
  for (let before = -1; before !== written; await pause(100)) before = written
  expect(written).toBeLessThan(64)
  outcome.body.destroy()
  await gone(receiver.sockets[0])
})

test('a known length is told, an unknown one is not invented', async () => {
  await using receiver = await echoing()
  await using outbound = create()
  const send = (bodyBytes?: number) =>
    outbound.stream({
      url: receiver.url,
      method: 'PUT',
      body: Readable.from(['abc'], { objectMode: false }),
      ...(bodyBytes === undefined ? {} : { bodyBytes }),
    })
  const known = await send(3)
  expect(known).toMatchObject({ headers: { 'x-length': '3' } })
  expect(await textOf(known)).toBe('abc')
  const unknown = await send()
  expect(unknown).toMatchObject({ headers: { 'x-length': 'chunked' } })
  expect(await textOf(unknown)).toBe('abc')
  expect(receiver.sockets).toHaveLength(1)
})

describe('the bounds', () => {
  test('of a body: beyond it the request is given up, and the connection ends', async () => {
    await using receiver = await listenHttp((request) => request.resume())
    await using outbound = create()
    const body = Readable.from([Buffer.alloc(10), Buffer.alloc(10)], { objectMode: false })
    const outcome = await outbound.stream({ url: receiver.url, method: 'POST', body, bodyBytesMax: 15 })
    expect(outcome).toMatchObject({ kind: 'aborted', message: 'the body is longer than 15 bytes' })
    await gone(receiver.sockets[0])
  })

  test('of an answer: beyond it the body fails, so that nobody takes the part for the whole', async () => {
    await using receiver = await listenHttp((_request, response) => response.end(Buffer.alloc(100)))
    await using outbound = create()
    const outcome = await outbound.stream({ url: receiver.url, method: 'GET', responseBytesMax: 99 })
    await expect(textOf(outcome)).rejects.toThrow('the answer is longer than 99 bytes')
  })

  test('of silence: before the answer it is unreachable, within it the body fails', async () => {
    await using silent = await listenHttp(() => {})
    await using outbound = create()
    const waited = await outbound.stream({ url: silent.url, method: 'GET', idleTimeoutMs: 50 })
    expect(waited).toMatchObject({ kind: 'unreachable', reason: 'timeout', maybeReceived: true })
    await using halfway = await listenHttp((_request, response) => response.write('so far'))
    const broken = await outbound.stream({ url: halfway.url, method: 'GET', idleTimeoutMs: 50 })
    await expect(textOf(broken)).rejects.toThrow('nothing came from')
  })

  test('of everything: an answer that drips on is cut', async () => {
    await using receiver = await listenHttp((_request, response) => {
      const dripping = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(dripping))
    })
    await using outbound = create()
    const outcome = await outbound.stream({ url: receiver.url, method: 'GET', timeoutMs: 200 })
    await expect(textOf(outcome)).rejects.toThrow('within 200 ms')
  })
})

describe('what the other client promises, this one does too:', () => {
  const noBody = { method: 'GET' } as const

  test('a private address is not connected to', async () => {
    await using outbound = createOutbound({ allow: [] })
    for (const url of ['http://127.0.0.1:1/', 'http://169.254.169.254/latest', 'http://[::ffff:10.0.0.1]/'])
      expect(await outbound.stream({ url, ...noBody })).toMatchObject({ kind: 'forbidden' })
    expect(await outbound.stream({ url: 'file:///etc/passwd', ...noBody })).toMatchObject({ kind: 'forbidden' })
    expect(await outbound.stream({ url: 'http://u:p@example.com/', ...noBody })).toMatchObject({ kind: 'forbidden' })
  })

  test('a redirect is an answer', async () => {
    await using receiver = await listenHttp((_request, response) =>
      response.writeHead(302, { location: 'http://example.com/' }).end(),
    )
    await using outbound = create()
    expect(await outbound.stream({ url: receiver.url, ...noBody })).toMatchObject({ kind: 'answered', status: 302 })
  })

  test('an answer that breaks off fails rather than ends', async () => {
    await using receiver = await listenRaw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nso far', (socket) =>
      socket.end(),
    )
    await using outbound = create()
    await expect(textOf(await outbound.stream({ url: receiver.url, ...noBody }))).rejects.toThrow('closed')
  })

  test('closing waits for what is under way and refuses what is new', async () => {
    let finish = () => {}
    const receiver: FarEnd = await listenHttp((_request, response) => {
      response.write('a')
      finish = () => response.end('b')
    })
    await using _receiver = receiver
    const outbound = create()
    const outcome = await outbound.stream({ url: receiver.url, ...noBody })
    const closed = outbound.close()
    expect(await outbound.stream({ url: receiver.url, ...noBody })).toMatchObject({ kind: 'aborted' })
    finish()
    expect(await textOf(outcome)).toBe('ab')
    await closed
  })

  test('the caller may give up at any time', async () => {
    await using receiver = await listenHttp((_request, response) => response.write('a'))
    await using outbound = create()
    const early = new AbortController()
    early.abort()
    expect(await outbound.stream({ url: receiver.url, ...noBody, signal: early.signal })).toMatchObject({
      kind: 'aborted',
    })
    const late = new AbortController()
    const outcome = await outbound.stream({ url: receiver.url, ...noBody, signal: late.signal })
    late.abort()
    await expect(textOf(outcome)).rejects.toThrow('the caller gave up')
    await gone(receiver.sockets[0])
  })
})
