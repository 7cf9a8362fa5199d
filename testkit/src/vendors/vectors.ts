import { readFileSync } from 'node:fs'

/** A request that a vendor's own package signed, or accepted. */
export interface Signed {
  vendor: string
  package: string | null
  version: string | null
  clock: string
  method: string
  url: string
  headers: Record<string, string>
  body?: string
  bodyBase64?: string
  secret?: string
  publicKey?: string | object
  certificate?: string
  tolerance: { value: number; unit: string; direction: string } | null
}

/** What a vendor asks of a URL before it uses it, and what it wants as an answer. */
export interface Shaken {
  vendor: string
  source: string
  method: string
  query?: string
  headers: Record<string, string>
  body?: string
  secret?: string
  publicKey?: string
  certificate?: string
  answer: {
    status: number
    headers?: Record<string, string>
    body?: string
    then?: string
    forBadSignature?: number
  }
}

/** What a vendor's own package said of a request with something odd about it, and what `permea:webhooks` is given of it. */
export interface Verdict {
  /** The function of `permea:webhooks`; its row names the package. */
  vendor: string
  isTaken: boolean
  receivedAt: string
  options: {
    request: object
    secret?: string | string[]
    publicKey?: string
    certificate?: string
    audience?: string
  }
}

const read = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))

export const SIGNED: readonly Signed[] = read('./webhook-signatures.json')
export const SHAKEN: readonly Shaken[] = read('./webhook-handshakes.json')
export const VERDICTS: readonly Verdict[] = read('./package-verdicts.json')

/** The function of `permea:webhooks` for each of the signed requests. */
export const FUNCTION_OF: Readonly<Record<string, string>> = {
  'adyen (payments)': 'adyen',
  'adyen (banking, management)': 'adyenPlatform',
  square: 'square',
  braintree: 'braintree',
  paddle: 'paddle',
  plaid: 'plaid',
  sendgrid: 'sendgrid',
  'twilio (form)': 'twilio',
  'twilio (json)': 'twilio',
  line: 'line',
  discord: 'discord',
  sanity: 'sanity',
  workos: 'workos',
  linear: 'linear',
  razorpay: 'razorpay',
  'hubspot (v1)': 'hubspotV1',
  'hubspot (v2)': 'hubspotV2',
  'hubspot (v3)': 'hubspot',
  'shopify (webhooks)': 'shopify',
  'shopify (events)': 'shopify',
  'dropbox sign': 'dropboxSign',
  gocardless: 'gocardless',
  'coinbase commerce': 'coinbaseCommerce',
  vonage: 'vonage',
  pusher: 'pusher',
  'stream chat': 'streamChat',
  'stream chat (gzip)': 'streamChat',
  stripe: 'stripe',
  github: 'github',
  'standard webhooks': 'standardWebhooks',
  svix: 'svix',
  slack: 'slack',
  'cloudevents (structured)': 'cloudEvents',
  'cloudevents (binary)': 'cloudEvents',
  'aws sns (v1)': 'awsSns',
  mailgun: 'mailgun',
  intercom: 'intercom',
  zendesk: 'zendesk',
  trello: 'trello',
  qstash: 'qstash',
  cloudinary: 'cloudinary',
  cashfree: 'cashfree',
  cronofy: 'cronofy',
  'modern treasury': 'modernTreasury',
  livekit: 'livekit',
  mux: 'mux',
  webflow: 'webflow',
  onfido: 'onfido',
  easypost: 'easypost',
}

/** The handshake of `permea:webhooks` for each of those. */
export const HANDSHAKE_OF: Readonly<Record<string, string>> = {
  asana: 'asana',
  'microsoft graph': 'microsoftGraph',
  'azure event grid (own schema)': 'eventGrid',
  'cloudevents abuse protection (azure event grid with CloudEvents)': 'cloudEvents',
  'meta (facebook, whatsapp, instagram)': 'meta',
  strava: 'strava',
  websub: 'webSub',
  'x (twitter) CRC': 'x',
  zoom: 'zoom',
  slack: 'slack',
  monday: 'monday',
  'discord (webhook events)': 'discord',
  dropbox: 'dropbox',
  trello: 'head',
  okta: 'okta',
  braintree: 'braintree',
  nylas: 'challenge',
  xero: 'xero',
  smartsheet: 'smartsheet',
  'twitch eventsub': 'twitch',
  'aws sns': 'awsSns',
  'dropbox sign': 'dropboxSign',
  notion: 'notion',
  'mailchimp, mandrill, intercom (check of the URL)': 'head',
}

export function bodyOf({ body, bodyBase64 }: Pick<Signed, 'body' | 'bodyBase64'>): Buffer {
  return bodyBase64 === undefined ? Buffer.from(body ?? '') : Buffer.from(bodyBase64, 'base64')
}

/** What the functions are told beside the request. */
export function optionsOf(given: Signed | Shaken): Record<string, unknown> {
  const { secret, publicKey, certificate } = given
  const publicKeyName = given.vendor === 'braintree' ? 'pubkey1' : undefined
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(publicKeyName === undefined ? {} : { publicKey: publicKeyName }),
    ...(certificate === undefined ? {} : { certificate }),
  }
}
