import fc from 'fast-check'
import { expect, test } from 'vitest'
import { argumentOf } from '../functions/argument.ts'
import { maskOf, secretTexts } from './mask.ts'

const TOKEN = 'ghp_"quoted" & long/secret'

test('a secret of the argument is masked in every form in which it is usually written', () => {
  const mask = maskOf({ args: { credentials: { nested: [{ access: TOKEN }] } } })
  const base64 = Buffer.from(TOKEN).toString('base64')
  for (const form of [TOKEN, JSON.stringify({ a: TOKEN }), encodeURIComponent(TOKEN), base64]) {
    const masked = mask.text(`before ${form} after`)
    expect(masked).toContain('***')
    expect(masked).not.toContain('quoted')
    expect(masked).not.toContain(base64.slice(0, 12))
    expect(masked).toMatch(/^before .*after$/)
  }
})

test('what stands under a name that secrets have is masked, wherever it is; other values are not', () => {
  const mask = maskOf({ args: { headers: { authorization: 'Bearer abcdef', 'x-github-event': 'pull_request' } } })
  expect(mask.text('Bearer abcdef of pull_request')).toBe('*** of pull_request')
})

test('what is among secrets and needed to understand a failure stays: ids, names, types, errors', () => {
  const state = { webhookId: 'webhook-4711', signingKey: 'signing-4711', url: 'https://a.example/4711' }
  const answer = { error: 'invalid_code', error_description: 'the code was used', access_token: 'xoxb-4711' }
  const mask = maskOf({ args: { state, accessTokenResponse: answer } })
  expect(mask.text('webhook-4711 invalid_code the code was used')).toBe('webhook-4711 invalid_code the code was used')
  expect(mask.text('signing-4711 https://a.example/4711 xoxb-4711')).toBe('*** *** ***')
})

test('a sender who sends many secrets hides none of those that are not his', () => {
  const data = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`token${n}`, `token of the sender ${n}`]))
  const mask = maskOf({
    args: argumentOf({
      args: { data, headers: { authorization: 'Bearer abcdef' }, parameters: { secret: 'of-parameters' } },
      text: { utf8: Buffer.from(JSON.stringify(data)), as: 'rawBody', valueAs: ['body'] },
    }),
    secrets: 'of-nobody-else',
  })
  expect(mask.text('of-parameters, of-nobody-else, Bearer abcdef')).toBe('***, ***, ***')
})

test('a secret that is cut off at the end of a text is masked too', () => {
  const mask = maskOf({ args: {}, secrets: ['a-very-secret-token'] })
  expect(mask.text('it is a-very-secret-tok')).toBe('it is ***')
  expect(mask.text('it is a-very-secret-task')).toBe('it is a-very-secret-task')
})

test('values are masked as a whole: texts at any depth, names too', () => {
  const mask = maskOf({ args: {}, secrets: 'a-very-secret-token' })
  expect(mask.value({ list: ['a-very-secret-token', 7, null], 'x a-very-secret-token': true })).toEqual({
    list: ['***', 7, null],
    'x ***': true,
  })
})

test('no secret of six characters or more is left in any text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, unit: 'grapheme' }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!'***'.includes(secret) && !`${before}***${after}`.includes(secret))
      expect(maskOf({ args: { credentials: { secret } } }).text(before + secret + after)).not.toContain(secret)
    }),
  )
})

test('secrets of a large value are gathered in turns', async () => {
  const value = {
    rows: Array.from({ length: 200_000 }, (_, n) => ({ n, [`name-${n % 50_000}`]: 'x' })),
    credentials: { clientSecret: 'sk-live-4711', token_type: 'Bearer token' },
    headers: [{ authorization: 'Bearer abcdef' }],
  }
  let turns = 0
  const ticking = setInterval(() => (turns += 1), 0)
  expect((await secretTexts(value)).sort()).toEqual(['Bearer abcdef', 'sk-live-4711'])
  clearInterval(ticking)
  expect(turns).toBeGreaterThan(2)
})
