import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  literalSecretsOf,
  missingSecrets,
  withKeptSecrets,
  withLiteralSecrets,
  withoutLiteralSecrets,
} from './literal-secrets.ts'

const shown = (config: unknown) => withoutLiteralSecrets(config).shown

test.each([
  [
    { headers: { Authorization: 'Bearer sk_live', accept: 'text/plain' } },
    { headers: { Authorization: '***', accept: 'text/plain' } },
  ],
  [
    { headers: { key: 'abc' }, body: { key: 'abc' } },
    { headers: { key: '***' }, body: { key: 'abc' } },
  ],
  [{ headers: [{ name: 'X-Api-Key', value: 'abc' }] }, { headers: [{ name: 'X-Api-Key', value: '***' }] }],
  [{ uri: 'https://u:p@a.example/x?token=abc&page=2#top' }, { uri: 'https://***@a.example/x?token=***&page=2#top' }],
  [{ uri: '/x?api_key=abc' }, { uri: '/x?api_key=***' }],
  [
    { body: 'grant_type=client_credentials&client_secret=abc' },
    { body: 'grant_type=client_credentials&client_secret=***' },
  ],
  [{ body: '{"password": "abc", "n": 1}' }, { body: '{"password": "***", "n": 1}' }],
  [
    { pin: 4711, max_tokens: 4096 },
    { pin: '***', max_tokens: 4096 },
  ],
  [{ credentials: { user: 'u', list: ['a', 'b'] } }, { credentials: { user: '***', list: ['***', '***'] } }],
  [
    { authorization: { $concat: ['Basic ', { $var: '$.input.of' }, ':', 'abc'] } },
    { authorization: { $concat: ['Basic ', { $var: '$.input.of' }, ':', '***'] } },
  ],
  [
    { token: { $tpl: { template: 'Bearer {of}', values: { of: { $var: '$.a' } } } } },
    { token: { $tpl: { template: 'Bearer {of}', values: { of: { $var: '$.a' } } } } },
  ],
  [{ $mergeObjects: [{ password: 'abc' }] }, { $mergeObjects: [{ password: '***' }] }],
])('%j is shown as %j', (config, expected) => {
  expect(shown(config)).toEqual(expected)
})

test.each([
  { uri: 'https://a.example/x?page=2', method: 'POST', body: { text: 'a=b', author: 'x' } },
  { password: { type: 'string', title: 'Password' }, inputSchema: { properties: { token: { default: 'x' } } } },
  { authorization: { $var: '$.input.token' }, secret: { $jsonata: 'a & b' }, token: '', isSecret: true },
])('%j has none', (config) => {
  expect(withoutLiteralSecrets(config)).toEqual({ shown: config, secrets: null })
})

const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.webUrl({ withQueryParameters: true }),
    fc.constantFrom('***', 'https://a:b@c.example/?token=x&token=y', 'token=x&b=***', '{"secret":[1]}'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.string(),
        fc.constantFrom('headers', 'token', 'name', 'value', 'password', '$concat', '$var', 'type'),
      ),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value

describe('whatever the configuration', () => {
  test('its secrets and what is shown make it again, in its order; what is shown has none', () => {
    fc.assert(
      fc.property(anything, (config) => {
        const { shown: rest, secrets } = withoutLiteralSecrets(config)
        expect(JSON.stringify(withLiteralSecrets(rest, JSON.parse(JSON.stringify(secrets ?? {}))))).toBe(
          JSON.stringify(config),
        )
        expect(withoutLiteralSecrets(rest)).toEqual({ shown: rest, secrets: null })
        expect(JSON.stringify(withKeptSecrets(rest, config))).toBe(JSON.stringify(config))
      }),
      { numRuns: 500 },
    )
  })
})

describe('a secret that is given as it is shown', () => {
  test('is kept in its place, and nowhere else', () => {
    const stored = {
      headers: [
        { name: 'x-token', value: 'one' },
        { name: 'x-secret', value: 'two' },
      ],
      tokens: ['a', 'b'],
    }
    expect(withKeptSecrets({ headers: [{ name: 'x-secret', value: '***' }], tokens: ['***'] }, stored)).toEqual({
      headers: [{ name: 'x-secret', value: 'two' }],
      tokens: ['***'],
    })
    expect(withKeptSecrets({ headers: [{ name: 'x-token', value: 'new' }] }, stored)).toEqual({
      headers: [{ name: 'x-token', value: 'new' }],
    })
  })

  test('is kept in an address that was changed around it', () => {
    const stored = { uri: 'https://u:p@a.example/?token=abc' }
    expect(withKeptSecrets({ uri: 'https://***@a.example/x?n=1&token=***&sig=***' }, stored)).toEqual({
      uri: 'https://u:p@a.example/x?n=1&token=abc&sig=***',
    })
  })

  test('is missing where nothing is kept for it', () => {
    expect(missingSecrets({ headers: { authorization: '***', note: '***' }, uri: '/x?token=***' })).toEqual([
      'headers.authorization',
      'uri',
    ])
  })
})

test('the texts that are secrets are found, of addresses the parts', () => {
  const config = { headers: { authorization: 'Bearer abc' }, uri: 'https://u:p@a.example/?token=def', password: 12_345 }
  expect(literalSecretsOf(config)).toEqual(['Bearer abc', 'u:p', 'def', '12345'])
})
