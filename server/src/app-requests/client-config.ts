import type { FunctionDefinition } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { asObject, functionInSlot } from '../connections/apps.ts'
import { type AuthContext, type CallAuthFunction, type Made, parametersOf } from '../connections/auth-function.ts'
import { connectionError } from '../connections/failure.ts'
import { oauth1Config, signedHeader, tokenIn } from '../connections/oauth1.ts'
import { isWebAddress } from '../connections/oauth2.ts'
import { type Mask, maskOf } from '../exchanges/mask.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { YourApp } from '../workspaces/your-app.ts'

/** How requests to the app are made, as the connector's `makeApiClient` says (wire facts C.4). */
export interface ClientConfig {
  /** Paths are relative to it; null where the connector names none. */
  baseUri: string | null
  /** The only origins that credentials are sent to: that of `baseUri`, and what `makeApiClient` names in `origins`. */
  origins: ReadonlySet<string>
  query: Record<string, unknown>
  /** Names in lower case. */
  headers: Record<string, string>
  auth: { username: string; password: string } | null
  /** First match wins. */
  responseHandlers: readonly unknown[]
  /** Signs a request, where the app wants each signed (OAuth 1). */
  sign: ((request: { url: string; method: string; form?: Record<string, string> }) => string) | null
  /** Takes everything secret out of what is recorded and told. */
  mask: Mask
}

/** What was made is used again for so long: functions that compute something short-lived are not held to it for long. */
const KEEP_MS = 5_000
const KEPT_MAX = 1_000

/** Members of credentials that are no secret and would mask half of every record. */
const NOT_SECRET = new Set(['token_type', 'scope', 'scopes', 'expires_at', 'expiresAt', 'expires_in'])

/** Makes and remembers the configuration of connections' API clients. */
export interface ClientConfigs {
  /** `version` must change with everything that the authContext consists of. */
  of(authContext: AuthContext, version: string): Promise<Made<ClientConfig>>
}

export function createClientConfigs(options: {
  outbound: Outbound
  clock: Clock
  yourApp: YourApp
  callFunction: CallAuthFunction
}): ClientConfigs {
  const kept = new LRUCache<string, { made: Promise<Made<ClientConfig>>; untilMs: number }>({ max: KEPT_MAX })

  async function make(authContext: AuthContext): Promise<Made<ClientConfig>> {
    const given = await describe(authContext)
    if (given.kind === 'failed') return given
    const { value } = given
    const baseUri = typeof value.baseUri === 'string' && value.baseUri !== '' ? value.baseUri : null
    if (baseUri !== null && !isWebAddress(baseUri)) return failed('makeApiClient: baseUri is no web address')
    const named = Array.isArray(value.origins) ? value.origins.filter((each) => typeof each === 'string') : []
    const origins = [...(baseUri === null ? [] : [baseUri]), ...named].flatMap((each) => URL.parse(each)?.origin ?? [])
    const sign = await signerFor(authContext)
    if (sign.kind === 'failed') return sign
    const headers = textsOf(asObject(value.headers))
    const query = asObject(value.query)
    const auth = authOf(value.auth)
    const handlers = Array.isArray(value.responseHandlers) ? value.responseHandlers : []
    return {
      kind: 'made',
      value: {
        baseUri,
        origins: new Set(origins),
        query,
        headers,
        auth,
        responseHandlers: [...handlers, ...(authContext.app.connector.definition.responseHandlers ?? [])],
        sign: sign.value,
        mask: maskOf({ args: {}, secrets: secretsOf(authContext, { headers, query, auth, baseUri }) }),
      },
    }
  }

  /** What `makeApiClient` gives; where there is none, what follows from the way to connect. */
  async function describe(authContext: AuthContext): Promise<Made<Record<string, unknown>>> {
    const { app, customer } = authContext
    const definition = functionInSlot(app, 'makeApiClient')
    const [now, later] = definition === undefined ? [undefined, {}] : withoutHandlers(definition)
    const own = now === undefined ? null : await options.callFunction(authContext, 'makeApiClient', now)
    if (own?.kind === 'failed') return own
    const given: Record<string, unknown> = { ...asObject(own?.value), ...later }
    switch (app.option.type) {
      case 'membrane-token':
      case 'integration-app-token': {
        const baseUri = given.baseUri ?? (await options.yourApp.baseUri(customer.workspaceId))
        if (baseUri === null) return failed('the workspace has no base address of your app (appBaseUri)')
        const headers = {
          ...asObject(given.headers),
          ...(await options.yourApp.headers(customer.workspaceId, customer)),
        }
        return { kind: 'made', value: { ...given, baseUri, headers } }
      }
      case 'oauth2': {
        const token = asObject(authContext.credentials).access_token
        if (definition !== undefined || typeof token !== 'string') break
        return { kind: 'made', value: { headers: { authorization: `Bearer ${token}` } } }
      }
    }
    return { kind: 'made', value: given }
  }

  async function signerFor(authContext: AuthContext): Promise<Made<ClientConfig['sign']>> {
    const token = tokenIn(authContext.credentials)
    const definition = authContext.app.option.getOAuthConfig
    if (authContext.app.option.type !== 'oauth1' || token === null || definition === undefined)
      return { kind: 'made', value: null }
    const made = await options.callFunction(authContext, 'getOAuthConfig', definition)
    const config = made.kind === 'failed' ? made : oauth1Config(made.value)
    if (config.kind === 'failed') return config
    const consumer = { key: config.value.consumerKey, secret: config.value.consumerSecret }
    return { kind: 'made', value: (request) => signedHeader(consumer, token, request, options.clock) }
  }

  return {
    of(authContext, version) {
      const slot = `${authContext.connectionId ?? ''} ${version}`
      const known = kept.get(slot)
      if (known !== undefined && known.untilMs > performance.now()) return known.made
      const made = make(authContext)
      kept.set(slot, { made, untilMs: performance.now() + KEEP_MS })
      const forget = () => kept.peek(slot)?.made === made && kept.delete(slot)
      // A failure is not remembered: what it came of may be over.
      made.then(({ kind }) => kind === 'failed' && forget(), forget)
      return made
    },
  }
}

