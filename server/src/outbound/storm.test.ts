import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { createOutbound } from './client.ts'
import { listenHttp } from './far-end.ts'

/** What the receiver does with a request that asks for it in its path. */
const MANNERS: Record<string, (response: ServerResponse) => void> = {
  fine: (response) => response.end('ok'),
  closing: (response) => response.writeHead(200, { connection: 'close' }).end('ok'),
  long: (response) => response.end(Buffer.alloc(100_000)),
  reset: (response) => response.socket?.resetAndDestroy(),
  half: (response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half')
    response.socket?.end()
  },
  silent: () => {},
}

test('in a storm every request gets exactly the outcome its receiver earned, and nothing is left behind', async () => {
  await using receiver = await listenHttp((request, response) => {
    request.resume()
    request.on('end', () => MANNERS[request.url?.slice(1) ?? '']?.(response))
  })
  const outbound = createOutbound({ allow: [{ network: '127.0.0.1', prefixBits: 32, port: null }] })
  const manners = Object.keys(MANNERS)
  const seen = new Map<string, number>()
  const sendOne = async (index: number): Promise<void> => {
    const manner = manners[index % manners.length] ?? ''
    const controller = new AbortController()
    const sent = outbound.send({
      url: `${receiver.url}/${manner}`,
      method: 'POST',
      body: `body ${index}`,
      responseBytesMax: 10_000,
      timeoutMs: manner === 'silent' ? 30 : 25_000,
      ...(index % 50 === 0 ? { signal: controller.signal } : {}),
    })
    controller.abort()
    const outcome = await sent
    const what = outcome.kind === 'unreachable' ? outcome.reason : outcome.kind
    const key = `${manner}: ${outcome.kind === 'answered' && outcome.bodyTruncated ? 'cut' : what}`
    seen.set(key, (seen.get(key) ?? 0) + 1)
  }
  // 500 at once over at most 128 connections, so that requests also wait for those that fail.
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => sendOne(round * 500 + index)))
  }

  const earned = ['fine: answered', 'closing: answered', 'long: cut', 'reset: reset', 'half: reset', 'silent: timeout']
  const aborted = manners.map((manner) => `${manner}: aborted`)
  expect([...seen.keys()].filter((key) => !earned.includes(key) && !aborted.includes(key))).toEqual([])
  for (const key of earned) assert.ok((seen.get(key) ?? 0) > 200, key)
  assert.equal(
    [...seen.values()].reduce((sum, count) => sum + count),
    2_000,
  )

  const { slots, idle } = outbound.connectionCount()
  assert.equal(slots, idle)
  await outbound.close()
  expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
})
