/** Functions as people write them: with `node:crypto`, from the vendor's documentation, without `permea:webhooks`. */

const PRELUDE = `import crypto from 'node:crypto'
import { gunzipSync } from 'node:zlib'
const isEqual = (a, b) => a.length === b.length && crypto.timingSafeEqual(Buffer.from(a), Buffer.from(b))
const refused = (why) => Object.assign(new Error(why), { key: 'webhook_not_verified' })
const need = (isGenuine) => { if (!isGenuine) throw refused('the signature is wrong') }
const mac = (hash, key, data, encoding) => crypto.createHmac(hash, key).update(data).digest(encoding)
const young = (request, ms, seconds) => { if (Date.parse(request.receivedAt) - ms > seconds * 1000) throw refused('too old') }
const bytesOf = (request) => request.rawBodyBase64 === undefined ? Buffer.from(request.rawBody ?? '') : Buffer.from(request.rawBodyBase64, 'base64')
const pairs = (text, between = ',') => Object.fromEntries(text.split(between).map((part) => { const at = part.indexOf('='); return [part.slice(0, at).trim(), part.slice(at + 1)] }))
`

const plain = (header: string, { hash = 'sha256', encoding = 'hex', prefix = '' } = {}) =>
  `need(isEqual('${prefix}' + mac('${hash}', o.secret, body, '${encoding}'), h['${header}'] ?? ''))`

