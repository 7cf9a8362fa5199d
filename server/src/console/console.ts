import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { errorData, Refusal } from '../api/refusal.ts'
import { bodyOf } from '../api/request-bodies.ts'
import type { Audit } from '../audit/assembly.ts'
import type { Intake } from '../bodies/intake.ts'
import { parseJsonInTurns } from '../bodies/json.ts'
import type { People } from '../people/assembly.ts'
import { createAttemptLimit } from '../people/attempt-limit.ts'
import { basePathOf } from '../platform/base-path.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import { createPassword } from '../platform/password.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import type { Tokens } from '../workspaces/tokens.ts'
import { type ConsoleCookies, consoleCookies } from './cookies.ts'
import { mountPages } from './pages.ts'
import {
  createPeopleSessions,
  noSuchWorkspace,
  type PeopleSessions,
  shownWorkspace,
  standingOf,
} from './people-sessions.ts'
import { createSessions, SESSIONS_END_SETTING, type Session, type Sessions } from './sessions.ts'
import { createSignIn, type Proof } from './sign-in.ts'
import { createSignInRecords, type SignInMethod, type SignInRecords } from './sign-in-records.ts'

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
  workspaceStore: Pick<WorkspaceStore, 'all'>
  tokens: Tokens
  people: People
  audit: Pick<Audit, 'note'>
  log: Log
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
  const { clock, publicUrl } = parts
  const sessions = createSessions(parts)
  const signIn = createSignIn({
    ...parts,
    password: parts.adminPassword === null ? null : createPassword(parts.adminPassword),
  })
  const limit = createAttemptLimit(clock)
  const cookies = consoleCookies(publicUrl)
  const cookie = cookies.session
  let servedKey: string | null = null
  const records = createSignInRecords({ ...parts, servedKey: () => servedKey })
  const persons = createPeopleSessions({
    ...parts,
    cookies,
    records,
    basePath: basePathOf(publicUrl),
    servedKey: () => servedKey,
    refusedForSeconds: (address) => limit.refusedForSeconds(address),
  })

  async function sessionOf(request: FastifyRequest): Promise<Session> {
    const session = await sessions.read(cookie.read(request))
    if (session === null) throw new Refusal('not_authenticated', 'nobody is signed in')
    return session
  }

  async function open(request: FastifyRequest, reply: FastifyReply) {
    const waitSeconds = limit.refusedForSeconds(request.ip)
    if (waitSeconds !== null) return tooOften(reply, waitSeconds)
    const proof = (request.body ?? {}) as Record<string, unknown>
    const opened = await persons.open(request, reply, proof)
    if (opened !== null) {
      limit.succeeded(request.ip)
      return reply.status(201).send(opened)
    }
    const shown = proofOf(proof)
    const method = methodOf(shown)
    const { workspace, lifeSeconds, actor, isOperator } = await records.watched(request, method, {}, () =>
      signIn.admit(shown),
    )
    await records.holder(request, { workspaceId: workspace.id, actor, method })
    limit.succeeded(request.ip)
    cookie.set(reply, await sessions.open(workspace, lifeSeconds, isOperator), lifeSeconds)
    return reply.status(201).send({ workspace: { key: workspace.key, name: workspace.name } })
  }

  async function tokenFor(request: FastifyRequest) {
    const person = await persons.read(request)
    const { workspaceKey } = (request.body ?? {}) as { workspaceKey?: unknown }
    const wanted = typeof workspaceKey === 'string' ? workspaceKey : null
    if (person !== null) {
      if (person.isPending) throw new Refusal('not_authenticated', 'the second factor is missing')
      return persons.tokenFor(person, wanted, TOKEN_SECONDS)
    }
    return holdersToken(parts, await sessionOf(request), wanted)
  }

  const { signOutHere, signOutEverywhere } = createSignOuts(parts, { persons, records, sessions, cookie, sessionOf })

  return {
    serve(workspaceKey) {
      servedKey = workspaceKey
      signIn.serve(workspaceKey)
    },
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
        scope.get('/console/session', async (request) => {
          const person = await persons.read(request)
          return {
            isSignedIn: person === null ? (await sessions.read(cookie.read(request))) !== null : !person.isPending,
            isSecondFactorAwaited: person?.isPending === true,
            hasPassword: signIn.hasPassword,
            singleSignOn: parts.people.singleSignOn?.name ?? null,
          }
        })
        persons.mount(scope)
        scope.get('/console/settings', async () => ({ traceUrl: parts.traceUrl ?? null }))
        scope.post('/console/session', open)
        scope.post('/console/session/token', tokenFor)
        scope.post('/console/session/sign-out-everywhere', signOutEverywhere)
        scope.delete('/console/session', signOutHere)
      })
      await app.register((scope) => mountPages(scope, { dir: parts.dir, publicUrl }))
    },
  }
}

