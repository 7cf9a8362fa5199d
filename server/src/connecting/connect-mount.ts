import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { ConnectionRequestInput } from '@permea/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Authenticate } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { asRefusal, Refusal } from '../api/refusal.ts'
import { bodyOf } from '../api/request-bodies.ts'
import { callOrigin } from '../audit/assembly.ts'
import type { Intake } from '../bodies/intake.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { isWebAddress } from '../connections/oauth2.ts'
import type { AppSelector } from '../connections/registry.ts'
import { refuseBeyondCustomer } from '../connections/trust.ts'
import { basePathOf } from '../platform/base-path.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { cookieIn, cookieNameFor, guarded, isFramed, originOf } from './browser.ts'
import { callbackOf } from './callback-form.ts'
import type { Connect, ConnectStep } from './connect.ts'
import { REDIRECT_MS } from './connect.ts'
import type { ConnectEvents } from './connect-events.ts'
import { formValues } from './connect-form.ts'
import { isListed, lookOf, mayEmbed, themeOf } from './connect-look.ts'
import {
  type ConnectPage,
  choicePage,
  confirmPage,
  continuePage,
  formPage,
  type Headline,
  resultPage,
  SCRIPT,
  SCRIPT_PATH,
  STYLE,
  STYLE_PATH,
  said,
  saidByApp,
  THEME_PATH,
  themePathOf,
} from './connect-page.ts'
import type { ConnectRequests } from './connect-request.ts'
import { type Speech, speechFor } from './connect-texts.ts'
import { appSaid, customerTextFor } from './customer-error.ts'
import { type RequestRow, requestsByName } from './request-store.ts'

/** Largest form taken in, in bytes. */
const FORM_BYTES_MAX = 256 * 1024

/** What the published client posts in the field `payload`, and what may stand in the query of a link. */
const ConnectInput = ConnectionRequestInput.extend({
  token: z.string(),
  requestId: z
    .string()
    .min(1)
    .max(200)
    .refine((id) => !/^crq_/.test(id), 'ids that begin with "crq_" are made by the engine')
    .optional(),
  connectionRequestId: z.string().max(200).optional(),
  input: z.unknown().optional(),
  /** An older word for `input`. */
  connectionParameters: z.unknown().optional(),
})

/** What products put into their pages: the package `@permea/connect`, as it is; by its own name for the portal's files. */
const EMBED_PATHS = ['/connect/permea.js', '/connect/permea-connect.js']
const EMBED = readFileSync(new URL('../../../connect/permea-connect.js', import.meta.url), 'utf8')

export interface ConnectMountOptions {
  log: Log
  database: Database
  directory: WorkspaceDirectory
  authenticate: Authenticate
  connections: ConnectionParts
  connect: Connect
  requests: ConnectRequests
  events: ConnectEvents
  publicUrl: string
  /** The budget that bodies of all requests are read within. */
  intake: Intake
}

/** The pages on which people connect apps, and what tells who waits for it. They need no token of ours in a header. */
export function mountConnect(app: FastifyInstance, options: ConnectMountOptions): void {
  const pages = new ConnectPages(options)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    async (request: FastifyRequest, payload: Readable) =>
      new URLSearchParams((await bodyOf(request, payload, options.intake, FORM_BYTES_MAX)).toString('utf8')),
  )
  app.get(STYLE_PATH, (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE))
  app.get(SCRIPT_PATH, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT))
  for (const path of EMBED_PATHS)
    app.get(path, (_request, reply) =>
      reply
        .header('access-control-allow-origin', '*')
        .header('cross-origin-resource-policy', 'cross-origin')
        .header('cache-control', 'public, max-age=300')
        .type('text/javascript; charset=utf-8')
        .send(EMBED),
    )
  app.get(`${THEME_PATH}/:key/:version`, (request, reply) => pages.theme(request, reply))
  app.get('/connect', (request, reply) => pages.answering(reply, () => pages.open(request, reply)))
  app.post('/connect', (request, reply) => pages.answering(reply, () => pages.submit(request, reply)))
  app.get('/oauth-callback', (request, reply) => pages.answering(reply, () => pages.comeBack(request, reply)))
  // Apps that answer with a form (`response_mode=form_post`): the browser brings its cookie with a GET only.
  app.post('/oauth-callback', (request, reply) =>
    reply.redirect(`${basePathOf(options.publicUrl)}${callbackOf(request.body)}`, 303),
  )
  options.events.mount(app)
}

class ConnectPages {
  readonly #o: ConnectMountOptions
  readonly #basePath: string

  constructor(options: ConnectMountOptions) {
    this.#o = options
    this.#basePath = basePathOf(options.publicUrl)
  }