/** By vendor: statements over `request`, its headers `h`, its bytes `body`, and the options `o`. */
const CHECKS: Readonly<Record<string, string>> = {
  'adyen (payments)': `for (const { NotificationRequestItem: n } of JSON.parse(body).notificationItems) {
    const signed = [n.pspReference, n.originalReference ?? '', n.merchantAccountCode, n.merchantReference, n.amount.value, n.amount.currency, n.eventCode, n.success].join(':')
    need(isEqual(mac('sha256', Buffer.from(o.secret, 'hex'), signed, 'base64'), n.additionalData.hmacSignature))
  }`,
  'adyen (banking, management)': `need(isEqual(mac('sha256', Buffer.from(o.secret, 'hex'), body, 'base64'), h.hmacsignature))`,
  square: `need(isEqual(mac('sha256', o.secret, o.url + body, 'base64'), h['x-square-hmacsha256-signature']))`,
  braintree: `const form = new URLSearchParams(body.toString())
    const key = crypto.createHash('sha1').update(o.secret).digest()
    const mine = form.get('bt_signature').split('&').map((pair) => pair.split('|')).find(([name]) => name === o.publicKey)
    need(mine && isEqual(mac('sha1', key, form.get('bt_payload'), 'hex'), mine[1]))`,
  paddle: `const { ts, h1 } = pairs(h['paddle-signature'], ';')
    need(isEqual(mac('sha256', o.secret, ts + ':' + body, 'hex'), h1))
    young(request, ts * 1000, 5)`,
  plaid: `const [head, claims, signature] = h['plaid-verification'].split('.')
    const key = crypto.createPublicKey({ key: o.publicKey, format: 'jwk' })
    need(crypto.verify('sha256', Buffer.from(head + '.' + claims), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')))
    const { iat, request_body_sha256 } = JSON.parse(Buffer.from(claims, 'base64url'))
    need(isEqual(request_body_sha256, crypto.createHash('sha256').update(body).digest('hex')))
    young(request, iat * 1000, 300)`,
  sendgrid: `const key = crypto.createPublicKey({ key: Buffer.from(o.publicKey, 'base64'), format: 'der', type: 'spki' })
    need(crypto.createVerify('sha256').update(h['x-twilio-email-event-webhook-timestamp']).update(body).verify(key, h['x-twilio-email-event-webhook-signature'], 'base64'))`,
  'twilio (form)': `const form = new URLSearchParams(body.toString())
    let signed = o.url
    for (const name of [...new Set(form.keys())].sort()) for (const value of [...new Set(form.getAll(name))].sort()) signed += name + value
    need(isEqual(mac('sha1', o.secret, signed, 'base64'), h['x-twilio-signature']))`,
  'twilio (json)': `need(isEqual(crypto.createHash('sha256').update(body).digest('hex'), new URL(o.url).searchParams.get('bodySHA256')))
    need(isEqual(mac('sha1', o.secret, o.url, 'base64'), h['x-twilio-signature']))`,
  qstash: `const [head, claims, signature] = h['upstash-signature'].split('.')
    need(isEqual(mac('sha256', o.secret, head + '.' + claims, 'base64url'), signature))
    const { exp, body: hash } = JSON.parse(Buffer.from(claims, 'base64url'))
    need(isEqual(crypto.createHash('sha256').update(body).digest('base64url'), hash.replace(/=+$/, '')))
    young(request, exp * 1000, 0)`,
  cloudinary: `need(isEqual(crypto.createHash('sha1').update(body).update(h['x-cld-timestamp'] + o.secret).digest('hex'), h['x-cld-signature']))
    young(request, h['x-cld-timestamp'] * 1000, 7200)`,
  cashfree: `need(isEqual(mac('sha256', o.secret, h['x-webhook-timestamp'] + body, 'base64'), h['x-webhook-signature']))`,
  cronofy: `need(h['cronofy-hmac-sha256'].split(',').some((each) => isEqual(mac('sha256', o.secret, body, 'base64'), each)))`,
  'modern treasury': plain('x-signature'),
  livekit: `const [head, claims, signature] = h.authorization.split('.')
    need(isEqual(mac('sha256', o.secret, head + '.' + claims, 'base64url'), signature))
    const { exp, sha256 } = JSON.parse(Buffer.from(claims, 'base64url'))
    need(isEqual(crypto.createHash('sha256').update(body).digest('base64'), sha256))
    young(request, exp * 1000, 0)`,
  mux: `const { t, v1 } = pairs(h['mux-signature'])
    need(isEqual(mac('sha256', o.secret, t + '.' + body, 'hex'), v1))
    young(request, t * 1000, 300)`,
  webflow: `need(isEqual(mac('sha256', o.secret, h['x-webflow-timestamp'] + ':' + body, 'hex'), h['x-webflow-signature']))
    young(request, Number(h['x-webflow-timestamp']), 300)`,
  onfido: plain('x-sha2-signature'),
  easypost: `need(isEqual('hmac-sha256-hex=' + mac('sha256', o.secret.normalize('NFKD'), body, 'hex'), h['x-hmac-signature']))`,
  line: plain('x-line-signature', { encoding: 'base64' }),
  discord: `const key = await globalThis.crypto.subtle.importKey('raw', Buffer.from(o.publicKey, 'hex'), 'Ed25519', false, ['verify'])
    need(await globalThis.crypto.subtle.verify('Ed25519', key, Buffer.from(h['x-signature-ed25519'], 'hex'), Buffer.concat([Buffer.from(h['x-signature-timestamp']), body])))`,
  sanity: `const { t, v1 } = pairs(h['sanity-webhook-signature'])
    need(isEqual(mac('sha256', o.secret, t + '.' + body, 'base64url'), v1))`,
  workos: `const { t, v1 } = pairs(h['workos-signature'])
    need(isEqual(mac('sha256', o.secret, t + '.' + body, 'hex'), v1))
    young(request, Number(t), 180)`,
  linear: `${plain('linear-signature')}
    young(request, JSON.parse(body).webhookTimestamp, 60)`,
  razorpay: plain('x-razorpay-signature'),
  'hubspot (v1)': `need(isEqual(crypto.createHash('sha256').update(o.secret + body).digest('hex'), h['x-hubspot-signature']))`,
  'hubspot (v2)': `need(isEqual(crypto.createHash('sha256').update(o.secret + request.method + o.url + body).digest('hex'), h['x-hubspot-signature']))`,
  'hubspot (v3)': `const at = h['x-hubspot-request-timestamp']
    need(isEqual(mac('sha256', o.secret, request.method + o.url + body + at, 'base64'), h['x-hubspot-signature-v3']))
    young(request, Number(at), 300)`,
  'shopify (webhooks)': plain('x-shopify-hmac-sha256', { encoding: 'base64' }),
  'shopify (events)': plain('shopify-hmac-sha256', { encoding: 'base64' }),
  'dropbox sign': `const { event } = JSON.parse(/name="json"\\r\\n\\r\\n([^]*?)\\r\\n--/.exec(body.toString())[1])
    need(isEqual(mac('sha256', o.secret, event.event_time + event.event_type, 'hex'), event.event_hash))`,
  gocardless: plain('webhook-signature'),
  'coinbase commerce': plain('x-cc-webhook-signature'),
  vonage: `const [head, claims, signature] = h.authorization.replace('Bearer ', '').split('.')
    need(isEqual(mac('sha256', o.secret, head + '.' + claims, 'base64url'), signature))
    need(isEqual(JSON.parse(Buffer.from(claims, 'base64url')).payload_hash, crypto.createHash('sha256').update(body).digest('hex')))`,
  pusher: plain('x-pusher-signature'),
  'stream chat': plain('x-signature'),
  'stream chat (gzip)': `need(isEqual(mac('sha256', o.secret, gunzipSync(body), 'hex'), h['x-signature']))`,
  stripe: `const { t, v1 } = pairs(h['stripe-signature'])
    need(isEqual(mac('sha256', o.secret, t + '.' + body, 'hex'), v1))
    young(request, t * 1000, 300)`,
  github: plain('x-hub-signature-256', { prefix: 'sha256=' }),
  'standard webhooks': `const key = Buffer.from(o.secret.slice(6), 'base64'), id = h['webhook-id'], t = h['webhook-timestamp']
    const mine = 'v1,' + mac('sha256', key, id + '.' + t + '.' + body, 'base64')
    need(h['webhook-signature'].split(' ').some((each) => isEqual(each, mine)))
    young(request, t * 1000, 300)`,
  svix: `const key = Buffer.from(o.secret.slice(6), 'base64'), id = h['svix-id'], t = h['svix-timestamp']
    const mine = 'v1,' + mac('sha256', key, id + '.' + t + '.' + body, 'base64')
    need(h['svix-signature'].split(' ').some((each) => isEqual(each, mine)))
    young(request, t * 1000, 300)`,
  slack: `const t = h['x-slack-request-timestamp']
    need(isEqual('v0=' + mac('sha256', o.secret, 'v0:' + t + ':' + body, 'hex'), h['x-slack-signature']))
    young(request, t * 1000, 300)`,
  'cloudevents (structured)': `if (JSON.parse(body).specversion !== '1.0') throw new Error('no CloudEvent')`,
  'cloudevents (binary)': `if (h['ce-specversion'] !== '1.0') throw new Error('no CloudEvent')`,
  'aws sns (v1)': `const sns = JSON.parse(body)
    const signed = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'].filter((name) => sns[name] !== undefined).map((name) => name + '\\n' + sns[name] + '\\n').join('')
    need(crypto.createVerify('sha1').update(signed).verify(o.certificate, sns.Signature, 'base64'))`,
  mailgun: `const { signature } = JSON.parse(body)
    need(isEqual(mac('sha256', o.secret, signature.timestamp + signature.token, 'hex'), signature.signature))`,
  intercom: plain('x-hub-signature', { hash: 'sha1', prefix: 'sha1=' }),
  zendesk: `need(isEqual(mac('sha256', o.secret, h['x-zendesk-webhook-signature-timestamp'] + body, 'base64'), h['x-zendesk-webhook-signature']))`,
  trello: `need(isEqual(mac('sha1', o.secret, body + o.url, 'base64'), h['x-trello-webhook']))`,
}

