import { isUtf8 } from 'node:buffer'
import { expect, test } from 'vitest'
import { bodyAsValue, openBody } from '../bodies/body-value.ts'
import { argumentOf } from '../functions/argument.ts'
import { openTrial } from '../sandbox/trial.ts'
import { handleArgument } from './handle.ts'

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
  path: '',
  opened: null,
  headers: contentType === '' ? {} : { 'content-type': contentType },
  body,
})

/** What `handle` is promised, said without regard to how it comes there. */
async function promised(contentType: string, body: Buffer) {
  const { headers } = requestOf(contentType, body)
  const data = await bodyAsValue(await openBody(body, headers), headers)
  return {
    query: { a: '1', b: ['2', '3'] },
    data,
    body: data,
    headers,
    method: 'POST',
    path: '',
    rawBody: isUtf8(body) ? body.toString() : body.toString('latin1'),
    rawBodyBase64: body.toString('base64'),
  }
}

test('handle finds the body under the same names, in the same order, whoever reads it', async () => {
  await using trial = openTrial()
  const seen = 'export default (args) => JSON.stringify(args)'
  for (const contentType of [...JSON_TYPES, ...OTHER_TYPES]) {
    for (const body of [...BODIES.map((text) => Buffer.from(text)), BINARY]) {
      const given = await handleArgument(requestOf(contentType, body))
      const expected = JSON.stringify(await promised(contentType, body))
      const how = { args: given.args, ...(given.text === undefined ? {} : { text: given.text }), clients: [] }
      expect(await trial.returned(seen, how), `${contentType} ${body}`).toBe(expected)
      expect(JSON.stringify(argumentOf(given))).toBe(expected)
    }
  }
})

test('a JSON body goes in as it came, once', async () => {
  const body = Buffer.from('{"id":9007199254740993}')
  for (const contentType of [...JSON_TYPES, 'text/plain', '']) {
    const { args, text } = await handleArgument(requestOf(contentType, body))
    expect(text?.utf8).toBe(body)
    expect(JSON.stringify(args)).not.toContain('9007199254740993')
  }
})
