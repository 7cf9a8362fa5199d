import {
  type ConsoleSession,
  invitations as invitationTable,
  type Person,
  people as peopleTable,
  type Role,
  type Invitation as WireInvitation,
} from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Mailer } from '../outbound/mail.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { drawSecret, type Member, type OpenInvitation, type UserSession } from './person.ts'
import {
  deleteMembership,
  endSessions,
  forgetInvitations,
  insertInvitation,
  invitationsOf,
  lockOwners,
  lockUser,
  memberById,
  membershipsOf,
  membersOf,
  putMembership,
  sessionsOf,
  takeInvitation,
  updateUser,
} from './store.ts'

export interface PeopleRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  directory: WorkspaceDirectory
  mailer: Mailer | null
  publicUrl: string
  announceChange(): Promise<void>
}

const INVITATION_MS = 7 * 86_400_000
const PASSWORD_LINK_MS = 86_400_000

export function peopleRoutes(options: PeopleRoutesOptions): RouteSet {
  const { database, clock } = options
  type Named = { principal: Principal; params: Record<string, string> }

  async function named({ principal, params }: Named, tx: Tx = database.db): Promise<Member> {
    const id = fromWire('usr', params.id ?? '')
    const member = id === null ? null : await memberById(tx, principal.workspaceId, id)
    if (member === null) throw notFound('person', params.id ?? '')
    return member
  }

  /** Before an owner is one no more. */
  async function refuseLastOwner(tx: Tx, workspaceId: string, userId: string): Promise<void> {
    const owners = await lockOwners(tx, workspaceId)
    if (owners.length === 1 && owners[0] === userId)
      throw new Refusal('last_owner', 'nobody else is an owner; make somebody one first')
  }

  /** An account is the installation's: whoever owns one workspace must not get into others by it. */
  async function refuseOfOthers(workspaceId: string, member: Member): Promise<void> {
    const all = await membershipsOf(database.db, member.id)
    if (all.some((each) => each.workspaceId !== workspaceId))
      throw new Refusal('of_other_workspaces', `${member.email} belongs to other workspaces, too`)
  }

  return routeSet(peopleTable, {
    async list({ principal }) {
      return { items: (await membersOf(database.db, principal.workspaceId)).map(personAnswer) }
    },
    async patch(call) {
      const { workspaceId } = call.principal
      const member = await database.transaction(async (tx) => {
        const { id: userId } = await named(call, tx)
        if (call.body.role !== 'owner') await refuseLastOwner(tx, workspaceId, userId)
        await putMembership(tx, { workspaceId, userId, role: call.body.role, now: clock.now() })
        return named(call, tx)
      })
      await options.announceChange()
      return personAnswer(member)
    },
    async archive(call) {
      const { workspaceId } = call.principal
      await database.transaction(async (tx) => {
        const { id: userId } = await named(call, tx)
        await refuseLastOwner(tx, workspaceId, userId)
        await deleteMembership(tx, workspaceId, userId)
        await endSessions(tx, { userId, workspaceId, except: null })
      })
      await options.announceChange()
    },
    async sessions(call) {
      const { id: userId } = await named(call)
      const { workspaceId, actor } = call.principal
      const sessions = await sessionsOf(database.db, { userId, workspaceId, now: clock.now() })
      return { items: sessions.map((each) => sessionAnswer(each, actor.sessionId)) }
    },
    async endSessions(call) {
      const { id: userId } = await named(call)
      const { workspaceId } = call.principal
      await endSessions(database.db, { userId, workspaceId, except: null })
      await options.announceChange()
    },
    async passwordLink(call) {
      const member = await named(call)
      await refuseOfOthers(call.principal.workspaceId, member)
      const { link, isMailed, expiresAt } = await makeLink(options, call.principal, {
        ...{ kind: 'password', email: member.email, role: null, lifeMs: PASSWORD_LINK_MS },
      })
      return { link, isMailed, expiresAt: expiresAt.toISOString() }
    },
    async removeSecondFactor(call) {
      const member = await named(call)
      await refuseOfOthers(call.principal.workspaceId, member)
      await database.transaction(async (tx) => {
        const user = await lockUser(tx, member.id)
        if (user !== null) await updateUser(tx, withoutSecondFactor(user), clock.now())
      })
    },
  })
}

