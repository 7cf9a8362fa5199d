import { expect, test } from 'vitest'
import { maskedHeaders, maskedQuery, maskedText, maskedUrl, maskedValue } from './masked.ts'
import { excerptOf, recordedBody } from './recorded.ts'

const ADDRESS = 'https://engine.example/webhooks/external-event-subscriptions/0f0e0d0c-0b0a-4090-8070-605040302010'

test.each([
  ['a field', '{"a":1,"password":"hunter2"}'],
  ['a number', '{"pin":472934,"b":[1]}'],
  ['within a list', '{"tokens":["hunter2","hunter3"]}'],
  ['within an object', '{"credentials":{"user":"hunter2","deep":[{"x":"hunter3"}]}}'],
  ['a list of headers', '[{"name":"Authorization","value":"Bearer hunter2"},{"header":"x-key","value":"hunter3"}]'],
  [
    'headers within a body',
    '{"headers":{"Authorization":"Bearer hunter2"},"webhookKey":"hunter3","signingKey":"hunter4"}',
  ],
  ['an escaped name', '{"pass\\u0077ord":"hunter2"}'],
  ['JSON within a text', '{"body":"{\\"client_secret\\":\\"hunter2\\"}"}'],
  ['a form within a text', '{"note":"a=b&client_secret=hunter2&c=d"}'],
  ['an address within a text', '{"next":"https://u:hunter2@a.example/?page=2&access_token=hunter3"}'],
  ['a text alone', '"password=hunter2"'],
  ['a value with quotes', '{"secret":"hunter2\\"hunter3","x":1}'],
])('%s under the name of a secret is masked in JSON, whole or cut anywhere', (_what, text) => {
  const isClean = (shown: string) => !/hunter|472934/.test(shown)
  expect(isClean(maskedText(text))).toBe(true)
  expect(isClean(JSON.stringify(maskedValue(JSON.parse(text))))).toBe(true)
  for (let end = 1; end < text.length; end += 1)
    expect([end, isClean(maskedText(text.slice(0, end)))]).toEqual([end, true])
  expect(JSON.parse(maskedText(text))).toEqual(maskedValue(JSON.parse(text)))
})

test('what lies too deep to be looked at is masked as a whole, in values; texts are looked through however deep', () => {
  const nested = (levels: number): unknown => (levels === 0 ? { password: 'hunter2' } : [{ a: nested(levels - 1) }])
  for (const levels of [5, 11, 15, 100]) {
    const shown = JSON.stringify(maskedValue(nested(levels)))
    expect(shown).not.toContain('hunter2')
    expect(shown).toContain('***')
    expect(maskedText(JSON.stringify(nested(levels)))).not.toContain('hunter2')
  }
})

test('what is no secret stays as it is written', () => {
  const text =
    ' {"token_type": "bearer", "a": [1.10, {"b": "x\\u00fc"}], "next_page_token": "p2", "n": 7615917337495251231}'
  expect(maskedText(text)).toBe(text)
})

test('forms, parts and XML are masked by the same names', () => {
  expect(maskedText('grant_type=refresh&client_secret=hunter2&a=b')).toBe('grant_type=refresh&client_secret=***&a=b')
  expect(maskedText('client%5Fsecret=hunter2')).toBe('client%5Fsecret=***')
  const parts =
    '--b\r\ncontent-disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nshown\r\n--b--'
  expect(maskedText(parts)).not.toContain('hunter2')
  expect(maskedText(parts)).toContain('shown')
  expect(maskedText('<s:login><s:password type="x">hunter2</s:password><user>u</user></s:login>')).toBe(
    '<s:login><s:password type="x">***</s:password><user>u</user></s:login>',
  )
})

test('a body is masked before it is cut', () => {
  const long = JSON.stringify({ pad: 'p'.repeat(16_300), password: 'hunter2'.repeat(30) })
  expect(JSON.stringify(recordedBody(long, 'application/json'))).not.toContain('hunter')
  expect(
    recordedBody(`a=${'p'.repeat(17_000)}&client_secret=hunter2`, 'application/x-www-form-urlencoded'),
  ).not.toContain('hunter')
  expect(excerptOf(`{"a":"${'p'.repeat(980)}","password":"hunter2"}`, 'application/json', 1000)).not.toContain('hunter')
})

test('headers and parameters that are not known to be harmless are masked', () => {
  const headers = {
    'x-auth': 'a',
    'x-access-key': 'a',
    'x-session': 'a',
    'x-acme': 'a',
    'x-github-event': 'push',
    accept: 'b',
  }
  expect(maskedHeaders(headers)).toEqual({
    ...headers,
    ...{ 'x-auth': '***', 'x-access-key': '***', 'x-session': '***', 'x-acme': '***' },
  })
  expect(maskedQuery('key=a&sig=a&code=a&access_key=a&pwd=1&acme=abcdef&page=2&status=open&flag=true&n=12')).toBe(
    'key=***&sig=***&code=***&access_key=***&pwd=***&acme=***&page=2&status=open&flag=true&n=12',
  )
  expect(maskedUrl('https://u:hunter2@a.example/p?acme=hunter3#hunter4')).toBe('https://a.example/p?acme=***')
})

test('the address of a webhook is a secret wherever it stands', () => {
  for (const text of [
    ADDRESS,
    JSON.stringify({ config: { url: ADDRESS } }),
    JSON.stringify({ url: ADDRESS }).replaceAll('/', '\\/'),
    `url=${encodeURIComponent(ADDRESS)}`,
    `see ${ADDRESS}?a=1`,
  ]) {
    expect(maskedText(text)).not.toContain('0f0e0d0c')
    expect(maskedText(text)).toContain('***')
  }
  expect(JSON.stringify(maskedValue({ list: [{ hook: ADDRESS }] }))).not.toContain('0f0e0d0c')
  expect(maskedUrl(ADDRESS)).not.toContain('0f0e0d0c')
  expect(Object.values(maskedHeaders({ location: ADDRESS })).join('')).not.toContain('0f0e0d0c')
})
