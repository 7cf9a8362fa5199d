import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOutbound, type Outbound } from './client.ts'
import { listenHttp, listenTcp } from './far-end.ts'

const INTERIM = 'HTTP/1.1 100 Continue\r\n\r\n'
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

let outbound: Outbound

beforeAll(() => {
  outbound = createOutbound({ allow: [{ network: '127.0.0.0', prefixBits: 8, port: null }] })
})

afterAll(() => outbound[Symbol.asyncDispose]())

/** What comes of a request to a receiver that writes these, one after the other, for each request on a connection. */
async function answered(writes: readonly string[], requests = 1) {
  let received = 0
  await using receiver = await listenTcp((socket) => {
    socket.setNoDelay(true)
    socket.on('data', async () => {
      received += 1
      for (const each of writes) {
        socket.write(each, 'latin1')
        await new Promise<void>((done) => setImmediate(done))
      }
    })
  })
  const outcomes = []
  for (let n = 0; n < requests; n += 1)
    outcomes.push(await outbound.send({ url: receiver.url, method: 'POST', body: 'x', timeoutMs: 3000 }))
  return { outcomes, received, connections: receiver.sockets.length }
}

test.each([
  ['at once', [INTERIM + ANSWER]],
  ['before it', [INTERIM, ANSWER]],
  ['several times', [INTERIM + INTERIM, INTERIM, ANSWER]],
  ['byte by byte', [...(INTERIM + ANSWER)]],
  ['with headers', ['HTTP/1.1 100 Continue\r\nDate: x\r\nServer: y\r\n\r\n', ANSWER]],
  ['without a reason', ['HTTP/1.1 100 \r\n\r\n', ANSWER]],
  ['by HTTP/1.0', ['HTTP/1.0 100 Continue\r\n\r\n', ANSWER]],
  ['with other interim answers', ['HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', ANSWER]],
])('a 100 Continue that nobody asked for, %s, is skipped, and nothing is sent twice', async (_, writes) => {
  const { outcomes, received, connections } = await answered(writes, 3)
  expect(outcomes).toMatchObject(Array(3).fill({ kind: 'answered', status: 200, body: Buffer.from('hello') }))
  expect([received, connections]).toEqual([3, 1])
})

test('a body that looks like one is a body', async () => {
  const body = `${INTERIM}HTTP/1.1 100 `
  const { outcomes } = await answered([
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`,
    INTERIM,
    'HTTP/1.1 100 ',
  ])
  expect(outcomes).toMatchObject([{ kind: 'answered', body: Buffer.from(body) }])
})

test('an answer that ends there is none', async () => {
  await using receiver = await listenTcp((socket) => {
    socket.once('data', () => socket.end(`${INTERIM}HTTP/1.1 10`))
  })
  expect(await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })).toMatchObject({ kind: 'unreachable' })
})

test('Node’s own server sends one before its answer', async () => {
  await using receiver = await listenHttp((_request, response) => {
    response.writeContinue()
    response.end('hello')
  })
  expect(await outbound.send({ url: receiver.url, method: 'POST', body: 'x' })).toMatchObject({ status: 200 })
})
