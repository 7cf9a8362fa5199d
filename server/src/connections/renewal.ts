import type { ErrorData } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import type { ApiClient } from '../functions/function.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import { slotOf } from './apps.ts'
import type { AuthMaterial, CallAuthFunction, Made } from './auth-function.ts'
import type { Connection } from './connection.ts'
import { type Credentials, canRenew } from './credentials.ts'
import { connectionError } from './failure.ts'
import { dueOf, type Lifecycle } from './lifecycle.ts'
import type { MaterialOf } from './material.ts'
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
  /** A request was refused for its credentials and there are no others: what is true is found out, but not too often. */
  doubt(seen: Connection, error: ErrorData): Promise<void>
  /** The app said that the connection is gone for good. */
  defunct(seen: Connection, error: ErrorData): Promise<void>
  /** Does what is due. What the job does. */
  upkeep(payload: { id: string; workspaceId: string }): Promise<void>
}

export interface RenewalOptions {
  database: Database
  clock: Clock
  ids: Ids
  credentials: Credentials
  lifecycle: Lifecycle
  materialOf: MaterialOf
  callFunction: CallAuthFunction
  /** An API client with these very credentials, which are not renewed. */
  plainClient(connection: Connection, material: AuthMaterial): ApiClient
}

export function createRenewal(options: RenewalOptions): Renewal {
  const { database, clock, ids, lifecycle, materialOf } = options
  const ongoing = new Map<string, Promise<Made<Connection>>>()
  const renewedAt = new LRUCache<string, { version: number; atMs: number }>({ max: 10_000 })
  const doubtedAt = new LRUCache<string, number>({ max: 10_000 })

  const isRecent = (atMs: number | undefined) =>
    atMs !== undefined && Math.abs(clock.now().getTime() - atMs) < RECENT_MS

  /** One of a kind at a time for each connection; who comes while it is under way gets the same. */
  function sharing(slot: string, work: () => Promise<Made<Connection>>): Promise<Made<Connection>> {
    const known = ongoing.get(slot)
    if (known !== undefined) return known
    const started = work().finally(() => ongoing.delete(slot))
    ongoing.set(slot, started)
    return started
  }

  async function renewOnce(seen: Connection, isForced: boolean): Promise<Made<Connection>> {
    for (let hasWaited = false; ; hasWaited = true) {
      const current = await connectionById(database.db, seen.workspaceId, seen.id)
      if (current === null) return gone()
      if (current.credentialsVersion !== seen.credentialsVersion) return { kind: 'made', value: current }
      if (hasWaited && current.error !== null) return { kind: 'failed', error: current.error }
      if (!isForced && current.isDisconnected) return { kind: 'failed', error: current.error ?? disconnected() }
      const now = clock.now()
      const lease = { id: secretUuid(), connectionId: seen.id, versionSeen: seen.credentialsVersion, now }
      const until = new Date(now.getTime() + LEASE_MS)
      if (await takeRefreshLease(database.db, { ...lease, until })) return renewLeased(current, lease.id)
      await leaseReturned(seen.id)
    }
  }

  /** Whoever has it may be another process: its row tells when it is given back. */
  async function leaseReturned(connectionId: string): Promise<void> {
    for (let waitMs = POLL_MS; await isRefreshLeased(database.db, connectionId, clock.now()); waitMs *= 1.5)
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, POLL_MS_MAX)))
  }

  async function renewLeased(current: Connection, lease: string): Promise<Made<Connection>> {
    const beganMs = performance.now()
    try {
      const material = await materialOf(current)
      if (material.kind === 'failed')
        return await settle(current, lease, { ...material, isRefused: false }, null, beganMs)
      const made = await options.credentials.renew(material.value)
      return await settle(current, lease, made, material.value, beganMs)
    } catch (error) {
      await giveBackRefreshLease(database.db, current.id, lease)
      throw error
    }
  }

  async function settle(
    seen: Connection,
    lease: string,
    made: { kind: 'made'; value: unknown } | { kind: 'failed'; error: ErrorData; isRefused: boolean },
    material: AuthMaterial | null,
    beganMs: number,
  ): Promise<Made<Connection>> {
    return database.transaction(async (tx) => {
      const connection = await lockConnection(tx, seen.id)
      const isMine = await giveBackRefreshLease(tx, seen.id, lease)
      if (connection === null) return gone()
      // Somebody connected anew meanwhile: what was found out is about credentials that are gone.
      if (!isMine || connection.credentialsVersion !== seen.credentialsVersion)
        return { kind: 'made', value: connection }
      const subject = { connection, app: material?.app ?? null }
      const error = made.kind === 'made' ? null : made.error
      await insertConnectionLog(tx, logOf(connection, 'refresh', error, performance.now() - beganMs))
      if (made.kind === 'failed') {
        const { isRefused } = made
        await lifecycle.failed(tx, subject, made.error, { isRefused })
        return { kind: 'failed', error: made.error }
      }
      const value = await lifecycle.renewed(tx, subject, made.value)
      renewedAt.set(value.id, { version: value.credentialsVersion, atMs: clock.now().getTime() })
      return { kind: 'made', value }
    })
  }

  function logOf(connection: Connection, kind: 'refresh' | 'test', error: ErrorData | null, durationMs: number) {
    const { id: connectionId, workspaceId } = connection
    return {
      id: ids.next(),
      workspaceId,
      connectionId,
      kind,
      isSuccess: error === null,
      error,
      durationMs: Math.round(durationMs),
    }
  }

  async function testOnce(connection: Connection): Promise<Made<Connection> | null> {
    const material = await materialOf(connection)
    if (material.kind === 'failed') return material
    const definition = slotOf(material.value.app, 'test')
    if (definition === undefined) return null
    const beganMs = performance.now()
    const client = options.plainClient(connection, material.value)
    const made = await options.callFunction(material.value, 'test', definition, {}, client)
    const said = made.kind === 'failed' ? made.error : made.value === false ? refusedByTest() : null
    return database.transaction(async (tx): Promise<Made<Connection>> => {
      const current = await lockConnection(tx, connection.id)
      if (current === null) return gone()
      await insertConnectionLog(tx, logOf(current, 'test', said, performance.now() - beganMs))
      if (current.credentialsVersion !== connection.credentialsVersion) return { kind: 'made', value: current }
      const subject = { connection: current, app: material.value.app }
      if (said === null) {
        const isWell = !current.isDisconnected && current.retryAttempts === 0 && current.nextRetryAt === null
        return { kind: 'made', value: isWell ? current : await lifecycle.confirmed(tx, subject) }
      }
      if (current.archivedAt === null) await lifecycle.failed(tx, subject, said, { isRefused: isNo(said) })
      return { kind: 'failed', error: said }
    })
  }

  return {
    renew(seen, { isForced = false } = {}) {
      const last = renewedAt.get(seen.id)
      if (!isForced && last?.version === seen.credentialsVersion && isRecent(last.atMs)) {
        const message = 'the app takes the credentials no longer, although they are new'
        return Promise.resolve({ kind: 'failed', error: connectionError('access_token_expired', message) })
      }
      return sharing(`renew ${seen.id}`, () => renewOnce(seen, isForced))
    },
    test: testOnce,
    async doubt(seen, error) {
      if (isRecent(doubtedAt.get(seen.id))) return
      doubtedAt.set(seen.id, clock.now().getTime())
      await sharing(`test ${seen.id}`, async () => {
        const tested = await testOnce(seen)
        // Without a test nobody can tell a lost connection from one request that is not allowed.
        return tested ?? { kind: 'failed', error }
      })
    },
    async defunct(seen, error) {
      const material = await materialOf(seen)
      await database.transaction(async (tx) => {
        const connection = await lockConnection(tx, seen.id)
        const isAboutOthers = connection?.credentialsVersion !== seen.credentialsVersion
        if (connection === null || isAboutOthers || connection.isDefunct || connection.archivedAt !== null) return
        const app = material.kind === 'made' ? material.value.app : null
        await lifecycle.failed(tx, { connection, app }, error, { isRefused: true })
      })
    },
    async upkeep({ id, workspaceId }) {
      const connection = await connectionById(database.db, workspaceId, id)
      const dueAt = connection === null ? null : dueOf(connection)
      if (connection === null || dueAt === null || dueAt > clock.now()) return
      const material = await materialOf(connection)
      // Who is archived is not kept connected; what is asked for when they come back renews what has expired.
      if (material.kind === 'made' && material.value.customer.archivedAt !== null) return
      if (material.kind === 'made' && canRenew(material.value.app, material.value.credentials)) {
        await sharing(`renew ${id}`, () => renewOnce(connection, true))
      } else if ((await testOnce(connection)) === null) {
        await database.transaction(async (tx) => {
          const current = await lockConnection(tx, id)
          if (current !== null && current.revision === connection.revision)
            await lifecycle.changed(tx, { ...current, nextRetryAt: null, nextCredentialsRefreshAt: null })
        })
      }
    },
  }
}

function isNo({ key, data }: ErrorData): boolean {
  if (key === 'access_token_expired' || key === 'connection_is_defunct' || key === 'test_refused') return true
  const status = typeof data === 'object' && data !== null && 'status' in data ? Number(data.status) : 0
  return status === 401 || status === 403
}

function refusedByTest(): ErrorData {
  return { type: 'connection', key: 'test_refused', message: 'the test of the connection says that it does not work' }
}

function disconnected(): ErrorData {
  return connectionError('connection_disconnected', 'the connection waits to be renewed')
}

function gone(): Extract<Made<Connection>, { kind: 'failed' }> {
  return { kind: 'failed', error: connectionError('connection_failed', 'the connection is gone') }
}
