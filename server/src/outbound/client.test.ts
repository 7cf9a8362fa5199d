import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createOutbound, type OutboundOptions } from './client.ts'
import { gone, listenHttp, listenRaw, listenTcp } from './far-end.ts'

const LOOPBACK = [{ network: '127.0.0.0', prefixBits: 8, port: null }]
const toLoopback = async () => [{ address: '127.0.0.1', family: 4 }]
const create = (options: Partial<OutboundOptions> = {}) =>
  createOutbound({ allow: LOOPBACK, lookup: toLoopback, ...options })

describe('an answer', () => {
  test('comes back whole: status, headers, body, and what was sent arrives whole', async () => {
    await using receiver = await listenHttp(async (request, response) => {
      const body = (await request.toArray()).join('')
      response.writeHead(202, { 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] })
      response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }))
    })
    await using outbound = create({ userAgent: 'Permea/1.0' })
    const outcome = await outbound.send({
      url: `${receiver.url}/hook?x=1#part`,
      method: 'post',
      headers: { 'Content-Type': 'application/json', 'webhook-id': 'msg_1' },
      body: '{"ü":1}',
    })
    assert.ok(outcome.kind === 'answered')
    expect(outcome).toMatchObject({ status: 202, bodyTruncated: false, remoteAddress: '127.0.0.1' })
    expect(outcome.headers).toMatchObject({ 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] })
    expect(JSON.parse(outcome.body.toString())).toEqual({
      method: 'POST',
      url: '/hook?x=1',
      headers: {
        host: `127.0.0.1:${receiver.port}`,
        connection: 'keep-alive',
        'content-type': 'application/json',
        'webhook-id': 'msg_1',
        'user-agent': 'Permea/1.0',
        'accept-encoding': 'identity',
        'content-length': '8',
      },
      body: '{"ü":1}',
    })
  })

  test.each([200, 204, 304, 400, 404, 410, 429, 500, 503])('of %d is an answer like any other', async (status) => {
    await using receiver = await listenHttp((_request, response) => response.writeHead(status).end())
    await using outbound = create()
    expect(await outbound.send({ url: receiver.url, method: 'GET' })).toMatchObject({ kind: 'answered', status })
  })

  test('to HEAD has no body', async () => {
    await using receiver = await listenHttp((_request, response) =>
      response.writeHead(200, { 'content-length': 4 }).end(),
    )
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'HEAD' })
    expect(outcome).toMatchObject({ status: 200, headers: { 'content-length': '4' }, body: Buffer.alloc(0) })
  })

  test('that ends with the connection is complete', async () => {
    await using receiver = await listenRaw('HTTP/1.1 200 OK\r\n\r\nall of it', (socket) => socket.end())
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.body.toString()).toBe('all of it')
  })

  test('in very many tiny chunks is put together', async () => {
    const text = Array.from({ length: 100_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
    const chunks = Array.from(text, (letter) => `1\r\n${letter}\r\n`).join('')
    await using receiver = await listenRaw(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    assert.ok(outcome.kind === 'answered')
    assert.equal(outcome.body.toString(), text)
  })

  test('after early hints is the final one', async () => {
    const answer = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    await using receiver = await listenRaw(answer)
    await using outbound = create()
    expect(await outbound.send({ url: receiver.url, method: 'GET' })).toMatchObject({ kind: 'answered', status: 200 })
  })
})

describe('an answer that is too long', () => {
  test('is cut at the limit, and its connection ends instead of being drained', async () => {
    let written = 0
    await using receiver = await listenHttp((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const write = (): void => {
        while (written < 64 * 1024 * 1024 && !response.destroyed) {
          written += chunk.length
          if (!response.write(chunk)) return
        }
        response.end()
      }
      response.on('drain', write)
      write()
    })
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.bodyTruncated).toBe(true)
    expect(outcome.body.length).toBe(10 * 1024 * 1024)
    await gone(receiver.sockets[0])
    expect(written).toBeLessThan(32 * 1024 * 1024)
    expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
  })

  test.each([
    [1_000, false],
    [999, true],
    [0, true],
  ])('means longer than the limit: 1000 bytes where %d may come', async (responseBytesMax, bodyTruncated) => {
    await using receiver = await listenHttp((_request, response) => response.end('x'.repeat(1_000)))
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET', responseBytesMax })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.body.length).toBe(responseBytesMax)
    expect(outcome.bodyTruncated).toBe(bodyTruncated)
  })

  test('once decoded is cut as well, so a gzip bomb stays small', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024))
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    })
    await using outbound = create()
    const before = process.memoryUsage().rss
    const outcome = await outbound.send({ url: receiver.url, method: 'GET', responseBytesMax: 1024 * 1024 })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.body.length).toBe(1024 * 1024)
    expect(outcome.bodyTruncated).toBe(true)
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  })
})

describe('an encoded answer', () => {
  test('is decoded, and no longer says that it is encoded', async () => {
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'x-other': '1' }).end(gzipSync('{"a":1}'))
    })
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.body.toString()).toBe('{"a":1}')
    expect(outcome.headers).toMatchObject({ 'x-other': '1' })
    expect(outcome.headers).not.toHaveProperty('content-encoding')
  })

  test.each(['gzip', 'unheard-of'])('that cannot be decoded (%s) comes as it was', async (coding) => {
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200, { 'content-encoding': coding }).end('plain after all')
    })
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    assert.ok(outcome.kind === 'answered')
    expect(outcome.body.toString()).toBe('plain after all')
    expect(outcome.headers['content-encoding']).toBe(coding)
  })
})

