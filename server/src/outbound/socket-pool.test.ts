import assert from 'node:assert/strict'
import { describe, expect, test, vi } from 'vitest'
import { createOutbound } from './client.ts'
import { gone, listenHttp, listenTcp } from './far-end.ts'
import { CONNECTIONS_PER_ORIGIN_MAX, IDLE_CONNECTIONS_MAX } from './socket-pool.ts'

const LOOPBACK = [{ network: '127.0.0.0', prefixBits: 8, port: null }]
const toLoopback = async () => [{ address: '127.0.0.1', family: 4 }]
const create = () => createOutbound({ allow: LOOPBACK, lookup: toLoopback })

describe('connections', () => {
  test('to one origin are bounded: the wait for one is part of the attempt, and who waits is served', async () => {
    const held: (() => void)[] = []
    await using receiver = await listenHttp((_request, response) => {
      held.push(() => response.end('ok'))
    })
    await using outbound = create()
    const taken = Array.from({ length: CONNECTIONS_PER_ORIGIN_MAX }, () =>
      outbound.send({ url: receiver.url, method: 'GET' }),
    )
    await vi.waitUntil(() => held.length === CONNECTIONS_PER_ORIGIN_MAX, { timeout: 20_000, interval: 5 })
    const late = await outbound.send({ url: receiver.url, method: 'GET', timeoutMs: 100 })
    expect(late).toMatchObject({ kind: 'unreachable', reason: 'timeout', maybeReceived: false })
    const patient = outbound.send({ url: receiver.url, method: 'GET' })
    held[0]?.()
    await vi.waitUntil(() => held.length === CONNECTIONS_PER_ORIGIN_MAX + 1, { timeout: 20_000, interval: 5 })
    for (const answer of held) answer()
    for (const outcome of await Promise.all([...taken, patient])) assert.equal(outcome.kind, 'answered')
    expect(receiver.sockets).toHaveLength(CONNECTIONS_PER_ORIGIN_MAX)
  })

  test('are used again: many requests, as many connections as were needed at a time', async () => {
    await using receiver = await listenHttp((request, response) => {
      request.resume()
      response.end('ok')
    })
    await using outbound = create()
    const post = async (): Promise<void> => {
      const outcome = await outbound.send({ url: receiver.url, method: 'POST', body: 'x'.repeat(1_000) })
      assert.equal(outcome.kind, 'answered')
    }
    const runOf = async (): Promise<void> => {
      for (let n = 0; n < 25; n++) await post()
    }
    await Promise.all(Array.from({ length: 4 }, runOf))
    expect(receiver.sockets).toHaveLength(4)
    expect(outbound.connectionCount()).toEqual({ origins: 1, slots: 4, idle: 4 })
  })

  test('closed by the receiver between two requests cost nothing: a new one is made, and nothing is kept', async () => {
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200, { connection: 'close' }).end('ok')
    })
    await using outbound = create()
    for (let n = 0; n < 10; n++) {
      expect((await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })).kind).toBe('answered')
    }
    expect(receiver.sockets).toHaveLength(10)
    await vi.waitUntil(() => outbound.connectionCount().origins === 0, { timeout: 20_000, interval: 5 })
  })

  test('closed while unused are let go, and the next request makes a new one', async () => {
    await using receiver = await listenHttp((_request, response) => response.end('ok'))
    await using outbound = create()
    await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })
    receiver.sockets[0]?.destroy()
    await vi.waitUntil(() => outbound.connectionCount().origins === 0, { timeout: 20_000, interval: 5 })
    expect((await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })).kind).toBe('answered')
    expect(receiver.sockets).toHaveLength(2)
  })

  test('poisoned by an answer nobody asked for are not used again', async () => {
    const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst'
    const poison = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'
    await using receiver = await listenTcp((socket) => {
      socket.on('data', () => socket.write(answer + poison))
    })
    await using outbound = create()
    for (let n = 0; n < 5; n++) {
      const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
      if (outcome.kind === 'answered') expect(outcome.body.toString()).toBe('first')
    }
    expect(receiver.sockets.length).toBeGreaterThan(1)
  })

  test('to very many origins stay within the bound, and the longest unused go first', async () => {
    await using receiver = await listenHttp((_request, response) => {
      response.writeHead(200, { 'keep-alive': 'timeout=60' }).end('ok')
    })
    await using outbound = create()
    const originsCount = IDLE_CONNECTIONS_MAX + 200
    let next = 0
    const runOf = async (): Promise<void> => {
      while (next < originsCount) {
        const outcome = await outbound.send({ url: `http://shop-${next++}.test:${receiver.port}/`, method: 'GET' })
        assert.equal(outcome.kind, 'answered')
        assert.ok(outbound.connectionCount().idle <= IDLE_CONNECTIONS_MAX)
      }
    }
    await Promise.all(Array.from({ length: 20 }, runOf))
    const { origins, slots, idle } = outbound.connectionCount()
    expect(origins).toBeLessThanOrEqual(IDLE_CONNECTIONS_MAX)
    expect(slots).toBe(idle)
    const reached = receiver.sockets.length
    await outbound.send({ url: `http://shop-${originsCount - 1}.test:${receiver.port}/`, method: 'GET' })
    expect(receiver.sockets).toHaveLength(reached)
    await outbound.send({ url: `http://shop-0.test:${receiver.port}/`, method: 'GET' })
    expect(receiver.sockets).toHaveLength(reached + 1)
  })
})

describe('closing', () => {
  test('lets a request under way finish, refuses new ones, and leaves no connection open', async () => {
    let answer = (): void => {}
    const arrived = Promise.withResolvers<void>()
    await using receiver = await listenHttp((_request, response) => {
      answer = () => response.end('ok')
      arrived.resolve()
    })
    const outbound = create()
    const underWay = outbound.send({ url: receiver.url, method: 'POST', body: 'x' })
    await arrived.promise
    const closed = outbound.close()
    expect(await outbound.send({ url: receiver.url, method: 'POST' })).toMatchObject({ kind: 'aborted' })
    answer()
    expect((await underWay).kind).toBe('answered')
    await closed
    expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
    await gone(receiver.sockets[0])
    await outbound.close()
  })
})
