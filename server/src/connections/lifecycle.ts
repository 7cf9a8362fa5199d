import type { ErrorData } from '@permea/contract'
import type { Alerts } from '../alerts/alerts.ts'
import { connectionDisconnected, disconnectedKey } from '../alerts/conditions.ts'
import { customersByIds } from '../customers/store.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { ConnectionEvent } from '../notifications/payloads.ts'
import type { Clock } from '../platform/clock.ts'
import type { Tx } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import { secretUuid, toWire } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { ConnectedApp } from './apps.ts'
import type { ConnectionFacts } from './connection.ts'
import { type Connection, sealValue } from './connection.ts'
import { canRenew, expiryOf } from './credentials.ts'
import { connectionError } from './failure.ts'
import { updateConnection } from './store.ts'

/** The job that looks after one connection when something about it is due. */
export const UPKEEP_TASK = 'connection-upkeep'

/** Failures in a row, of the kind that may pass by itself, after which access counts as lost. */
const PATIENCE = 3
const RETRY_MS = 60_000
const RETRY_MS_MAX = 24 * 3_600_000
/** About two weeks of trying once a day after the first day. */
const RETRIES_MAX = 24

/** Least time between two renewals that nobody asked for. */
const REFRESH_FLOOR_MS = 30_000

/** Credentials are renewed this long before they expire, or a tenth of their life where that is less. */
const EARLY_MS = 5 * 60_000

/** A connection whose row is locked, and what it is a connection to; null where that is gone. */
export interface Subject {
  connection: Connection
  app: ConnectedApp | null
}

/** What becomes of a connection. Every change tells who has to know in the same transaction. */
export interface Lifecycle {
  created(tx: Tx, subject: Subject): Promise<void>
  /** New credentials are good until shown otherwise: a connection that was lost is there again. */
  renewed(tx: Tx, subject: Subject, credentials: unknown): Promise<Connection>
  /** The app was asked and takes the credentials. */
  confirmed(tx: Tx, subject: Subject): Promise<Connection>
  /** Renewing or testing failed: tried again with growing waits, and lost where it will not pass by itself. */
  failed(tx: Tx, subject: Subject, error: ErrorData, how: { isRefused: boolean }): Promise<Connection>
  /** Somebody gave up access by hand: the credentials are forgotten, the connection stays. */
  disconnected(tx: Tx, subject: Subject): Promise<Connection>
  archived(tx: Tx, subject: Subject): Promise<Connection>
  restored(tx: Tx, subject: Subject): Promise<Connection>
  /** Writes any other change. */
  changed(tx: Tx, connection: Connection): Promise<Connection>
}

export interface LifecycleOptions {
  clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  queue: Queue
  sealing: Sealing
  alerts: Alerts
  notifications: Notifications
  facts: Facts<ConnectionFacts>
}

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { clock, facts } = options

  const { write, schedule } = createWriter(options)

  async function tell(tx: Tx, event: ConnectionEvent, { connection, app }: Subject): Promise<void> {
    const { workspaceId, customerId } = connection
    const customer = (await customersByIds(tx, [customerId])).get(customerId)
    // Without an integration the connector itself is what the customer connected.
    const integrationId =
      connection.integrationId === null
        ? toWire('cnr', connection.connectorId)
        : toWire('int', connection.integrationId)
    const told = {
      id: toWire('con', connection.id),
      integrationId,
      integrationKey: app?.integration?.key ?? app?.connector.key ?? '',
      name: connection.name,
      disconnected: connection.isDisconnected,
      customerId: customer?.internalId ?? toWire('cus', customerId),
    }
    await options.notifications.connection(tx, event, { workspaceId, customerId, data: { connection: told } })
  }

  async function wellAgain(tx: Tx, { connection, app }: Subject): Promise<Connection> {
    const changed = await write(tx, { ...connection, ...WELL })
    // Of one that was archived meanwhile, its end was the last that is told.
    if (!connection.isDisconnected || connection.archivedAt !== null) return changed
    await options.alerts.resolve(tx, changed.workspaceId, disconnectedKey(changed.id))
    await tell(tx, 'connection.reconnected', { connection: changed, app })
    await facts.record(tx, 'connection.reconnected', changed)
    return changed
  }

  return {
    async created(tx, subject) {
      const { connection } = subject
      await schedule(tx, connection)
      await tell(tx, 'connection.created', subject)
      await facts.record(tx, 'connection.created', connection)
    },
    renewed(tx, { connection, app }, credentials) {
      const expiry = timesOf(credentials, app !== null && canRenew(app, credentials), clock.now(), options.random())
      const credentialsSealed = sealValue(credentials, options.sealing)
      const credentialsVersion = connection.credentialsVersion + 1
      return wellAgain(tx, { connection: { ...connection, ...expiry, credentialsSealed, credentialsVersion }, app })
    },
    confirmed: wellAgain,
    async failed(tx, { connection, app }, error, { isRefused }) {
      const isDefunct = connection.isDefunct || error.key === 'connection_is_defunct'
      const retryAttempts = connection.retryAttempts + 1
      const isLost = connection.isDisconnected || isDefunct || isRefused || retryAttempts >= PATIENCE
      const isRetried = !isDefunct && retryAttempts <= RETRIES_MAX
      const waitMs = retryWaitMs(retryAttempts, options.random())
      const changed = await write(tx, {
        ...connection,
        isDefunct,
        error,
        retryAttempts,
        isDisconnected: isLost,
        nextRetryAt: isRetried ? new Date(clock.now().getTime() + waitMs) : null,
        nextCredentialsRefreshAt: null,
      })
      if (!isLost) return changed
      await options.alerts.raise(tx, connectionDisconnected(changed, error.message))
      if (connection.isDisconnected) return changed
      await tell(tx, 'connection.disconnected', { connection: changed, app })
      await facts.record(tx, 'connection.disconnected', changed)
      return changed
    },
    async disconnected(tx, { connection, app }) {
      const credentialsVersion = connection.credentialsVersion + 1
      const changed = await write(tx, { ...connection, ...GIVEN_UP, credentialsVersion })
      if (connection.isDisconnected) return changed
      await tell(tx, 'connection.disconnected', { connection: changed, app })
      await facts.record(tx, 'connection.disconnected', changed)
      return changed
    },
    async archived(tx, { connection, app }) {
      const changed = await write(tx, {
        ...connection,
        archivedAt: clock.now(),
        nextRetryAt: null,
        nextCredentialsRefreshAt: null,
      })
      await options.alerts.resolve(tx, changed.workspaceId, disconnectedKey(changed.id))
      await tell(tx, 'connection.deleted', { connection: changed, app })
      await facts.record(tx, 'connection.archived', changed)
      return changed
    },
    async restored(tx, { connection }) {
      // Whether the app still takes the credentials is not known: it is asked at once.
      const changed = await write(tx, { ...connection, archivedAt: null, retryAttempts: 0, nextRetryAt: clock.now() })
      await facts.record(tx, 'connection.restored', changed)
      return changed
    },
    changed: write,
  }
}

