import type { ErrorData } from '@permea/contract'
import type { ApiClient } from '../functions/function.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import { functionInSlot } from './apps.ts'
import type { AuthContextOf } from './auth-context.ts'
import type { AuthContext, CallAuthFunction, Made } from './auth-function.ts'
import type { Connection } from './connection.ts'
import { type Credentials, canRenew, type Renewed } from './credentials.ts'
import { connectionError } from './failure.ts'
import { dueOf, type Lifecycle } from './lifecycle.ts'
import {
  connectionById,
  giveBackRefreshLease,
  insertConnectionLog,
  isRefreshLeased,
  lockConnection,
  takeRefreshLease,
} from './store.ts'

/** Longer than any renewal may take, so that a lease lapses only where its holder died. */
const LEASE_MS = 120_000
const POLL_MS = 50
const POLL_MS_MAX = 500
/** Credentials that were renewed, or asked about, this recently are not again because one more request says so. */
const RECENT_MS = 30_000
/** As long as runs have to end. */
const LET_GO_MS = 3_000
/** As long as what was cut off then may take to give its lease back. */
const GIVE_BACK_MS = 2_000

/** Keeps credentials good: renews them, and asks the app about them. */
export interface Renewal {
  /**
   * The connection with newer credentials than those of `seen`. However many ask at once, in this process and others,
   * the app is asked for new ones once. Unless it is `isForced`, a connection that waits for its next try is not tried
   * before.
   */
  renew(seen: Connection, how?: { isForced?: boolean }): Promise<Made<Connection>>
  /** Asks the app whether it takes the credentials, and keeps what it says. Null where the connector cannot ask. */
  test(connection: Connection): Promise<Made<Connection> | null>
  /**
   * A request was refused for its credentials and there are no others: runs the connector's test, at most once per 30 s,
   * to see whether access is really lost.
   */
  doubt(seen: Connection, error: ErrorData): Promise<void>
  /** The app said that the connection is gone for good. */
  defunct(seen: Connection, error: ErrorData): Promise<void>
  /** Does what is due. What the job does. */
  upkeep(payload: { id: string; workspaceId: string }): Promise<void>
  /** The process stops: an app that is asked for new credentials has 3 s more to answer. */
  letGo(): void
  /** Once nothing is under way that another process would have to wait for; after `letGo`, in bounded time. */
  settled(): Promise<void>
}

export interface RenewalOptions {
  database: Database
  clock: Clock
  ids: Ids
  credentials: Credentials
  lifecycle: Lifecycle
  authContextOf: AuthContextOf
  callFunction: CallAuthFunction
  /** An API client with these very credentials, which are not renewed. */
  plainClient(connection: Connection, authContext: AuthContext): ApiClient
}

export function createRenewal(options: RenewalOptions): Renewal {
  return new CredentialKeeper(options)
}

class CredentialKeeper implements Renewal {
  readonly #o: RenewalOptions
  readonly #ongoing = new Map<string, Promise<Made<Connection>>>()
  /** What is behind those, which goes on where nobody waits for it any more. */
  readonly #working = new Set<Promise<unknown>>()
  readonly #renewedAt = boundedCache<{ version: number; atMs: number }>(10_000)
  readonly #doubtedAt = boundedCache<number>(10_000)
  /** Aborted where the process can wait no longer. */
  readonly #leaving = new AbortController()
  readonly #left = Promise.withResolvers<Made<Connection>>()

  constructor(options: RenewalOptions) {
    this.#o = options
  }

  renew(seen: Connection, { isForced = false }: { isForced?: boolean } = {}): Promise<Made<Connection>> {
    const last = this.#renewedAt.get(seen.id)
    if (!isForced && last?.version === seen.credentialsVersion && this.#isRecent(last.atMs)) {
      const message = 'the app takes the credentials no longer, although they are new'
      return Promise.resolve({ kind: 'failed', error: connectionError('access_token_expired', message) })
    }
    return this.#sharing(`renew ${seen.id}`, () => this.#renewOnce(seen, isForced))
  }

