import { createHash } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { answerInUtf8, answerValue, bodyAsValue, bodyText, openBody } from './body-value.ts'
import { FORM_FIELDS_MAX } from './limits.ts'

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

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
  const packed = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50])
  for (const [coding, body] of [
    ['gzip', text],
    ['snappy', packed],
    ['compress', packed],
  ] as const)
    await expect(read(body, { 'content-encoding': coding })).rejects.toMatchObject({
      key: 'malformed_body',
      message: expect.stringContaining(coding),
    })
  expect(await read('', { 'content-encoding': 'gzip' })).toBe(null)
})

test('a content-encoding that is none changes nothing where the body is text as it is', async () => {
  for (const coding of ['utf-8', 'UTF8', 'none', '8bit', 'aws-chunked', 'application/json', ' , '])
    expect([coding, await read('{"a":1}', { 'content-encoding': coding })]).toEqual([coding, { a: 1 }])
  expect(await read(gzipSync('{"a":1}'), { 'content-encoding': 'gzip, utf-8' })).toEqual({ a: 1 })
  const latin = { 'content-encoding': 'utf-8', 'content-type': 'application/json; charset=latin1' }
  expect(await read(Buffer.from('"\xe9"', 'latin1'), latin)).toBe('é')
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

test('a charset is found however it is written, and utf-16 in either order', async () => {
  const latin = Buffer.from('M\xfcller', 'latin1')
  for (const type of [
    'text/plain;charset="iso-8859-1"',
    "text/plain; charset='ISO-8859-1'; format=flowed",
    'text/plain; format=flowed ;CHARSET = latin1 ',
    'text/plain; title="a; charset=utf-16"; charset=latin1',
  ])
    expect([type, bodyText(latin, type)]).toEqual([type, 'Müller'])
  const json = '{"a":"€"}'
  const little = Buffer.from(json, 'utf16le')
  const big = Buffer.from(little).swap16()
  const type = 'application/json; charset=utf-16'
  const bodies = [
    little,
    big,
    Buffer.from(`\ufeff${json}`, 'utf16le'),
    Buffer.from(`\ufeff${json}`, 'utf16le').swap16(),
  ]
  // Many say utf-16, since that is what their own strings are, and send UTF-8.
  for (const body of [...bodies, Buffer.from(json), Buffer.from(`\ufeff${json}`)])
    expect(await read(body, { 'content-type': type })).toEqual({ a: '€' })
  expect(await read(big, { 'content-type': 'text/plain; charset=utf-16be' })).toEqual({ a: '€' })
})

test('escapes of a form are in the charset that it declares', async () => {
  const form = (charset: string) => ({ 'content-type': `application/x-www-form-urlencoded; charset=${charset}` })
  expect(await read('a=%E9&b=%80+x&b=1', form('windows-1252'))).toEqual({ a: 'é', b: ['€ x', '1'] })
  expect(await read(Buffer.from('a=\xe9%E9', 'latin1'), form('iso-8859-1'))).toEqual({ a: 'éé' })
  expect(await read('nam%E9=%E9', form('"ISO-8859-15"'))).toEqual({ namé: 'é' })
  // The second byte may be a letter, which nobody escapes.
  expect(await read('a=%83A&b=%82%A0', form('Shift_JIS'))).toEqual({ a: 'ア', b: 'あ' })
  expect(await read('a=%D0%CF', form('koi8-r'))).toEqual({ a: 'по' })
  // UTF-8 wins where all of it is that, as in texts.
  expect(await read('a=%C3%A9', form('windows-1252'))).toEqual({ a: 'é' })
  expect(await read('a=%E9&charset=windows-1252', form('utf-8'))).toEqual({ a: 'é', charset: 'windows-1252' })
  const bare = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await read('_charset_=iso-8859-2&a=%B1', bare)).toEqual({ _charset_: 'iso-8859-2', a: 'ą' })
  expect(await read('a=%E9', bare)).toEqual({ a: '\ufffd' })
  expect(await read('a=%E9', form('nothing'))).toEqual({ a: '\ufffd' })
})

test('a form is what the URL standard makes of it, down to what is empty', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [text, value] of [
    ['&a=1', { a: '1' }],
    ['=1&a=2', { '': '1', a: '2' }],
    ['=&=&a', { '': ['', ''], a: '' }],
    ['a==b&c=%', { a: '=b', c: '%' }],
    ['?a=1', { '?a': '1' }],
    ['&&', {}],
    ['__proto__=1&constructor=2', JSON.parse('{"__proto__":"1","constructor":"2"}')],
  ] as const)
    expect([text, await read(text, form)]).toEqual([text, value])
  // The same where a charset has it decoded here.
  const latin = { 'content-type': 'application/x-www-form-urlencoded; charset=latin1' }
  expect(await read('&=1&x&a==%E9&c=%&c=%zz', latin)).toEqual({ '': '1', x: '', a: '=é', c: ['%', '%zz'] })
})

