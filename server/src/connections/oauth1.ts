import { createHmac, randomBytes } from 'node:crypto'
import OAuth from 'oauth-1.0a'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import { asObject } from './apps.ts'
import type { Made } from './auth-function.ts'
import { connectionError } from './failure.ts'
import { isWebAddress } from './oauth2.ts'

/** How to get tokens by OAuth 1, as a connector's `getOAuthConfig` gives it (wire facts C.4). */
export interface OAuth1Config {
  consumerKey: string
  consumerSecret: string
  requestTokenUri: string
  authorizeUri: string
  tokenUri: string
  scopes: string[]
  extra: Record<string, string>
}

export interface OAuth1Token {
  key: string
  secret: string
}

const TOKEN_TIMEOUT_MS = 15_000
const TOKEN_BYTES_MAX = 64 * 1024

/** Reads what `getOAuthConfig` gave. */
export function oauth1Config(value: unknown): Made<OAuth1Config> {
  const given = asObject(value)
  const texts = ['consumerKey', 'consumerSecret', 'requestTokenUri', 'authorizeUri', 'tokenUri'] as const
  const read: Partial<Record<(typeof texts)[number], string>> = {}
  for (const name of texts) {
    const text = given[name]
    const isGood = typeof text === 'string' && text !== '' && (!name.endsWith('Uri') || isWebAddress(text))
    if (!isGood)
      return {
        kind: 'failed',
        error: connectionError('connection_failed', `getOAuthConfig: ${name} is missing or no web address`),
      }
    read[name] = text
  }
  const scopes = Array.isArray(given.scopes) ? given.scopes.filter((scope) => typeof scope === 'string') : []
  const extra = Object.fromEntries(Object.entries(asObject(given.extra)).map(([name, each]) => [name, String(each)]))
  return { kind: 'made', value: { ...(read as Required<typeof read>), scopes, extra } }
}

/** The first leg: a token to ask the person with, and where the browser is sent. */
export async function requestToken(
  config: OAuth1Config,
  how: { outbound: Outbound; clock: Clock; callbackUri: string },
): Promise<Made<{ token: OAuth1Token; url: string }>> {
  const made = await askForToken(config, config.requestTokenUri, null, { oauth_callback: how.callbackUri }, how)
  if (made.kind === 'failed') return made
  const token = tokenIn(made.value)
  if (token === null) return failed('the app gave no request token')
  const url = new URL(config.authorizeUri)
  url.searchParams.set('oauth_token', token.key)
  if (config.scopes.length > 0) url.searchParams.set('scope', config.scopes.join(' '))
  for (const [name, value] of Object.entries(config.extra)) url.searchParams.set(name, value)
  return { kind: 'made', value: { token, url: url.href } }
}

/** The last leg: what the app answers for the verifier that the browser brought back. */
export function accessToken(
  config: OAuth1Config,
  how: { outbound: Outbound; clock: Clock; token: OAuth1Token; verifier: string },
): Promise<Made<Record<string, string>>> {
  return askForToken(config, config.tokenUri, how.token, { oauth_verifier: how.verifier }, how)
}

/** Tokens of OAuth 1 in credentials, under the names of the protocol. */
export function tokenIn(credentials: unknown): OAuth1Token | null {
  const { oauth_token: key, oauth_token_secret: secret } = asObject(credentials)
  return typeof key === 'string' && typeof secret === 'string' ? { key, secret } : null
}

/**
 * The `authorization` header of a signed request. Parameters of a form body count, of any other body they do not.
 *
 * @source RFC 5849 sections 3.4.2 and 3.5.1
 */
export function signedHeader(
  consumer: { key: string; secret: string },
  token: OAuth1Token | null,
  request: { url: string; method: string; form?: Record<string, string> },
  clock: Clock,
): string {
  const signer = signerOf(consumer, clock)
  const { url, method, form = {} } = request
  return signer.toHeader(signer.authorize({ url, method, data: form }, token ?? undefined)).Authorization
}

/** The library asks the machine for the time and for chance; here both are the engine's. */
function signerOf(consumer: { key: string; secret: string }, clock: Clock): OAuth {
  const signer = new OAuth({
    consumer,
    signature_method: 'HMAC-SHA1',
    hash_function: (text, key) => createHmac('sha1', key).update(text).digest('base64'),
  })
  signer.getNonce = () => randomBytes(16).toString('hex')
  signer.getTimeStamp = () => Math.floor(clock.now().getTime() / 1000)
  return signer
}

async function askForToken(
  config: OAuth1Config,
  url: string,
  token: OAuth1Token | null,
  data: Record<string, string>,
  { outbound, clock }: { outbound: Outbound; clock: Clock },
): Promise<Made<Record<string, string>>> {
  const signer = signerOf({ key: config.consumerKey, secret: config.consumerSecret }, clock)
  // What the protocol adds goes into the header with the rest, where the library would leave it out.
  const signed = { ...signer.authorize({ url, method: 'POST', data }, token ?? undefined), ...data }
  const outcome = await outbound.send({
    url,
    method: 'POST',
    headers: { authorization: signer.toHeader(signed).Authorization, accept: '*/*' },
    timeoutMs: TOKEN_TIMEOUT_MS,
    responseBytesMax: TOKEN_BYTES_MAX,
  })
  if (outcome.kind !== 'answered') return failed(`the token endpoint could not be reached: ${outcome.message}`)
  if (outcome.status !== 200) return failed(`the token endpoint answered ${outcome.status}`, { status: outcome.status })
  return { kind: 'made', value: Object.fromEntries(new URLSearchParams(outcome.body.toString('utf8').trim())) }
}

function failed(message: string, data?: unknown): { kind: 'failed'; error: ReturnType<typeof connectionError> } {
  return { kind: 'failed', error: connectionError('connection_failed', message, data) }
}