  /** People are shown a page rather than JSON, also where something is refused. */
  async answering(reply: FastifyReply, answer: () => Promise<FastifyReply>): Promise<FastifyReply> {
    try {
      return await answer()
    } catch (thrown) {
      const error = asRefusal(thrown)
      if (!(error instanceof Refusal)) throw error
      const { log } = this.#o
      log.info({ key: error.key, message: error.message }, 'a page to connect an app could not be shown')
      return this.#send(
        reply.status(error.status),
        nothingDone(speechFor(reply.request.headers['accept-language']), 'nothingText', this.#basePath),
        null,
      )
    }
  }

  /** `/connect?request=…` shows the next step; `/connect?token=…` makes a request of its query first. */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const query = request.query as Record<string, string>
    if (query.request !== undefined) {
      const row = await this.#o.connect.byLink(query.request)
      // From the page inside one of the workspace's own pages, which says already what is connected for whom.
      const { openerOrigin } = this.#o.requests.payloadOf(row)
      const isGoingOn = query.window === 'own' && this.#isFromHere(request)
      const mayLeave = isGoingOn && (await this.#isListed(row.workspaceId, openerOrigin))
      return this.#show(reply, await this.#o.connect.look(row, { mayLeave }))
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
      const origin = originOf(request, 'origin')
      const row = await this.#begin(parsed(payload), origin)
      const mayLeave = await this.#isListed(row.workspaceId, origin)
      return this.#show(reply, await this.#o.connect.proceed(row, { mayLeave, origin: callOrigin(request) }))
    }
    const row = await this.#o.connect.byLink(form.get('request') ?? '')
    const authOptionKey = form.get('authOptionKey') ?? undefined
    const mayLeave = this.#isFromHere(request)
    const first = await this.#o.connect.proceed(row, { authOptionKey, mayLeave, origin: callOrigin(request) })
    if (first.kind !== 'form') return this.#show(reply, first)
    if (form.get('filled') === null) return this.#show(reply, first)
    const input = formValues(first.option.inputSchema, form)
    const step = await this.#o.connect.proceed(row, { authOptionKey, input, mayLeave, origin: callOrigin(request) })
    // Filled in by a page of somebody else: a person fills it in here.
    if (step.kind === 'confirm') return this.#show(reply, first)
    if (step.kind !== 'failed') return this.#show(reply, step)
    // Who typed something wrong has it before them to mend.
    const headline = await this.#headline(reply, step)
    const words = appSaid(step.error)
    const sentence = said(headline, customerTextFor(step.error))
    const problem = words === null ? sentence : `${sentence} ${saidByApp(headline, words)}`
    this.#logFailure(step)
    return this.#show(reply, { ...first, payload: { ...first.payload, input }, problem })
  }

  async comeBack(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const parameters = new URLSearchParams(request.url.split('?')[1] ?? '')
    const state = parameters.get('state') ?? ''
    const name = cookieNameFor(state)
    const browserOf = () => cookieIn(request.headers.cookie, name)
    const step = await this.#o.connect.comeBack(parameters, browserOf, callOrigin(request))
    reply.header('set-cookie', `${name}=; Path=${this.#basePath}/oauth-callback; Max-Age=0; HttpOnly; SameSite=Lax`)
    if (step !== null) return this.#show(reply, step)
    const speech = speechFor(request.headers['accept-language'])
    return this.#send(reply.status(400), nothingDone(speech, 'overText', this.#basePath), null)
  }