test('a long form is what the URL standard makes of it, wherever its pieces are cut', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  // Units of one to twelve characters, so that cuts fall on every place in them.
  const units = [
    '+',
    '%41',
    'é',
    '%C3%A9',
    '%E2%82%AC',
    '%F0%9F%98%80',
    '😀',
    '%',
    '%4',
    '%zz',
    '%80',
    '%E2%82',
    'ab%c3%A9+',
  ]
  for (const unit of units) {
    for (const before of ['', 'x', 'xy', 'xyz']) {
      const body = `a=${before}${unit.repeat(Math.ceil(200_000 / unit.length))}&b=1`
      const value = await read(body, form)
      expect(hashOf(JSON.stringify(value)), `${before}${unit}`).toBe(
        hashOf(JSON.stringify(Object.fromEntries(new URLSearchParams(body)))),
      )
    }
  }
  const latin = { 'content-type': 'application/x-www-form-urlencoded; charset=latin1' }
  expect(await read(`a=${'%E9+M%FCller'.repeat(30_000)}`, latin)).toEqual({ a: 'é Müller'.repeat(30_000) })
  const shiftJis = { 'content-type': 'application/x-www-form-urlencoded; charset=Shift_JIS' }
  expect(await read(`a=${'%83A%82%A0+'.repeat(30_000)}`, shiftJis)).toEqual({ a: 'アあ '.repeat(30_000) })
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

test('a multipart form is read however its lines end and whatever bounds it', async () => {
  const part = (head: string, value: string) => `--B\r\n${head}\r\n\r\n${value}\r\n`
  const whole = (head: string, value: string) => `${part(head, value)}--B--\r\n`
  const named = 'Content-Disposition: form-data; name="a"'
  const good = whole(named, '1')
  const type = 'multipart/form-data; boundary=B'
  const odd = '----=_Part 1:2?'
  const file = whole(`${named}; filename="f.bin"`, '\xff\n').replaceAll('\r\n', '\n')
  const forms: [type: string, body: string, value?: unknown][] = [
    ['Multipart/Form-Data; charset=utf-8; Boundary="B"', good],
    [`multipart/form-data; boundary="${odd}"`, good.replaceAll('B', odd)],
    [type, `before\r\n${good}after`],
    [type, good.replaceAll('\r\n', '\n')],
    [type, good.trimEnd()],
    [type, good.replace('--B\r\n', '--B  \r\n')],
    [type, part('Content-Type: text/plain', 'nobody') + good],
    [type, whole(named.replace('"a"', 'a'), '1')],
    [type, whole(`${named}\r\nContent-Type: text/plain; charset=iso-8859-1`, '\xe9'), { a: 'é' }],
    [`${type}; charset=windows-1252`, whole(named, '\x80'), { a: '€' }],
    [type, file, { a: expect.objectContaining({ base64: '/wo=' }) }],
  ]
  for (const [each, body, value = { a: '1' }] of forms)
    expect([body, await read(Buffer.from(body, 'latin1'), { 'content-type': each })]).toEqual([body, value])
  // Half a form is another form, and a part without a name has no place.
  for (const body of [part(named, '1'), whole('Content-Disposition: form-data; filename=x', '1')])
    expect(await read(body, { 'content-type': type })).toBe(body)
})

test('JSON that nests too deep is refused, in an answer it stays text', async () => {
  const deep = '['.repeat(300) + ']'.repeat(300)
  await expect(read(deep)).rejects.toMatchObject({ key: 'malformed_body' })
  expect(answerValue(deep, 'application/json')).toBe(deep)
  expect(answerValue('\ufeff{"a":1}', 'application/json')).toEqual({ a: 1 })
})

test('an answer is read by the same rules as a request', () => {
  for (const type of ['application/json', 'text/html; charset=utf-8', 'text/plain', 'application/x-javascript', ''])
    expect([type, answerValue('{"a":1}', type)]).toEqual([type, { a: 1 }])
  expect(answerValue('17', 'application/json')).toBe(17)
  expect(answerValue('17', 'text/plain')).toBe('17')
  expect(answerValue('[not json]', 'text/html')).toBe('[not json]')
  expect(answerValue('access_token=x&scope=a+b', 'application/x-www-form-urlencoded; charset=utf-8')).toEqual({
    access_token: 'x',
    scope: 'a b',
  })
})

test('an answer is handed on as UTF-8, with its form', () => {
  const plain = Buffer.from('{"a":"é"}')
  const given = answerInUtf8(plain, 'text/plain', false)
  expect([given.isJson, given.body]).toEqual([true, plain])
  expect(given.body).toBe(plain)
  const latin = Buffer.from('{"a":"\xe9"}', 'latin1')
  expect(answerInUtf8(latin, 'application/json; charset=latin1', false)).toEqual({ body: plain, isJson: true })
  expect(answerInUtf8(Buffer.from('\ufeff{"a":"é"}'), '', false)).toEqual({ body: plain, isJson: true })
  const form = Buffer.from('a=1&a=%E9')
  const type = 'application/x-www-form-urlencoded; charset=latin1'
  expect(String(answerInUtf8(form, type, false).body)).toBe('{"a":["1","é"]}')
  expect(answerInUtf8(form, type, true)).toEqual({ body: form, isJson: false })
  expect(answerInUtf8(latin, 'application/json', false)).toEqual({ body: latin, isJson: false })
})

test('forms have so many fields and no more; an answer that has more stays text', async () => {
  const pairs = (count: number) => Array.from({ length: count }, (_, n) => `f${n}=${n}`).join('&')
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(Object.keys((await read(pairs(FORM_FIELDS_MAX), form)) as object)).toHaveLength(FORM_FIELDS_MAX)
  await expect(read(pairs(FORM_FIELDS_MAX + 2), form)).rejects.toThrow(`more than ${FORM_FIELDS_MAX} fields`)
  const many = pairs(FORM_FIELDS_MAX + 2)
  expect(answerValue(many, form['content-type'])).toBe(many)
  expect(answerInUtf8(Buffer.from(many), form['content-type'], false)).toEqual({
    body: Buffer.from(many),
    isJson: false,
  })
  const json = JSON.stringify({ ampersands: '&'.repeat(FORM_FIELDS_MAX + 2) })
  expect(answerInUtf8(Buffer.from(json), 'application/json', false)).toEqual({ body: Buffer.from(json), isJson: true })

  const part = (n: number) => `--b\r\ncontent-disposition: form-data; name="f${n}"\r\n\r\n${n}\r\n`
  const multipart = `${Array.from({ length: FORM_FIELDS_MAX + 1 }, (_, n) => part(n)).join('')}--b--\r\n`
  await expect(read(multipart, { 'content-type': 'multipart/form-data; boundary=b' })).rejects.toThrow('fields')
})
