import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createOutbound } from './client.ts'
import { gone, listenHttp } from './far-end.ts'

const KB = 1024
const MB = 1024 * KB
const create = () => createOutbound({ allow: [{ network: '127.0.0.1', prefixBits: 32, port: null }] })

/** An allowance of so many bytes that says what of it is held, and what was at most. */
function allowanceOf(bytesMax: number) {
  let held = 0
  let most = 0
  return {
    held: () => held,
    most: () => most,
    take(bytes: number): boolean {
      if (held + bytes > bytesMax) return false
      held += bytes
      most = Math.max(most, held)
      return true
    },
    give(bytes: number): void {
      held -= bytes
      assert.ok(held >= 0, 'more was given back than was taken')
    },
  }
}

/** Writes until the other side is gone. */
function writeForEver(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(64 * KB)));
  }
  response.on('drain', more)
  more()
}

test('an answer takes what it holds, and keeps it', async () => {
  await using receiver = await listenHttp(async (request, response) => {
    if (request.url === '/known') response.setHeader('content-length', MB)
    for (let sent = 0; sent < 64; sent += 1)
      await new Promise((resolve) => response.write(Buffer.alloc(16 * KB, sent), resolve))
    response.end()
  })
  await using outbound = create()
  const known = allowanceOf(10 * MB)
  const outcome = await outbound.send({ url: `${receiver.url}/known`, method: 'GET', allowance: known })
  assert.ok(outcome.kind === 'answered' && outcome.body.length === MB && outcome.body.at(-1) === 63)
  expect([known.held(), known.most()]).toEqual([MB, MB])
  // Where nobody said how long it would be, the buffer may be twice as long as what is in it.
  const unknown = allowanceOf(10 * MB)
  await outbound.send({ url: receiver.url, method: 'GET', allowance: unknown })
  expect(unknown.held()).toBeGreaterThanOrEqual(MB)
  expect(unknown.held()).toBeLessThan(2 * MB)
})

test('a request whose allowance is used up is aborted, its connection dropped, and what it had is given back', async () => {
  await using receiver = await listenHttp((_request, response) => writeForEver(response))
  await using outbound = create()
  const allowance = allowanceOf(MB)
  const outcome = await outbound.send({ url: receiver.url, method: 'GET', allowance })
  expect(outcome).toMatchObject({
    kind: 'aborted',
    message: 'more is being received than may be held at the same time',
  })
  await gone(receiver.sockets[0])
  expect(allowance.held()).toBe(0)
  expect(allowance.most()).toBeGreaterThan(MB / 4)
  expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
})

test('an answer that comes to nothing holds nothing', async () => {
  const manners: Record<string, (response: ServerResponse) => void> = {
    '/reset': (response) => response.write(Buffer.alloc(100 * KB), () => response.socket?.resetAndDestroy()),
    '/half': (response) => response.write(Buffer.alloc(100 * KB), () => response.socket?.end()),
    '/silent': (response) => response.write(Buffer.alloc(100 * KB)),
    '/aborted': (response) => response.write(Buffer.alloc(100 * KB)),
  }
  await using receiver = await listenHttp((request, response) => manners[request.url ?? '']?.(response))
  await using outbound = create()
  for (const path of Object.keys(manners)) {
    const allowance = allowanceOf(10 * MB)
    const aborting = new AbortController()
    const take = (bytes: number) => {
      if (path === '/aborted') setImmediate(() => aborting.abort())
      return allowance.take(bytes)
    }
    const outcome = await outbound.send({
      url: receiver.url + path,
      method: 'GET',
      timeoutMs: path === '/silent' ? 200 : 10_000,
      signal: aborting.signal,
      allowance: { take, give: allowance.give },
    })
    expect(outcome.kind, path).toBe(path === '/aborted' ? 'aborted' : 'unreachable')
    expect(allowance.most(), path).toBeGreaterThan(0)
    expect(allowance.held(), path).toBe(0)
  }
})

test('a packed answer counts by what it becomes', async () => {
  const bomb = Buffer.alloc(50 * MB)
  const packed: Record<string, Buffer> = {
    gzip: gzipSync(bomb),
    br: brotliCompressSync(bomb),
    'gzip, gzip': gzipSync(gzipSync(bomb)),
  }
  await using receiver = await listenHttp((request, response) => {
    const coding = decodeURIComponent(request.url?.slice(1) ?? '')
    response.writeHead(200, { 'content-encoding': coding }).end(packed[coding])
  })
  await using outbound = create()
  for (const coding of Object.keys(packed)) {
    const url = `${receiver.url}/${encodeURIComponent(coding)}`
    const scarce = allowanceOf(MB)
    const refused = await outbound.send({ url, method: 'GET', allowance: scarce })
    expect(refused.kind, coding).toBe('aborted')
    expect(scarce.most(), coding).toBeGreaterThan(0.9 * MB)
    expect(scarce.held(), coding).toBe(0)
    const ample = allowanceOf(20 * MB)
    const cut = await outbound.send({ url, method: 'GET', allowance: ample })
    assert.ok(cut.kind === 'answered' && cut.bodyTruncated && cut.body.length === 10 * MB)
    expect(ample.held(), coding).toBe(10 * MB)
  }
})

const LINES = Array.from({ length: 50_000 }, (_, i) => `line ${i * 7919}`).join('\n')

test.each([
  ['damaged', 'gzip', gzipSync(LINES).fill(0xff, 20_000, 21_000), null],
  ['damaged in the second step', 'gzip, gzip', gzipSync('damaged '.repeat(10_000)), null],
  ['of an unknown coding', 'unheard-of', Buffer.alloc(KB), null],
  ['not packed at all', 'identity', Buffer.alloc(KB), null],
  ['fine', 'gzip', gzipSync(Buffer.alloc(MB)), MB],
])('of a packed answer that is %s, what is handed over is held', async (_what, coding, body, becomes) => {
  await using receiver = await listenHttp((_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length }).end(body)
  })
  await using outbound = create()
  const allowance = allowanceOf(10 * MB)
  const outcome = await outbound.send({ url: receiver.url, method: 'GET', allowance })
  assert.ok(outcome.kind === 'answered')
  expect(outcome.body.length).toBe(becomes ?? body.length)
  expect(allowance.held()).toBe(outcome.body.length)
})
