import { RateLimited, Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { brokenUniqueRule } from '../platform/database-errors.ts'
import type { Ids } from '../platform/ids.ts'
import { createPassword, hashPassword } from '../platform/password.ts'
import type { Sealing } from '../platform/sealing.ts'
import { drawSecret, hashOfSecret, type OpenInvitation, type User, type UserSession } from './person.ts'
import { afterCode } from './second-factor.ts'
import {
  countTry,
  endSession,
  endSessions,
  insertSession,
  insertUser,
  invitationByHash,
  lockUser,
  membershipsOf,
  putMembership,
  sessionByHash,
  takeInvitation,
  triesOf,
  updateUser,
  userByEmail,
  userById,
} from './store.ts'

/** Where a browser asks from, for people to know their sessions by. */
export interface Visitor {
  address: string
  browser: string
}

/** A session just opened: what goes into the cookie, and whether a second factor is still to come. */
export interface Opened {
  secret: string
  /** Whose it is (database id). */
  userId: string
  lifeSeconds: number
  isPending: boolean
}

/** How people get in, whichever way they prove who they are. */
export interface Entrance {
  byPassword(proof: { email: string; password: string }, visitor: Visitor): Promise<Opened>
  bySecondFactor(secret: string | undefined, code: string, visitor: Visitor): Promise<Opened>
  /** What a link is for; null where it is none that is good. */
  linkOf(secret: string): Promise<{ kind: OpenInvitation['kind']; email: string; hasAccount: boolean } | null>
  byLink(proof: { link: string; name: string; password: string }, visitor: Visitor): Promise<Opened>
  /** For who proved itself elsewhere. */
  open(tx: Tx, user: User, how: { isSso: boolean; workspaceId?: string }, visitor: Visitor): Promise<Opened>
  sessionOf(secret: string): Promise<UserSession | null>
  end(session: UserSession): Promise<void>
}

const SESSION_SECONDS = 7 * 86_400
const PENDING_SECONDS = 600
/** Codes that one sign-in may try, and all of one user in an hour: there are a million, of which three are good. */
const TRIES_OF_ONE = 5
const TRIES_AN_HOUR = 20
const HOUR_MS = 3_600_000
const BROWSER_CHARS_MAX = 300

/** The same words whatever was wrong, so that nobody learns who has an account. */
const wrongPassword = () => new Refusal('not_authenticated', 'the address or the password is not right')

export function createEntrance(options: {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  announceChange(): Promise<void>
}): Entrance {
  const { database, clock, ids } = options
  /** What nobody's password is: who has none takes as long to be refused as who has one. */
  const nobodys = hashPassword(drawSecret().secret)

  async function isPasswordOf(user: User | null, password: string): Promise<boolean> {
    const hash = user?.passwordHash ?? null
    const isRight = await (await createPassword(hash ?? (await nobodys))).matches(password)
    return isRight && hash !== null
  }

  async function open(
    tx: Tx,
    user: User,
    how: { isSso: boolean; isPending?: boolean; workspaceId?: string },
    visitor: Visitor,
  ): Promise<Opened> {
    const workspaceId = how.workspaceId ?? (await membershipsOf(tx, user.id))[0]?.workspaceId
    if (workspaceId === undefined) throw wrongPassword()
    const { secret, hash } = drawSecret()
    const now = clock.now()
    const isPending = how.isPending ?? false
    const lifeSeconds = isPending ? PENDING_SECONDS : SESSION_SECONDS
    const expiresAt = new Date(now.getTime() + lifeSeconds * 1000)
    const { address } = visitor
    const browser = visitor.browser.slice(0, BROWSER_CHARS_MAX)
    const times = { createdAt: now, seenAt: now, expiresAt }
    const who = { id: ids.next(), userId: user.id, workspaceId, isPending, isSso: how.isSso, tries: 0 }
    await insertSession(tx, { ...who, address, browser, ...times }, hash)
    return { secret, userId: user.id, lifeSeconds, isPending }
  }

  const sessionOf = (secret: string) => sessionByHash(database.db, hashOfSecret(secret), clock.now())

  return {
    open,
    sessionOf,
    async end(session) {
      await endSession(database.db, session.userId, session.id)
      await options.announceChange()
    },
    async byPassword({ email, password }, visitor) {
      const user = await userByEmail(database.db, email.trim().toLowerCase())
      if (!(await isPasswordOf(user, password)) || user === null) throw wrongPassword()
      return database.transaction((tx) =>
        open(tx, user, { isSso: false, isPending: user.totpSealed !== null }, visitor),
      )
    },
    async bySecondFactor(secret, code, visitor) {
      const pending = secret === undefined ? null : await sessionOf(secret)
      if (pending?.isPending !== true) throw new Refusal('not_authenticated', 'sign in with the password first')
      const since = new Date(clock.now().getTime() - HOUR_MS)
      const isTooOften =
        (await countTry(database.db, pending.id)) > TRIES_OF_ONE ||
        (await triesOf(database.db, pending.userId, since)) > TRIES_AN_HOUR
      if (isTooOften) throw new RateLimited('too many codes were tried; try again later', HOUR_MS / 1000)
      return database.transaction(async (tx) => {
        const user = await lockUser(tx, pending.userId)
        const after = user === null ? null : afterCode(user, code, { sealing: options.sealing, now: clock.now() })
        if (after === null) throw new Refusal('not_authenticated', 'the code is not right, or was used already')
        await updateUser(tx, after, clock.now())
        // What was in the browser before it had proved itself is no session after.
        await endSession(tx, after.id, pending.id)
        return open(tx, after, { isSso: false, workspaceId: pending.workspaceId }, visitor)
      })
    },
    async linkOf(link) {
      const found = await invitationByHash(database.db, hashOfSecret(link), clock.now())
      if (found === null) return null
      const user = await userByEmail(database.db, found.email)
      return { kind: found.kind, email: found.email, hasAccount: user !== null }
    },
    byLink: (proof, visitor) => enterByLink({ ...options, isPasswordOf, open }, proof, visitor),
  }
}

interface LinkParts {
  database: Database
  clock: Clock
  ids: Ids
  isPasswordOf(user: User | null, password: string): Promise<boolean>
  open(
    tx: Tx,
    user: User,
    how: { isSso: boolean; isPending?: boolean; workspaceId?: string },
    visitor: Visitor,
  ): Promise<Opened>
  announceChange(): Promise<void>
}

async function enterByLink(
  parts: LinkParts,
  { link, name, password }: { link: string; name: string; password: string },
  visitor: Visitor,
): Promise<Opened> {
  const { database, clock, isPasswordOf, open } = parts
  const found = await invitationByHash(database.db, hashOfSecret(link), clock.now())
  if (found === null) throw overLink()
  const existing = await userByEmail(database.db, found.email)
  // Who invites hands the link over, so it is no proof that an account which is there is one's own.
  if (found.kind === 'invitation' && existing !== null && !(await isPasswordOf(existing, password)))
    throw new Refusal('not_authenticated', 'there is an account with this address, and this is not its password')
  const passwordHash = await hashPassword(password)
  const opened = await database
    .transaction(async (tx) => {
      if (!(await takeInvitation(tx, found.workspaceId, found.id))) throw overLink()
      const user =
        found.kind === 'password'
          ? await withPassword(tx, parts, existing, passwordHash)
          : (existing ?? (await added(tx, parts, { email: found.email, name, passwordHash })))
      if (found.role !== null && !(await isMember(tx, user.id, found.workspaceId)))
        await putMembership(tx, {
          ...{ workspaceId: found.workspaceId, userId: user.id },
          ...{ role: found.role, now: clock.now() },
        })
      const how = { isSso: false, isPending: user.totpSealed !== null, workspaceId: found.workspaceId }
      return open(tx, user, how, visitor)
    })
    .catch((error: unknown) => {
      if (brokenUniqueRule(error) === null) throw error
      throw overLink()
    })
  await parts.announceChange()
  return opened
}

/** Every session ends: who asked for the link may have lost the password to somebody. */
async function withPassword(tx: Tx, { clock }: LinkParts, user: User | null, passwordHash: string): Promise<User> {
  const locked = user === null ? null : await lockUser(tx, user.id)
  if (locked === null) throw overLink()
  const changed = { ...locked, passwordHash }
  await updateUser(tx, changed, clock.now())
  await endSessions(tx, { userId: changed.id, workspaceId: null, except: null })
  return changed
}

async function added(
  tx: Tx,
  { clock, ids }: LinkParts,
  of: Pick<User, 'email' | 'name' | 'passwordHash'>,
): Promise<User> {
  const id = ids.next()
  const name = of.name.trim() === '' ? of.email : of.name.trim()
  await insertUser(tx, { ...of, id, name, ssoIssuer: null, ssoSubject: null, createdAt: clock.now() })
  const user = await userById(tx, id)
  if (user === null) throw new Error('a user that was just added is not there')
  return user
}

async function isMember(tx: Tx, userId: string, workspaceId: string): Promise<boolean> {
  return (await membershipsOf(tx, userId)).some((each) => each.workspaceId === workspaceId)
}

function overLink(): Refusal {
  return new Refusal('not_authenticated', 'this link was used already or is too old; each is good once')
}
