import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { answerValue, bodyAsValue, bodyText, openBody } from './body-value.ts'

const read = async (body: Buffer | string, headers: Record<string, string> = {}) => {
  const opened = await openBody(Buffer.from(body as string), headers)
  return bodyAsValue(opened, headers)
}

test('a body is read by its type and its beginning; what cannot be read is its text', async () => {
  expect(await read('{"a":1}', { 'content-type': 'application/json' })).toEqual({ a: 1 })
  expect(await read('17', { 'content-type': 'application/vnd.app+json; v=2' })).toBe(17)
  for (const type of ['text/plain', 'application/octet-stream', 'application/cloudevents', ''])
    expect(await read('{"a":1}', { 'content-type': type })).toEqual({ a: 1 })
  expect(await read('17', { 'content-type': 'text/plain' })).toBe('17')
  expect(await read('{"a":', { 'content-type': 'application/json' })).toBe('{"a":')
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await read('a=1&a=2&b=x+y', form)).toEqual({ a: ['1', '2'], b: 'x y' })
  expect(await read('{"a":1}', form)).toEqual({ a: 1 })
  expect(await read('"a"=1', form)).toEqual({ '"a"': '1' })
  expect(await read('', { 'content-type': 'application/json' })).toBe(null)
})

test('what was packed for the way is unpacked, and what unfolds to too much is refused', async () => {
  const text = JSON.stringify({ name: 'Müller', list: [1, 2, 3] })
  const value = JSON.parse(text)
  for (const [coding, body] of [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    ['identity', Buffer.from(text)],
  ] as const)
    expect([coding, await read(body, { 'content-encoding': coding })]).toEqual([coding, value])
  await expect(openBody(gzipSync('x'.repeat(5000)), { 'content-encoding': 'gzip' }, 1000)).rejects.toMatchObject({
    key: 'payload_too_large',
  })
  for (const coding of ['gzip', 'snappy'])
    await expect(read(text, { 'content-encoding': coding })).rejects.toMatchObject({
      key: 'malformed_body',
      message: expect.stringContaining(coding),
    })
  expect(await read('', { 'content-encoding': 'gzip' })).toBe(null)
})

test('text is read by its mark, as UTF-8, or by the charset that is declared; nothing is guessed', async () => {
  const latin = 'text/plain; charset=iso-8859-1'
  expect(bodyText(Buffer.from('M\xfcller', 'latin1'), latin)).toBe('Müller')
  expect(bodyText(Buffer.from('Müller'), latin)).toBe('Müller')
  expect(bodyText(Buffer.from('M\xfcller', 'latin1'), 'text/plain')).toBe(null)
  expect(bodyText(Buffer.from('M\xfcller', 'latin1'), 'text/plain; charset=nothing')).toBe(null)
  expect(bodyText(Buffer.from([0x82, 0xa0]), 'text/plain; charset="Shift_JIS"')).toBe('あ')
  expect(bodyText(Buffer.from('a€', 'utf16le'), 'text/plain; charset=utf-16le')).toBe('a€')
  expect(bodyText(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('{"a":1}', 'utf16le')]), '')).toBe('{"a":1}')
  expect(await read('\ufeff{"a":1}', { 'content-type': 'application/json' })).toEqual({ a: 1 })
  expect(
    await read(Buffer.from('{"a":"M\xfcller"}', 'latin1'), { 'content-type': 'application/json; charset=latin1' }),
  ).toEqual({ a: 'Müller' })
})

test('a multipart form is its fields, and its files in base64', async () => {
  const form = new FormData()
  form.append('a', '1')
  form.append('b', 'x')
  form.append('b', 'y')
  form.append('file', new Blob(['hello'], { type: 'text/plain' }), 'hello.txt')
  const sent = new Response(form)
  const headers = { 'content-type': sent.headers.get('content-type') ?? '' }
  expect(await read(Buffer.from(await sent.arrayBuffer()), headers)).toEqual({
    a: '1',
    b: ['x', 'y'],
    file: { filename: 'hello.txt', contentType: 'text/plain', size: 5, base64: 'aGVsbG8=' },
  })
  expect(await read('no form', { 'content-type': 'multipart/form-data; boundary=x' })).toBe('no form')
})

test('JSON that nests too deep is refused, in an answer it stays text', async () => {
  const deep = '['.repeat(300) + ']'.repeat(300)
  await expect(read(deep)).rejects.toMatchObject({ key: 'malformed_body' })
  expect(answerValue(deep, 'application/json')).toBe(deep)
  expect(answerValue('\ufeff{"a":1}', 'application/json')).toEqual({ a: 1 })
  expect(answerValue('{"a":1}', 'text/html')).toBe('{"a":1}')
})