  async test(connection: Connection): Promise<Made<Connection> | null> {
    const authContext = await this.#o.authContextOf(connection)
    if (authContext.kind === 'failed') return authContext
    const { app } = authContext.value
    const definition = functionInSlot(app, 'test')
    if (definition === undefined) return null
    const beganMs = performance.now()
    const client = this.#o.plainClient(connection, authContext.value)
    const made = await this.#o.callFunction(authContext.value, 'test', definition, {}, { apiClient: client })
    const said = made.kind === 'failed' ? made.error : made.value === false ? refusedByTest() : null
    return this.#o.database.transaction(async (tx): Promise<Made<Connection>> => {
      const current = await lockConnection(tx, connection.id)
      if (current === null) return gone()
      await insertConnectionLog(tx, this.#logOf(current, 'test', said, beganMs))
      if (current.credentialsVersion !== connection.credentialsVersion) return { kind: 'made', value: current }
      if (said === null) {
        const isWell = !current.isDisconnected && current.retryAttempts === 0 && current.nextRetryAt === null
        const value = isWell ? current : await this.#o.lifecycle.confirmed(tx, { connection: current, app })
        return { kind: 'made', value }
      }
      const isRefused = isNo(said)
      if (current.archivedAt === null)
        await this.#o.lifecycle.failed(tx, { connection: current, app }, said, { isRefused })
      return { kind: 'failed', error: said }
    })
  }

  async doubt(seen: Connection, error: ErrorData): Promise<void> {
    if (this.#isRecent(this.#doubtedAt.get(seen.id))) return
    this.#doubtedAt.set(seen.id, this.#o.clock.now().getTime())
    await this.#sharing(`test ${seen.id}`, async () => {
      const tested = await this.test(seen)
      // Without a test nobody can tell a lost connection from one request that is not allowed.
      return tested ?? { kind: 'failed', error }
    })
  }

  async defunct(seen: Connection, error: ErrorData): Promise<void> {
    const authContext = await this.#o.authContextOf(seen)
    await this.#o.database.transaction(async (tx) => {
      const connection = await lockConnection(tx, seen.id)
      const isAboutOthers = connection?.credentialsVersion !== seen.credentialsVersion
      if (connection === null || isAboutOthers || connection.isDefunct || connection.archivedAt !== null) return
      const app = authContext.kind === 'made' ? authContext.value.app : null
      await this.#o.lifecycle.failed(tx, { connection, app }, error, { isRefused: true })
    })
  }

  letGo(): void {
    setTimeout(() => {
      this.#left.resolve({ kind: 'failed', error: connectionError('connection_failed', LEFT) })
      this.#leaving.abort()
    }, LET_GO_MS).unref()
  }

  async settled(): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, LET_GO_MS + GIVE_BACK_MS).unref())
    await Promise.race([Promise.allSettled(this.#working), late])
  }

  async upkeep({ id, workspaceId }: { id: string; workspaceId: string }): Promise<void> {
    const { database, clock, lifecycle } = this.#o
    const connection = await connectionById(database.db, workspaceId, id)
    const dueAt = connection === null ? null : dueOf(connection)
    if (connection === null || dueAt === null || dueAt > clock.now()) return
    const authContext = await this.#o.authContextOf(connection)
    // Who is archived is not kept connected; what is asked for when they come back renews what has expired.
    if (authContext.kind === 'made' && authContext.value.customer.archivedAt !== null) return
    if (authContext.kind === 'made' && canRenew(authContext.value.app, authContext.value.credentials)) {
      const made = await this.#sharing(`renew ${id}`, () => this.#renewOnce(connection, true))
      // The job stays, for a process that goes on.
      if (made.kind === 'failed' && this.#leaving.signal.aborted) throw new Error(made.error.message)
    } else if ((await this.test(connection)) === null) {
      // There is no way to find out: the next request will.
      await database.transaction(async (tx) => {
        const current = await lockConnection(tx, id)
        if (current === null || current.revision !== connection.revision) return
        await lifecycle.changed(tx, { ...current, nextRetryAt: null, nextCredentialsRefreshAt: null })
      })
    }
  }

  #isRecent(atMs: number | undefined): boolean {
    return atMs !== undefined && Math.abs(this.#o.clock.now().getTime() - atMs) < RECENT_MS
  }

  /** One of a kind at a time for each connection; who comes while it is under way gets the same. */
  #sharing(slot: string, work: () => Promise<Made<Connection>>): Promise<Made<Connection>> {
    const known = this.#ongoing.get(slot)
    if (known !== undefined) return known
    const working = work().finally(() => {
      this.#ongoing.delete(slot)
      this.#working.delete(working)
    })
    this.#working.add(working)
    const started = Promise.race([working, this.#left.promise])
    this.#ongoing.set(slot, started)
    return started
  }

  async #renewOnce(seen: Connection, isForced: boolean): Promise<Made<Connection>> {
    const { db } = this.#o.database
    const deadlineMs = performance.now() + LEASE_MS
    for (let hasWaited = false; ; hasWaited = true) {
      const current = await connectionById(db, seen.workspaceId, seen.id)
      if (current === null) return gone()
      if (current.credentialsVersion !== seen.credentialsVersion) return asItIs(current)
      if (hasWaited && current.error !== null) return { kind: 'failed', error: current.error }
      if (!isForced && current.isDisconnected) return { kind: 'failed', error: current.error ?? disconnected() }
      const now = this.#o.clock.now()
      const lease = { id: secretUuid(), connectionId: seen.id, versionSeen: seen.credentialsVersion, now }
      const until = new Date(now.getTime() + LEASE_MS)
      if (await takeRefreshLease(db, { ...lease, until })) return this.#renewLeased(current, lease.id)
      // Whatever keeps the lease from being had, somebody waits for an answer.
      if (performance.now() > deadlineMs) return { kind: 'failed', error: connectionError('connection_failed', BUSY) }
      await this.#leaseReturned(seen.id)
    }
  }

  /** Whoever has it may be another process: its row tells when it is given back. */
  async #leaseReturned(connectionId: string): Promise<void> {
    const { database, clock } = this.#o
    let waitMs = POLL_MS
    do {
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      waitMs = Math.min(waitMs * 1.5, POLL_MS_MAX)
    } while (await isRefreshLeased(database.db, connectionId, clock.now()))
  }

  async #renewLeased(current: Connection, lease: string): Promise<Made<Connection>> {
    const beganMs = performance.now()
    try {
      const authContext = await this.#o.authContextOf(current)
      if (authContext.kind === 'failed')
        return await this.#settle(current, lease, { ...authContext, isRefused: false }, null, beganMs)
      const made = await this.#o.credentials.renew(authContext.value, this.#leaving.signal)
      // The app said nothing: whoever takes over asks it at once, without waiting for a next try.
      if (made.kind === 'failed' && this.#leaving.signal.aborted) {
        await giveBackRefreshLease(this.#o.database.db, current.id, lease)
        return { kind: 'failed', error: connectionError('connection_failed', LEFT) }
      }
      return await insisting(() => this.#settle(current, lease, made, authContext.value, beganMs))
    } catch (error) {
      await giveBackRefreshLease(this.#o.database.db, current.id, lease)
      throw error
    }
  }

  async #settle(
    seen: Connection,
    lease: string,
    made: Renewed,
    authContext: AuthContext | null,
    beganMs: number,
  ): Promise<Made<Connection>> {
    return this.#o.database.transaction(async (tx) => {
      const connection = await lockConnection(tx, seen.id)
      const isMine = await giveBackRefreshLease(tx, seen.id, lease)
      if (connection === null) return gone()
      // Somebody connected anew meanwhile: what was found out is about credentials that are gone.
      if (!isMine || connection.credentialsVersion !== seen.credentialsVersion) return asItIs(connection)
      const subject = { connection, app: authContext?.app ?? null }
      const error = made.kind === 'made' ? null : made.error
      await insertConnectionLog(tx, this.#logOf(connection, 'refresh', error, beganMs))
      if (made.kind === 'failed') {
        const { isRefused } = made
        // Nobody needs to be told of one that is gone already.
        if (connection.archivedAt === null) await this.#o.lifecycle.failed(tx, subject, made.error, { isRefused })
        return { kind: 'failed', error: made.error }
      }
      const value = await this.#o.lifecycle.renewed(tx, subject, made.value)
      this.#renewedAt.set(value.id, { version: value.credentialsVersion, atMs: this.#o.clock.now().getTime() })
      return { kind: 'made', value }
    })
  }

  #logOf(connection: Connection, kind: 'refresh' | 'test', error: ErrorData | null, beganMs: number) {
    const { id: connectionId, workspaceId } = connection
    const durationMs = Math.round(performance.now() - beganMs)
    return { id: this.#o.ids.next(), workspaceId, connectionId, kind, isSuccess: error === null, error, durationMs }
  }
}

/**
 * Tries again while the database is away, for as long as the lease lasts: new credentials that are not kept are lost,
 * and the app may take the old ones no longer.
 */
async function insisting<T>(write: () => Promise<T>): Promise<T> {
  for (const startedMs = performance.now(); ; ) {
    try {
      return await write()
    } catch (error) {
      if (!isDatabaseAway(error) || performance.now() - startedMs > LEASE_MS / 2) throw error
      await new Promise((resolve) => setTimeout(resolve, POLL_MS_MAX))
    }
  }
}

const LEFT = 'this process stops; the credentials are renewed by another one'
const BUSY = 'the credentials are being renewed elsewhere, and that does not end'

function isNo({ key, data }: ErrorData): boolean {
  if (key === 'access_token_expired' || key === 'connection_is_defunct' || key === 'test_refused') return true
  const status = typeof data === 'object' && data !== null && 'status' in data ? Number(data.status) : 0
  return status === 401 || status === 403
}

function refusedByTest(): ErrorData {
  return { type: 'connection', key: 'test_refused', message: 'the test of the connection says that it does not work' }
}

/** What somebody made of a connection while others saw to its credentials: connected anew, or given up. */
function asItIs(connection: Connection): Made<Connection> {
  if (connection.credentialsSealed !== null) return { kind: 'made', value: connection }
  return { kind: 'failed', error: connection.error ?? disconnected() }
}

function disconnected(): ErrorData {
  return connectionError('connection_disconnected', 'the connection waits to be renewed')
}

function gone(): Extract<Made<Connection>, { kind: 'failed' }> {
  return { kind: 'failed', error: connectionError('connection_failed', 'the connection is gone') }
}
