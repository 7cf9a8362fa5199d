import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'
import { type AllowRule, parseEgressAllow } from './address-policy.ts'
import { createOutbound } from './client.ts'
import type { Lookup } from './dial.ts'
import { listenHttp } from './far-end.ts'

/** A resolver that gives the next of these answers at each call, and the last one from then on. */
function answering(...answers: string[][]): Lookup & { asked: string[] } {
  const asked: string[] = []
  const lookup = async (hostname: string) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return Object.assign(lookup, { asked })
}

function rules(text: string): AllowRule[] {
  const parsed = parseEgressAllow(text)
  assert.ok(!('problem' in parsed))
  return parsed
}

describe('without a rule, a private listener is never connected to', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '0',
    '0.0.0.0',
    '127.0.0.1.',
    '１２７．０．０．１',
    '127。0。0。1',
    '①②⑦.0.0.1',
    '%31%32%37.0.0.1',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'ｌｏｃａｌｈｏｓｔ',
    'anything.internal',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '169.254.169.254',
  ])('by the host %s', async (host) => {
    await using privateListener = await listenHttp((_request, response) => response.end('secret'))
    await using outbound = createOutbound({ allow: [], lookup: answering(['127.0.0.1']) })
    const outcome = await outbound.send({ url: `http://${host}:${privateListener.port}/?token=s3cret`, method: 'GET' })
    assert.equal(outcome.kind, 'forbidden')
    expect(outcome.message).not.toContain('s3cret')
    expect(privateListener.sockets).toHaveLength(0)
    expect(outbound.connectionCount()).toEqual({ origins: 0, slots: 0, idle: 0 })
  })

  test.each([
    [['93.184.215.14', '10.0.0.1']],
    [['10.0.0.1', '93.184.215.14']],
    [['2606:4700::1111', '93.184.215.14', '::1']],
    [['93.184.215.14', '::ffff:127.0.0.1']],
    [['93.184.215.14', 'not an address']],
  ])('by a name of which one answer is bad: %j', async (addresses) => {
    await using outbound = createOutbound({ allow: [], lookup: answering(addresses) })
    const outcome = await outbound.send({ url: 'http://mixed.test/', method: 'GET' })
    assert.ok(outcome.kind === 'forbidden')
    expect(addresses).toContain(outcome.address)
    expect(outcome.message).toContain('mixed.test:80')
  })

  test('by the system resolver: localhost is refused', async () => {
    await using privateListener = await listenHttp((_request, response) => response.end('secret'))
    await using outbound = createOutbound({ allow: [] })
    const outcome = await outbound.send({ url: `http://localhost:${privateListener.port}/`, method: 'GET' })
    assert.equal(outcome.kind, 'forbidden')
    expect(privateListener.sockets).toHaveLength(0)
  })

  test('through a proxy from the environment', async () => {
    await using proxy = await listenHttp((_request, response) => response.end('proxied'))
    const before = { ...process.env }
    Object.assign(process.env, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, ALL_PROXY: proxy.url })
    try {
      await using outbound = createOutbound({ allow: [] })
      const outcome = await outbound.send({ url: 'http://127.0.0.1:9/', method: 'GET' })
      assert.equal(outcome.kind, 'forbidden')
      expect(proxy.sockets).toHaveLength(0)
    } finally {
      process.env = before
    }
  })
})

