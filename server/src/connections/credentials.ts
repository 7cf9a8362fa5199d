import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import { asObject, type ConnectedApp } from './apps.ts'
import type { AuthContext, CallAuthFunction, Made } from './auth-function.ts'
import { connectionError } from './failure.ts'
import {
  credentialsOfTokens,
  type OAuth2Config,
  oauth2Config,
  saidIn,
  type TokenResponse,
  tokensForRefresh,
} from './oauth2.ts'
import { isCredentials, isToken, keepsToken, renewedCredentials, renewsToken, tokenPlaces } from './tokens.ts'
import { usesConsent } from './trust.ts'

/** A failed refresh: `isRefused` where the app said no, so that trying again at once is of no use. */
export type Renewed =
  | { kind: 'made'; value: unknown }
  | (Extract<Made<unknown>, { kind: 'failed' }> & { isRefused: boolean })

/** How credentials come to be and are renewed. */
export interface Credentials {
  /** From what a person filled in. */
  fromInput(authContext: AuthContext): Promise<Made<unknown>>
  /** From what an app answered for a code. */
  fromTokens(authContext: AuthContext, tokens: TokenResponse): Promise<Made<unknown>>
  /** `signal` ends the asking, by a refresh token or by a function of the connector. */
  renew(authContext: AuthContext, signal?: AbortSignal): Promise<Renewed>
}

export function createCredentials(options: {
  outbound: Outbound
  clock: Clock
  callFunction: CallAuthFunction
}): Credentials {
  const { outbound, clock, callFunction } = options

  async function renewByTokens(authContext: AuthContext, refreshToken: string, signal?: AbortSignal): Promise<Renewed> {
    const config = await oauth2ConfigOf(authContext, callFunction, {})
    if (config.kind === 'failed') return { ...config, isRefused: false }
    const tokens = await tokensForRefresh(config.value, outbound, refreshToken, signal)
    if (tokens.kind === 'failed') return { ...tokens, isRefused: tokens.failure?.isRefused ?? false }
    const before = authContext.credentials
    const definition = authContext.app.option.getCredentialsFromRefreshTokenResponse
    if (definition === undefined) return renewedBy(before, credentialsOfTokens(tokens.value, clock.now()), tokens.value)
    const more = { refreshTokenResponse: tokens.value, tokenResponse: tokens.value }
    const made = await callFunction(authContext, 'getCredentialsFromRefreshTokenResponse', definition, more)
    if (made.kind === 'failed') return { ...made, isRefused: false }
    return renewedBy(before, made.value, tokens.value)
  }

  return {
    async fromInput(authContext) {
      const { option } = authContext.app
      const definition = option.getCredentialsFromConnectionParameters
      // What somebody filled in is no proof that the app gave them anything.
      if (definition === undefined && usesConsent(option))
        return { kind: 'failed', error: connectionError('connection_failed', 'a person has to consent at the app') }
      if (definition === undefined) return { kind: 'made', value: authContext.input ?? {} }
      const made = await callFunction(authContext, 'getCredentialsFromConnectionParameters', definition)
      return made.kind === 'failed' || isCredentials(made.value) ? made : nothingGiven(made.value)
    },
    async fromTokens(authContext, tokens) {
      const { option } = authContext.app
      const [slot, definition] =
        option.getCredentialsFromAccessTokenResponse === undefined
          ? (['getTokenData', option.getTokenData] as const)
          : (['getCredentialsFromAccessTokenResponse', option.getCredentialsFromAccessTokenResponse] as const)
      if (definition !== undefined) {
        const more = { accessTokenResponse: tokens, tokenResponse: tokens }
        const made = await callFunction(authContext, slot, definition, more)
        return made.kind === 'failed' || keepsToken(made.value, tokens) ? made : nothingGiven(tokens)
      }
      const credentials = credentialsOfTokens(tokens, clock.now())
      const first = option.type === 'oauth2' ? credentials.access_token : credentials.oauth_token
      return isToken(first) ? { kind: 'made', value: credentials } : nothingGiven(tokens)
    },
    async renew(authContext, signal) {
      const { option } = authContext.app
      if (option.refreshCredentials !== undefined) {
        const made = await callFunction(authContext, 'refreshCredentials', option.refreshCredentials, {}, { signal })
        if (made.kind === 'made') return renewedBy(authContext.credentials, made.value, asObject(made.value))
        return { ...made, isRefused: hasRefused(made.error.causedByError ?? made.error) }
      }
      const refreshToken = refreshTokenOf(authContext.credentials)
      if (refreshToken !== null) return renewByTokens(authContext, refreshToken, signal)
      return {
        kind: 'failed',
        isRefused: true,
        error: connectionError(
          'access_token_expired',
          'the credentials are good no longer, and there is no way to renew them',
        ),
      }
    },
  }
}

