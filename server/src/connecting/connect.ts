import { randomBytes } from 'node:crypto'
import type { ErrorData } from '@permea/contract'
import { schemaProblem } from '../api/json-schema.ts'
import { asRefusal, errorData, notFound, Refusal } from '../api/refusal.ts'
import type { Audit, Noted } from '../audit/assembly.ts'
import type { CallOrigin } from '../audit/recorder.ts'
import { asObject, type ConnectedApp, inputRevision } from '../connections/apps.ts'
import type { AuthContext, Made } from '../connections/auth-function.ts'
import { type Connection, openSecrets } from '../connections/connection.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { oauth2ConfigOf } from '../connections/credentials.ts'
import { connectionError } from '../connections/failure.ts'
import { accessToken, oauth1Config, requestToken } from '../connections/oauth1.ts'
import { authorizeUrl, type TokenResponse, tokensForCode } from '../connections/oauth2.ts'
import { connectionById, connectionOfApp } from '../connections/store.ts'
import type { Customer } from '../customers/customer.ts'
import { customerById } from '../customers/store.ts'
import type { AuthOption } from '../integrations/connector.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type ConnectPayload, type ConnectRequests, hashOf, type RedirectLeg } from './connect-request.ts'
import { type RequestRow, requestByLink, takeRequestByState } from './request-store.ts'

/** What the browser of somebody who connects is shown or does next. */
export type ConnectStep = { row: RequestRow; payload: ConnectPayload; app: ConnectedApp | null; customer: Customer } & (
  | { kind: 'choose'; options: [string, AuthOption][] }
  /** `problem` where something was filled in and does not fit, or the app did not take it. */
  | { kind: 'form'; option: AuthOption; problem: string | null }
  /** The app is to be asked, and a person has to say so first. */
  | { kind: 'confirm'; option: AuthOption }
  | { kind: 'redirect'; url: string; state: string; browser: string }
  | { kind: 'connected'; connection: Connection }
  | { kind: 'failed'; error: ErrorData }
)

/** What a person chose and filled in just now. */
interface Given {
  authOptionKey?: string | undefined
  input?: unknown
}

/** For so long may the app take to answer a redirect. */
export const REDIRECT_MS = 10 * 60_000

/** How a person connects an app, step by step. */
export interface Connect {
  /**
   * The next step of a request. `input` is what was filled in just now. The browser is sent to the app only where
   * `mayLeave` says that a person has seen what is connected for whom, and wants it: else any page could send its
   * visitors there and have their accounts connected for somebody else.
   */
  proceed(row: RequestRow, now: Given & { mayLeave: boolean; origin: CallOrigin }): Promise<ConnectStep>
  /** The same for who only looks at a link, as programs that preview links do: nothing is connected by it. */
  look(row: RequestRow, how: { mayLeave: boolean }): Promise<ConnectStep>
  /** By the secret part of its page's address. Refuses what is over, and what never was. */
  byLink(link: string): Promise<RequestRow>
  /**
   * The app sent the browser back. `browserOf` gives the cookie that the browser was sent away with, by state. Null
   * where nothing waits for this answer: its state is wrong, was used before or is too old.
   */
  comeBack(
    parameters: URLSearchParams,
    browserOf: (state: string) => string | null,
    origin: CallOrigin,
  ): Promise<ConnectStep | null>
}

export interface ConnectOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  outbound: Outbound
  connections: ConnectionParts
  requests: ConnectRequests
  audit: Pick<Audit, 'intendAll'>
  log: Log
  publicUrl: string
}

export function createConnect(options: ConnectOptions): Connect {
  return new Connecting(options)
}

type Context = { row: RequestRow; payload: ConnectPayload; app: ConnectedApp; customer: Customer }

class Connecting implements Connect {
  readonly #o: ConnectOptions

  constructor(options: ConnectOptions) {
    this.#o = options
  }