export function withoutSecondFactor<U extends object>(user: U) {
  return { ...user, totpSealed: null, totpPendingSealed: null, totpStep: null, recoveryHashes: [] }
}

export function invitationRoutes(options: PeopleRoutesOptions): RouteSet {
  const { database, clock } = options
  return routeSet(invitationTable, {
    async list({ principal }) {
      const open = await invitationsOf(database.db, principal.workspaceId, clock.now())
      return { items: open.map(invitationAnswer) }
    },
    async create({ principal, body }) {
      const members = await membersOf(database.db, principal.workspaceId)
      if (members.some(({ email }) => email === body.email))
        throw new Refusal('already_exists', `${body.email} belongs to the workspace already`)
      const made = await makeLink(options, principal, { kind: 'invitation', ...body, lifeMs: INVITATION_MS })
      return { ...invitationAnswer(made), link: made.link, isMailed: made.isMailed }
    },
    async archive({ principal, params }) {
      const id = fromWire('inv', params.id ?? '')
      if (id === null || !(await takeInvitation(database.db, principal.workspaceId, id)))
        throw notFound('invitation', params.id ?? '')
    },
  })
}

/** A link that lets in once. What lets in stands behind the `#`, so it reaches no log and no other server. */
async function makeLink(
  options: PeopleRoutesOptions,
  principal: Principal,
  of: { kind: OpenInvitation['kind']; email: string; role: Role | null; lifeMs: number },
): Promise<OpenInvitation & { link: string; isMailed: boolean }> {
  const { database, clock, ids, mailer } = options
  const { secret, hash } = drawSecret()
  const createdAt = clock.now()
  const { workspaceId, actor } = principal
  const { kind, email, role } = of
  const invitedBy = actor.name ?? 'an administrator'
  const expiresAt = new Date(createdAt.getTime() + of.lifeMs)
  const row: OpenInvitation = { id: ids.next(), kind, workspaceId, email, role, invitedBy, createdAt, expiresAt }
  await database.transaction(async (tx) => {
    await forgetInvitations(tx, row)
    await insertInvitation(tx, row, hash)
  })
  const link = `${options.publicUrl}/console/sign-in#${kind}=${secret}`
  const { name } = await options.directory.byId(workspaceId)
  const mail =
    kind === 'invitation'
      ? { subject: `${invitedBy} invites you to ${name} on Permea`, text: 'Follow this link to join; it is good once.' }
      : { subject: 'A new password for Permea', text: 'Follow this link to set a new password; it is good once.' }
  const sent = await mailer?.send({ to: [email], subject: mail.subject, text: `${mail.text}\n\n${link}` })
  return { ...row, link, isMailed: sent?.isSent === true }
}

function invitationAnswer(row: OpenInvitation): z.input<typeof WireInvitation> {
  return {
    id: toWire('inv', row.id),
    email: row.email,
    role: row.role ?? 'reader',
    invitedBy: row.invitedBy,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  }
}

function personAnswer(member: Member): z.input<typeof Person> {
  return {
    id: toWire('usr', member.id),
    email: member.email,
    name: member.name,
    role: member.role,
    hasPassword: member.passwordHash !== null,
    hasSecondFactor: member.totpSealed !== null,
    hasSingleSignOn: member.ssoSubject !== null,
    createdAt: member.joinedAt.toISOString(),
    lastSeenAt: member.seenAt?.toISOString(),
  }
}

export function sessionAnswer(session: UserSession, ownId: string | undefined): z.input<typeof ConsoleSession> {
  return {
    id: toWire('ses', session.id),
    createdAt: session.createdAt.toISOString(),
    lastSeenAt: session.seenAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
    address: session.address,
    browser: session.browser,
    isThis: session.id === ownId,
  }
}
