import { answering, buildHouse, type House, startReceiver } from '@permea/testkit'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'

let house: House

beforeAll(async () => {
  house = await buildHouse({ clock: 'settable' })
})

afterAll(() => house[Symbol.asyncDispose]())

const VERIFY = `import { verifyWithKeySet } from 'permea:jwt'
export default ({ token, url }) => verifyWithKeySet(token, url, { audience: 'permea' })`

async function verified(token: string, url: string, code = VERIFY) {
  return house.engine.functions.call({
    definition: { type: 'javascript', code },
    context: {
      workspaceId: house.workspace.id,
      customerId: null,
      integrationId: null,
      connectionId: null,
      ownerId: 'eet_test',
      slot: 'handle',
      sourceId: null,
    },
    args: { token, url },
  })
}

async function signed(kid: string, payload: JWTPayload = {}) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const now = Math.floor(house.clock.now().getTime() / 1000)
  const token = await new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid })
    .setAudience('permea')
    .setIssuedAt(now)
    .sign(privateKey)
  return { token, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' } }
}

test('a key set is fetched once, kept for as long as its server says, and fetched anew for a key that it lacks', async () => {
  await using app = await startReceiver()
  const [one, two] = [await signed('one', { sub: 'a' }), await signed('two', { sub: 'b' })]
  const url = `${app.url}/keys`
  const serve = (keys: object[]) => app.behave(answering(200, { keys }, { 'cache-control': 'public, max-age=120' }))
  serve([one.jwk])
  expect(await verified(one.token, url)).toMatchObject({ kind: 'returned', value: { sub: 'a', aud: 'permea' } })
  expect(await verified(one.token, url)).toMatchObject({ kind: 'returned' })
  expect(app.received).toHaveLength(1)

  serve([one.jwk, two.jwk])
  expect(await verified(two.token, url)).toMatchObject({
    kind: 'failed',
    error: { message: expect.stringContaining('no key of the key set') },
  })
  expect(app.received).toHaveLength(1)
  house.clock.advance(31_000)
  expect(await verified(two.token, url)).toMatchObject({ kind: 'returned', value: { sub: 'b' } })
  expect(app.received).toHaveLength(2)

  house.clock.advance(119_000)
  expect(await verified(one.token, url)).toMatchObject({ kind: 'returned' })
  expect(app.received).toHaveLength(2)
  house.clock.advance(2_000)
  expect(await verified(one.token, url)).toMatchObject({ kind: 'returned' })
  expect(app.received).toHaveLength(3)
})

test('a token of another key, and a verification that nobody waits for, do not pass', async () => {
  await using app = await startReceiver()
  const [one, other] = [await signed('one'), await signed('one')]
  app.behave(answering(200, { keys: [one.jwk] }))
  expect(await verified(other.token, `${app.url}/other`)).toMatchObject({
    kind: 'failed',
    error: { message: expect.stringContaining('invalid signature') },
  })
  const unwaited = VERIFY.replace('=> verifyWithKeySet', '=> { verifyWithKeySet').concat("; return 'passed' }")
  expect(await verified(other.token, `${app.url}/unwaited`, unwaited)).toMatchObject({
    kind: 'failed',
    error: { message: expect.stringContaining('write await') },
  })
})

test('only plain requests are kept', async () => {
  await using app = await startReceiver()
  app.behave(answering(200, {}))
  const code = `export default async ({ url }) => {
    for (const init of [{}, { cache: 'force-cache', headers: { authorization: 'x' } }, { cache: 'force-cache', method: 'POST' }])
      for (let i = 0; i < 2; i++) await fetch(url, init)
  }`
  expect(await verified('', `${app.url}/plain`, code)).toMatchObject({ kind: 'returned' })
  expect(app.received).toHaveLength(6)
})
