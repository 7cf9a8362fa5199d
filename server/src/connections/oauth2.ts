import * as oauth from 'oauth4webapi'
import { answerValue, bodyText } from '../bodies/body-value.ts'
import { isNothing } from '../functions/nothing.ts'
import type { Outbound } from '../outbound/client.ts'
import { asObject } from './apps.ts'
import type { Made } from './auth-function.ts'
import { connectionError } from './failure.ts'

/** How to get tokens from an app, as a connector's `getOAuthConfig` gives it (wire facts C.4). */
export interface OAuth2Config {
  clientId: string
  clientSecret: string | null
  authorizeUri: string
  tokenUri: string
  scopes: string[]
  clientAuthLocation: 'headers' | 'body'
  /**
   * How id and secret are written in the header. RFC 6749 section 2.3.1 has them percent-encoded, which some apps do not
   * undo before they compare: those need `raw`.
   */
  clientAuthEncoding: 'form' | 'raw'
  noRefreshToken: boolean
  skipPkce: boolean
  /** Further parameters of the authorize URL. */
  extra: Record<string, string>
  /** Where given, an answer that names another issuer is refused (RFC 9207). */
  issuer: string | null
}

/** Tokens as the app gave them. Many apps add to what RFC 6749 says, and some leave out what it demands. */
export type TokenResponse = Record<string, unknown>

/** Whether there is no use in trying again soon, because the app said no. */
export interface TokenFailure {
  isRefused: boolean
}

/** The last moment that the usual way to write dates can say. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59Z')

const TOKEN_TIMEOUT_MS = 15_000
const TOKEN_BYTES_MAX = 256 * 1024
const MESSAGE_CHARS_MAX = 500
const WORDS_CHARS_MAX = 300

/** Reads what `getOAuthConfig` gave. */
export function oauth2Config(value: unknown): Made<OAuth2Config> {
  const given = asObject(value)
  const text = (name: string): string | null =>
    typeof given[name] === 'string' && given[name] !== '' ? given[name] : null
  const clientId = text('clientId')
  const authorizeUri = text('authorizeUri')
  const tokenUri = text('tokenUri')
  for (const [name, uri] of Object.entries({ clientId, authorizeUri, tokenUri })) {
    const isGood = uri !== null && (name === 'clientId' || isWebAddress(uri))
    if (!isGood)
      return failed(`getOAuthConfig: ${name} is missing or no web address; was the integration given its parameters?`)
  }
  return {
    kind: 'made',
    value: {
      clientId: clientId ?? '',
      clientSecret: text('clientSecret'),
      authorizeUri: authorizeUri ?? '',
      tokenUri: tokenUri ?? '',
      scopes: scopesOf(given.scopes),
      clientAuthLocation: given.clientAuthLocation === 'body' ? 'body' : 'headers',
      clientAuthEncoding: given.clientAuthEncoding === 'raw' ? 'raw' : 'form',
      noRefreshToken: given.noRefreshToken === true,
      skipPkce: given.skipPkce === true,
      extra: Object.fromEntries(Object.entries(asObject(given.extra)).map(([name, each]) => [name, String(each)])),
      issuer: text('issuer'),
    },
  }
}

