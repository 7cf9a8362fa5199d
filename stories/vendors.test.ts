import {
  addApp,
  bodyOf,
  buildHouse,
  connectApp,
  type ExternalApp,
  FUNCTION_OF,
  HANDSHAKE_OF,
  type House,
  optionsOf,
  SHAKEN,
  type Shaken,
  SIGNED,
  type Signed,
  startExternalApp,
} from '@permea/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { handleByHand, handshakeByHand } from './vendors/by-hand.ts'

// What vendors' own packages signed, and what vendors ask of a URL, sent through a running engine.

/** When the vendors' packages signed. */
const BEGINNING = new Date('2026-01-15T12:00:00.000Z')
const ELEVEN_MINUTES_MS = 660_000

let app: ExternalApp
let house: House
const lookedUp: string[] = []

beforeAll(async () => {
  app = await startExternalApp()
  house = await buildHouse({
    clock: 'settable',
    startsAt: BEGINNING,
    engine: {
      lookup: async (name) => {
        lookedUp.push(name)
        throw new Error(`${name} is not there`)
      },
    },
  })
  await addApp(house, { url: app.url })
})

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

let count = 0

/** A subscription whose requests are handled by this. */
async function handledBy(handle: string, parameters: Record<string, unknown>) {
  count += 1
  const { connection, client } = await connectApp(house, { customer: `customer-${count}` })
  const nothing = 'export default () => ({})'
  const type = await house.admin.externalEventTypes.create({
    body: { key: `vendor-${count}`, subscribe: nothing, unsubscribe: nothing, handle },
  })
  const { id } = await client.externalEventSubscriptions.create({
    body: { connectionId: connection.id, externalEventTypeId: type.id, parameters },
  })
  const { incomingWebhookUri: url = '' } = await house.admin.externalEventSubscriptions.get({ params: { id } })
  return {
    id,
    url,
    events: async () => (await client.externalEvents.list()).items.length,
    webhooks: async () => (await client.incomingWebhooks.list()).items,
  }
}

const MANNERS: Record<string, (vendor: string) => string> = {
  'permea:webhooks': (vendor) => `import { verify } from 'permea:webhooks'
export default async function handle(request) {
  await verify.${FUNCTION_OF[vendor]}({ request, ...request.parameters })
  return { events: [{ came: true }] }
}`,
  'functions written by hand': handleByHand,
}

/** Where a byte that is signed stands, for those of which not everything is. */
const SIGNED_WORD: Readonly<Record<string, [string, string]>> = {
  'adyen (payments)': ['AUTHORISATION', 'AUTHORIZATION'],
  'dropbox sign': ['1768478400', '1768478401'],
  mailgun: ['tok1', 'tok2'],
  'twilio (form)': ['hi+', 'ho+'],
  'aws sns (v1)': ['"MessageId": "m-1"', '"MessageId": "m-2"'],
}

/** The body with one byte changed. */
function changed(signed: Signed): Buffer {
  const body = bodyOf(signed)
  const word = SIGNED_WORD[signed.vendor]
  if (word !== undefined) return Buffer.from(body.toString().replace(...word))
  let at = Math.floor(body.length / 2)
  while (!/[a-z]/i.test(String.fromCharCode(body[at] ?? 0x61))) at += 1
  body[at] = body[at] === 0x61 ? 0x62 : 0x61
  return body
}

const isSigned = ({ vendor }: Signed) => !vendor.startsWith('cloudevents')

const places = new Map<string, Awaited<ReturnType<typeof handledBy>>>()

/** Sends to the subscription of a vendor that is handled in a manner. */
function send(manner: string, signed: Signed, body: Buffer) {
  const url = places.get(`${manner} ${signed.vendor}`)?.url ?? ''
  return fetch(url, { method: signed.method, headers: signed.headers, body: new Uint8Array(body) })
}

const CASES = Object.keys(MANNERS).flatMap((manner) =>
  SIGNED.map((signed) => [manner, signed.vendor, signed] as [string, string, Signed]),
)

