import type { Role } from '@permea/contract'
import { sql, type Tx } from '../platform/database.ts'
import type { Member, OpenInvitation, User, UserSession } from './person.ts'

const userColumns = sql.raw(`u.id, u.email, u.name, u.password_hash as "passwordHash", u.sso_issuer as "ssoIssuer",
  u.sso_subject as "ssoSubject", u.totp_sealed as "totpSealed", u.totp_pending_sealed as "totpPendingSealed",
  u.totp_step as "totpStep", u.recovery_hashes as "recoveryHashes", u.created_at as "createdAt"`)

export async function userByEmail(tx: Tx, email: string): Promise<User | null> {
  const { rows } = await sql<User>`select ${userColumns} from users u where u.email = ${email}`.execute(tx)
  return rows[0] ?? null
}

export async function userById(tx: Tx, id: string): Promise<User | null> {
  const { rows } = await sql<User>`select ${userColumns} from users u where u.id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** The user, locked for a change until the transaction ends. */
export async function lockUser(tx: Tx, id: string): Promise<User | null> {
  const { rows } = await sql<User>`select ${userColumns} from users u where u.id = ${id} for no key update`.execute(tx)
  return rows[0] ?? null
}

export async function userBySubject(tx: Tx, issuer: string, subject: string): Promise<User | null> {
  const { rows } = await sql<User>`
    select ${userColumns} from users u where u.sso_issuer = ${issuer} and u.sso_subject = ${subject}`.execute(tx)
  return rows[0] ?? null
}

export async function insertUser(
  tx: Tx,
  user: Pick<User, 'id' | 'email' | 'name' | 'passwordHash' | 'ssoIssuer' | 'ssoSubject' | 'createdAt'>,
): Promise<void> {
  await sql`
    insert into users (id, email, name, password_hash, sso_issuer, sso_subject, created_at, updated_at)
    values (${user.id}, ${user.email}, ${user.name}, ${user.passwordHash}, ${user.ssoIssuer}, ${user.ssoSubject},
      ${user.createdAt}, ${user.createdAt})`.execute(tx)
}

export async function updateUser(tx: Tx, user: User, now: Date): Promise<void> {
  await sql`
    update users set name = ${user.name}, password_hash = ${user.passwordHash}, sso_issuer = ${user.ssoIssuer},
      sso_subject = ${user.ssoSubject}, totp_sealed = ${user.totpSealed}, totp_pending_sealed = ${user.totpPendingSealed},
      totp_step = ${user.totpStep}, recovery_hashes = ${user.recoveryHashes}::text[], updated_at = ${now}
     where id = ${user.id}`.execute(tx)
}

const memberColumns = sql`${userColumns}, m.role, m.created_at as "joinedAt",
  (select max(s.seen_at) from user_sessions s where s.user_id = u.id and s.workspace_id = m.workspace_id) as "seenAt"`

export async function membersOf(tx: Tx, workspaceId: string): Promise<Member[]> {
  const { rows } = await sql<Member>`
    select ${memberColumns} from memberships m join users u on u.id = m.user_id
     where m.workspace_id = ${workspaceId} order by u.email limit 10000`.execute(tx)
  return rows
}

export async function memberById(tx: Tx, workspaceId: string, userId: string): Promise<Member | null> {
  const { rows } = await sql<Member>`
    select ${memberColumns} from memberships m join users u on u.id = m.user_id
     where m.workspace_id = ${workspaceId} and u.id = ${userId}`.execute(tx)
  return rows[0] ?? null
}

/** The workspaces that a user belongs to, the one joined first before the others. */
export async function membershipsOf(tx: Tx, userId: string): Promise<{ workspaceId: string; role: Role }[]> {
  const { rows } = await sql<{ workspaceId: string; role: Role }>`
    select workspace_id as "workspaceId", role from memberships where user_id = ${userId}
     order by created_at, workspace_id`.execute(tx)
  return rows
}

/** Locks who the owners are, so that two who remove each other do not both succeed. */
export async function lockOwners(tx: Tx, workspaceId: string): Promise<string[]> {
  const { rows } = await sql<{ userId: string }>`
    select user_id as "userId" from memberships where workspace_id = ${workspaceId} and role = 'owner'
     order by user_id for update`.execute(tx)
  return rows.map(({ userId }) => userId)
}

export async function putMembership(
  tx: Tx,
  of: { workspaceId: string; userId: string; role: Role; now: Date },
): Promise<void> {
  await sql`
    insert into memberships (workspace_id, user_id, role, created_at)
    values (${of.workspaceId}, ${of.userId}, ${of.role}, ${of.now})
    on conflict (workspace_id, user_id) do update set role = excluded.role`.execute(tx)
}

export async function deleteMembership(tx: Tx, workspaceId: string, userId: string): Promise<void> {
  await sql`delete from memberships where workspace_id = ${workspaceId} and user_id = ${userId}`.execute(tx)
}

const sessionColumns =
  sql.raw(`s.id, s.user_id as "userId", s.workspace_id as "workspaceId", s.is_pending as "isPending",
  s.is_sso as "isSso", s.tries, s.address, s.browser, s.created_at as "createdAt", s.seen_at as "seenAt",
  s.expires_at as "expiresAt"`)

export async function insertSession(tx: Tx, session: UserSession, hash: Buffer): Promise<void> {
  const s = session
  await sql`
    insert into user_sessions (id, user_id, workspace_id, hash, is_pending, is_sso, address, browser, created_at, seen_at,
      expires_at)
    values (${s.id}, ${s.userId}, ${s.workspaceId}, ${hash}, ${s.isPending}, ${s.isSso}, ${s.address}, ${s.browser},
      ${s.createdAt}, ${s.seenAt}, ${s.expiresAt})`.execute(tx)
}

export async function sessionByHash(tx: Tx, hash: Buffer, now: Date): Promise<UserSession | null> {
  const { rows } = await sql<UserSession>`
    select ${sessionColumns} from user_sessions s where s.hash = ${hash} and s.expires_at > ${now}`.execute(tx)
  return rows[0] ?? null
}

/** Counts a try of a second factor before it is looked at, so that many at once are not looked at for free. */
export async function countTry(tx: Tx, id: string): Promise<number> {
  const { rows } = await sql<{ tries: number }>`
    update user_sessions set tries = tries + 1 where id = ${id} returning tries`.execute(tx)
  return rows[0]?.tries ?? Number.POSITIVE_INFINITY
}

export async function noteSeen(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`update user_sessions set seen_at = ${now} where id = ${id}`.execute(tx)
}

/** Who a session is of and as what; null where it is over, not complete, or its user no longer one of the workspace. */
export async function holderOfSession(
  tx: Tx,
  of: { sessionId: string; workspaceId: string; now: Date },
): Promise<{ userId: string; email: string; name: string; role: Role } | null> {
  const { rows } = await sql<{ userId: string; email: string; name: string; role: Role }>`
    select u.id as "userId", u.email, u.name, m.role
      from user_sessions s join users u on u.id = s.user_id
      join memberships m on m.user_id = u.id and m.workspace_id = ${of.workspaceId}
     where s.id = ${of.sessionId} and not s.is_pending and s.expires_at > ${of.now}`.execute(tx)
  return rows[0] ?? null
}

export async function sessionsOf(
  tx: Tx,
  of: { userId: string; workspaceId: string | null; now: Date },
): Promise<UserSession[]> {
  const { rows } = await sql<UserSession>`
    select ${sessionColumns} from user_sessions s
     where s.user_id = ${of.userId} and (${of.workspaceId}::uuid is null or s.workspace_id = ${of.workspaceId})
       and not s.is_pending and s.expires_at > ${of.now}
     order by s.id desc limit 1000`.execute(tx)
  return rows
}

export async function endSession(tx: Tx, userId: string, id: string): Promise<boolean> {
  const { rows } = await sql`delete from user_sessions where id = ${id} and user_id = ${userId} returning id`.execute(
    tx,
  )
  return rows.length > 0
}

/** @param of without `workspaceId` in every workspace; `except` stays */
export async function endSessions(
  tx: Tx,
  of: { userId: string; workspaceId: string | null; except: string | null },
): Promise<void> {
  await sql`
    delete from user_sessions where user_id = ${of.userId}
       and (${of.workspaceId}::uuid is null or workspace_id = ${of.workspaceId})
       and (${of.except}::uuid is null or id <> ${of.except})`.execute(tx)
}

const invitationColumns = sql.raw(`id, kind, workspace_id as "workspaceId", email, role, invited_by as "invitedBy",
  created_at as "createdAt", expires_at as "expiresAt"`)

export async function insertInvitation(tx: Tx, i: OpenInvitation, hash: Buffer): Promise<void> {
  await sql`
    insert into invitations (id, kind, workspace_id, email, role, hash, invited_by, created_at, expires_at)
    values (${i.id}, ${i.kind}, ${i.workspaceId}, ${i.email}, ${i.role}, ${hash}, ${i.invitedBy}, ${i.createdAt},
      ${i.expiresAt})`.execute(tx)
}

export async function invitationsOf(tx: Tx, workspaceId: string, now: Date): Promise<OpenInvitation[]> {
  const { rows } = await sql<OpenInvitation>`
    select ${invitationColumns} from invitations
     where workspace_id = ${workspaceId} and kind = 'invitation' and expires_at > ${now}
     order by id desc limit 1000`.execute(tx)
  return rows
}

export async function invitationsFor(tx: Tx, email: string, now: Date): Promise<OpenInvitation[]> {
  const { rows } = await sql<OpenInvitation>`
    select ${invitationColumns} from invitations
     where email = ${email} and kind = 'invitation' and expires_at > ${now} order by id`.execute(tx)
  return rows
}

export async function invitationByHash(tx: Tx, hash: Buffer, now: Date): Promise<OpenInvitation | null> {
  const { rows } = await sql<OpenInvitation>`
    select ${invitationColumns} from invitations where hash = ${hash} and expires_at > ${now}`.execute(tx)
  return rows[0] ?? null
}

/** Takes it for good; false where somebody else did before. */
export async function takeInvitation(tx: Tx, workspaceId: string, id: string): Promise<boolean> {
  const { rows } = await sql`
    delete from invitations where id = ${id} and workspace_id = ${workspaceId} returning id`.execute(tx)
  return rows.length > 0
}

/** Links for the same address and purpose: the newest is good. */
export async function forgetInvitations(
  tx: Tx,
  of: Pick<OpenInvitation, 'kind' | 'workspaceId' | 'email'>,
): Promise<void> {
  await sql`
    delete from invitations where kind = ${of.kind} and workspace_id = ${of.workspaceId} and email = ${of.email}`.execute(
    tx,
  )
}

/** What is over: sessions and links, every hour. */
export async function forgetOldSessions(tx: Tx, now: Date): Promise<void> {
  const anHourAgo = new Date(now.getTime() - 3_600_000)
  await sql`delete from user_sessions where expires_at < ${anHourAgo}`.execute(tx)
  await sql`delete from invitations where expires_at < ${now}`.execute(tx)
}

/** How often a second factor was tried in vain lately, in sessions that got no further. */
export async function triesOf(tx: Tx, userId: string, since: Date): Promise<number> {
  const { rows } = await sql<{ tries: number }>`
    select coalesce(sum(tries), 0)::integer as tries from user_sessions
     where user_id = ${userId} and is_pending and created_at > ${since}`.execute(tx)
  return rows[0]?.tries ?? 0
}
