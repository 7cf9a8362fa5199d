import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import { asObject, type ConnectedApp } from './apps.ts'
import type { AuthMaterial, CallAuthFunction, Made } from './auth-function.ts'
import { connectionError } from './failure.ts'
import { credentialsOfTokens, type OAuth2Config, oauth2Config, type TokenResponse, tokensForRefresh } from './oauth2.ts'
import { usesConsent } from './trust.ts'

/** A failed refresh: `isRefused` where the app said no, so that trying again at once is of no use. */
export type Renewed =
  | { kind: 'made'; value: unknown }
  | (Extract<Made<unknown>, { kind: 'failed' }> & { isRefused: boolean })

/** How credentials come to be and are renewed. */
export interface Credentials {
  /** From what a person filled in. */
  fromInput(material: AuthMaterial): Promise<Made<unknown>>
  /** From what an app answered for a code. */
  fromTokens(material: AuthMaterial, tokens: TokenResponse): Promise<Made<unknown>>
  renew(material: AuthMaterial): Promise<Renewed>
}

export function createCredentials(options: {
  outbound: Outbound
  clock: Clock
  callFunction: CallAuthFunction
}): Credentials {
  const { outbound, clock, callFunction } = options

  async function renewByTokens(material: AuthMaterial, refreshToken: string): Promise<Renewed> {
    const config = await oauth2ConfigOf(material, callFunction, {})
    if (config.kind === 'failed') return { ...config, isRefused: false }
    const tokens = await tokensForRefresh(config.value, outbound, refreshToken)
    if (tokens.kind === 'failed') return { ...tokens, isRefused: tokens.failure?.isRefused ?? false }
    const before = asObject(material.credentials)
    const definition = material.app.option.getCredentialsFromRefreshTokenResponse
    if (definition === undefined) {
      // Most apps leave the refresh token out where the old one goes on being good (RFC 6749 section 6).
      return { kind: 'made', value: { ...before, ...credentialsOfTokens(tokens.value, clock.now()) } }
    }
    const more = { refreshTokenResponse: tokens.value, tokenResponse: tokens.value }
    const made = await callFunction(material, 'getCredentialsFromRefreshTokenResponse', definition, more)
    if (made.kind === 'failed') return { ...made, isRefused: false }
    return { kind: 'made', value: { ...before, ...asObject(made.value) } }
  }

  return {
    async fromInput(material) {
      const { option } = material.app
      const definition = option.getCredentialsFromConnectionParameters
      // What somebody filled in is no proof that the app gave them anything.
      if (definition === undefined && usesConsent(option))
        return { kind: 'failed', error: connectionError('connection_failed', 'a person has to consent at the app') }
      if (definition === undefined) return { kind: 'made', value: material.input ?? {} }
      return callFunction(material, 'getCredentialsFromConnectionParameters', definition)
    },
    async fromTokens(material, tokens) {
      const { option } = material.app
      const [slot, definition] =
        option.getCredentialsFromAccessTokenResponse === undefined
          ? (['getTokenData', option.getTokenData] as const)
          : (['getCredentialsFromAccessTokenResponse', option.getCredentialsFromAccessTokenResponse] as const)
      if (definition !== undefined) {
        return callFunction(material, slot, definition, { accessTokenResponse: tokens, tokenResponse: tokens })
      }
      const credentials = credentialsOfTokens(tokens, clock.now())
      if (option.type === 'oauth2' && typeof credentials.access_token !== 'string')
        return { kind: 'failed', error: connectionError('connection_failed', 'the app gave no access token') }
      return { kind: 'made', value: credentials }
    },
    async renew(material) {
      const { option } = material.app
      if (option.refreshCredentials !== undefined) {
        const made = await callFunction(material, 'refreshCredentials', option.refreshCredentials)
        if (made.kind === 'made')
          return { kind: 'made', value: { ...asObject(material.credentials), ...asObject(made.value) } }
        return { ...made, isRefused: hasRefused(made.error.causedByError ?? made.error) }
      }
      const refreshToken = refreshTokenOf(material.credentials)
      if (refreshToken !== null) return renewByTokens(material, refreshToken)
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

/** Whether the credentials can be renewed without a person. */
export function canRenew(app: ConnectedApp, credentials: unknown): boolean {
  const { option } = app
  if (option.refreshCredentials !== undefined) return true
  return option.type === 'oauth2' && refreshTokenOf(credentials) !== null
}

/** Asks the connector how to do OAuth 2 with its app. */
export async function oauth2ConfigOf(
  material: AuthMaterial,
  callFunction: CallAuthFunction,
  about: { redirectUri?: string; state?: string },
): Promise<Made<OAuth2Config>> {
  const definition = material.app.option.getOAuthConfig
  if (definition === undefined)
    return { kind: 'failed', error: connectionError('connection_failed', 'the connector has no getOAuthConfig') }
  const made = await callFunction(material, 'getOAuthConfig', definition, about)
  return made.kind === 'failed' ? made : oauth2Config(made.value)
}

/** The moment from which the app takes credentials no longer, in any of the ways in which connectors write it. */
export function expiryOf(credentials: unknown): Date | null {
  const { expires_at: snake, expiresAt: camel } = asObject(credentials)
  const value = snake ?? camel
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
    // Seconds where it would be before 2001 as milliseconds.
    return new Date(value < 1_000_000_000_000 ? value * 1000 : value)
  }
  if (typeof value !== 'string') return null
  const at = new Date(value)
  return Number.isNaN(at.getTime()) ? null : at
}

function refreshTokenOf(credentials: unknown): string | null {
  const { refresh_token: snake, refreshToken: camel } = asObject(credentials)
  const token = snake ?? camel
  return typeof token === 'string' && token !== '' ? token : null
}

/** A function's failure counts as the app's no where it says so, by status or by key. */
function hasRefused(error: unknown): boolean {
  const { key, data } = asObject(error)
  if (key === 'access_token_expired' || key === 'connection_is_defunct') return true
  const status = Number(asObject(data).status)
  return status >= 400 && status < 500 && status !== 429 && status !== 408
}
