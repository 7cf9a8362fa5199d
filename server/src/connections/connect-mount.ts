import { ConnectionRequestInput } from '@permea/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Connect, ConnectStep } from './connect.ts'
import { REDIRECT_MS } from './connect.ts'
import type { ConnectEvents } from './connect-events.ts'
import { formValues } from './connect-form.ts'
import {
  choicePage,
  formPage,
  type Headline,
  type Page,
  resultPage,
  SCRIPT,
  SCRIPT_PATH,
  STYLE,
  STYLE_PATH,
} from './connect-page.ts'
import { type ConnectRequests, hashOf } from './connect-request.ts'
import type { ConnectionsRoom } from './connections.ts'
import { isWebAddress } from './oauth2.ts'
import type { AppSelector } from './registry.ts'
import { type RequestRow, requestByName } from './request-store.ts'
import { refuseBeyondCustomer } from './trust.ts'

/** Largest form taken in, in bytes. */
const FORM_BYTES_MAX = 256 * 1024

/** What the published client posts in the field `payload`, and what may stand in the query of a link. */
const ConnectInput = ConnectionRequestInput.extend({
  token: z.string(),
  requestId: z.string().min(1).max(200).optional(),
  connectionRequestId: z.string().max(200).optional(),
  input: z.unknown().optional(),
  /** An older word for `input`. */
  connectionParameters: z.unknown().optional(),
})

export interface ConnectMountOptions {
  database: Database
  directory: WorkspaceDirectory
  authenticate(authorization: string | undefined): Promise<Principal>
  connections: ConnectionsRoom
  connect: Connect
  requests: ConnectRequests
  events: ConnectEvents
  publicUrl: string
}

/** The pages on which people connect apps, and what tells who waits for it. They need no token of ours in a header. */
export function mountConnect(app: FastifyInstance, options: ConnectMountOptions): void {
  const pages = new ConnectPages(options)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (_request, text, done) => done(null, new URLSearchParams(text as string)),
  )
  app.get(STYLE_PATH, (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE))
  app.get(SCRIPT_PATH, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT))
  app.get('/connect', (request, reply) => pages.answering(reply, () => pages.open(request, reply)))
  app.post('/connect', (request, reply) => pages.answering(reply, () => pages.submit(request, reply)))
  app.get('/oauth-callback', (request, reply) => pages.answering(reply, () => pages.comeBack(request, reply)))
  options.events.mount(app)
}

class ConnectPages {
  readonly #o: ConnectMountOptions

  constructor(options: ConnectMountOptions) {
    this.#o = options
  }

  /** People are shown a page rather than JSON, also where something is refused. */
  async answering(reply: FastifyReply, answer: () => Promise<FastifyReply>): Promise<FastifyReply> {
    try {
      return await answer()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const text = error.message
      return this.#send(reply.status(error.status), NOTHING_DONE(text), null)
    }
  }