/** For who was let in without an account: in the session's own workspace, an operator in any. */
async function holdersToken(
  { workspaceStore, database, tokens, clock }: Parts,
  { workspace: own, isOperator, expiresAt }: Session,
  wanted: string | null,
): Promise<object> {
  const all = isOperator ? await workspaceStore.all(database.db) : [own]
  const open = all.filter((each) => each.archivedAt === null)
  const workspace = wanted === null ? own : open.find((each) => each.key === wanted)
  if (workspace === undefined) throw noSuchWorkspace(wanted)
  const leftSeconds = Math.ceil((expiresAt.getTime() - clock.now().getTime()) / 1000)
  const token = await tokens.signOwn(workspace, { isAdmin: true }, Math.min(TOKEN_SECONDS, leftSeconds))
  return {
    token,
    workspace: shownWorkspace(workspace),
    workspaces: open.map(({ key, name }) => ({ key, name, role: 'owner' })),
    expiresAt: expiresAt.toISOString(),
    person: null,
    ...standingOf('owner', workspace),
  }
}

/** How a session ends, of whichever kind it is. */
function createSignOuts(
  parts: Parts,
  {
    persons,
    records,
    sessions,
    cookie,
    sessionOf,
  }: {
    persons: PeopleSessions
    records: SignInRecords
    sessions: Sessions
    cookie: ConsoleCookies['session']
    sessionOf(request: FastifyRequest): Promise<Session>
  },
) {
  const { clock, directory } = parts

  async function signOutHere(request: FastifyRequest, reply: FastifyReply) {
    const person = await persons.read(request)
    const session = person === null ? await sessions.read(cookie.read(request)) : null
    if (session !== null) await records.holderLeaves(request, session.workspace.id, 'here')
    cookie.clear(reply)
    const said = person === null ? {} : await persons.signOut(person, 'here')
    if (person !== null) await records.personLeaves(request, person.userId, 'here')
    return 'signOutUrl' in said ? reply.send(said) : reply.status(204).send()
  }

  async function signOutEverywhere(request: FastifyRequest, reply: FastifyReply) {
    const person = await persons.read(request)
    if (person !== null) {
      if (person.isPending) throw new Refusal('not_authenticated', 'the second factor is missing')
      cookie.clear(reply)
      const said = await persons.signOut(person, 'everywhere')
      await records.personLeaves(request, person.userId, 'everywhere')
      return 'signOutUrl' in said ? reply.send(said) : reply.status(204).send()
    }
    const { workspace } = await sessionOf(request)
    const endedAt = clock.now().toISOString()
    await parts.database.transaction((tx) =>
      directory.change(tx, workspace.id, (current) => ({
        ...current,
        settings: { ...current.settings, [SESSIONS_END_SETTING]: endedAt },
      })),
    )
    await parts.announceChange()
    await records.holderLeaves(request, workspace.id, 'everywhere')
    cookie.clear(reply)
    return reply.status(204).send()
  }

  return { signOutHere, signOutEverywhere }
}

/**
 * Other sites, other ports of this host included, may not ask for or in the name of a session. The cookie is not sent
 * along from other sites anyway, but other ports count as the same site.
 *
 * @source Fetch Metadata Request Headers; RFC 6454
 */
function refuseOtherSites(request: FastifyRequest, publicUrl: string): void {
  // The provider of single sign-on sends browsers back from its own site; what they bring is bound to this browser.
  if (request.method === 'GET' && /^\/console\/session\/sso(?:\/callback)?(?:\?|$)/.test(request.url)) return
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

function tooOften(reply: FastifyReply, waitSeconds: number) {
  return reply
    .status(429)
    .header('retry-after', String(waitSeconds))
    .send(errorData('rate_limit_exceeded', `too many attempts to sign in; try again in ${waitSeconds} s`))
}

function methodOf({ code, token }: Proof): SignInMethod {
  if (token !== undefined) return 'token'
  return code === undefined ? 'admin-password' : 'one-time-code'
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