/** Where the browser is sent, and the PKCE verifier that must come with the code; null where PKCE is skipped. */
export async function authorizeUrl(
  config: OAuth2Config,
  how: { redirectUri: string; state: string },
): Promise<{ url: string; codeVerifier: string | null }> {
  const url = new URL(config.authorizeUri)
  const codeVerifier = config.skipPkce ? null : oauth.generateRandomCodeVerifier()
  const parameters = {
    response_type: 'code',
    client_id: config.clientId,
    redirect_uri: how.redirectUri,
    ...(config.scopes.length === 0 ? {} : { scope: config.scopes.join(' ') }),
    ...config.extra,
    state: how.state,
    ...(codeVerifier === null
      ? {}
      : { code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: 'S256' }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return { url: url.href, codeVerifier }
}

/**
 * Gets tokens for the code of an answer to the authorize URL. The answer's `state` must have been checked before.
 *
 * @source RFC 6749 section 4.1.3, RFC 7636, RFC 9207
 */
export async function tokensForCode(
  config: OAuth2Config,
  outbound: Outbound,
  answer: { parameters: URLSearchParams; state: string; redirectUri: string; codeVerifier: string | null },
): Promise<Made<TokenResponse>> {
  const { server, client } = partiesOf(config)
  const parameters = new URLSearchParams(answer.parameters)
  // What the connector does not know cannot be compared: the state ties the answer to this app all the same.
  if (config.issuer === null) parameters.delete('iss')
  try {
    const checked = oauth.validateAuthResponse(server, client, parameters, answer.state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      clientAuthOf(config),
      checked,
      answer.redirectUri,
      answer.codeVerifier ?? oauth.nopkce,
      requestOptions(outbound),
    )
    return withoutSecret(await tokensIn(response), config)
  } catch (error) {
    return failedBy(error, Object.fromEntries(parameters))
  }
}

/** @source RFC 6749 section 6 */
export async function tokensForRefresh(
  config: OAuth2Config,
  outbound: Outbound,
  refreshToken: string,
  signal?: AbortSignal,
): Promise<Made<TokenResponse> & { failure?: TokenFailure }> {
  const { server, client } = partiesOf(config)
  try {
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      clientAuthOf(config),
      refreshToken,
      requestOptions(outbound, signal),
    )
    const made = withoutSecret(await tokensIn(response), config)
    if (made.kind === 'made') return made
    return {
      ...made,
      failure: { isRefused: response.status < 500 && response.status !== 429 && response.status !== 408 },
    }
  } catch (error) {
    return { ...failedBy(error), failure: { isRefused: false } }
  }
}

/** What is kept of tokens where the connector has no function for it: all of it, with the moment of expiry. */
export function credentialsOfTokens(tokens: TokenResponse, now: Date): Record<string, unknown> {
  const { expires_in: expiresIn, ...rest } = tokens
  if (expiresIn === undefined || expiresIn === null || expiresIn === '') return rest
  const atMs = now.getTime() + Number(expiresIn) * 1000
  // A life that no calendar holds means that they do not expire.
  return Number.isNaN(atMs) || atMs > LATEST_MS
    ? rest
    : { ...rest, expires_at: new Date(Math.max(0, atMs)).toISOString() }
}

function partiesOf(config: OAuth2Config) {
  const server: oauth.AuthorizationServer = {
    issuer: config.issuer ?? new URL(config.tokenUri).origin,
    authorization_endpoint: config.authorizeUri,
    token_endpoint: config.tokenUri,
  }
  const client: oauth.Client = { client_id: config.clientId }
  return { server, client }
}

function clientAuthOf(config: OAuth2Config): oauth.ClientAuth {
  const { clientId, clientSecret, clientAuthLocation, clientAuthEncoding } = config
  if (clientSecret === null) return oauth.None()
  if (clientAuthLocation === 'headers' && clientAuthEncoding === 'raw')
    return (_server, _client, _body, headers) =>
      headers.set('authorization', `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`)
  return clientAuthLocation === 'body' ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret)
}

/** Requests of the library leave by `outbound`, which decides about addresses; `http` is for apps within a network. */
function requestOptions(outbound: Outbound, signal?: AbortSignal): oauth.TokenEndpointRequestOptions {
  return {
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: async (url, { method, headers, body }) => {
      const outcome = await outbound.send({
        url,
        method,
        headers,
        body: body?.toString(),
        timeoutMs: TOKEN_TIMEOUT_MS,
        responseBytesMax: TOKEN_BYTES_MAX,
        signal,
      })
      if (outcome.kind !== 'answered') throw new TokenEndpointAway(outcome.message)
      const received = new Headers()
      for (const [name, value] of Object.entries(outcome.headers))
        for (const each of Array.isArray(value) ? value : [value]) received.append(name, each)
      const hasBody = ![101, 204, 205, 304].includes(outcome.status)
      return new Response(hasBody ? new Uint8Array(outcome.body) : null, { status: outcome.status, headers: received })
    },
  }
}

class TokenEndpointAway extends Error {}

/**
 * Reads tokens more leniently than RFC 6749: apps leave out `token_type`, answer 200 with an `error`, answer a form
 * rather than JSON, or keep the token deeper inside. What is in it is for the connector's functions to say.
 */