/** Writes a changed connection, and sees to it that it is looked after when something about it is due. */
function createWriter({ clock, queue }: Pick<LifecycleOptions, 'clock' | 'queue'>) {
  async function schedule(tx: Tx, connection: Connection): Promise<void> {
    const dueAt = dueOf(connection)
    if (dueAt === null) return
    const { id, workspaceId } = connection
    await queue.add(tx, { task: UPKEEP_TASK, payload: { id, workspaceId }, runAt: dueAt, key: `connection:${id}` })
  }
  async function write(tx: Tx, connection: Connection): Promise<Connection> {
    const changed = { ...connection, revision: secretUuid(), updatedAt: clock.now() }
    await updateConnection(tx, changed)
    await schedule(tx, changed)
    return changed
  }
  return { write, schedule }
}

const GIVEN_UP = {
  credentialsSealed: null,
  inputSealed: null,
  credentialsExpireAt: null,
  nextCredentialsRefreshAt: null,
  nextRetryAt: null,
  retryAttempts: 0,
  isDisconnected: true,
  error: connectionError('connection_disconnected', 'disconnected by hand: connect it again'),
}

const WELL = { isDisconnected: false, isDefunct: false, error: null, retryAttempts: 0, nextRetryAt: null } as const

function retryWaitMs(attempts: number, random: number): number {
  return Math.min(RETRY_MS * 2 ** (attempts - 1), RETRY_MS_MAX) * (0.8 + 0.4 * random)
}

/** When something about the connection is due next; null for never. */
export function dueOf({ archivedAt, nextRetryAt, nextCredentialsRefreshAt }: Connection): Date | null {
  if (archivedAt !== null) return null
  const [first] = [nextRetryAt, nextCredentialsRefreshAt]
    .filter((at) => at !== null)
    .sort((one, other) => one.getTime() - other.getTime())
  return first ?? null
}

/**
 * When credentials expire and when they are renewed: before that, and not all at the same moment where many were made
 * together.
 */
export function timesOf(
  credentials: unknown,
  isRenewable: boolean,
  now: Date,
  random: number,
): Pick<Connection, 'credentialsExpireAt' | 'nextCredentialsRefreshAt'> {
  const credentialsExpireAt = expiryOf(credentials)
  if (credentialsExpireAt === null || !isRenewable) return { credentialsExpireAt, nextCredentialsRefreshAt: null }
  const lifeMs = Math.max(0, credentialsExpireAt.getTime() - now.getTime())
  const earlyMs = Math.min(EARLY_MS, lifeMs / 10) * (1 + random)
  // Whatever an app says of the life of its tokens, it is not asked for new ones all the time.
  const dueMs = Math.max(credentialsExpireAt.getTime() - earlyMs, now.getTime() + REFRESH_FLOOR_MS)
  return { credentialsExpireAt, nextCredentialsRefreshAt: new Date(dueMs) }
}
