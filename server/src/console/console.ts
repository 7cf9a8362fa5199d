import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorData, Refusal } from '../api/refusal.ts'
import { bodyOf } from '../api/request-bodies.ts'
import type { Intake } from '../bodies/intake.ts'
import { parseJsonInTurns } from '../bodies/json.ts'
import { basePathOf } from '../platform/base-path.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { createPassword } from '../platform/password.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Tokens } from '../workspaces/tokens.ts'
import { createAttemptLimit } from './attempt-limit.ts'
import { mountPages } from './pages.ts'
import { createSessions, SESSIONS_END_SETTING, type Session } from './sessions.ts'
import { createSignIn, type Proof } from './sign-in.ts'

export interface ConsoleOptions {
  /** Where the built console is. */
  dir: string
  /** As it is, or as a PHC string; null where nobody signs in by password. */
  adminPassword: string | null
  /** Where a trace is shown, with `{traceId}` in it; absent for nowhere. */
  traceUrl?: string | null
}

export interface Console {
  mount(app: FastifyInstance): Promise<void>
  /** The workspace that links and the password open. */
  serve(workspaceKey: string): void
  /** An address that signs in once, within an hour. The code stands behind the `#`, so it reaches no log. */
  oneTimeLink(): string
}

interface Parts extends ConsoleOptions {
  publicUrl: string
  /** Keys that sign session cookies; the first signs. */
  keys: readonly Uint8Array[]
  database: Database
  directory: WorkspaceDirectory
  tokens: Tokens
  clock: Clock
  announceChange(): Promise<void>
  /** The budget that bodies of all requests are read within. */
  intake: Intake
}

/** How long the page may use the API before it asks again whether the session still is. */
const TOKEN_SECONDS = 600
const PROOF_BYTES_MAX = 16_384

/**
 * The web console: its files, and the one thing that is not of the public API, its sessions. A session is a cookie
 * that only `/console/session` reads; there the page is given a short-lived admin token for the API.
 *
 * @source decision 0014
 */
export function createConsole(parts: Parts): Console {
  const { clock, directory, publicUrl } = parts
  const sessions = createSessions(parts)
  const signIn = createSignIn({
    ...parts,
    password: parts.adminPassword === null ? null : createPassword(parts.adminPassword),
  })
  const limit = createAttemptLimit(clock)
  const cookie = cookieOf(publicUrl)

  async function sessionOf(request: FastifyRequest): Promise<Session> {
    const session = await sessions.read(cookie.read(request))
    if (session === null) throw new Refusal('not_authenticated', 'nobody is signed in')
    return session
  }

  async function open(request: FastifyRequest, reply: FastifyReply) {
    const waitSeconds = limit.refusedForSeconds(request.ip)
    if (waitSeconds !== null)
      return reply
        .status(429)
        .header('retry-after', String(waitSeconds))
        .send(errorData('rate_limit_exceeded', `too many attempts to sign in; try again in ${waitSeconds} s`))
    const { workspace, lifeSeconds } = await signIn.admit(proofOf(request.body))
    limit.succeeded(request.ip)
    cookie.set(reply, await sessions.open(workspace, lifeSeconds), lifeSeconds)
    return reply.status(201).send({ workspace: { key: workspace.key, name: workspace.name } })
  }

  async function tokenFor(request: FastifyRequest) {
    const { workspace, expiresAt } = await sessionOf(request)
    const leftSeconds = Math.ceil((expiresAt.getTime() - clock.now().getTime()) / 1000)
    const token = await parts.tokens.signOwn(workspace, { isAdmin: true }, Math.min(TOKEN_SECONDS, leftSeconds))
    return {
      token,
      workspace: { key: workspace.key, name: workspace.name, type: workspace.type, isExample: workspace.isExample },
      expiresAt: expiresAt.toISOString(),
    }
  }

  async function signOutEverywhere(request: FastifyRequest, reply: FastifyReply) {
    const { workspace } = await sessionOf(request)
    const endedAt = clock.now().toISOString()
    await parts.database.transaction((tx) =>
      directory.change(tx, workspace.id, (current) => ({
        ...current,
        settings: { ...current.settings, [SESSIONS_END_SETTING]: endedAt },
      })),
    )
    await parts.announceChange()
    cookie.clear(reply)
    return reply.status(204).send()
  }

  return {
    serve: (workspaceKey) => signIn.serve(workspaceKey),
    oneTimeLink: () => `${publicUrl}/console/sign-in#${signIn.oneTimeCode()}`,
    async mount(app) {
      await app.register(async (scope) => {
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
          const text = (await bodyOf(request, payload, parts.intake, PROOF_BYTES_MAX)).toString('utf8')
          return text === '' ? undefined : parseJsonInTurns(text)
        })
        scope.addHook('onRequest', async (request, reply) => {
          reply.header('cache-control', 'no-store')
          refuseOtherSites(request, publicUrl)
        })
        scope.get('/console/session', async (request) => ({
          isSignedIn: (await sessions.read(cookie.read(request))) !== null,
          hasPassword: signIn.hasPassword,
        }))
        scope.get('/console/settings', async () => ({ traceUrl: parts.traceUrl ?? null }))
        scope.post('/console/session', open)
        scope.post('/console/session/token', tokenFor)
        scope.post('/console/session/sign-out-everywhere', signOutEverywhere)
        scope.delete('/console/session', (_request, reply) => {
          cookie.clear(reply)
          return reply.status(204).send()
        })
      })
      await app.register((scope) => mountPages(scope, { dir: parts.dir, publicUrl }))
    },
  }
}

/**
 * Other sites, other ports of this host included, may not ask for or in the name of a session. The cookie is not sent
 * along from other sites anyway, but other ports count as the same site.
 *
 * @source Fetch Metadata Request Headers; RFC 6454
 */
function refuseOtherSites(request: FastifyRequest, publicUrl: string): void {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && !(site === 'none' && request.method === 'GET'))
    throw new Refusal('access_denied', 'sessions are for the console itself')
  const { origin } = request.headers
  if (origin === undefined) return
  const isOwn = origin === new URL(publicUrl).origin || hostOf(origin) === request.headers.host
  if (!isOwn) throw new Refusal('access_denied', 'sessions are for the console itself')
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

function proofOf(body: unknown): Proof {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const named = (['code', 'password', 'token'] as const).filter((name) => typeof given[name] === 'string')
  const [name] = named
  if (name === undefined || named.length !== 1)
    throw new Refusal('invalid_input', 'one of code, password and token is needed', {
      problems: [{ field: 'body', message: 'one of code, password and token is needed' }],
    })
  return { [name]: given[name] }
}

/** The session cookie. Cookies do not tell ports apart, so engines on one host are told apart by the name. */
function cookieOf(publicUrl: string) {
  const { protocol, port } = new URL(publicUrl)
  const isSecure = protocol === 'https:'
  const name = `${isSecure ? '__Secure-' : ''}permea-console${port === '' ? '' : `-${port}`}`
  const attributes = `Path=${basePathOf(publicUrl)}/console/session; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  return {
    read(request: FastifyRequest): string | undefined {
      const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
      return pairs.find(([each]) => each === name)?.[1]
    },
    set(reply: FastifyReply, value: string, lifeSeconds: number) {
      reply.header('set-cookie', `${name}=${value}; ${attributes}; Max-Age=${lifeSeconds}`)
    },
    clear(reply: FastifyReply) {
      reply.header('set-cookie', `${name}=; ${attributes}; Max-Age=0`)
    },
  }
}
