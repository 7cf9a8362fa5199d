import { isUtf8 } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { ErrorData } from '@permea/contract'
import { expect, test } from 'vitest'
import { bodyAsValue, openBody } from '../bodies/body-value.ts'
import { argumentOf } from '../functions/argument.ts'
import { openTrial } from '../sandbox/trial.ts'
import { DEFAULT_RESPONSE, handleArgument, handledOf } from './handle.ts'

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

test('a body that is text goes in once, whatever it is, as long as it may be', async () => {
  await using trial = openTrial()
  const seen = 'export default ({ data, body, rawBody }) => [data === rawBody, data === body, rawBody.length]'
  const xml = '<a>ä</a>'.repeat(1_000_000)
  const { args, text } = await handleArgument(requestOf('application/xml', Buffer.from(xml)))
  const limits = { argsBytes: 12 * 1024 * 1024 }
  const given = { args, ...(text === undefined ? {} : { text }), clients: [], limits }
  expect(await trial.returned(seen, given)).toEqual([true, true, xml.length])
  const packed = gzipSync('{"a":1}')
  const opened = { ...requestOf('application/json', packed), headers: { 'content-encoding': 'gzip' } }
  const unpacked = await handleArgument(opened)
  expect(unpacked.text?.utf8.toString()).toBe('{"a":1}')
  expect(argumentOf(unpacked)).toMatchObject({
    data: { a: 1 },
    body: { a: 1 },
    rawBody: '{"a":1}',
    rawBodyBase64: packed.toString('base64'),
  })
})

/** What comes of what `handle` returned. */
const made = (value: unknown) =>
  handledOf({ kind: 'returned', value, logs: [], cpuMs: 0, hostCalls: 0, callId: null, durationMs: 0 } as never)

test.each([null, '', false, 0, [], {}, [''], { message: '' }, { message: null, details: [] }])(
  'an error of %j beside an answer is none',
  (error) => {
    expect(made({ error, events: [1] })).toEqual({
      handled: { events: [1], state: undefined, response: DEFAULT_RESPONSE },
    })
    const answered = made({ error, response: { status: 202, data: { ok: true } } })
    expect(answered).toMatchObject({ handled: { events: [], response: { status: 202, body: '{"ok":true}' } } })
  },
)

test.each([
  [true, { key: 'webhook_handling_failed', message: 'true' }],
  ['no', { key: 'webhook_handling_failed', message: 'no' }],
  [
    { message: 'no', key: 'own', type: 'connection', data: { a: 1 } },
    { key: 'own', type: 'connection', message: 'no', data: { a: 1 } },
  ],
  [
    { message: 'no', key: 5, type: 'nothing of ours' },
    { key: 'webhook_handling_failed', message: 'no' },
  ],
  [{ code: 7 }, { message: '{"code":7}' }],
  [['a', 'b'], { message: '["a","b"]' }],
])('an error of %j is one, with what it says of itself', (error, expected) => {
  const result = made({ error, events: [1] })
  expect(result).toMatchObject({ error: expected })
  expect(ErrorData.safeParse('error' in result ? result.error : null).success).toBe(true)
})

test('who does not prove himself is told so, thrown or returned, unless handle answers otherwise', () => {
  const error = { key: 'webhook_not_verified', message: 'the signature is wrong' }
  expect(made({ error })).toMatchObject({ error, response: { status: 401 } })
  expect(made({ error, response: { status: 403 } })).toMatchObject({ error, response: { status: 403 } })
})

test.each([
  [{ evnts: [1] }, '"evnts"'],
  [{ Events: [1] }, '"Events"'],
  [{ event: { id: 1 }, response: { status: 202 } }, '"event"'],
  [{ events: [1], sate: { a: 1 } }, '"sate"'],
  [{ events: [1], reponse: { status: 202 } }, '"reponse"'],
  [{ id: 1, type: 'order' }, '"id", "type"'],
  [{ ok: true, events: null, state: {} }, '"ok"'],
  [{ status: 200, body: 'challenge' }, '"status", "body"'],
])('names that are not ours and may have cost something are told: %j', (value, names) => {
  const result = made(value)
  expect(result).toMatchObject({ error: { key: 'webhook_handling_failed', message: expect.stringContaining(names) } })
  if ('response' in value) expect(result).toMatchObject({ response: { status: 202 } })
})

test.each([
  {},
  { events: [1], note: 'of the author' },
  { events: [1], status: 200 },
  { events: [], debug: { a: 1 } },
  { response: { status: 200 }, took: 5 },
  { state: { a: 1 }, took: 5 },
  { events: [1], errors: [] },
])('names that are not ours beside what is said are passed over: %j', (value) => {
  expect(made(value)).toHaveProperty('handled')
})
