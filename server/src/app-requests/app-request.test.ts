import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskOf } from '../exchanges/mask.ts'
import { addressOf, appRequest } from './app-request.ts'
import type { ClientConfig } from './client-config.ts'

const KEY = 'key-of-the-connection'

const config = (baseUri: string | null): ClientConfig => ({
  baseUri,
  origins: new Set(baseUri === null ? [] : [new URL(baseUri).origin]),
  query: { api_key: KEY },
  headers: { 'x-key': KEY },
  auth: null,
  responseHandlers: [],
  sign: null,
  mask: maskOf({ args: {}, secrets: KEY }),
})

const hrefOf = (uri: string, base: string | null) => {
  const address = addressOf(config(base), uri)
  return 'problem' in address ? null : address.url.href
}

describe('an address', () => {
  test.each([
    ['https://api.example/v1', '/things', 'https://api.example/v1/things'],
    ['https://api.example/v1/', 'things', 'https://api.example/v1/things'],
    ['https://api.example', '', 'https://api.example/'],
    ['https://api.example/v1', '', 'https://api.example/v1'],
    ['https://api.example/v1', '?a=1', 'https://api.example/v1?a=1'],
    ['https://api.example/v1?fixed=1', '/x?a=1', 'https://api.example/v1/x?fixed=1&a=1'],
    ['https://api.example/v1', '//other.example/x', 'https://api.example/v1/other.example/x'],
    ['https://api.example/v1', '@other.example/x', 'https://api.example/v1/@other.example/x'],
    ['https://api.example/v1', 'https://other.example/x', 'https://other.example/x'],
    [null, 'https://other.example/x', 'https://other.example/x'],
    [null, '/x', null],
    ['https://api.example/v1', 'ftp://other.example/x', null],
    ['https://api.example/v1', 'javascript:alert(1)', null],
  ])('of %s and %s is %s', (base, uri, href) => {
    expect(hrefOf(uri, base)).toBe(href)
  })

  test('that is no whole URI stays with the app, whatever is written', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^[a-z][a-z\d+.-]*:/i.test(text))
        const address = addressOf(config('https://api.example/v1'), text)
        if (!('problem' in address)) expect(address.url.origin).toBe('https://api.example')
      }),
    )
  })
})

test('credentials are in a request exactly where it goes to the origin of the app', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true }), (uri) => {
      const request = appRequest(config('https://api.example/v1'), { method: 'GET', uri })
      if ('problem' in request) throw new Error(request.problem)
      const isOurs = new URL(uri).origin === 'https://api.example'
      expect(JSON.stringify(request).includes(KEY)).toBe(isOurs)
    }),
    { examples: [['https://api.example/x'], ['https://api.example:444/x'], ['http://api.example/x']] },
  )
})

test('bodies are written as their content type says', () => {
  const send = (data: unknown, type?: string) => {
    const headers = type === undefined ? {} : { 'Content-Type': type }
    const request = appRequest(config('https://api.example'), { method: 'POST', uri: '/', data, headers })
    return 'problem' in request ? request : [request.headers?.['content-type'], request.body]
  }
  expect(send({ a: 1 })).toEqual(['application/json', '{"a":1}'])
  expect(send('{"a":1}')).toEqual(['application/json', '{"a":1}'])
  expect(send('words')).toEqual(['text/plain; charset=utf-8', 'words'])
  const form = 'application/x-www-form-urlencoded'
  expect(send({ a: 'b c', n: 1, none: null, deep: { x: 1 } }, form)).toEqual([form, 'a=b+c&n=1&deep=%7B%22x%22%3A1%7D'])
  expect(send('<x/>', 'text/xml')).toEqual(['text/xml', '<x/>'])
})

test('headers that frame the message are the client’s, and the connector’s win over own ones but for what is negotiated', () => {
  const headers = { Host: 'other.example', 'Content-Length': '9', 'X-KEY': 'mine', 'X-Mine': '1', Accept: 'text/csv' }
  const request = appRequest(config('https://api.example'), { method: 'GET', uri: '/', headers })
  expect(request).toMatchObject({ headers: { 'x-key': KEY, 'x-mine': '1', accept: 'text/csv' } })
  expect(Object.keys('problem' in request ? {} : (request.headers ?? {})).sort()).toEqual(['accept', 'x-key', 'x-mine'])
})
