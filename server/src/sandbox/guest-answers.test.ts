import { afterAll, expect, test } from 'vitest'
import type { GuestAnswer } from './call.ts'
import { recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const { returned, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

const latin = (text: string) => Buffer.from(text, 'latin1')

/** Answers by their number. */
function answers(all: readonly (readonly [type: string, body: Buffer])[]) {
  return recordedHost(({ request }): GuestAnswer => {
    const [type = '', body = Buffer.alloc(0)] = all[Number(request.uri.split('/').at(-1))] ?? []
    return { kind: 'answered', status: 200, headers: type === '' ? {} : { 'content-type': type }, body }
  })
}

const OF_APPS: readonly (readonly [type: string, body: Buffer, value: unknown, text: string])[] = [
  ['application/json; charset=iso-8859-1', latin('{"a":"\xe9"}'), { a: 'é' }, '{"a":"é"}'],
  ['application/json;charset="windows-1252"', latin('{"a":"\x80"}'), { a: '€' }, '{"a":"€"}'],
  ['application/json', Buffer.from('\ufeff{"a":1}'), { a: 1 }, '{"a":1}'],
  ['application/json; charset=utf-16', Buffer.from('{"a":1}', 'utf16le').swap16(), { a: 1 }, '{"a":1}'],
  ['application/json; charset=utf-16le', Buffer.from('\ufeff{"a":1}', 'utf16le'), { a: 1 }, '{"a":1}'],
  ['text/html', Buffer.from('{"a":1}'), { a: 1 }, '{"a":1}'],
  ['', Buffer.from(' [1]'), [1], ' [1]'],
  ['text/plain', Buffer.from('17'), '17', '17'],
  ['application/json', Buffer.from('17'), 17, '17'],
  [
    'application/json',
    Buffer.from('{"id":12345678901234567890}'),
    { id: '12345678901234567890' },
    '{"id":12345678901234567890}',
  ],
  ['application/json', Buffer.from('{"a":'), '{"a":', '{"a":'],
  ['text/csv; charset=Shift_JIS', Buffer.from([0x82, 0xa0]), 'あ', 'あ'],
  ['application/x-www-form-urlencoded', Buffer.from('a=1&a=2&b=x+y'), { a: ['1', '2'], b: 'x y' }, 'a=1&a=2&b=x+y'],
  ['application/x-www-form-urlencoded; charset=latin1', Buffer.from('a=%E9'), { a: 'é' }, 'a=%E9'],
  ['application/json', Buffer.alloc(0), '', ''],
]

test('an API client reads an answer as a webhook URL reads a request', async () => {
  const { host } = answers(OF_APPS.map(([type, body]) => [type, body]))
  const seen = await returned(
    fn(`const seen = []
      for (let n = 0; n < ${OF_APPS.length}; n += 1) {
        const { data } = await args.apiClient.get('/' + n, {}, { returnFullResponse: true })
        if (data?.id !== undefined) data.id = String(data.id)
        seen.push([data, await args.apiClient.get('/' + n, {}, { responseType: 'text' })])
      }
      return seen`),
    { host },
  )
  for (const [index, [type, , value, text]] of OF_APPS.entries())
    expect([type, ...((seen as unknown[][])[index] ?? [])]).toEqual([type, value, text])
})

test('an API client gives the bytes of an answer as they came', async () => {
  const { host } = answers(OF_APPS.map(([type, body]) => [type, body]))
  const seen = await returned(
    fn(`const seen = []
      for (let n = 0; n < ${OF_APPS.length}; n += 1)
        seen.push(Buffer.from(await args.apiClient.get('/' + n, {}, { responseType: 'arraybuffer' })).toString('base64'))
      return seen`),
    { host },
  )
  expect(seen).toEqual(OF_APPS.map(([, body]) => body.toString('base64')))
})

test('fetch reads an answer as fetch of Node does', async () => {
  const { host } = answers(OF_APPS.map(([type, body]) => [type, body]))
  const read = `async (answerOf) => {
    const seen = []
    for (const way of ['text', 'json', 'bytes', 'arrayBuffer', 'formData', 'blob']) {
      const answer = await answerOf()
      try {
        const made = await answer[way]()
        if (way === 'blob') seen.push([made.type, await made.text()])
        else if (way === 'formData') seen.push([...made])
        else if (way === 'json') seen.push(typeof made?.id === 'object' || typeof made?.id === 'number' ? {} : made)
        else seen.push(typeof made === 'string' ? made : Buffer.from(made).toString('hex'))
      } catch (error) { seen.push(error.name) }
      try { await answer.text(); seen.push('twice') } catch (error) { seen.push([error.name, error.message, answer.bodyUsed]) }
    }
    return seen
  }`
  const seen = (await returned(
    fn(`const read = ${read}
      const seen = []
      for (let n = 0; n < ${OF_APPS.length}; n += 1) seen.push(await read(() => fetch('https://a.example/' + n)))
      return seen`),
    { host, limits: { cpuMs: 2000, hostCalls: 200 } },
  )) as unknown[]
  const inNode = new Function('Buffer', `return ${read}`)(Buffer) as (of: () => Promise<Response>) => Promise<unknown>
  for (const [index, [type, body]] of OF_APPS.entries()) {
    const headers = type === '' ? {} : { 'content-type': type }
    const expected = await inNode(async () => new Response(new Uint8Array(body), { headers }))
    expect([type, seen[index]]).toEqual([type, expected])
  }
})

test('what cannot have a body, and what has none', async () => {
  const { host } = recordedHost(({ request }) => ({
    kind: 'answered',
    status: request.method === 'HEAD' ? 200 : 204,
    headers: { 'content-type': 'application/json', 'content-length': '20' },
    body: Buffer.alloc(0),
  }))
  expect(
    await returned(
      fn(`const gone = await fetch('https://a.example')
        const head = await fetch('https://a.example', { method: 'head' })
        return [await gone.text(), await gone.text(), gone.status, await head.text(), head.headers.get('content-length'),
          await args.apiClient.delete('/x'), (await args.apiClient.get('/x', {}, { returnFullResponse: true })).status]`),
      { host },
    ),
  ).toEqual(['', '', 204, '', '20', '', 204])
})

const never = () =>
  recordedHost(({ request }, signal) =>
    request.uri.endsWith('quick')
      ? quick
      : new Promise<GuestAnswer>((_, reject) => signal?.addEventListener('abort', reject)),
  )
const quick: GuestAnswer = { kind: 'answered', status: 200, headers: {}, body: Buffer.from('quick') }

test('a request is given up when its signal fires, with the reason that Node gives', async () => {
  const { host, requests } = never()
  const body = `
    const tell = (error) => error instanceof Error || error instanceof DOMException ? [error.name, error.message, error.code] : error
    const failure = (promise) => promise.then(() => 'done', tell)
    const url = 'https://a.example/'
    const controller = new AbortController()
    const heard = []
    controller.signal.addEventListener('abort', (event) => heard.push([event.type, event.target === controller.signal]), { once: true })
    controller.signal.onabort = () => heard.push('onabort')
    const waiting = failure(fetch(url, { signal: controller.signal }))
    controller.abort()
    controller.abort('again')
    const own = new AbortController()
    own.abort('my reason')
    return [
      await waiting, heard, controller.signal.aborted, tell(controller.signal.reason),
      await failure(fetch(url, { signal: own.signal })),
      await failure(fetch(url, { signal: AbortSignal.abort() })),
      await failure(fetch(url, { signal: AbortSignal.timeout(20) })),
      await failure(fetch(url, { signal: AbortSignal.any([new AbortController().signal, AbortSignal.timeout(10)]) })),
      await failure(fetch(url + 'quick', { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text())),
      await failure(fetch(url, { signal: {} })).then(([name]) => name),
      await failure(fetch(url, { body: 'x' })).then(([name]) => name),
      (() => { try { own.signal.throwIfAborted() } catch (error) { return tell(error) } })(),
      (() => { try { new AbortSignal() } catch (error) { return error.name } })(),
    ]`
  const seen = await returned(fn(body), { host })
  expect(seen).toEqual([
    ['AbortError', 'This operation was aborted', 20],
    ['onabort', ['abort', true]],
    true,
    ['AbortError', 'This operation was aborted', 20],
    'my reason',
    ['AbortError', 'This operation was aborted', 20],
    ['TimeoutError', 'The operation was aborted due to timeout', 23],
    ['TimeoutError', 'The operation was aborted due to timeout', 23],
    'done',
    'TypeError',
    'TypeError',
    'my reason',
    'TypeError',
  ])
  // What had fired before was not sent.
  expect(requests).toHaveLength(4)
})
