import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { addWorkspace, answering, buildHouse, type House, startReceiver } from '@permea/testkit'
import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '../api/refusal.ts'
import { systemClock } from '../platform/clock.ts'
import { createTokens } from './tokens.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
})

interface Pair {
  alg: string
  publicKey: KeyObject
  privateKey: KeyObject
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PAIRS: Pair[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => ({ alg, ...rsa })),
  { alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  { alg: 'ES384', ...generateKeyPairSync('ec', { namedCurve: 'P-384' }) },
  { alg: 'ES512', ...generateKeyPairSync('ec', { namedCurve: 'P-521' }) },
  { alg: 'EdDSA', ...generateKeyPairSync('ed25519') },
]
const ofAlg = (alg: string): Pair => {
  const pair = PAIRS.find((each) => each.alg === alg)
  if (pair === undefined) throw new Error(alg)
  return pair
}
const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()
const secretOf = (text: string) => new TextEncoder().encode(text)

type Claims = Record<string, unknown>

async function signed(
  key: Uint8Array | KeyObject,
  alg: string,
  claims: Claims,
  more: { kid?: string; lifeSeconds?: number } = {},
): Promise<string> {
  const now = Math.floor(systemClock.now().getTime() / 1000)
  return new jose.SignJWT({ iss: house.workspace.key, exp: now + (more.lifeSeconds ?? 60), ...claims })
    .setProtectedHeader({ alg, ...(more.kid === undefined ? {} : { kid: more.kid }) })
    .sign(key)
}

const bySecret = (claims: Claims, alg = 'HS256') => signed(secretOf(house.workspace.secret), alg, claims)
const whose = (token: string) => house.engine.tokens.authenticate(`Bearer ${token}`)
const refused = (token: string) =>
  whose(token).then(
    () => 'taken',
    (error: { key?: string; message: string }) => `${error.key}: ${error.message}`,
  )

async function configure(change: Partial<typeof house.workspace>): Promise<void> {
  await house.admin.workspaces.patch({ params: { id: house.workspace.key }, body: change as object })
}

describe('a token signed with the secret of the workspace', () => {
  test.each(['HS256', 'HS384', 'HS512'])('is taken with %s', async (alg) => {
    expect(await whose(await bySecret({ id: 'anna' }, alg))).toMatchObject({
      workspaceKey: house.workspace.key,
      isAdmin: false,
    })
  })

  test('says the same in both styles of claims', async () => {
    const one = await whose(await bySecret({ id: 'anna' }))
    const other = await whose(await bySecret({ iss: undefined, workspaceKey: house.workspace.key, tenantKey: 'anna' }))
    expect(one.customerId).not.toBeNull()
    expect(other).toEqual(one)
  })

  test('says who acts', async () => {
    const anna = await whose(await bySecret({ id: 'anna', name: 'Anna' }))
    expect(anna.actor).toEqual({ kind: 'customer', id: anna.customerId, name: 'Anna', role: null })
    const secret = { kind: 'workspace-secret', id: null, name: null }
    expect((await whose(await bySecret({ isAdmin: true }))).actor).toEqual({ ...secret, role: 'owner' })
    expect((await whose(await bySecret({ id: 'anna', isAdmin: true }))).actor).toEqual({ ...secret, role: 'owner' })
    expect((await whose(await bySecret({}))).actor).toEqual({ ...secret, role: null })
  })

  test('is refused when it is expired, not yet valid, signed with another secret or of an unknown workspace', async () => {
    const key = secretOf(house.workspace.secret)
    expect(await refused(await signed(key, 'HS256', { id: 'a' }, { lifeSeconds: -1 }))).toMatch(
      /^not_authenticated.*expired/,
    )
    const soon = Math.floor(systemClock.now().getTime() / 1000) + 600
    expect(await refused(await bySecret({ id: 'a', nbf: soon }))).toMatch(/^not_authenticated.*"nbf"/)
    expect(await refused(await signed(secretOf('x'.repeat(40)), 'HS256', { id: 'a' }))).toMatch(
      /^not_authenticated.*signature/,
    )
    expect(await refused(await bySecret({ iss: 'nobody', id: 'a' }))).toMatch(/^not_authenticated.*unknown workspace/)
    expect(await refused(await bySecret({ iss: undefined, id: 'a' }))).toMatch(/^not_authenticated.*names no workspace/)
  })

  test('names a customer by an id that the API takes too', async () => {
    expect(await refused(await bySecret({ id: 'x'.repeat(500) }))).toBe('taken')
    for (const id of ['x'.repeat(501), 'a\u0000b', '\ud800'])
      for (const claim of ['id', 'tenantKey', 'sub'])
        expect(await refused(await bySecret({ [claim]: id }))).toMatch(/^not_authenticated: .*id of the customer/)
  })

  test('says of the customer what can be stored, and the rest is no failure of ours', async () => {
    const claims = [
      { name: 'a\u0000b' },
      { name: 'n'.repeat(100_000) },
      { fields: { a: 'x\u0000', '\u0000': 1, b: '\ud800' } },
      { fields: { n: 1e308, list: Array.from({ length: 2000 }, () => ({})) } },
      { name: 7, fields: 'none' },
    ]
    for (const [index, each] of claims.entries()) {
      const token = await bySecret({ id: `odd-${index}`, ...each })
      const answer = await fetch(`${house.url}/customers/self`, { headers: { authorization: `Bearer ${token}` } })
      expect([index, answer.status]).toEqual([index, answer.status < 500 ? answer.status : 'below 500'])
    }
  })

  test('of one workspace is nothing in another', async () => {
    const other = await addWorkspace(house.engine, systemClock, null)
    expect(await refused(await bySecret({ iss: other.key, isAdmin: true }))).toMatch(/^not_authenticated.*signature/)
    const theirs = await signed(secretOf(other.secret), 'HS256', { iss: other.key, id: 'anna' })
    const [here, there] = [await whose(await bySecret({ id: 'anna' })), await whose(theirs)]
    expect(there.workspaceId).toBe(other.id)
    expect(there.customerId).not.toBe(here.customerId)
  })

  test('is refused where the workspace does not want any', async () => {
    const rs = ofAlg('RS256')
    await configure({ publicKeys: [{ name: 'only', publicKey: pemOf(rs.publicKey) }] })
    const admin = await signed(rs.privateKey, 'RS256', { isAdmin: true })
    const set = (disableSecretKeyAuth: boolean) =>
      fetch(`${house.url}/workspaces/${house.workspace.key}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
        body: JSON.stringify({ settings: { disableSecretKeyAuth } }),
      })
    expect((await set(true)).status).toBe(200)
    expect(await refused(await bySecret({ isAdmin: true }))).toMatch(/^not_authenticated/)
    expect((await set(false)).status).toBe(200)
    expect(await refused(await bySecret({ isAdmin: true }))).toBe('taken')
    await configure({ publicKeys: [] })
  })
})

describe('a token signed with a key of the workspace', () => {
  test.each(PAIRS)('is taken with $alg', async ({ alg, publicKey, privateKey }) => {
    const other = generateKeyPairSync('ed25519').publicKey
    await configure({
      publicKeys: [
        { name: 'other', publicKey: pemOf(other) },
        { name: 'this', publicKey: pemOf(publicKey) },
      ],
    })
    expect(await whose(await signed(privateKey, alg, { id: 'anna' }))).toMatchObject({ isAdmin: false })
    await configure({ publicKeys: [{ name: 'other', publicKey: pemOf(other) }] })
    expect(await refused(await signed(privateKey, alg, { id: 'anna' }))).toMatch(/^not_authenticated/)
  })

  test('is taken with any key of a key set, whether it names the key or not; the set is fetched once', async () => {
    await using keys = await startReceiver()
    const [one, two] = [ofAlg('RS256'), generateKeyPairSync('rsa', { modulusLength: 2048 })]
    const jwk = async (key: KeyObject, kid: string) => ({
      ...(await jose.exportJWK(key)),
      kid,
      alg: 'RS256',
      use: 'sig',
    })
    keys.behave(answering(200, { keys: [await jwk(one.publicKey, 'one'), await jwk(two.publicKey, 'two')] }))
    await configure({ publicKeys: [], jwksUri: `${keys.url}/jwks.json` })
    for (const [kid, { privateKey }] of [
      ['one', one],
      ['two', two],
    ] as const) {
      expect(await refused(await signed(privateKey, 'RS256', { id: kid }, { kid }))).toBe('taken')
      expect(await refused(await signed(privateKey, 'RS256', { id: `${kid} unnamed` }))).toBe('taken')
    }
    expect(keys.received).toHaveLength(1)
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
    expect(await refused(await signed(stranger.privateKey, 'RS256', { id: 'a' }, { kid: 'one' }))).toMatch(
      /^not_authenticated/,
    )
    expect(await refused(await signed(stranger.privateKey, 'RS256', { id: 'a' }))).toMatch(/^not_authenticated/)
    await configure({ jwksUri: null })
  })

  test('is refused, not failed, where the key set cannot be fetched', async () => {
    await using keys = await startReceiver()
    keys.behave(answering(500))
    await configure({ jwksUri: `${keys.url}/jwks.json` })
    expect(await refused(await signed(ofAlg('RS256').privateKey, 'RS256', { id: 'a' }))).toMatch(/^not_authenticated/)
    // However many forged tokens come, they make one request, at the same time and after it failed.
    const forged = await Promise.all(
      Array.from({ length: 20 }, (_, i) => signed(ofAlg('RS256').privateKey, 'RS256', { id: `forged ${i}` })),
    )
    for (const said of await Promise.all(forged.map(refused))) expect(said).toMatch(/^not_authenticated/)
    expect(keys.received).toHaveLength(1)
    await configure({ jwksUri: null })
  })
})

describe('a forged token', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test.each(['none', 'None', 'NONE', ''])('with algorithm "%s" is refused', async (alg) => {
    const token = `${part({ alg })}.${part({ iss: house.workspace.key, isAdmin: true })}.`
    expect(await refused(token)).toMatch(/^not_authenticated/)
  })

  test('that uses a public key as a secret is refused', async () => {
    const { publicKey } = ofAlg('RS256')
    const pem = pemOf(publicKey)
    await configure({ publicKeys: [{ name: 'rsa', publicKey: pem }] })
    for (const secret of [pem, pem.trim(), publicKey.export({ type: 'spki', format: 'der' })]) {
      const key = typeof secret === 'string' ? secretOf(secret) : new Uint8Array(secret)
      for (const alg of ['HS256', 'HS384', 'HS512'])
        expect(await refused(await signed(key, alg, { isAdmin: true }))).toMatch(/^not_authenticated/)
    }
    await configure({ publicKeys: [] })
  })

  test('that brings its own key is refused', async () => {
    const { privateKey, publicKey } = ofAlg('ES256')
    const token = await new jose.SignJWT({ iss: house.workspace.key, isAdmin: true })
      .setProtectedHeader({ alg: 'ES256', jwk: await jose.exportJWK(publicKey) })
      .sign(privateKey)
    expect(await refused(token)).toMatch(/^not_authenticated/)
  })

  test.each(['', 'x', 'a.b', 'a.b.c', '....', 'e30.e30.e30'])('like "%s" is refused, not failed', async (token) => {
    expect(await refused(token)).toMatch(/^not_authenticated/)
  })

  test('never shows the secret in what is answered', async () => {
    for (const token of ['a.b.c', await signed(secretOf('x'.repeat(40)), 'HS256', { id: 'a' })])
      expect(await refused(token)).not.toContain(house.workspace.secret)
  })
})

describe('whether somebody is an admin', () => {
  test.each([
    [true, true],
    ['1', true],
    [1, true],
    ['yes', true],
    [false, false],
    ['false', false],
    ['0', false],
    ['', false],
    [0, false],
    [null, false],
    [undefined, false],
  ])('isAdmin %j: %s', async (claim, isAdmin) => {
    expect((await whose(await bySecret({ id: 'anna', isAdmin: claim }))).isAdmin).toBe(isAdmin)
  })
})

test('that a workspace cannot be looked up now is not said of the token', async () => {
  const unavailable = new Refusal('unavailable', 'nobody can be asked; try again')
  const tokens = createTokens({
    directory: { byKey: () => Promise.reject(unavailable), byId: () => Promise.reject(unavailable) },
    ensureCustomer: () => Promise.reject(unavailable),
    fetchJson: () => Promise.reject(unavailable),
    clock: systemClock,
    ownKeys: [],
  })
  const token = await new jose.SignJWT({ iss: 'somebody', id: 'anna' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('the secret of somebody, which is long enough'))
  await expect(tokens.authenticate(`Bearer ${token}`)).rejects.toBe(unavailable)
  await expect(tokens.authenticate('Bearer none')).rejects.toMatchObject({ key: 'not_authenticated' })
})
