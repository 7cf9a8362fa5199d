import { account as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound, RateLimited, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { createPassword, hashPassword } from '../platform/password.ts'
import type { Sealing } from '../platform/sealing.ts'
import { createAttemptLimit } from './attempt-limit.ts'
import type { User } from './person.ts'
import { sessionAnswer, withoutSecondFactor } from './routes.ts'
import { drawRecoveryCodes, drawTotp, stepOfCode } from './second-factor.ts'
import { endSession, endSessions, lockUser, memberById, sessionsOf, updateUser } from './store.ts'

export function accountRoutes(options: {
  database: Database
  clock: Clock
  sealing: Sealing
  announceChange(): Promise<void>
}): RouteSet {
  const { database, clock, sealing } = options
  const limit = createAttemptLimit(clock)

  function own({ actor, workspaceId }: Principal): { userId: string; workspaceId: string; sessionId: string } {
    if (actor.kind !== 'user' || actor.id === null || actor.sessionId === undefined)
      throw new Refusal('access_denied', 'only a person who is signed in to the console has an account')
    return { userId: actor.id, workspaceId, sessionId: actor.sessionId }
  }

  async function answer(principal: Principal) {
    const { userId, workspaceId } = own(principal)
    const member = await memberById(database.db, workspaceId, userId)
    if (member === null) throw new Refusal('not_authenticated', 'the account is no longer one of the workspace')
    const { id, email, name, role } = member
    const hasSecondFactor = member.totpSealed !== null
    const recoveryCodesLeft = member.recoveryHashes.length
    return {
      id: toWire('usr', id),
      email,
      name,
      role,
      hasPassword: member.passwordHash !== null,
      hasSecondFactor,
      recoveryCodesLeft,
    }
  }

  /** Changes the account once its owner has proved to be at the keyboard; refuses too many tries. */
  async function proven<T>(
    principal: Principal,
    check: (user: User) => Promise<boolean>,
    change: (tx: Tx, user: User) => Promise<T>,
  ): Promise<T> {
    const { userId } = own(principal)
    const waitSeconds = limit.refusedForSeconds(userId)
    if (waitSeconds !== null) throw new RateLimited(`too many tries; try again in ${waitSeconds} s`, waitSeconds)
    const result = await database.transaction(async (tx) => {
      const user = await lockUser(tx, userId)
      if (user === null) throw new Refusal('not_authenticated', 'there is no such account')
      if (!(await check(user))) throw new Refusal('wrong_proof', 'this is not right')
      return change(tx, user)
    })
    limit.succeeded(userId)
    return result
  }

  /** Who signs in elsewhere has proved it there, with the session. */
  const isPassword = (given: string) => async (user: User) =>
    user.passwordHash === null || (await createPassword(user.passwordHash)).matches(given)

  return routeSet(table, {
    get: ({ principal }) => answer(principal),
    async patch({ principal, body }) {
      const { userId } = own(principal)
      await database.transaction(async (tx) => {
        const user = await lockUser(tx, userId)
        if (user !== null) await updateUser(tx, { ...user, name: body.name }, clock.now())
      })
      await options.announceChange()
      return answer(principal)
    },
    async changePassword({ principal, body }) {
      const { sessionId } = own(principal)
      const passwordHash = await hashPassword(body.password)
      await proven(principal, isPassword(body.current), async (tx, user) => {
        await updateUser(tx, { ...user, passwordHash }, clock.now())
        await endSessions(tx, { userId: user.id, workspaceId: null, except: sessionId })
      })
      await options.announceChange()
    },
    async sessions({ principal }) {
      const { userId, sessionId } = own(principal)
      const sessions = await sessionsOf(database.db, { userId, workspaceId: null, now: clock.now() })
      return { items: sessions.map((each) => sessionAnswer(each, sessionId)) }
    },
    async endSession({ principal, params }) {
      const { userId } = own(principal)
      const id = fromWire('ses', params.id ?? '')
      if (id === null || !(await endSession(database.db, userId, id))) throw notFound('session', params.id ?? '')
      await options.announceChange()
    },
    beginSecondFactor: ({ principal, body }) =>
      proven(principal, isPassword(body.password), async (tx, user) => {
        if (user.totpSealed !== null) throw new Refusal('already_exists', 'there is a second factor; remove it first')
        const drawn = drawTotp(user.email)
        await updateUser(tx, { ...user, totpPendingSealed: sealing.seal(drawn.secret) }, clock.now())
        return drawn
      }),
    async confirmSecondFactor({ principal, body }) {
      const { codes, hashes } = drawRecoveryCodes()
      const now = clock.now()
      const step = (user: User) =>
        user.totpPendingSealed === null
          ? null
          : stepOfCode(body.code, { secret: sealing.open(user.totpPendingSealed), lastStep: null, now })
      await proven(
        principal,
        async (user) => step(user) !== null,
        (tx, user) => {
          const { totpPendingSealed: totpSealed } = user
          const confirmed = {
            ...user,
            totpSealed,
            totpPendingSealed: null,
            totpStep: step(user),
            recoveryHashes: hashes,
          }
          return updateUser(tx, confirmed, now)
        },
      )
      return { recoveryCodes: codes }
    },
    removeSecondFactor: ({ principal, body }) =>
      proven(principal, isPassword(body.password), (tx, user) =>
        updateUser(tx, withoutSecondFactor(user), clock.now()),
      ),
  })
}
