import crypto from 'node:crypto'
import { importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'
import { afterAll, expect, test } from 'vitest'
import { openTrial } from './trial.ts'

const { returned, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

const SECRET = 'a secret of at least thirty-two bytes'

function pems(kind: 'rsa' | 'ec' | 'ed25519', namedCurve = 'prime256v1') {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? crypto.generateKeyPairSync('ec', { namedCurve })
        : crypto.generateKeyPairSync('ed25519')
  return {
    publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

const RSA = pems('rsa')
const KEYS: Record<string, { publicKey: string; privateKey: string }> = {
  HS256: { publicKey: SECRET, privateKey: SECRET },
  HS512: { publicKey: SECRET, privateKey: SECRET },
  RS256: RSA,
  PS384: RSA,
  ES256: pems('ec'),
  ES384: pems('ec', 'secp384r1'),
  EdDSA: pems('ed25519'),
}

const run = (body: string, args: object) =>
  returned(
    `import jwt from 'permea:jwt'\nexport default (args) => { try { ${body} } catch (error) { return error.message } }`,
    { args },
  )
const VERIFY = 'return jwt.verify(args.token, args.key, args.options)'

test.each(Object.keys(KEYS))('%s: what jose signed is taken, and what is signed here is taken by jose', async (alg) => {
  const { publicKey, privateKey } = KEYS[alg] as { publicKey: string; privateKey: string }
  const isSecret = alg.startsWith('HS')
  const bytes = new TextEncoder().encode(SECRET)
  const theirs = await new SignJWT({ a: 'ä' })
    .setProtectedHeader({ alg })
    .setExpirationTime('1h')
    .sign(isSecret ? bytes : await importPKCS8(privateKey, alg))
  expect(await run(VERIFY, { token: theirs, key: publicKey })).toMatchObject({ a: 'ä' })
  const changed = `${theirs.slice(0, -6)}${theirs.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`
  expect(await run(VERIFY, { token: changed, key: publicKey })).toBe('invalid signature')
  const ours = await run("return jwt.sign({ b: 1 }, args.key, { algorithm: args.alg, expiresIn: 60, keyid: 'k' })", {
    key: privateKey,
    alg,
  })
  const taken = await jwtVerify(String(ours), isSecret ? bytes : await importSPKI(publicKey, alg))
  expect(taken).toMatchObject({ payload: { b: 1, exp: expect.any(Number) }, protectedHeader: { alg, kid: 'k' } })
})

test('a token without signature, with a public key as secret, or past its time is refused', async () => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encode({ alg: 'none' })}.${encode({ a: 1 })}.`
  expect(await run(VERIFY, { token: unsigned, key: SECRET })).toBe('invalid algorithm')
  expect(await run(VERIFY, { token: unsigned, key: SECRET, options: { algorithms: ['none'] } })).toBe(
    'invalid algorithm',
  )
  const text = `${encode({ alg: 'HS256' })}.${encode({ a: 1 })}`
  const confused = `${text}.${crypto.createHmac('sha256', RSA.publicKey).update(text).digest('base64url')}`
  expect(await run(VERIFY, { token: confused, key: RSA.publicKey })).toBe('invalid algorithm')
  expect(await run(VERIFY, { token: confused, key: RSA.publicKey, options: { algorithms: ['HS256'] } })).toBe(
    'invalid algorithm',
  )
  const sign = (claims: object) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET))
  const at = '2026-01-01T00:00:00Z'
  const seconds = Date.parse(at) / 1000
  const tries: [object, object, string | object][] = [
    [{ exp: seconds }, { at }, 'jwt expired'],
    [{ exp: seconds }, { at, clockTolerance: 5 }, { exp: seconds }],
    [{ nbf: seconds + 9 }, { at }, 'jwt not active'],
    [{ iat: seconds - 100 }, { at, maxAge: 60 }, 'maxAge exceeded'],
    [{}, { at, maxAge: 60 }, 'maxAge exceeded'],
    [{ aud: ['a', 'b'] }, { audience: 'b' }, { aud: ['a', 'b'] }],
    [{ aud: 'a' }, { audience: 'b' }, 'jwt audience invalid'],
    [{ iss: 'x' }, { issuer: 'y' }, 'jwt issuer invalid'],
    [{ exp: 'soon' }, {}, 'invalid exp value'],
  ]
  for (const [claims, options, expected] of tries)
    expect(await run(VERIFY, { token: await sign(claims), key: SECRET, options })).toEqual(expected)
  for (const token of ['', 'a.b', 'a.b.c', `${encode([])}.${encode({})}.x`])
    expect(await run(VERIFY, { token, key: SECRET })).toBe('jwt malformed')
})

test('modules may be taken by require too', async () => {
  const code = `const { sign } = require('permea:jwt')
    const { verify } = require('permea:webhooks')
    module.exports = () => [typeof sign, typeof verify.stripe]`
  expect(await returned(code)).toEqual(['function', 'function'])
})
