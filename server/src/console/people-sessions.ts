import { ROLE_PERMISSIONS, type Role } from '@permea/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Refusal } from '../api/refusal.ts'
import type { People } from '../people/assembly.ts'
import { createAttemptLimit } from '../people/attempt-limit.ts'
import type { Opened, Visitor } from '../people/entrance.ts'
import type { UserSession } from '../people/person.ts'
import { SignOnProblem } from '../people/single-sign-on.ts'
import { endSessions, holderOfSession, membershipsOf, noteSeen } from '../people/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { SESSION_CLAIM, type Tokens } from '../workspaces/tokens.ts'
import type { Workspace } from '../workspaces/workspace.ts'
import type { ConsoleCookies } from './cookies.ts'
import type { SignInMethod, SignInRecords } from './sign-in-records.ts'

/** How a person's session stands in the cookie; others are tokens, which have dots. */
const PERSONS = 'u-'

export interface PeopleSessions {
  /** The session of a person, complete or not; null where the cookie is of none. */
  read(request: FastifyRequest): Promise<UserSession | null>
  /** Takes what a person proves itself by; null where the body is none of these. */
  open(request: FastifyRequest, reply: FastifyReply, body: Record<string, unknown>): Promise<object | null>
  /** A token for the API, and what the page has to know of who it is for. */
  tokenFor(session: UserSession, workspaceKey: string | null, tokenSeconds: number): Promise<object>
  signOut(session: UserSession, where: 'here' | 'everywhere'): Promise<{ signOutUrl?: string }>
  mount(scope: FastifyInstance): void
}

interface Parts {
  people: People
  database: Database
  directory: WorkspaceDirectory
  tokens: Tokens
  clock: Clock
  log: Log
  cookies: ConsoleCookies
  records: SignInRecords
  basePath: string
  announceChange(): Promise<void>
  /** The workspace that single sign-on lets into. */
  servedKey(): string | null
  /** Seconds to wait where an address tried too often; else null. */
  refusedForSeconds(address: string): number | null
}

export function createPeopleSessions(parts: Parts): PeopleSessions {
  const { database, clock, cookies, records } = parts
  const { entrance, singleSignOn } = parts.people

  function secretOf(request: FastifyRequest): string | undefined {
    const cookie = cookies.session.read(request)
    return cookie?.startsWith(PERSONS) === true ? cookie.slice(PERSONS.length) : undefined
  }

  /** Recorded before the browser has it: what cannot be recorded lets nobody in. */
  async function keep(
    request: FastifyRequest,
    reply: FastifyReply,
    { opened, method }: { opened: Opened; method: SignInMethod },
  ): Promise<object> {
    await records.person(request, opened.userId, method, opened.isPending)
    cookies.session.set(reply, `${PERSONS}${opened.secret}`, opened.lifeSeconds)
    return { isSecondFactorAwaited: opened.isPending }
  }

  async function byLink(body: Record<string, unknown>, visitor: Visitor): Promise<Opened> {
    const { link, name, password } = body
    if (typeof link !== 'string' || typeof password !== 'string') throw new Refusal('invalid_input', 'no link is given')
    if (password.length < 12 || password.length > 1000)
      throw new Refusal('invalid_input', 'password: it has at least 12 characters, and 1,000 at most', {
        problems: [{ field: 'password', message: 'at least 12 characters, and 1,000 at most' }],
      })
    return entrance.byLink({ link, name: typeof name === 'string' ? name.slice(0, 200) : '', password }, visitor)
  }

  return {
    async read(request) {
      const secret = secretOf(request)
      return secret === undefined ? null : entrance.sessionOf(secret)
    },
    async open(request, reply, body) {
      const { email, password, secondFactor, link } = body
      const visitor = visitorOf(request)
      if (typeof link === 'string') {
        const found = await entrance.linkOf(link)
        const method = found === null ? 'link' : found.kind === 'password' ? 'password-link' : found.kind
        const claimed = found === null ? {} : { email: found.email }
        const opened = await records.watched(request, method, claimed, () => byLink(body, visitor))
        return keep(request, reply, { opened, method })
      }
      if (typeof secondFactor === 'string') {
        const secret = secretOf(request)
        const pending = secret === undefined ? null : await entrance.sessionOf(secret)
        const claimed = pending === null ? {} : { userId: pending.userId }
        const opened = await records.watched(request, 'second-factor', claimed, () =>
          entrance.bySecondFactor(secret, secondFactor, visitor),
        )
        return keep(request, reply, { opened, method: 'second-factor' })
      }
      if (typeof email !== 'string' || typeof password !== 'string') return null
      const opened = await records.watched(request, 'password', { email }, () =>
        entrance.byPassword({ email, password }, visitor),
      )
      return keep(request, reply, { opened, method: 'password' })
    },
    async tokenFor(session, workspaceKey, tokenSeconds) {
      const own = await workspacesOf(parts, session.userId)
      const named = own.find(({ workspace }) => workspace.key === workspaceKey)
      // One that the person is no member of answers as one that is not there: nothing else is shown in its place.
      if (workspaceKey !== null && named === undefined) throw noSuchWorkspace(workspaceKey)
      const here = named ?? own.find(({ workspace }) => workspace.id === session.workspaceId) ?? own[0]
      const now = clock.now()
      const holder =
        here === undefined
          ? null
          : await holderOfSession(database.db, { sessionId: session.id, workspaceId: here.workspace.id, now })
      if (here === undefined || holder === null) throw new Refusal('not_authenticated', 'nobody is signed in')
      await noteSeen(database.db, session.id, now)
      const leftSeconds = Math.ceil((session.expiresAt.getTime() - now.getTime()) / 1000)
      const { workspace } = here
      const token = await parts.tokens.signOwn(
        workspace,
        { isAdmin: true, [SESSION_CLAIM]: session.id },
        Math.max(1, Math.min(tokenSeconds, leftSeconds)),
      )
      return {
        token,
        workspace: shownWorkspace(workspace),
        workspaces: own.map((each) => ({ key: each.workspace.key, name: each.workspace.name, role: each.role })),
        expiresAt: session.expiresAt.toISOString(),
        person: { name: holder.name, email: holder.email },
        ...standingOf(holder.role, workspace),
      }
    },
    async signOut(session, where) {
      if (where === 'everywhere') {
        await endSessions(database.db, { userId: session.userId, workspaceId: null, except: null })
        await parts.announceChange()
      } else await entrance.end(session)
      const signOutUrl = session.isSso ? await singleSignOn?.signOutUrl() : null
      return typeof signOutUrl === 'string' ? { signOutUrl } : {}
    },
    mount: (scope) => mountEntrances(scope, parts, keep),
  }
}