describe('a receiver that never finishes is given up when the time is up', () => {
  test('while nothing accepts: the name does not come back', async () => {
    await using outbound = create({ lookup: () => new Promise(() => {}) })
    const outcome = await outbound.send({ url: 'http://slow.test/', method: 'POST', timeoutMs: 100 })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout', maybeReceived: false })
  })

  test('connecting has a limit of its own', async () => {
    await using outbound = create({ lookup: () => new Promise(() => {}), connectTimeoutMs: 100 })
    const outcome = await outbound.send({ url: 'http://slow.test/', method: 'POST' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout', maybeReceived: false })
    assert.ok(outcome.kind === 'unreachable' && outcome.durationMs < 5_000)
    expect(outcome.message).toContain('looking up its name')
  })

  test('before its headers', async () => {
    await using receiver = await listenTcp((socket) => socket.resume())
    await using outbound = create()
    const outcome = await outbound.send({ url: `${receiver.url}/s3cret`, method: 'POST', body: 'x', timeoutMs: 150 })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout', maybeReceived: true })
    assert.ok(outcome.kind === 'unreachable' && outcome.durationMs < 5_000)
    expect(outcome.message).toBe(`no complete answer from ${receiver.url} within 150 ms, while waiting for the answer`)
    await gone(receiver.sockets[0])
  })

  test('in a body that drips', async () => {
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(drip))
    })
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET', timeoutMs: 200 })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
    assert.ok(outcome.kind === 'unreachable' && outcome.durationMs < 5_000)
    expect(outcome.message).toContain('while reading the answer')
  })

  test('in headers that drip', async () => {
    await using receiver = await listenRaw('HTTP/1.1 200 OK\r\n', (socket) => {
      const drip = setInterval(() => socket.write('x: y\r\n'), 10)
      socket.on('close', () => clearInterval(drip))
    })
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET', timeoutMs: 200 })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
  })
})

describe('a receiver that cannot be reached says why', () => {
  test('its name does not resolve', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
    await using outbound = create({ lookup })
    const outcome = await outbound.send({ url: 'http://nowhere.test/s3cret', method: 'POST' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'dns', maybeReceived: false })
    assert.ok(outcome.kind === 'unreachable')
    expect(outcome.message).toBe('the name nowhere.test does not resolve (ENOTFOUND)')
  })

  test('its name has no address', async () => {
    await using outbound = create({ lookup: async () => [] })
    const outcome = await outbound.send({ url: 'http://nowhere.test/', method: 'GET' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'dns' })
  })

  test('nobody listens', async () => {
    const receiver = await listenTcp((socket) => socket.resume())
    await receiver[Symbol.asyncDispose]()
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'POST' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'refused', maybeReceived: false })
    expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
  })

  test('it resets the connection', async () => {
    await using receiver = await listenTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'reset', maybeReceived: true })
  })

  test.each([
    ['by length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
    ['by chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['before its headers end', 'HTTP/1.1 200 OK\r\nx: '],
  ])('it closes in the middle of an answer framed %s', async (_how, answer) => {
    await using receiver = await listenRaw(answer, (socket) => socket.end())
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'reset', maybeReceived: true })
  })

  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n'],
    ['two ways of framing', 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a protocol switch', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${`x-long: ${'x'.repeat(1_000)}\r\n`.repeat(20)}\r\n`],
  ])('it sends %s', async (_what, answer) => {
    await using receiver = await listenRaw(answer)
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'protocol' })
  })

  test('port 0 cannot be connected to', async () => {
    await using outbound = create()
    expect(await outbound.send({ url: 'http://127.0.0.1:0/', method: 'GET' })).toMatchObject({ kind: 'unreachable' })
  })
})

describe('a caller who gives up', () => {
  test('gets the outcome at once, and the connection ends', async () => {
    await using receiver = await listenTcp((socket) => socket.on('data', () => controller.abort()))
    const controller = new AbortController()
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'POST', signal: controller.signal })
    expect(outcome.kind).toBe('aborted')
    await gone(receiver.sockets[0])
  })

  test('before sending, sends nothing', async () => {
    await using receiver = await listenTcp((socket) => socket.resume())
    await using outbound = create()
    const outcome = await outbound.send({ url: receiver.url, method: 'POST', signal: AbortSignal.abort() })
    expect(outcome.kind).toBe('aborted')
    expect(receiver.sockets).toHaveLength(0)
  })

  test('while connecting, leaves no connection behind', async () => {
    const controller = new AbortController()
    const lookup = () => {
      controller.abort()
      return toLoopback()
    }
    await using receiver = await listenTcp((socket) => socket.resume())
    await using outbound = create({ lookup })
    const outcome = await outbound.send({
      url: `http://x.test:${receiver.port}`,
      method: 'GET',
      signal: controller.signal,
    })
    expect(outcome.kind).toBe('aborted')
    expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
    expect(receiver.sockets).toHaveLength(0)
  })

  test('does not disturb the next request, and a finished one is deaf to its signal', async () => {
    await using receiver = await listenHttp((_request, response) => response.end('ok'))
    const controller = new AbortController()
    await using outbound = create()
    const finished = await outbound.send({ url: receiver.url, method: 'GET', signal: controller.signal })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    const next = outbound.send({ url: receiver.url, method: 'GET' })
    controller.abort()
    expect([finished.kind, (await next).kind]).toEqual(['answered', 'answered'])
    expect(receiver.sockets).toHaveLength(1)
  })
})
