import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { SHAKEN, SIGNED, VERDICTS } from '@permea/testkit'
import { afterAll, expect, test } from 'vitest'
import { SCHEMES } from './guest/vendors/all.ts'
import { HANDSHAKES } from './guest/vendors/handshakes.ts'
import { recordedHost } from './recorded-host.ts'
import { openTrial } from './trial.ts'

// The vendors themselves are in stories/vendors.test.ts; here is what all of them have in common.

const { returned, run, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

const AT = '2026-01-15T12:00:00.000Z'
const SENT = String(Date.parse(AT) / 1000)

/** What a call of a function of the library gives, or why it refuses. */
function calling(call: string, args: object, host = recordedHost().host) {
  const code = `import { handshakes, verify } from 'permea:webhooks'
    export default async (args) => { try { return await ${call} } catch (error) { return { reason: error.reason, message: error.message } } }`
  return returned(code, { args, host }) as Promise<Record<string, unknown>>
}

function slackRequest({ secret = 'one', at = SENT, body = '{"event_id":"Ev1"}' } = {}) {
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`
  return {
    headers: { 'X-Slack-Signature': signature, 'x-slack-request-timestamp': at },
    rawBody: body,
    receivedAt: AT,
  }
}

test('a genuine request gives its id, its time and its payload; as request or flat', async () => {
  const expected = { id: 'Ev1', signedAt: AT, payload: { event_id: 'Ev1' } }
  expect(await calling('verify.slack(args)', { request: slackRequest(), secret: 'one' })).toEqual(expected)
  expect(await calling('verify.slack(args)', { ...slackRequest(), secret: 'one' })).toEqual(expected)
})

test('of several secrets one is enough, since they are rolled', async () => {
  const request = slackRequest({ secret: 'two' })
  expect(await calling('verify.slack(args)', { request, secret: ['one', 'two'] })).toMatchObject({ id: 'Ev1' })
  expect(await calling('verify.slack(args)', { request, secret: ['one', 'three'] })).toMatchObject({
    reason: 'wrong_signature',
  })
})

test('a refusal says why', async () => {
  const tries: [object, string][] = [
    [{ request: { ...slackRequest(), headers: {} }, secret: 'one' }, 'missing_signature'],
    [{ request: { ...slackRequest(), rawBody: '{}' }, secret: 'one' }, 'wrong_signature'],
    [{ request: slackRequest({ at: String(Number(SENT) - 301) }), secret: 'one' }, 'too_old'],
    [{ request: slackRequest({ at: 'yesterday' }), secret: 'one' }, 'missing_time'],
  ]
  for (const [args, reason] of tries) expect(await calling('verify.slack(args)', args)).toMatchObject({ reason })
  const old = { request: slackRequest({ at: String(Number(SENT) - 301) }), secret: 'one' }
  expect(await calling('verify.slack(args)', { ...old, tolerance: 400 })).toMatchObject({ id: 'Ev1' })
  expect(await calling('verify.slack(args)', { ...old, tolerance: false })).toMatchObject({ id: 'Ev1' })
  for (const secret of [undefined, null, '', 5])
    expect((await calling('verify.slack(args)', { request: slackRequest(), secret })).message).toContain('secret')
})

test('a scheme of one’s own is verified by a row like those of the vendors', async () => {
  const body = '{"id":7}'
  const request = {
    headers: { 'x-mine': createHmac('sha512', 'k').update(`${body}!`).digest('base64') },
    rawBody: body,
  }
  const row =
    "{ name: 'Mine', at: 'header:x-mine', hash: 'sha512', encoding: 'base64', signed: '{body}!', takes: {}, id: ['json:id'], source: '', checked: null }"
  expect(await calling(`verify.with(${row}, args)`, { request, secret: 'k' })).toMatchObject({ id: '7' })
  expect(await calling(`verify.with(${row}, args)`, { request, secret: 'j' })).toMatchObject({
    reason: 'wrong_signature',
  })
})

test('what a row of one’s own signs may be what vendors make of a body', async () => {
  const body = '{"b":1,"a":{"d":"é","c":[2]}}'
  const texts: [string, string][] = [
    ['{sortedJson}', '{"a":{"c":[2],"d":"é"},"b":1}'],
    ['{sha256Body}', createHash('sha256').update(body).digest('hex')],
    ['{base64urlBody}', Buffer.from(body).toString('base64url')],
  ]
  for (const [signed, text] of texts) {
    const request = { headers: { 'x-mine': createHmac('sha256', 'k').update(text).digest('hex') }, rawBody: body }
    const row = { name: 'Mine', at: 'header:x-mine', signed, takes: {}, id: [], source: '', checked: null }
    const verified = await calling(`verify.with(${JSON.stringify(row)}, args)`, { request, secret: 'k' })
    expect([signed, verified]).toEqual([signed, { id: null, signedAt: null, payload: JSON.parse(body) }])
  }
})

test('requests with something odd about them are taken where the vendor’s own package takes them, and else refused', async () => {
  const tried = VERDICTS.map(({ vendor, receivedAt, options }) => ({
    vendor,
    options: { ...options, request: { ...options.request, receivedAt } },
  }))
  const code = `import { verify } from 'permea:webhooks'
    const isTaken = async (vendor, options) => { try { await verify[vendor](options); return true } catch (error) { if (error.key === undefined) throw error; return false } }
    export default async (args) => {
      const made = []
      for (const { vendor, options } of args) made.push(await isTaken(vendor, options))
      return made
    }`
  const made: unknown[] = []
  for (let from = 0; from < tried.length; from += 50)
    made.push(...((await returned(code, { args: tried.slice(from, from + 50) })) as boolean[]))
  expect(VERDICTS.map((each, index) => [each.vendor, each.options.request, made[index]])).toEqual(
    VERDICTS.map(({ vendor, options, isTaken }) => [vendor, options.request, isTaken]),
  )
  const named = new Set(VERDICTS.map(({ vendor }) => vendor))
  expect(named.size).toBeGreaterThan(40)
  for (const vendor of named) expect([vendor, SCHEMES[vendor]?.checked]).toEqual([vendor, expect.any(String)])
  const forged = tried.flatMap(({ vendor, options }) => {
    const { secret } = options
    return secret === undefined || vendor === 'adyen'
      ? []
      : [{ vendor, options: { ...options, secret: altered(secret) } }]
  })
  for (let from = 0; from < forged.length; from += 50)
    expect(await returned(code, { args: forged.slice(from, from + 50) })).not.toContain(true)
})

/** Another secret of the same kind. */
function altered(secret: string | string[]): string {
  const text = typeof secret === 'string' ? secret : secret.join('')
  return text.startsWith('whsec_') ? `whsec_${Buffer.from(text).toString('base64')}` : `${text}01`
}

const SNS = SIGNED.find(({ vendor }) => vendor === 'aws sns (v1)')

test('a certificate is fetched from the vendor’s own address only, and the kept one will do', async () => {
  const { host, requests } = recordedHost(() => ({
    kind: 'answered',
    status: 200,
    headers: {},
    body: Buffer.from(SNS?.certificate ?? ''),
  }))
  const request = { headers: SNS?.headers, rawBody: SNS?.body, receivedAt: AT }
  expect(await calling('verify.awsSns(args)', { request }, host)).toMatchObject({ id: 'm-1' })
  expect(requests.map(({ request: { method, uri, cache } }) => [method, uri, cache])).toEqual([
    ['GET', 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0000.pem', 'force-cache'],
  ])
  for (const url of [
    'https://sns.eu-west-1.amazonaws.com.evil.example/x.pem',
    'http://sns.eu-west-1.amazonaws.com/x.pem',
    'https://evil.example/sns.eu-west-1.amazonaws.com',
    'https://sns.eu-west-1.amazonaws.com:8443/x.pem',
  ]) {
    const rawBody = SNS?.body?.replace(/https:[^"]*\.pem/, url)
    expect(await calling('verify.awsSns(args)', { request: { ...request, rawBody } }, host)).toMatchObject({
      reason: 'foreign_address',
    })
  }
  expect(requests).toHaveLength(1)
  const unawaited = `import { verify } from 'permea:webhooks'
    export default async (args) => { verify.awsSns(args); return { events: [1] } }`
  expect(await run(unawaited, { args: { request }, host })).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('write await'),
  })
})

test('a confirmation of SNS is visited once it is verified, and never elsewhere', async () => {
  const shaken = SHAKEN.find(({ vendor }) => vendor === 'aws sns')
  const { host, requests } = recordedHost(() => ({ kind: 'answered', status: 200, headers: {}, body: Buffer.alloc(0) }))
  const args = {
    request: { method: 'POST', headers: shaken?.headers, rawBody: shaken?.body },
    certificate: shaken?.certificate,
  }
  expect(await calling('handshakes.awsSns(args)', args, host)).toEqual({
    events: [],
    response: { status: 200, headers: {} },
  })
  expect(requests.map(({ request }) => request.uri)).toEqual([
    'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=tok',
  ])
  const forged = { ...args, request: { ...args.request, rawBody: shaken?.body?.replace('Token=tok', 'Token=tak') } }
  expect(await calling('handshakes.awsSns(args)', forged, host)).toMatchObject({ reason: 'wrong_signature' })
  expect(requests).toHaveLength(1)
  expect(
    await calling('handshakes.meta(args)', {
      request: { method: 'GET', query: { 'hub.challenge': '1', 'hub.verify_token': 'x' } },
      verifyToken: 'y',
    }),
  ).toMatchObject({ reason: 'wrong_token' })
  expect(
    await calling('handshakes.slack(args)', { request: { method: 'POST', rawBody: '{"type":"event_callback"}' } }),
  ).toBeNull()
})

test('every row says where it comes from, and what it names is there', () => {
  for (const [key, { source, handshake, engine, at }] of Object.entries(SCHEMES)) {
    expect([key, /^https:\/\//.test(source)]).toEqual([key, true])
    expect([key, engine === 'none' || at !== undefined]).toEqual([key, true])
    expect([key, handshake === undefined || HANDSHAKES[handshake] !== undefined]).toEqual([key, true])
  }
  for (const { verify } of Object.values(HANDSHAKES))
    expect(verify === undefined || SCHEMES[verify] !== undefined).toBe(true)
})

test('where form fields are signed, the signature of a URL alone vouches for no other body', async () => {
  const url = 'https://example.com/hook'
  const mac = createHmac('sha1', 'k').update(url).digest('base64')
  for (const [vendor, header] of [
    ['twilio', 'x-twilio-signature'],
    ['mandrill', 'x-mandrill-signature'],
  ] as const) {
    const call = `verify.${vendor}(args)`
    const request = { url, headers: { [header]: mac, 'content-type': 'application/json' } }
    expect(await calling(call, { ...request, rawBody: '', secret: 'k' })).toMatchObject({ payload: null })
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x'])
      expect(
        await calling(call, {
          ...request,
          headers: { [header]: mac, 'content-type': type },
          rawBody: '{"forged":true}',
          secret: 'k',
        }),
      ).toMatchObject({ reason: 'wrong_signature' })
  }
})

test('the payload of a body that was signed packed is what was packed', async () => {
  const text = '{"id":7}'
  for (const [coding, packed] of [
    ['gzip', gzipSync(text)],
    ['BR', brotliCompressSync(text)],
    ['gzip', Buffer.from(text)],
    ['constructor', Buffer.from(text)],
  ] as const) {
    const signature = `sha256=${createHmac('sha256', 'k').update(packed).digest('hex')}`
    const headers = { 'x-hub-signature-256': signature, 'content-encoding': coding }
    const request = { headers, rawBodyBase64: packed.toString('base64') }
    expect(await calling('verify.github(args)', { request, secret: 'k' })).toMatchObject({ payload: { id: 7 } })
  }
})

test('Mailgun’s routes send what is signed as fields of a form, with files or without', async () => {
  const signature = createHmac('sha256', 'k').update(`${SENT}token`).digest('hex')
  const fields = { timestamp: SENT, token: 'token', signature, subject: 'ä' }
  const urlencoded = {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    rawBody: new URLSearchParams(fields).toString(),
    data: fields,
  }
  const multipart = { headers: { 'content-type': 'multipart/form-data; boundary=x' }, rawBody: '--x--', data: fields }
  for (const request of [urlencoded, multipart]) {
    expect(await calling('verify.mailgun(args)', { request, secret: 'k' })).toEqual({
      id: null,
      signedAt: AT,
      payload: fields,
    })
    expect(await calling('verify.mailgun(args)', { request, secret: 'j' })).toMatchObject({ reason: 'wrong_signature' })
  }
})

test('Docusign signs once for each key of the account', async () => {
  const signed = (secret: string) => createHmac('sha256', secret).update('{}').digest('base64')
  const headers = Object.fromEntries([1, 2, 3, 4].map((each) => [`x-docusign-signature-${each}`, signed(`k${each}`)]))
  const request = { headers, rawBody: '{}' }
  for (const [secret, expected] of [
    ['k1', { payload: {} }],
    ['k4', { payload: {} }],
    ['k5', { reason: 'wrong_signature' }],
  ] as const)
    expect(await calling('verify.docusign(args)', { request, secret })).toMatchObject(expected)
})

test('a key set of the vendor’s is fetched where no key is given, and once more for a key that is new in it', async () => {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [older, newer] = [pair(), pair()]
  const jwk = (kid: string, { publicKey }: ReturnType<typeof pair>) => ({ ...publicKey.export({ format: 'jwk' }), kid })
  const token = (kid: string, { privateKey }: ReturnType<typeof pair>, aud: string) => {
    const [seconds, issuer] = [Number(SENT), 'https://accounts.google.com']
    const parts = [
      { alg: 'RS256', kid },
      { iss: issuer, aud, iat: seconds, exp: seconds + 600 },
    ]
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
  }
  const { host, requests } = recordedHost(({ request }) => ({
    kind: 'answered',
    status: 200,
    headers: {},
    body: Buffer.from(
      JSON.stringify({
        keys: request.cache === 'reload' ? [jwk('a', older), jwk('b', newer)] : [jwk('a', older)],
      }),
    ),
  }))
  const ask = (proof: string) =>
    calling(
      'verify.googlePubSub(args)',
      {
        request: {
          headers: { authorization: `Bearer ${proof}` },
          rawBody: '{"message":{"messageId":"7"}}',
          receivedAt: AT,
        },
        audience: 'https://mine.example',
      },
      host,
    )
  expect(await ask(token('a', older, 'https://mine.example'))).toMatchObject({ id: '7' })
  expect(requests).toHaveLength(1)
  expect(await ask(token('b', newer, 'https://mine.example'))).toMatchObject({ id: '7' })
  expect(requests).toHaveLength(3)
  expect(await ask(token('a', newer, 'https://mine.example'))).toMatchObject({ reason: 'wrong_signature' })
  expect(await ask(token('c', newer, 'https://mine.example'))).toMatchObject({ reason: 'wrong_signature' })
  expect(await ask(token('a', older, 'https://others.example'))).toMatchObject({ reason: 'wrong_signature' })
})

test('a message whose signature says nothing of its body vouches for none', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const parameters = `("@method");created=${SENT};keyid="k"`
  const base = `"@method": POST\n"@signature-params": ${parameters}`
  const headers = {
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${sign(null, Buffer.from(base), privateKey).toString('base64')}:`,
  }
  const request = { headers, method: 'POST', url: 'https://mine.example/in', receivedAt: AT }
  const given = { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) }
  expect(await calling('verify.httpMessageSignatures(args)', { request, ...given })).toMatchObject({ payload: null })
  const byId = "verify.httpMessageSignatures({ ...args, publicKey: (id) => (id === 'k' ? args.publicKey : '') })"
  expect(await calling(byId, { request, ...given })).toMatchObject({ payload: null })
  expect(
    await calling('verify.httpMessageSignatures(args)', { request: { ...request, rawBody: '{}' }, ...given }),
  ).toMatchObject({ reason: 'wrong_signature' })
  expect(await calling('verify.httpMessageSignatures(args)', { request, secret: 'k' })).toMatchObject({
    reason: 'wrong_signature',
  })
})

test('eBay’s challenge is answered with the digest of it, the token and the address', async () => {
  const request = { method: 'GET', url: 'https://h.example/in/1?challenge_code=c1', query: 'challenge_code=c1' }
  const shaken = await calling('handshakes.ebay(args)', { request, verificationToken: 'tok' })
  // What event-notification-nodejs-sdk@1.0.3 makes of the same.
  const challengeResponse = '91a6a6961f1f749f152557153c682e883b1bbea4ab55b50b3ff1d3352101abe0'
  expect(shaken).toMatchObject({ response: { status: 200, data: { challengeResponse } } })
  expect(await calling('handshakes.ebay(args)', { request })).toMatchObject({
    message: expect.stringContaining('verificationToken'),
  })
})