/** Formulas of a mapping's response handlers are about answers, which there are none of yet: they stay as they are. */
function withoutHandlers(definition: FunctionDefinition): [FunctionDefinition, { responseHandlers?: unknown }] {
  if (definition.type !== 'mapping') return [definition, {}]
  const { responseHandlers, ...mapping } = asObject(definition.mapping)
  if (!Array.isArray(responseHandlers)) return [definition, {}]
  return [{ type: 'mapping', mapping }, { responseHandlers }]
}

/** By what the authContext of a connection can be told from its earlier states. */
export function versionOf({ app, customer }: AuthContext, connectionRevision: string): string {
  const { connector, integration } = app
  return [connectionRevision, connector.revision, integration?.revision ?? '', customer.updatedAt.getTime()].join(' ')
}

/** Every text that must not be seen: credentials, and what was made of them. */
function secretsOf(
  authContext: AuthContext,
  made: { headers: Record<string, string>; query: unknown; auth: ClientConfig['auth']; baseUri: string | null },
): unknown {
  const credentials = asObject(authContext.credentials)
  const isPublic = (text: unknown) => typeof text === 'string' && isOfAddress(text, made.baseUri)
  const isPlain = (name: string, text: unknown) => NOT_SECRET.has(name) || isPublic(text)
  const kept = (values: Record<string, unknown>) =>
    Object.entries(values).flatMap(([name, value]) => (isPlain(name, value) ? [] : [value]))
  const isUsual = /^(?:application\/|text\/|\*\/\*|\d{4}-\d{2}-\d{2}$|Permea)/i
  return [
    typeof authContext.credentials === 'string' ? authContext.credentials : kept(credentials),
    kept(parametersOf(authContext)),
    Object.values(made.headers).flatMap((value) => {
      if (isUsual.test(value)) return []
      const bare = value.replace(/^\w+ +/, '')
      return [value, bare]
    }),
    made.query,
    made.auth === null
      ? []
      : [made.auth.password, Buffer.from(`${made.auth.username}:${made.auth.password}`).toString('base64')],
  ]
}

/** A token at the end of an address is one all the same. */
const LONG_SEGMENT = /\/[^/]{16,}/

/** Whether a text is where the app is: part of the host, or the address as far as it looks like one that people share. */
function isOfAddress(text: string, baseUri: string | null): boolean {
  const host = /^[a-z]+:\/\/[^/?#]*/i.exec(baseUri ?? '')?.[0]
  if (baseUri === null || host === undefined) return false
  if (host.includes(text)) return true
  const { pathname, search } = URL.parse(text) ?? {}
  return baseUri.includes(text) && pathname !== undefined && search === '' && !LONG_SEGMENT.test(pathname)
}

function authOf(value: unknown): ClientConfig['auth'] {
  const { username, password } = asObject(value)
  if (typeof username !== 'string') return null
  return { username, password: typeof password === 'string' ? password : '' }
}

function textsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name.toLowerCase(), typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  )
}

function failed(message: string): Extract<Made<never>, { kind: 'failed' }> {
  return { kind: 'failed', error: connectionError('connection_failed', message) }
}