  async #begin(given: unknown, openerOrigin: string | null): Promise<RequestRow> {
    const read = ConnectInput.safeParse(given)
    if (!read.success) {
      const [first] = read.error.issues
      throw new Refusal('invalid_input', `${first?.path.join('.') ?? 'payload'}: ${first?.message ?? 'not readable'}`)
    }
    const { token, requestId, connectionRequestId, connectionParameters, ...asked } = read.data
    const principal = await this.#o.authenticate(`Bearer ${token}`, 'customers')
    await this.#checkOrigin(principal, openerOrigin)
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
    const [first] =
      connectionRequestId === undefined
        ? []
        : await requestsByName(this.#o.database.db, {
            workspaceId,
            customerId: customer.id,
            requestId: connectionRequestId,
          })
    const alsoEnds = first === undefined ? undefined : toWire('crq', first.id)
    return this.#o.requests.open({ workspaceId, customerId: customer.id, requestId, payload: { ...payload, alsoEnds } })
  }

  /** Whether a page of ours sent the browser: what was pressed, a person pressed there. */
  #isFromHere(request: FastifyRequest): boolean {
    const isOwn = originOf(request, 'origin') === new URL(this.#o.publicUrl).origin
    return isOwn || request.headers['sec-fetch-site'] === 'same-origin'
  }

  async #isListed(workspaceId: string, origin: string | null): Promise<boolean> {
    return origin !== null && isListed(lookOf(await this.#o.directory.byId(workspaceId)), origin)
  }

  async #checkOrigin(principal: Principal, origin: string | null): Promise<void> {
    if (origin === null || origin === new URL(this.#o.publicUrl).origin) return
    if (!mayEmbed(lookOf(await this.#o.directory.byId(principal.workspaceId)), origin))
      throw new Refusal('access_denied', `${origin} is not among the origins that the workspace allows`)
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
    const headline = await this.#headline(reply, step)
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
          formPage(headline, {
            link,
            optionKey,
            option,
            values: payload.input,
            problem: problem !== null && isOfSchema(problem) ? `${said(headline, 'notFilled')} (${problem})` : problem,
            targets,
          }),
          openerOrigin,
        )
      }
      case 'confirm': {
        const about = { link, optionKey: keyOf(step), option: step.option }
        // Not within a page of somebody else, who could lay something else over it.
        return isFramed(reply)
          ? this.#send(reply, continuePage(headline, link), openerOrigin)
          : this.#send(reply, confirmPage(headline, about), null)
      }
      case 'redirect': {
        // Apps refuse to be shown inside another page, and its cookies are not kept there.
        if (isFramed(reply)) return this.#send(reply, continuePage(headline, link), openerOrigin)
        const secure = this.#o.publicUrl.startsWith('https:') ? '; Secure' : ''
        const age = REDIRECT_MS / 1000
        reply.header(
          'set-cookie',
          `${cookieNameFor(step.state)}=${step.browser}; Path=${this.#basePath}/oauth-callback; Max-Age=${age}; HttpOnly; SameSite=Lax${secure}`,
        )
        return guarded(reply).redirect(step.url, 303)
      }
      case 'connected':
      case 'failed': {
        const message = await this.#o.events.messageFor(step, row.requestId)
        if (payload.redirectUri !== undefined) return guarded(reply).redirect(resultUrl(payload.redirectUri, step), 303)
        const isWell = step.kind === 'connected'
        if (step.kind === 'failed') this.#logFailure(step)
        const words = step.kind === 'failed' ? appSaid(step.error) : null
        const about = {
          title: said(headline, isWell ? 'connectedTitle' : 'failedTitle'),
          text: said(headline, isWell ? 'connectedText' : customerTextFor(step.error)),
          says: words === null ? null : saidByApp(headline, words),
          message,
          origin: openerOrigin,
          basePath: this.#basePath,
          retryPath: isWell ? null : `${this.#basePath}/connect?request=${link}`,
        }
        return this.#send(reply, resultPage(headline, about), openerOrigin)
      }
    }
  }

  async #headline(reply: FastifyReply, { app, customer }: ConnectStep): Promise<Headline> {
    const workspace = await this.#o.directory.byId(customer.workspaceId)
    return {
      speech: speechFor(reply.request.headers['accept-language']),
      look: lookOf(workspace),
      basePath: this.#basePath,
      themePath: `${this.#basePath}${themePathOf(workspace)}`,
      appName: app?.integration?.name ?? app?.connector.name ?? 'an app',
      logoUri: app?.integration?.logoUri || app?.connector.logoUri || workspace.logoUri,
      workspaceName: workspace.name,
      customerName: customer.name,
    }
  }

  /** What developers need to know of it; customers read a sentence of theirs. */
  #logFailure({ row, app, error }: Extract<ConnectStep, { kind: 'failed' }>): void {
    const about = { requestId: row.requestId, connector: app?.connector.key, key: error.key, message: error.message }
    this.#o.log.warn(about, 'an app could not be connected')
  }

  async theme(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { key = '' } = request.params as { key?: string }
    const workspace = await this.#o.directory.byKey(key)
    return reply
      .header('cache-control', 'public, max-age=3600')
      .header('x-content-type-options', 'nosniff')
      .type('text/css; charset=utf-8')
      .send(workspace === null ? '' : themeOf(lookOf(workspace)))
  }

  #send(reply: FastifyReply, page: ConnectPage, openerOrigin: string | null): FastifyReply {
    const policy = [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      'img-src https: data:',
      ...(page.hasFont ? ['font-src https:'] : []),
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

function nothingDone(speech: Speech, text: 'nothingText' | 'overText', basePath: string): ConnectPage {
  const { texts } = speech
  const about = {
    title: texts.nothingTitle,
    text: texts[text],
    message: null,
    origin: null,
    retryPath: null,
    basePath,
    speech,
  }
  return resultPage(null, about)
}

/** What the schema of the form says; anything else is a sentence for customers already. */
const isOfSchema = (problem: string) => problem.startsWith('what you filled in')

function keyOf({ app }: ConnectStep): string {
  return app?.optionKey ?? ''
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('malformed_body', 'what was sent is not valid JSON')
  }
}
