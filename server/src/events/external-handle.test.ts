import { isUtf8 } from 'node:buffer'
import { expect, test } from 'vitest'
import { argumentOf } from '../functions/argument.ts'
import { openTrial } from '../sandbox/trial.ts'
import { dataOf, handleArgument } from './external-handle.ts'

const JSON_TYPES = ['application/json', 'application/json; charset=utf-8', 'application/vnd.app+json', 'Text/JSON']
const OTHER_TYPES = ['application/x-www-form-urlencoded', 'text/plain', 'application/octet-stream', '']

const BODIES = [
  '{"id": 9007199254740993, "a": [1, 2]}',
  ' [1]',
  '"top"',
  '17',
  'null',
  'true',
  '{"a":',
  'a=1&b=x+y&a=2',
  '[a]=1',
  'plain ä €',
  '\ufeff{"a":1}',
  '\u00a0{"a":1}',
  ' ',
  '',
]

const BINARY = Buffer.from([0, 159, 146, 150, 255])

const requestOf = (contentType: string, body: Buffer) => ({
  id: 'x',
  method: 'POST',
  query: 'a=1&b=2&b=3',
  headers: contentType === '' ? {} : { 'content-type': contentType },
  body,
})

/** What `handle` is promised, said without regard to how it comes there. */
function promised(contentType: string, body: Buffer) {
  const text = isUtf8(body) ? body.toString() : null
  const data = dataOf(contentType, text)
  return {
    query: { a: '1', b: ['2', '3'] },
    data,
    body: data,
    headers: requestOf(contentType, body).headers,
    method: 'POST',
    rawBody: text ?? body.toString('latin1'),
    ...(text === null ? { rawBodyBase64: body.toString('base64') } : {}),
  }
}

test('a body is read by its type and its beginning; what cannot be read is its text', () => {
  expect(dataOf('application/json', '{"a":1}')).toEqual({ a: 1 })
  expect(dataOf('application/vnd.app+json; v=2', '17')).toBe(17)
  expect(dataOf('text/plain', '{"a":1}')).toEqual({ a: 1 })
  expect(dataOf('text/plain', '17')).toBe('17')
  expect(dataOf('application/json', '{"a":')).toBe('{"a":')
  expect(dataOf('application/x-www-form-urlencoded', 'a=1&a=2&b=x+y')).toEqual({ a: ['1', '2'], b: 'x y' })
  expect(dataOf('application/x-www-form-urlencoded', '{"a":1}')).toEqual({ a: 1 })
  expect(dataOf('application/x-www-form-urlencoded', '"a"=1')).toEqual({ '"a"': '1' })
  expect([dataOf('application/json', ''), dataOf('application/json', null)]).toEqual([null, null])
})

test('handle finds the body under the same names, in the same order, whoever reads it', async () => {
  await using trial = openTrial()
  const seen = 'export default (args) => JSON.stringify(args)'
  for (const contentType of [...JSON_TYPES, ...OTHER_TYPES]) {
    for (const body of [...BODIES.map((text) => Buffer.from(text)), BINARY]) {
      const given = handleArgument(requestOf(contentType, body))
      const expected = JSON.stringify(promised(contentType, body))
      const how = { args: given.args, ...(given.text === undefined ? {} : { text: given.text }), clients: [] }
      expect(await trial.returned(seen, how), `${contentType} ${body}`).toBe(expected)
      expect(JSON.stringify(argumentOf(given))).toBe(expected)
    }
  }
})

test('a JSON body goes in as it came, once', () => {
  const body = Buffer.from('{"id":9007199254740993}')
  for (const contentType of [...JSON_TYPES, 'text/plain', '']) {
    const { args, text } = handleArgument(requestOf(contentType, body))
    expect(text?.utf8).toBe(body)
    expect(JSON.stringify(args)).not.toContain('9007199254740993')
  }
})