test.each(CASES)(
  '%s, %s: what the vendor signed is taken, and is not with one byte changed',
  async (manner, vendor, signed) => {
    const place = await handledBy(MANNERS[manner]?.(vendor) ?? '', { ...optionsOf(signed), url: signed.url })
    places.set(`${manner} ${vendor}`, place)
    expect([vendor, (await send(manner, signed, bodyOf(signed))).status, await place.events()]).toEqual([
      vendor,
      200,
      1,
    ])
    if (!isSigned(signed)) return
    const refused = await send(manner, signed, changed(signed))
    expect(await place.events()).toBe(1)
    // What cannot be unpacked comes to no function.
    if (signed.headers['content-encoding'] !== undefined) return expect(refused.status).toBe(400)
    expect(refused.status).toBe(401)
    const [forged] = await place.webhooks()
    expect(forged).toMatchObject({ status: 'error', responseStatus: 401, error: { key: 'webhook_not_verified' } })
  },
)

const SHAKES: Record<string, (vendor: string) => string> = {
  'permea:webhooks': (vendor) => `import { handshakes } from 'permea:webhooks'
export default async function handle(request) {
  try {
    const shaken = await handshakes.${HANDSHAKE_OF[vendor]}({ request, ...request.parameters, verifyToken: 'mine', topic: 'https://example.com/feed' })
    return shaken ?? { events: [request.data] }
  } catch (error) {
    if (error.key !== 'webhook_not_verified') throw error
    return { response: { status: 401 } }
  }
}`,
  'functions written by hand': handshakeByHand,
}

/** Vendors whose handshake holds the secret of later signatures. */
const KEEPING = ['asana', 'notion']

describe.each(Object.keys(SHAKES))('handshakes, %s', (manner) => {
  const ask = (url: string, { method, query, headers, body }: Shaken) => {
    const isBodied = method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'
    return fetch(query === undefined ? url : `${url}?${query}`, {
      method,
      headers,
      ...(isBodied ? { body: body ?? '' } : {}),
    })
  }

  test.each(SHAKEN.map((each) => [each.vendor, each] as const))('%s', async (vendor, shaken) => {
    const place = await handledBy(SHAKES[manner]?.(vendor) ?? '', optionsOf(shaken))
    const response = await ask(place.url, shaken)
    if (vendor === 'aws sns') return expect(lookedUp.splice(0)).toContain('sns.eu-west-1.amazonaws.com')
    const { status, headers = {}, body } = shaken.answer
    expect(response.status).toBe(status)
    for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name)).toContain(value)
    const text = await response.text()
    if (body?.startsWith('{')) expect(JSON.parse(text)).toEqual(JSON.parse(body))
    else if (body !== undefined) expect(text).toBe(body)
    expect(await place.events()).toBe(0)
    const { stateData } = await house.admin.externalEventSubscriptions.get({ params: { id: place.id } })
    expect(stateData).toEqual(KEEPING.includes(vendor) ? { secret: expect.any(String) } : {})
    const { forBadSignature } = shaken.answer
    if (forBadSignature !== undefined)
      expect((await ask(place.url, { ...shaken, body: `${shaken.body} ` })).status).toBe(forBadSignature)
  })
})

test.each(Object.keys(MANNERS))(
  '%s: eleven minutes later a replay is taken, and what comes in new is too old where the vendor says how old it may be',
  async (manner) => {
    if (house.clock.now().getTime() < BEGINNING.getTime() + ELEVEN_MINUTES_MS) house.clock.advance(ELEVEN_MINUTES_MS)
    for (const signed of SIGNED) {
      const place = places.get(`${manner} ${signed.vendor}`)
      const first = (await place?.webhooks())?.find(({ status }) => status === 'success')
      const again = await house.admin.incomingWebhooks.replay({ params: { id: first?.id ?? '' } })
      expect([signed.vendor, again.status, await place?.events()]).toEqual([signed.vendor, 'success', 2])
      if (signed.tolerance === null) continue
      expect([signed.vendor, (await send(manner, signed, bodyOf(signed))).status]).toEqual([signed.vendor, 401])
      expect(await place?.events()).toBe(2)
    }
    const slack = await places.get(`${manner} slack`)?.webhooks()
    const replay = slack?.find(({ replayOf }) => replayOf !== undefined && replayOf !== null)
    const twice = await house.admin.incomingWebhooks.replay({ params: { id: replay?.id ?? '' } })
    expect(twice.status).toBe('success')
  },
)
