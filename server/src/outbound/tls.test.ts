import assert from 'node:assert/strict'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { createOutbound } from './client.ts'
import { gone, listenHttps, listenRaw, listenTcp } from './far-end.ts'
import { TEST_ONLY_CERTIFICATE } from './far-end-key.ts'

const AUTHORITIES = getCACertificates('default')
const create = () =>
  createOutbound({
    allow: [{ network: '127.0.0.0', prefixBits: 8, port: null }],
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
  })

afterEach(() => setDefaultCACertificates(AUTHORITIES))

test('a receiver with a trusted certificate is reached by name and by address, over a connection used again', async () => {
  setDefaultCACertificates([...AUTHORITIES, TEST_ONLY_CERTIFICATE])
  await using receiver = await listenHttps((request, response) => response.end(request.headers.host))
  await using outbound = create()
  for (const host of ['receiver.test', '127.0.0.1', 'receiver.test', '127.0.0.1']) {
    const outcome = await outbound.send({ url: `https://${host}:${receiver.port}/`, method: 'POST', body: 'x' })
    assert.ok(outcome.kind === 'answered', JSON.stringify(outcome))
    expect(outcome.body.toString()).toBe(`${host}:${receiver.port}`)
  }
  expect(receiver.sockets).toHaveLength(2)
})

test('a certificate for another name is refused, and with it the request', async () => {
  setDefaultCACertificates([...AUTHORITIES, TEST_ONLY_CERTIFICATE])
  let requests = 0
  await using receiver = await listenHttps((_request, response) => response.end(String(++requests)))
  await using outbound = create()
  const outcome = await outbound.send({ url: `https://other.test:${receiver.port}/`, method: 'POST' })
  expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'tls', maybeReceived: false })
  expect(requests).toBe(0)
})

test('a self-signed certificate is refused, even where the environment says otherwise', async () => {
  await using receiver = await listenHttps((_request, response) => response.end('ok'))
  await using outbound = create()
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    const outcome = await outbound.send({ url: `https://receiver.test:${receiver.port}/`, method: 'POST' })
    assert.ok(outcome.kind === 'unreachable')
    expect(outcome).toMatchObject({ reason: 'tls', maybeReceived: false })
    expect(outcome.message).toContain('self-signed certificate')
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  }
})

test('a receiver that does not speak TLS', async () => {
  await using receiver = await listenRaw('HTTP/1.1 400 Bad Request\r\n\r\n')
  await using outbound = create()
  const outcome = await outbound.send({ url: `https://127.0.0.1:${receiver.port}/`, method: 'GET' })
  assert.ok(outcome.kind === 'unreachable')
  expect(outcome.reason).toBe('tls')
  expect(outcome.message).toContain('wrong version number')
})

test('a receiver that hangs up during the handshake', async () => {
  await using receiver = await listenTcp((socket) => socket.once('data', () => socket.destroy()), 'https')
  await using outbound = create()
  expect(await outbound.send({ url: receiver.url, method: 'GET' })).toMatchObject({
    kind: 'unreachable',
    reason: 'tls',
    maybeReceived: false,
  })
})

test('a handshake that never ends is given up after the time for connecting', async () => {
  await using receiver = await listenTcp((socket) => socket.resume(), 'https')
  await using outbound = createOutbound({
    allow: [{ network: '127.0.0.0', prefixBits: 8, port: null }],
    connectTimeoutMs: 150,
  })
  const outcome = await outbound.send({ url: receiver.url, method: 'GET' })
  assert.ok(outcome.kind === 'unreachable')
  expect(outcome.reason).toBe('timeout')
  expect(outcome.message).toContain('while shaking hands over TLS')
  await gone(receiver.sockets[0])
})

test('a caller who gives up during the handshake leaves no connection behind', async () => {
  const controller = new AbortController()
  await using receiver = await listenTcp((socket) => socket.on('data', () => controller.abort()), 'https')
  await using outbound = createOutbound({
    allow: [{ network: '127.0.0.0', prefixBits: 8, port: null }],
    connectTimeoutMs: 600_000,
  })
  const outcome = await outbound.send({ url: receiver.url, method: 'GET', signal: controller.signal })
  expect(outcome.kind).toBe('aborted')
  await gone(receiver.sockets[0])
})