async function tokensIn(response: Response): Promise<Made<TokenResponse>> {
  const tokens = parsedTokens(Buffer.from(await response.arrayBuffer()), response.headers.get('content-type') ?? '')
  const error = tokens?.error
  if (response.ok && tokens !== null && isNothing(error)) return { kind: 'made', value: tokens }
  const said = tokens === null ? '' : saidIn(tokens)
  const message = `the token endpoint answered ${response.status}${said === '' ? '' : `: ${said}`}`
  return failed(message.slice(0, MESSAGE_CHARS_MAX), {
    status: response.status,
    ...(typeof error === 'string' ? { error: error.slice(0, MESSAGE_CHARS_MAX) } : {}),
    ...(tokens === null ? {} : saying(tokens)),
  })
}

function saying(answer: Record<string, unknown>): { said?: string } {
  const said = saidToPeople(answer)
  return said === null ? {} : { said }
}

/** Where apps write what went wrong. */
const SAID_IN = [
  ...['error', 'error_description', 'errorDescription', 'message', 'errmsg', 'msg', 'error_msg', 'error_message'],
  ...['errorMessage', 'detail', 'details', 'title', 'reason', 'error_reason', 'description', 'faultstring'],
]

/** What an answer without tokens says of the reason, in the order in which it is most telling; empty for nothing. */
export function saidIn(answer: Record<string, unknown>): string {
  return [...new Set(textsIn(answer))].slice(0, 3).join(': ').slice(0, MESSAGE_CHARS_MAX)
}

/** What an app says to people of the reason, in words of its own rather than a code; null where it says nothing of the kind. */
export function saidToPeople(answer: Record<string, unknown>): string | null {
  const inWords = textsIn(answer).map((text) => text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim())
  return inWords.find((text) => /\s|[^\x20-\x7e]/.test(text))?.slice(0, WORDS_CHARS_MAX) ?? null
}

function textsIn(answer: Record<string, unknown>): string[] {
  const firstOf = (list: unknown) => (Array.isArray(list) ? list[0] : undefined)
  const error = asObject(answer.error)
  const lists = [answer.errors, error.errors, answer.error].map(firstOf)
  const within = [error, answer.data, answer.fault, asObject(answer.data).error, ...lists].map(asObject)
  const texts = [answer, ...within].flatMap((each) => SAID_IN.map((name) => each[name]))
  return [...texts, ...lists].filter((each): each is string => typeof each === 'string' && each.trim() !== '')
}

/** Some apps call a form plain text, or say nothing. */
const FORM_OF_TOKENS = /(?:^|&)(?:access_token|refresh_token|id_token|oauth_token|token|error)=/

function parsedTokens(body: Buffer, contentType: string): TokenResponse | null {
  const text = bodyText(body, contentType) ?? body.toString('utf8')
  const read = answerValue(text, contentType)
  const isForm = typeof read === 'string' && FORM_OF_TOKENS.test(read.trim())
  const value = isForm ? answerValue(text.trim(), 'application/x-www-form-urlencoded') : read
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as TokenResponse) : null
}

/** In words of ours: a library's error may quote what was sent. */
function failedBy(
  error: unknown,
  sent: Record<string, unknown> = {},
): { kind: 'failed'; error: ReturnType<typeof connectionError> } {
  if (error instanceof TokenEndpointAway) return failed(`the token endpoint could not be reached: ${error.message}`)
  if (error instanceof oauth.AuthorizationResponseError) {
    const message = `access was not given: ${saidIn(sent)}`
    return failed(message.slice(0, MESSAGE_CHARS_MAX), { error: error.error, ...saying(sent) })
  }
  // Some apps come back with words and neither a code nor an error.
  const said = sent.code === undefined ? saidIn(sent) : ''
  if (said !== '') return failed(`access was not given: ${said}`.slice(0, MESSAGE_CHARS_MAX), saying(sent))
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
    return failed(`the answer of the app was refused: ${error.message}`.slice(0, MESSAGE_CHARS_MAX))
  throw error
}

/** An app may say again what it was sent: the secret of the client is nobody's who reads the error. */
function withoutSecret<T>(made: Made<T>, { clientSecret }: OAuth2Config): Made<T> {
  if (made.kind === 'made' || clientSecret === null || !JSON.stringify(made).includes(clientSecret)) return made
  return failed(made.error.message.replaceAll(clientSecret, '…'))
}

function failed(message: string, data?: unknown): { kind: 'failed'; error: ReturnType<typeof connectionError> } {
  return { kind: 'failed', error: connectionError('connection_failed', message, data) }
}

function scopesOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((scope) => scope !== '')
  return Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : []
}

/** Whether it is an absolute http or https address without a user name. */
export function isWebAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
