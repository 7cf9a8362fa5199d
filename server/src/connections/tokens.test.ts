import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isCredentials, keepsToken, renewedCredentials, renewsToken } from './tokens.ts'

const BEFORE = { access_token: 'old', refresh_token: 'good', expires_at: '2026-01-01T00:00:02Z', team: 't' }
/** What apps write where they have no token, or by mistake. */
const NO_TOKENS = ['', ' ', '\t\n', null, undefined, 5, 0, true, false, [], ['a'], {}, Number.NaN]

test('only a text with something in it renews, and only where the credentials hold one', () => {
  for (const nothing of NO_TOKENS)
    for (const fresh of [
      { access_token: nothing },
      { access_token: nothing, refresh_token: 'next', expires_in: 60 },
      nothing,
    ])
      expect([fresh, renewsToken(BEFORE, fresh)]).toEqual([fresh, false])
  const others = [
    { ok: true },
    { errcode: 40030 },
    { message: 'error', team: 't' },
    { refresh_token: 'next' },
    { id_token: 'jwt' },
    { expires_in: 60 },
    { data: { access_token: 'new' } },
    { accessToken: 'new' },
  ]
  for (const fresh of others) expect([fresh, renewsToken(BEFORE, fresh)]).toEqual([fresh, false])
  expect(renewsToken(BEFORE, { access_token: 'new' })).toBe(true)
})

test('credentials of any shape are renewed by what they are made of', () => {
  const slack = { access_token: '', authed_user: { access_token: 'person', refresh_token: 'r' } }
  expect(renewsToken(slack, { ok: true, authed_user: { access_token: 'next' } })).toBe(true)
  expect(renewsToken(slack, { ok: true, authed_user: { access_token: ' ' } })).toBe(false)
  const both = { access_token: 'bot', userAccessToken: 'person' }
  expect(renewsToken(both, { userAccessToken: 'next' })).toBe(true)
  expect(renewsToken({ session: 'a', user: 'u' }, { session: 'b' })).toBe(true)
  expect(renewsToken({ session: 'a', user: 'u' }, { user: 'u' })).toBe(false)
  expect(renewsToken({ account: 'a' }, { account: 'b' })).toBe(true)
  expect(renewsToken({ account: 'a' }, { ok: true, status: 'fine' })).toBe(false)
  expect(renewsToken({ clientId: 'a', clientSecret: 'b' }, { access_token: 'new' })).toBe(true)
  expect(renewsToken({ apiKey: 'a', refresh_token: 'r' }, { refresh_token: 'next' })).toBe(false)
  expect(renewsToken('a token', 'another')).toBe(true)
  expect(renewsToken('a token', ' ')).toBe(false)
  expect(renewsToken(undefined, { token: 'first' })).toBe(true)
})

test('nothing takes the place of a token, at any depth, and no expiry stays that was not said again', () => {
  for (const nothing of NO_TOKENS)
    expect(renewedCredentials(BEFORE, { access_token: 'new', refresh_token: nothing })).toEqual({
      access_token: 'new',
      refresh_token: 'good',
      team: 't',
    })
  const next = { access_token: 'new', expires_at: '2026-01-02T00:00:00Z' }
  expect(renewedCredentials(BEFORE, next)).toEqual({ ...BEFORE, ...next })
  const user = { id: 'U', access_token: 'person', refresh_token: 'r', expires_in: 60 }
  const slack = { access_token: 'bot', authed_user: user }
  for (const nothing of NO_TOKENS) {
    expect(
      renewedCredentials(slack, { access_token: 'new', authed_user: { access_token: nothing, expires_in: 900 } }),
    ).toEqual({ access_token: 'new', authed_user: user })
    expect(renewedCredentials(slack, { access_token: 'new', authed_user: nothing })).toEqual({
      access_token: 'new',
      authed_user: user,
    })
  }
  expect(renewedCredentials(slack, { authed_user: { access_token: 'next' } })).toEqual({
    access_token: 'bot',
    authed_user: { id: 'U', access_token: 'next', refresh_token: 'r' },
  })
})

test('whatever an answer is, a token is followed by a token', () => {
  const before = { access_token: 'old', refresh_token: 'r', user: { token: 'x', more: { apiKey: 'k' } }, name: 'n' }
  const fresh = fc.record(
    {
      access_token: fc.jsonValue(),
      refresh_token: fc.jsonValue(),
      user: fc.oneof(
        fc.jsonValue(),
        fc.record({ token: fc.jsonValue(), more: fc.record({ apiKey: fc.jsonValue() }) }, { requiredKeys: [] }),
      ),
    },
    { requiredKeys: [] },
  )
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
  fc.assert(
    fc.property(fresh, (answer) => {
      const made = renewedCredentials(before, answer) as typeof before
      const tokens = [made.access_token, made.refresh_token, made.user.token, made.user.more.apiKey]
      expect(tokens.every(isText)).toBe(true)
    }),
  )
})

test('a function that keeps no token of what an app gave has connected nobody', () => {
  const answer = { access_token: 'a', team: { id: 'T' } }
  for (const made of [{ access_token: 'a' }, { bearer: 'a' }, { mine: 'a' }, 'a', { user: { token: 'a' } }])
    expect([made, keepsToken(made, answer)]).toEqual([made, true])
  for (const made of [
    {},
    null,
    undefined,
    '',
    { teamId: 'T' },
    { access_token: ' ' },
    { access_token: 7, teamId: 'T' },
  ])
    expect([made, keepsToken(made, answer)]).toEqual([made, false])
  for (const made of [{ account: 'x' }, { port: 5432 }, { apiKey: 'k' }, { isPublic: true }])
    expect([made, isCredentials(made)]).toEqual([made, true])
  for (const made of [
    {},
    null,
    { apiKey: ' ' },
    { apiKey: 5, account: 'x' },
    { error: 'no' },
    { access_token: '', account: 'x' },
  ])
    expect([made, isCredentials(made)]).toEqual([made, false])
})