  /** `/connect?request=…` shows the next step; `/connect?token=…` makes a request of its query first. */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const query = request.query as Record<string, string>
    if (query.request !== undefined) {
      const row = await this.#o.connect.byLink(query.request)
      return this.#show(reply, await this.#o.connect.look(row))
    }
    const { allowMultipleConnections, connectorParameters, input, ...texts } = query
    const row = await this.#begin(
      {
        ...texts,
        ...(allowMultipleConnections === undefined
          ? {}
          : { allowMultipleConnections: /^(?:1|true)$/i.test(allowMultipleConnections) }),
        ...(connectorParameters === undefined ? {} : { connectorParameters: parsed(connectorParameters) }),
        ...(input === undefined ? {} : { input: parsed(input) }),
      },
      originOf(request, 'referer'),
    )
    // The token does not stay in the address bar.
    return reply.redirect(this.#o.requests.urlOf(this.#o.requests.payloadOf(row)), 303)
  }

  async submit(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const payload = form.get('payload')
    if (payload !== null) {
      const row = await this.#begin(parsed(payload), originOf(request, 'origin'))
      return this.#show(reply, await this.#o.connect.proceed(row))
    }
    const row = await this.#o.connect.byLink(form.get('request') ?? '')
    const authOptionKey = form.get('authOptionKey') ?? undefined
    const first = await this.#o.connect.proceed(row, { authOptionKey })
    if (first.kind !== 'form') return this.#show(reply, first)
    if (form.get('filled') === null) return this.#show(reply, first)
    const input = formValues(first.option.inputSchema, form)
    const step = await this.#o.connect.proceed(row, { authOptionKey, input })
    if (step.kind !== 'failed') return this.#show(reply, step)
    // Who typed something wrong has it before them to mend.
    return this.#show(reply, { ...first, payload: { ...first.payload, input }, problem: step.error.message })
  }

  async comeBack(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const parameters = new URLSearchParams(request.url.split('?')[1] ?? '')
    const state = parameters.get('state') ?? ''
    const name = cookieNameFor(state)
    const step = await this.#o.connect.comeBack(parameters, () => cookieIn(request.headers.cookie, name))
    reply.header('set-cookie', `${name}=; Path=/oauth-callback; Max-Age=0; HttpOnly; SameSite=Lax`)
    if (step !== null) return this.#show(reply, step)
    const text =
      'Nothing waits for this answer: it was used already, came too late, or was begun in another browser. Begin again where you came from.'
    return this.#send(reply.status(400), NOTHING_DONE(text), null)
  }

  async #begin(given: unknown, openerOrigin: string | null): Promise<RequestRow> {
    const read = ConnectInput.safeParse(given)
    if (!read.success) {
      const [first] = read.error.issues
      throw new Refusal('invalid_input', `${first?.path.join('.') ?? 'payload'}: ${first?.message ?? 'not readable'}`)
    }
    const { token, requestId, connectionRequestId, connectionParameters, ...asked } = read.data
    const principal = await this.#o.authenticate(`Bearer ${token}`)
    const customer = await this.#o.connections.registry.customerFor(principal, asked)
    await this.#checkRedirect(principal, asked.redirectUri)
    const { userId: _user, tenantId: _tenant, customerId: _customer, integrationUuid, connectorUuid, ...rest } = asked
    const { workspaceId } = principal
    const payload = {
      ...rest,
      integrationId: rest.integrationId ?? integrationUuid,
      connectorId: rest.connectorId ?? connectorUuid,
      input: rest.input ?? connectionParameters,
      openerOrigin,
    }
    await this.#checkParameters(principal, payload)
    const first =
      connectionRequestId === undefined
        ? null
        : await requestByName(this.#o.database.db, {
            workspaceId,
            customerId: customer.id,
            requestId: connectionRequestId,
          })
    const alsoEnds = first === null ? undefined : toWire('crq', first.id)
    return this.#o.requests.open({ workspaceId, customerId: customer.id, requestId, payload: { ...payload, alsoEnds } })
  }

  async #checkParameters(
    principal: Principal,
    payload: AppSelector & { connectionId?: string | undefined; connectorParameters?: unknown },
  ): Promise<void> {
    if (payload.connectorParameters === undefined) return
    const { registry } = this.#o.connections
    const app =
      payload.connectionId === undefined
        ? await registry.appFor(principal, payload)
        : await this.#o.connections.appOf(await registry.find(principal, payload.connectionId))
    if (app !== null) refuseBeyondCustomer(principal, app, payload)
  }

  /** Only where the workspace says so are addresses compared: who has a token may otherwise name any. */
  async #checkRedirect(principal: Principal, redirectUri: string | undefined): Promise<void> {
    const problem = await redirectProblem(this.#o.directory, principal.workspaceId, redirectUri)
    if (problem !== null) throw new Refusal('invalid_input', `redirectUri: ${problem}`)
  }

  async #show(reply: FastifyReply, step: ConnectStep): Promise<FastifyReply> {
    const { row, payload } = step
    const headline = await this.#headline(step)
    const { link, openerOrigin } = payload
    switch (step.kind) {
      case 'choose':
        return this.#send(reply, choicePage(headline, link, step.options), openerOrigin)
      case 'form': {
        const optionKey = step.app === null ? '' : keyOf(step)
        const redirectOrigin = URL.parse(payload.redirectUri ?? '')?.origin
        const isRedirected = step.option.type === 'oauth2' || step.option.type === 'oauth1'
        const targets = [
          ...(isRedirected ? ['https:', 'http:'] : []),
          ...(redirectOrigin === undefined ? [] : [redirectOrigin]),
        ]
        const { option, problem } = step
        return this.#send(
          reply,
          formPage(headline, { link, optionKey, option, values: payload.input, problem, targets }),
          openerOrigin,
        )
      }
      case 'redirect': {
        const secure = this.#o.publicUrl.startsWith('https:') ? '; Secure' : ''
        const age = REDIRECT_MS / 1000
        reply.header(
          'set-cookie',
          `${cookieNameFor(step.state)}=${step.browser}; Path=/oauth-callback; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`,
        )
        return guarded(reply).redirect(step.url, 303)
      }
      case 'connected':
      case 'failed': {
        const message = await this.#o.events.messageFor(step, row.requestId)
        if (payload.redirectUri !== undefined) return guarded(reply).redirect(resultUrl(payload.redirectUri, step), 303)
        const isWell = step.kind === 'connected'
        const about = {
          title: isWell ? 'Connected' : 'Not connected',
          text: isWell ? 'You may close this window.' : step.error.message,
          message,
          origin: openerOrigin,
          retryPath: isWell ? null : `/connect?request=${link}`,
        }
        return this.#send(reply, resultPage(headline, about), openerOrigin)
      }
    }
  }

  async #headline({ app, customer }: ConnectStep): Promise<Headline> {
    const workspace = await this.#o.directory.byId(customer.workspaceId)
    return {
      appName: app?.integration?.name ?? app?.connector.name ?? 'an app',
      logoUri: app?.integration?.logoUri ?? app?.connector.logoUri ?? null,
      workspaceName: workspace.name,
      customerName: customer.name,
    }
  }

  #send(reply: FastifyReply, page: Page, openerOrigin: string | null): FastifyReply {
    const policy = [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      'img-src https: data:',
      `form-action ${["'self'", ...page.formTargets].join(' ')}`,
      `frame-ancestors ${openerOrigin ?? "'none'"}`,
      "base-uri 'none'",
    ]
    return guarded(reply)
      .header('content-security-policy', policy.join('; '))
      .type('text/html; charset=utf-8')
      .send(page.html)
  }
}