/** What a renewal comes to, whoever made the credentials: one that gives no token has renewed nothing. */
function renewedBy(before: unknown, fresh: unknown, answer: TokenResponse): Renewed {
  if (!renewsToken(before, fresh)) return withoutToken(answer, tokenPlaces(before))
  const value = isToken(fresh) ? fresh : renewedCredentials(asObject(before), asObject(fresh))
  return { kind: 'made', value }
}

function withoutToken(answer: TokenResponse, wanted: readonly string[]): Renewed {
  const where = wanted.length === 0 ? '' : ` (credentials.${wanted.join(', credentials.')})`
  const message = `the app answered the renewal without a token${where}${saying(answer)}`
  return { kind: 'failed', isRefused: false, error: connectionError('connection_failed', message) }
}

function nothingGiven(answer: unknown): Extract<Made<unknown>, { kind: 'failed' }> {
  const message = `the app gave no access token${saying(asObject(answer))}`
  return { kind: 'failed', error: connectionError('connection_failed', message) }
}

function saying(answer: TokenResponse): string {
  const said = saidIn(answer)
  return said === '' ? '' : `: ${said}`
}

/** Whether the credentials can be renewed without a person. */
export function canRenew(app: ConnectedApp, credentials: unknown): boolean {
  const { option } = app
  if (option.refreshCredentials !== undefined) return true
  return option.type === 'oauth2' && refreshTokenOf(credentials) !== null
}

/** Asks the connector how to do OAuth 2 with its app. */
export async function oauth2ConfigOf(
  authContext: AuthContext,
  callFunction: CallAuthFunction,
  about: { redirectUri?: string; state?: string },
): Promise<Made<OAuth2Config>> {
  const definition = authContext.app.option.getOAuthConfig
  if (definition === undefined)
    return { kind: 'failed', error: connectionError('connection_failed', 'the connector has no getOAuthConfig') }
  const made = await callFunction(authContext, 'getOAuthConfig', definition, about)
  return made.kind === 'failed' ? made : oauth2Config(made.value)
}

/** The moment from which the app takes credentials no longer, in any of the ways in which connectors write it. */
export function expiryOf(credentials: unknown): Date | null {
  const { expires_at: snake, expiresAt: camel } = asObject(credentials)
  const value = snake ?? camel
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
    // Seconds where it would be before 2001 as milliseconds.
    return momentOf(value < 1_000_000_000_000 ? value * 1000 : value)
  }
  return typeof value === 'string' ? momentOf(value) : null
}

/** Null for what is no moment, and for one that is too late to be meant. */
function momentOf(value: string | number): Date | null {
  const at = new Date(value)
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999 ? null : at
}

function refreshTokenOf(credentials: unknown): string | null {
  const { refresh_token: snake, refreshToken: camel } = asObject(credentials)
  return [snake, camel].find(isToken) ?? null
}

/** A function's failure counts as the app's no where it says so, by status or by key. */
function hasRefused(error: unknown): boolean {
  const { key, data } = asObject(error)
  if (key === 'access_token_expired' || key === 'connection_is_defunct') return true
  const status = Number(asObject(data).status)
  return status >= 400 && status < 500 && status !== 429 && status !== 408
}