  async byLink(link: string): Promise<RequestRow> {
    const row = await requestByLink(this.#o.database.db, hashOf(link), this.#o.clock.now())
    if (row === null) throw new Refusal('not_found', 'this link to connect is not valid any more')
    return row
  }

  proceed(
    row: RequestRow,
    { mayLeave, origin, ...given }: Given & { mayLeave: boolean; origin: CallOrigin },
  ): Promise<ConnectStep> {
    return this.#next(row, given, { connectFor: origin, mayLeave })
  }

  look(row: RequestRow, { mayLeave }: { mayLeave: boolean }): Promise<ConnectStep> {
    return this.#next(row, {}, { connectFor: null, mayLeave })
  }

  async #next(
    row: RequestRow,
    given: Given,
    may: { connectFor: CallOrigin | null; mayLeave: boolean },
  ): Promise<ConnectStep> {
    const { authOptionKey, input } = given
    const payload: ConnectPayload = {
      ...this.#o.requests.payloadOf(row),
      ...(authOptionKey === undefined ? {} : { authOptionKey }),
      ...(input === undefined ? {} : { input }),
    }
    const customer = await this.#customerOf(row)
    const { registry, apps } = this.#o.connections
    const existing = await this.#existing(row, payload)
    const named =
      existing === null
        ? payload
        : { ...appOf(existing), authOptionKey: payload.authOptionKey ?? existing.authOptionKey }
    const app = await registry.appFor({ workspaceId: row.workspaceId }, named)
    const offered = apps.offered(app.connector, app.integration)
    if (named.authOptionKey === undefined && offered.length > 1)
      return { kind: 'choose', row, payload, app, customer, options: offered }
    const context = { row, payload, app, customer }
    const problem = await inputProblem(app, payload.input)
    if (problem !== null)
      return { ...context, kind: 'form', option: app.option, problem: payload.input === undefined ? null : problem }
    const isRedirected = app.option.type === 'oauth2' || app.option.type === 'oauth1'
    if (isRedirected)
      return may.mayLeave
        ? ((await this.#refusedByQuota(context, existing)) ?? this.#sendAway(context))
        : { ...context, kind: 'confirm', option: app.option }
    return may.connectFor === null
      ? { ...context, kind: 'form', option: app.option, problem: null }
      : this.#establish(context, existing, { origin: may.connectFor })
  }

  async comeBack(
    parameters: URLSearchParams,
    browserOf: (state: string) => string | null,
    origin: CallOrigin,
  ): Promise<ConnectStep | null> {
    const state = parameters.get('state') ?? ''
    const now = this.#o.clock.now()
    const row = await takeRequestByState(this.#o.database.db, hashOf(state), now)
    const payload = row === null ? null : this.#o.requests.payloadOf(row)
    const leg = payload?.leg
    if (row === null || payload === null || leg === undefined) return null
    const browser = browserOf(state)
    // A page that sends somebody else's answer here would connect an account to the wrong customer.
    if (browser === null || hashOf(browser) !== leg.browserHash || leg.expiresAtMs < now.getTime()) return null
    const existing = await this.#existing(row, payload)
    const named = {
      ...(existing === null ? payload : { ...payload, ...appOf(existing) }),
      authOptionKey: leg.optionKey,
    }
    const app = await this.#o.connections.registry.appFor({ workspaceId: row.workspaceId }, named)
    const context = { row, payload, app, customer: await this.#customerOf(row) }
    const full = await this.#refusedByQuota(context, existing)
    if (full !== null) return full
    const tokens = await this.#tokensFor(context, leg, parameters)
    if (tokens.kind === 'failed') {
      const { error } = tokens
      const isCancelled = asObject(error.data).error === 'access_denied'
      await this.#o.requests.end(row, { connectionId: null, error, isCancelled })
      return { ...context, kind: 'failed', error }
    }
    return this.#establish(context, existing, { origin, tokens: tokens.value })
  }

  /** Before a person is sent away, and before a code is exchanged, which counts once: where there is no room, it failed. */
  async #refusedByQuota(context: Context, existing: Connection | null): Promise<ConnectStep | null> {
    const { roomFor } = this.#o.connections.establish
    const made = await withinQuota(async () => {
      await roomFor(context.row.workspaceId, existing)
      return { kind: 'made', value: null }
    })
    if (made.kind === 'made') return null
    await this.#o.requests.end(context.row, { connectionId: null, error: made.error })
    return { ...context, kind: 'failed', error: made.error }
  }

  /** Sends the browser to the app, and remembers what its answer must bring back. */
  async #sendAway(context: Context): Promise<ConnectStep> {
    const { app, row, payload } = context
    const redirectUri = app.integration?.oAuthCallbackUri ?? `${this.#o.publicUrl}/oauth-callback`
    const state = randomBytes(32).toString('base64url')
    const browser = randomBytes(32).toString('base64url')
    const away =
      app.option.type === 'oauth2'
        ? await this.#oauth2Away(context, redirectUri, state)
        : await this.#oauth1Away(context, redirectUri, state)
    if (away.kind === 'failed') {
      await this.#o.requests.end(row, { connectionId: null, error: away.error })
      return { ...context, kind: 'failed', error: away.error }
    }
    const { url, ...secret } = away.value
    const expiresAtMs = this.#o.clock.now().getTime() + REDIRECT_MS
    const leg = { optionKey: app.optionKey, redirectUri, state, expiresAtMs, browserHash: hashOf(browser), ...secret }
    await this.#o.requests.keep(row, { ...payload, leg })
    return { ...context, kind: 'redirect', url, state, browser }
  }

  async #oauth2Away(
    context: Context,
    redirectUri: string,
    state: string,
  ): Promise<Made<{ url: string } & Pick<RedirectLeg, 'codeVerifier' | 'oauth1Token'>>> {
    const config = await oauth2ConfigOf(this.#authContext(context), this.#o.connections.callAuthFunction, {
      redirectUri,
      state,
    })
    if (config.kind === 'failed') return config
    const { url, codeVerifier } = await authorizeUrl(config.value, { redirectUri, state })
    return { kind: 'made', value: { url, codeVerifier, oauth1Token: null } }
  }