/** A `handle` that checks the signature by hand. */
export function handleByHand(vendor: string): string {
  const check = CHECKS[vendor]
  if (check === undefined) throw new Error(`nobody wrote a function for ${vendor}`)
  return `${PRELUDE}
export default async function handle(request) {
  const { headers: h, parameters: o } = request
  const body = bytesOf(request)
  ${check}
  return { events: [{ came: true }] }
}`
}

const answer = (data: string, more = '') => `return { response: { status: 200, ${more} data: ${data} } }`

/** By vendor: what it is answered, as statements over `request`, its query `q`, headers `h`, body `data`, options `o`. */
const ANSWERS: Readonly<Record<string, string>> = {
  asana: `return { state: { secret: h['x-hook-secret'] }, response: { headers: { 'x-hook-secret': h['x-hook-secret'] } } }`,
  'microsoft graph': answer('q.validationToken', "headers: { 'content-type': 'text/plain' },"),
  'azure event grid (own schema)': answer('{ validationResponse: data[0].data.validationCode }'),
  'cloudevents abuse protection (azure event grid with CloudEvents)': `if (request.method === 'OPTIONS') return { response: { headers: { 'webhook-allowed-origin': h['webhook-request-origin'] } } }`,
  'meta (facebook, whatsapp, instagram)': `if (q['hub.verify_token'] === 'mine') ${answer("q['hub.challenge']")}`,
  strava: `if (q['hub.verify_token'] === 'mine') ${answer("{ 'hub.challenge': q['hub.challenge'] }")}`,
  websub: answer("q['hub.challenge']"),
  'x (twitter) CRC': answer("{ response_token: 'sha256=' + mac('sha256', o.secret, q.crc_token, 'base64') }"),
  zoom: answer(
    "{ plainToken: data.payload.plainToken, encryptedToken: mac('sha256', o.secret, data.payload.plainToken, 'hex') }",
  ),
  slack: answer('data.challenge'),
  monday: answer('{ challenge: data.challenge }'),
  'discord (webhook events)': `const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(o.publicKey, 'hex').toString('base64url') }, format: 'jwk' })
    const isGenuine = crypto.verify(null, Buffer.concat([Buffer.from(h['x-signature-timestamp']), body]), key, Buffer.from(h['x-signature-ed25519'], 'hex'))
    return { response: { status: isGenuine ? 204 : 401 } }`,
  dropbox: answer('q.challenge', "headers: { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' },"),
  trello: 'return {}',
  okta: answer("{ verification: h['x-okta-verification-challenge'] }"),
  braintree: answer(
    "o.publicKey + '|' + mac('sha1', crypto.createHash('sha1').update(o.secret).digest(), q.bt_challenge, 'hex')",
  ),
  nylas: answer('q.challenge'),
  xero: `return { response: { status: isEqual(mac('sha256', o.secret, body, 'base64'), h['x-xero-signature']) ? 200 : 401 } }`,
  smartsheet: answer(
    "{ smartsheetHookResponse: h['smartsheet-hook-challenge'] }",
    "headers: { 'smartsheet-hook-response': h['smartsheet-hook-challenge'] },",
  ),
  'twitch eventsub': `need(isEqual('sha256=' + mac('sha256', o.secret, h['twitch-eventsub-message-id'] + h['twitch-eventsub-message-timestamp'] + body, 'hex'), h['twitch-eventsub-message-signature']))
    ${answer('data.challenge', "headers: { 'content-type': 'text/plain' },")}`,
  'aws sns': `const sns = JSON.parse(body)
    const signed = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'].map((name) => name + '\\n' + sns[name] + '\\n').join('')
    need(crypto.createVerify('sha256').update(signed).verify(o.certificate, sns.Signature, 'base64'))
    await fetch(sns.SubscribeURL)`,
  'dropbox sign': answer("'Hello API Event Received'"),
  notion: `return { state: { secret: data.verification_token } }`,
  'mailchimp, mandrill, intercom (check of the URL)': 'return {}',
}

/** A `handle` that answers the vendor's question by hand. */
export function handshakeByHand(vendor: string): string {
  const statements = ANSWERS[vendor]
  if (statements === undefined) throw new Error(`nobody wrote a function for ${vendor}`)
  return `${PRELUDE}
export default async function handle(request) {
  const { headers: h, query: q, data, parameters: o } = request
  const body = bytesOf(request)
  ${statements}
}`
}