/** Why a browser must not be sent there when it is done; null where it may. */
export async function redirectProblem(
  directory: WorkspaceDirectory,
  workspaceId: string,
  redirectUri: string | undefined,
): Promise<string | null> {
  if (redirectUri === undefined) return null
  if (!isWebAddress(redirectUri)) return 'an absolute http or https address is needed'
  const allowed = (await directory.byId(workspaceId)).settings.allowedRedirectOrigins
  if (!Array.isArray(allowed)) return null
  return allowed.includes(new URL(redirectUri).origin) ? null : 'its origin is not one that the workspace allows'
}

const NOTHING_DONE = (text: string): Page =>
  resultPage(null, { title: 'This did not work', text, message: null, origin: null, retryPath: null })

function keyOf({ app }: ConnectStep): string {
  return app?.optionKey ?? ''
}

/** What holds for every answer: it is nobody else's to keep, to guess at, or to be told of. */
function guarded(reply: FastifyReply): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .header('x-content-type-options', 'nosniff')
}

/** Where the browser goes with what came of it: an id, or what went wrong; never a secret. */
function resultUrl(redirectUri: string, step: Extract<ConnectStep, { kind: 'connected' | 'failed' }>): string {
  const url = new URL(redirectUri)
  url.searchParams.set('requestId', step.row.requestId)
  if (step.kind === 'connected') {
    url.searchParams.set('status', 'success')
    url.searchParams.set('connectionId', toWire('con', step.connection.id))
  } else {
    url.searchParams.set('status', 'error')
    url.searchParams.set('error', step.error.key ?? 'connection_failed')
    url.searchParams.set('errorMessage', step.error.message)
  }
  return url.href
}

/** The page that a request came from, as far as the browser tells; not our own, whose forms carry it along. */
function originOf(request: FastifyRequest, header: 'origin' | 'referer'): string | null {
  const value = request.headers.origin ?? (header === 'referer' ? request.headers.referer : undefined)
  const url = URL.parse(value ?? '')
  return url !== null && /^https?:$/.test(url.protocol) ? url.origin : null
}

/** One cookie for each redirect under way, so that two in one browser do not disturb each other. */
function cookieNameFor(state: string): string {
  return `permea_connect_${hashOf(state).slice(0, 12)}`
}

function cookieIn(header: string | undefined, name: string): string | null {
  const found = (header ?? '').split(/;\s*/).find((each) => each.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('malformed_body', 'what was sent is not valid JSON')
  }
}
