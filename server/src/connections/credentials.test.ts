import { expect, test } from 'vitest'
import { expiryOf } from './credentials.ts'
import { timesOf } from './lifecycle.ts'
import { credentialsOfTokens, oauth2Config, saidIn } from './oauth2.ts'

const now = new Date('2026-01-01T00:00:00Z')

test.each([
  [{ expires_at: '2026-01-01T01:00:00Z' }, '2026-01-01T01:00:00.000Z'],
  [{ expiresAt: 1_767_229_200 }, '2026-01-01T01:00:00.000Z'],
  [{ expires_at: 1_767_229_200_000 }, '2026-01-01T01:00:00.000Z'],
  [{ expires_at: 'whenever' }, undefined],
  [{ expires_at: -1 }, undefined],
  [{}, undefined],
  ['a token', undefined],
  [null, undefined],
])('%j expire at %s', (credentials, at) => {
  expect(expiryOf(credentials)?.toISOString()).toBe(at)
})

test('tokens are kept with the moment of their expiry in place of their life', () => {
  const tokens = { access_token: 'a', expires_in: '3600', token_type: 'Bearer', more: { x: 1 } }
  expect(credentialsOfTokens(tokens, now)).toEqual({
    access_token: 'a',
    token_type: 'Bearer',
    more: { x: 1 },
    expires_at: '2026-01-01T01:00:00.000Z',
  })
  expect(credentialsOfTokens({ access_token: 'a' }, now)).toEqual({ access_token: 'a' })
})

test('credentials are renewed before they expire, spread a little, and only where they can be', () => {
  const credentials = { expires_at: '2026-01-01T01:00:00Z' }
  const due = (random: number, isRenewable = true) =>
    timesOf(credentials, isRenewable, now, random).nextCredentialsRefreshAt?.toISOString()
  expect(due(0)).toBe('2026-01-01T00:55:00.000Z')
  expect(due(1)).toBe('2026-01-01T00:50:00.000Z')
  expect(due(0, false)).toBeUndefined()
  // Nobody is asked again within half a minute, whatever the life is.
  for (const at of ['2026-01-01T00:00:02Z', '2025-01-01T00:00:00Z'])
    expect(timesOf({ expires_at: at }, true, now, 0).nextCredentialsRefreshAt?.toISOString()).toBe(
      '2026-01-01T00:00:30.000Z',
    )
  const short = { expires_at: '2026-01-01T00:01:40Z' }
  expect(timesOf(short, true, now, 0).nextCredentialsRefreshAt?.toISOString()).toBe('2026-01-01T00:01:30.000Z')
})

test.each([
  [{}, 'clientId'],
  [{ clientId: 'x', authorizeUri: 'https://a.example/auth' }, 'tokenUri'],
  [{ clientId: 'x', authorizeUri: 'javascript:alert(1)', tokenUri: 'https://a.example/token' }, 'authorizeUri'],
  [{ clientId: 'x', authorizeUri: 'https://u:p@a.example/', tokenUri: 'https://a.example/token' }, 'authorizeUri'],
])('an OAuth configuration of %j is refused for its %s', (given, name) => {
  expect(oauth2Config(given)).toMatchObject({ kind: 'failed', error: { message: expect.stringContaining(name) } })
})

test.each([
  [9_223_372_036_854_775_807n.toString(), undefined],
  [1e300, undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
  [0, '2026-01-01T00:00:00.000Z'],
  [-5, '2025-12-31T23:59:55.000Z'],
])('a life of %j seconds ends at %s', (expiresIn, at) => {
  expect(credentialsOfTokens({ access_token: 'a', expires_in: expiresIn }, now).expires_at).toBe(at)
})

test('what an app says is found where apps say it', () => {
  expect(saidIn({ errcode: 40030, errmsg: 'invalid refresh_token' })).toBe('invalid refresh_token')
  expect(saidIn({ error: { message: 'gone', code: 7 } })).toBe('gone')
  expect(saidIn({ errors: [{ detail: 'too late' }] })).toBe('too late')
  expect(saidIn({ error: 'invalid_grant', error_description: 'used' })).toBe('invalid_grant: used')
  expect(saidIn({})).toBe('')
})
