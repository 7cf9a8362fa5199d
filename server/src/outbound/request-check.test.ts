import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkRequest, type OutboundRequest } from './request-check.ts'

const DEFAULTS = { userAgent: 'Permea', timeoutMs: 15_000, responseBytesMax: 1_000 }
const check = (request: Partial<OutboundRequest>) =>
  checkRequest({ url: 'https://example.com/', method: 'POST', ...request }, DEFAULTS)

describe('the URL', () => {
  test.each([
    ['ftp://example.com/', 'only http and https'],
    ['file:///etc/passwd', 'only http and https'],
    ['unix:/var/run/docker.sock', 'only http and https'],
    ['http+unix://%2Fvar%2Frun%2Fdocker.sock/x', 'only http and https'],
    ['gopher://127.0.0.1:6379/_PING', 'only http and https'],
    ['data:text/plain,x', 'only http and https'],
    ['javascript:alert(1)', 'only http and https'],
    ['ws://example.com/', 'only http and https'],
    ['https://user:s3cret@example.com/', 'a user name or password'],
    ['https://s3cret@example.com/', 'a user name or password'],
    ['https://:s3cret@example.com/', 'a user name or password'],
    ['http://example.com@127.0.0.1/', 'a user name or password'],
  ])('%s is forbidden', (url, complaint) => {
    const checked = check({ url })
    assert.ok('kind' in checked && checked.kind === 'forbidden')
    expect(checked.message).toContain(complaint)
    expect(checked.message).not.toContain('s3cret')
  })

  test.each([
    '',
    'example.com',
    '/path',
    'http://',
    'http://exa mple.com/',
    'http://1.2.3.4.5/',
    'http://[::1/',
    'http://a:99999/',
  ])('%j cannot be read and is invalid', (url) => {
    expect(check({ url })).toEqual({ kind: 'invalid', message: 'the URL cannot be read' })
  })

  test('keeps path and query as they are, and leaves out the fragment', () => {
    expect(check({ url: 'https://example.com:8443/a%2Fb/ü?x=1&y=%20#secret' })).toMatchObject({
      origin: 'https://example.com:8443',
      path: '/a%2Fb/%C3%BC?x=1&y=%20',
    })
  })
})

describe('the method', () => {
  test('is sent in upper case', () => {
    expect(check({ method: 'patch' })).toMatchObject({ method: 'PATCH' })
  })

  test.each(['', 'GET /', 'PO ST', 'GET\r\nx: y', 'connect', 'TRACE', 'TRACK'])('%j is invalid', (method) => {
    expect(check({ method })).toMatchObject({ kind: 'invalid' })
  })
})

describe('the headers', () => {
  test.each([
    'host',
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'keep-alive',
    'upgrade',
    'expect',
    'te',
    'trailer',
    'proxy-authorization',
    'proxy-connection',
    'http2-settings',
  ])('may not contain %s, which belongs to the client', (name) => {
    const checked = check({ headers: { [name]: 'x' } })
    assert.ok('kind' in checked && checked.kind === 'invalid')
    expect(checked.message).toContain(name.toLowerCase())
  })

  test.each([
    ['a line break', 'x\r\ninjected: yes'],
    ['a line feed', 'x\ny'],
    ['a null', 'x\0'],
    ['a character beyond latin1', 'snow ☃'],
  ])('may not carry %s, and the complaint does not repeat the value', (_what, value) => {
    const checked = check({ headers: { 'x-token': `s3cret${value}` } })
    assert.ok('kind' in checked && checked.kind === 'invalid')
    expect(checked.message).toContain('x-token')
    expect(checked.message).not.toContain('s3cret')
  })

  test.each(['', ' ', 'a b', 'a:b', 'x\r\ny', 'ü'])('may not be named %j', (name) => {
    expect(check({ headers: { [name]: 'x' } })).toMatchObject({ kind: 'invalid' })
  })

  test('may not hold anything but text', () => {
    const headers = JSON.parse('{"x-list": ["a"]}')
    expect(check({ headers })).toMatchObject({ kind: 'invalid' })
  })

  test('say who we are and ask for an answer without encoding, unless the caller says otherwise', () => {
    expect(check({})).toMatchObject({ headers: ['user-agent', 'Permea', 'accept-encoding', 'identity'] })
    const headers = { 'User-Agent': 'me', 'Accept-Encoding': 'gzip' }
    expect(check({ headers })).toMatchObject({ headers: ['User-Agent', 'me', 'Accept-Encoding', 'gzip'] })
  })

  test('never let a value through that would end its line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const checked = check({ headers: { 'x-a': value } })
        if ('kind' in checked) return
        assert.ok(!/[\r\n\0]/.test(checked.headers.join('')))
      }),
    )
  })
})

describe('the limits', () => {
  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('a time limit of %d ms is invalid', (timeoutMs) => {
    expect(check({ timeoutMs })).toMatchObject({ kind: 'invalid' })
  })

  test.each([-1, Number.NaN])('an answer of at most %d bytes is invalid', (responseBytesMax) => {
    expect(check({ responseBytesMax })).toMatchObject({ kind: 'invalid' })
  })
})