/** Where somebody may go on, and as what. */
async function workspacesOf(
  { database, directory }: Parts,
  userId: string,
): Promise<{ workspace: Workspace; role: Role }[]> {
  const memberships = await membershipsOf(database.db, userId)
  const all = await Promise.all(
    memberships.map(async ({ workspaceId, role }) => ({ workspace: await directory.byId(workspaceId), role })),
  )
  return all.filter(({ workspace }) => workspace.archivedAt === null)
}

/** What is for people who are not in yet: links, and single sign-on. */
function mountEntrances(
  scope: FastifyInstance,
  parts: Parts,
  keep: (request: FastifyRequest, reply: FastifyReply, of: { opened: Opened; method: SignInMethod }) => Promise<object>,
): void {
  const { directory, cookies } = parts
  const { entrance, singleSignOn } = parts.people
  const written = createAttemptLimit(parts.clock)
  scope.post('/console/session/link', async (request) => {
    const wait = parts.refusedForSeconds(request.ip)
    const { link } = (request.body ?? {}) as { link?: unknown }
    const found = wait === null && typeof link === 'string' ? await entrance.linkOf(link) : null
    if (found === null)
      throw new Refusal('not_authenticated', 'this link was used already or is too old; each is good once')
    return found
  })
  if (singleSignOn === null) return
  const back = (reply: FastifyReply, problem: unknown) => {
    if (!(problem instanceof SignOnProblem)) throw problem
    parts.log.warn({ reason: problem.reason, message: problem.message }, 'single sign-on did not let somebody in')
    return reply.redirect(`${parts.basePath}/console/sign-in?problem=${problem.reason}`, 303)
  }
  scope.get('/console/session/sso', async (request, reply) => {
    if (parts.refusedForSeconds(request.ip) !== null)
      return reply.redirect(`${parts.basePath}/console/sign-in?problem=too-often`, 303)
    try {
      const { url, kept } = await singleSignOn.begin()
      cookies.signOn.set(reply, kept, 600)
      return reply.redirect(url, 303)
    } catch (problem) {
      return back(reply, problem)
    }
  })
  scope.get('/console/session/sso/callback', async (request, reply) => {
    const at = request.url.indexOf('?')
    const kept = cookies.signOn.read(request)
    cookies.signOn.clear(reply)
    const key = parts.servedKey()
    const workspace = key === null ? null : await directory.byKey(key)
    try {
      if (workspace === null) throw new SignOnProblem('unavailable', 'there is no workspace to sign in to yet')
      const search = at === -1 ? '' : request.url.slice(at)
      const opened = await singleSignOn.finish(kept, search, workspace.id, visitorOf(request))
      await keep(request, reply, { opened, method: 'single-sign-on' })
    } catch (problem) {
      // Anybody can make a browser come back with nothing, so that is no try; and no more are written than one address may try.
      const isTry = problem instanceof SignOnProblem && !['over', 'unavailable'].includes(problem.reason)
      if (isTry && written.refusedForSeconds(request.ip) === null)
        await parts.records.refused(request, 'single-sign-on', {}, problem.reason)
      return back(reply, problem)
    }
    return reply.redirect(`${parts.basePath}/console/`, 303)
  })
}

/** What the page shows and hides by. */
export function standingOf(role: Role, { isMain }: Workspace): { role: Role; permissions: readonly string[] } {
  return { role, permissions: ROLE_PERMISSIONS[role].filter((each) => isMain || each !== 'installation') }
}

export function shownWorkspace({ key, name, type, isExample, isMain }: Workspace) {
  return { key, name, type, isExample, isMain }
}

export function noSuchWorkspace(key: string | null): Refusal {
  return notFound('workspace', key ?? '')
}

function visitorOf(request: FastifyRequest): Visitor {
  return { address: request.ip, browser: String(request.headers['user-agent'] ?? '') }
}