describe('a name that changes its answer', () => {
  test('is looked up once per connection, and the checked answer is the one that is used', async () => {
    await using open = await listenHttp((_request, response) => response.end('open'), { host: '127.0.0.2' })
    await using secret = await listenHttp((_request, response) => response.end('secret'), {
      host: '127.0.0.3',
      port: open.port,
    })
    const lookup = answering(['127.0.0.2'], ['127.0.0.3'])
    await using outbound = createOutbound({ allow: rules('127.0.0.2/32'), lookup })
    const url = `http://rebinding.test:${open.port}/`

    const first = await outbound.send({ url, method: 'GET' })
    assert.ok(first.kind === 'answered')
    expect(first.body.toString()).toBe('open')
    expect(first.remoteAddress).toBe('127.0.0.2')
    expect(lookup.asked).toEqual(['rebinding.test'])

    // The second request of two at a time needs a connection of its own, and with it a new answer.
    const both = await Promise.all([outbound.send({ url, method: 'GET' }), outbound.send({ url, method: 'GET' })])
    expect(both.map(({ kind }) => kind).sort()).toEqual(['answered', 'forbidden'])
    expect(lookup.asked).toHaveLength(2)
    expect(secret.sockets).toHaveLength(0)
  })

  test('cannot gain by answering with both, in either order', async () => {
    await using secret = await listenHttp((_request, response) => response.end('secret'), { host: '127.0.0.3' })
    for (const answer of [
      ['127.0.0.2', '127.0.0.3'],
      ['127.0.0.3', '127.0.0.2'],
    ]) {
      await using outbound = createOutbound({ allow: rules('127.0.0.2/32'), lookup: answering(answer) })
      const outcome = await outbound.send({ url: `http://rebinding.test:${secret.port}/`, method: 'GET' })
      expect(outcome).toMatchObject({ kind: 'forbidden', address: '127.0.0.3' })
    }
    expect(secret.sockets).toHaveLength(0)
  })
})

describe('with a rule', () => {
  test('a listener is reached by address, by name, and over IPv6', async () => {
    await using v4 = await listenHttp((request, response) => response.end(request.headers.host))
    await using v6 = await listenHttp((request, response) => response.end(request.headers.host), { host: '::1' })
    const lookup = answering(['127.0.0.1'])
    await using outbound = createOutbound({ allow: rules(`127.0.0.1/32:${v4.port}, [::1]/128:${v6.port}`), lookup })
    for (const url of [v4.url, `http://[::ffff:127.0.0.1]:${v4.port}`, v6.url, `http://shop.test:${v4.port}`]) {
      const outcome = await outbound.send({ url, method: 'GET' })
      assert.ok(outcome.kind === 'answered', JSON.stringify(outcome))
      expect(outcome.body.toString()).toBe(new URL(url).host)
    }
    expect(lookup.asked).toEqual(['shop.test'])
  })

  test('for one port, the others stay closed', async () => {
    await using listener = await listenHttp((_request, response) => response.end('secret'))
    await using outbound = createOutbound({ allow: rules(`127.0.0.1/32:${listener.port === 9 ? 10 : 9}`) })
    expect(await outbound.send({ url: listener.url, method: 'GET' })).toMatchObject({ kind: 'forbidden' })
    expect(listener.sockets).toHaveLength(0)
  })

  test('the next address is tried where the first of several allowed ones refuses', async () => {
    await using listener = await listenHttp((_request, response) => response.end('second'))
    const lookup = answering(['127.0.0.2', '127.0.0.1'])
    await using outbound = createOutbound({ allow: rules('127.0.0.0/8'), lookup })
    const outcome = await outbound.send({ url: `http://two.test:${listener.port}/`, method: 'GET' })
    expect(outcome).toMatchObject({ kind: 'answered', remoteAddress: '127.0.0.1' })
  })
})

test.each([301, 302, 303, 307, 308])('a %d is an answer and is not followed', async (status) => {
  await using secret = await listenHttp((_request, response) => response.end('secret'), { host: '127.0.0.3' })
  await using listener = await listenHttp((_request, response) => {
    response.writeHead(status, { location: secret.url }).end('moved')
  })
  await using outbound = createOutbound({ allow: rules('127.0.0.0/8') })
  const outcome = await outbound.send({ url: listener.url, method: 'POST', body: 'x' })
  assert.ok(outcome.kind === 'answered')
  expect(outcome).toMatchObject({ status, headers: { location: secret.url } })
  expect(outcome.body.toString()).toBe('moved')
  expect(secret.sockets).toHaveLength(0)
})

test('connections that ask for one name at the same time share one lookup', async () => {
  await using listener = await listenHttp((_request, response) => response.end('ok'))
  const lookup = answering(['127.0.0.1'])
  await using outbound = createOutbound({ allow: rules('127.0.0.0/8'), lookup })
  const url = `http://shop.test:${listener.port}/`
  await Promise.all(Array.from({ length: 20 }, () => outbound.send({ url, method: 'GET' })))
  expect(lookup.asked).toHaveLength(1)
  expect(listener.sockets).toHaveLength(20)
})