  async #oauth1Away(
    context: Context,
    redirectUri: string,
    state: string,
  ): Promise<Made<{ url: string } & Pick<RedirectLeg, 'codeVerifier' | 'oauth1Token'>>> {
    const config = await this.#oauth1Config(context)
    if (config.kind === 'failed') return config
    const callback = new URL(redirectUri)
    callback.searchParams.set('state', state)
    const made = await requestToken(config.value, { ...this.#o, callbackUri: callback.href })
    if (made.kind === 'failed') return made
    return { kind: 'made', value: { url: made.value.url, codeVerifier: null, oauth1Token: made.value.token } }
  }

  async #oauth1Config(context: Context) {
    const definition = context.app.option.getOAuthConfig
    if (definition === undefined)
      return {
        kind: 'failed',
        error: connectionError('connection_failed', 'the connector has no getOAuthConfig'),
      } as const
    const made = await this.#o.connections.callAuthFunction(this.#authContext(context), 'getOAuthConfig', definition)
    return made.kind === 'failed' ? made : oauth1Config(made.value)
  }

  async #tokensFor(context: Context, leg: RedirectLeg, parameters: URLSearchParams): Promise<Made<TokenResponse>> {
    const { redirectUri, state, codeVerifier, oauth1Token } = leg
    if (oauth1Token === null) {
      const about = { redirectUri, state }
      const config = await oauth2ConfigOf(this.#authContext(context), this.#o.connections.callAuthFunction, about)
      if (config.kind === 'failed') return config
      return tokensForCode(config.value, this.#o.outbound, { parameters, state, redirectUri, codeVerifier })
    }
    const config = await this.#oauth1Config(context)
    if (config.kind === 'failed') return config
    const verifier = parameters.get('oauth_verifier')
    if (verifier === null || parameters.get('oauth_token') !== oauth1Token.key) {
      const data = { error: 'access_denied' }
      return { kind: 'failed', error: connectionError('connection_failed', 'access was not given', data) }
    }
    return accessToken(config.value, { ...this.#o, token: oauth1Token, verifier })
  }

  async #establish(
    context: Context,
    existing: Connection | null,
    { origin, tokens }: { origin: CallOrigin; tokens?: TokenResponse },
  ): Promise<ConnectStep> {
    const { row, payload, app, customer } = context
    const { name, input, connectorParameters, connectionKey } = payload
    const wish = {
      customer,
      app,
      existing,
      input,
      connectorParameters:
        connectorParameters ??
        (existing === null ? undefined : openSecrets(existing, this.#o.sealing).connectorParameters),
      ...(tokens === undefined ? {} : { tokens }),
      ...(name === undefined ? {} : { name }),
      ...(existing === null && connectionKey !== undefined ? { key: connectionKey } : {}),
    }
    const made = await this.#recorded({ customer, existing, origin }, () =>
      withinQuota(() => this.#o.connections.establish.establish(wish)),
    )
    if (made.kind === 'made') {
      await this.#o.requests.end(row, { connectionId: made.value.id, error: null })
      return { ...context, kind: 'connected', connection: made.value }
    }
    await this.#o.requests.end(row, { connectionId: null, error: made.error })
    return { ...context, kind: 'failed', error: made.error }
  }

  /** In the audit log the customer has connected it, whoever sat before the page: its link is for the customer. */
  async #recorded(
    about: { customer: Customer; existing: Connection | null; origin: CallOrigin },
    connect: () => Promise<Made<Connection>>,
  ): Promise<Made<Connection>> {
    const { customer, existing, origin } = about
    const { views } = this.#o.connections
    const noted: Noted = {
      ...{ workspaceId: customer.workspaceId, customerId: customer.id, origin },
      actor: { kind: 'customer', id: customer.id, name: customer.name, role: null },
      ...{ action: 'connections.connect', elementType: 'connection' },
      ...(existing === null ? {} : { elementId: toWire('con', existing.id), elementName: existing.name }),
    }
    const before = existing === null ? null : await views.answer(existing)
    const [intended] = await this.#o.audit.intendAll([noted])
    const kept = (error: Error) =>
      this.#o.log.error({ message: error.message }, 'a connection is in the audit log without its end')
    try {
      const made = await connect()
      if (made.kind === 'failed') await intended?.drop().catch(kept)
      else {
        const { id, name } = made.value
        const after = await views.answer(made.value)
        const end = { ...noted, elementId: toWire('con', id), elementName: name, before, after }
        await intended?.record(end).catch(kept)
      }
      return made
    } catch (error) {
      await (error instanceof Refusal ? intended?.drop() : intended?.record({ ...noted, outcome: 'failed' }))?.catch(
        kept,
      )
      throw error
    }
  }

  /** The connection that is renewed: the one named, or the one that the customer has of this app already. */
  async #existing(row: RequestRow, payload: ConnectPayload): Promise<Connection | null> {
    const { db } = this.#o.database
    const { workspaceId, customerId } = row
    if (payload.connectionId !== undefined) {
      const id = fromWire('con', payload.connectionId)
      const found = id === null ? null : await connectionById(db, workspaceId, id)
      if (found === null || found.customerId !== customerId) throw notFound('connection', payload.connectionId)
      return found
    }
    if (payload.allowMultipleConnections === true && payload.connectionKey === undefined) return null
    const app = await this.#o.connections.registry.appFor({ workspaceId }, { ...payload, authOptionKey: undefined })
    const { connector, integration } = app
    const of = { customerId, connectorId: connector.id, integrationId: integration?.id ?? null }
    return connectionOfApp(db, { ...of, key: payload.connectionKey ?? null })
  }

  async #customerOf(row: RequestRow): Promise<Customer> {
    const customer = await customerById(this.#o.database.db, row.workspaceId, row.customerId)
    if (customer === null || customer.archivedAt !== null) throw new Refusal('archived', 'the customer is archived')
    return customer
  }

  #authContext({ app, customer, payload }: Context): AuthContext {
    const { input, connectorParameters } = payload
    return { app, customer, connectionId: null, credentials: undefined, input, connectorParameters }
  }
}

/** Why what was filled in is not enough; null where it is, or where nothing is asked for. */
async function inputProblem(app: ConnectedApp, input: unknown): Promise<string | null> {
  const { inputSchema } = app.option
  if (inputSchema === undefined) return null
  // Something is asked for, even if nothing of it is required: a person must have seen it.
  if (input === undefined && Object.keys(asObject(inputSchema.properties)).length > 0) return 'not filled in yet'
  const problem = await schemaProblem({
    revision: inputRevision(app),
    schema: inputSchema,
    value: input ?? {},
    owner: app.connector.id,
  })
  return problem === null ? null : problem.replace('the event', 'what you filled in')
}

function appOf({ integrationId, connectorId }: Connection) {
  return integrationId === null
    ? { connectorId: toWire('cnr', connectorId) }
    : { integrationId: toWire('int', integrationId) }
}

/** Whoever sits before the page is told in the page what a quota of the workspace does not allow. */
async function withinQuota<T>(connect: () => Promise<Made<T>>): Promise<Made<T>> {
  try {
    return await connect()
  } catch (thrown) {
    const error = asRefusal(thrown)
    if (!(error instanceof Refusal) || error.key !== 'quota_reached') throw thrown
    return { kind: 'failed', error: errorData(error.key, error.message, error.data) }
  }
}
