import { Gauge } from 'prom-client'
import { type Authenticate, allowing } from '../api/permission.ts'
import { Refusal } from '../api/refusal.ts'
import type { Customers } from '../customers/registry.ts'
import type { EventAnswer } from '../events/accept.ts'
import { type EventRequest, type IntakeRefusal, nameKey } from '../events/stages.ts'
import type { ReceivedRequest, WebhookResponse } from '../external-events/handle.ts'
import type { ExternalReceive } from '../external-events/receive.ts'
import { type Database, sql } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { type Ownership, shardOf } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import type { CustomerClaims, Tokens } from '../workspaces/tokens.ts'
import { createLogAccept } from './accept.ts'
import { type Applier, createApplier, type ShardLag } from './applier.ts'
import { type ApplyEventsOptions, createApplyEvents } from './apply-events.ts'
import { createApplyWebhook, sealReceived } from './apply-webhook.ts'
import { type Bus, type BusOptions, openBus } from './bus.ts'
import { type Catalogue, createCatalogue } from './catalogue.ts'
import { createCatalogueFeed } from './catalogue-feed.ts'
import { createCleaner } from './cleaner.ts'
import { createDatabaseReach, type DatabaseReach } from './database-reach.ts'
import { encodeEntries } from './log-entry.ts'
import { createPendingCustomers } from './pending-customers.ts'
import { type Unapplied, unapplied } from './unapplied.ts'

/** The intake log, connected; rooms are put onto it as they are built. */
export interface OpenedIntakeLog {
  /** What is known of who may send what, also while the database is away. */
  know(ground: { database: Database; sealing: Sealing; workspaceStore: WorkspaceStore }): Catalogue
  build(options: IntakeLogOptions): IntakeLog
  close(): Promise<void>
}

/** Intake by way of the log: what the URLs take in goes there, and from there, in order, into the database. */
export interface IntakeLog {
  accept(requests: EventRequest[]): Promise<(EventAnswer | IntakeRefusal | Promise<EventAnswer | IntakeRefusal>)[]>
  authenticate: Authenticate
  receive: Pick<ExternalReceive, 'atSubscription' | 'atGlobal'>
  addresses: Catalogue
  /** What is said of it where a process says that it is ready; throws where nothing can be taken in. */
  status(): IntakeLogStatus
  unapplied(): Promise<Unapplied>
  start(): void
  /** Resolves when everything that this process took in is applied, as far as it works the shards. */
  settled(): Promise<void>
  stop(): Promise<void>
}

export interface IntakeLogStatus {
  /** In the log of the shards that this process works, and not yet applied. */
  messages: number
  oldestSeconds: number
  isDatabaseAway: boolean
}

export interface IntakeLogOptions extends ApplyEventsOptions {
  ids: Ids
  log: Log
  metrics: Metrics
  sealing: Sealing
  ownership: Ownership
  customers: Customers
  receive: ExternalReceive
  isWorker: boolean
  tokensWith(ensureCustomer: (workspaceId: string, claims: CustomerClaims) => Promise<string>): Tokens
}

const KEPT_FOR_LATER: WebhookResponse = { status: 200, headers: {}, body: null }

/** Connects to NATS; throws where that cannot be done. */
export async function openIntakeLog(options: BusOptions): Promise<OpenedIntakeLog> {
  const bus = await openBus(options)
  let known: { catalogue: Catalogue; reach: DatabaseReach } | null = null
  return {
    know({ database, sealing, workspaceStore }) {
      const reach = createDatabaseReach(() => sql`select 1`.execute(database.db))
      const catalogue = createCatalogue({ database, bucket: bus.catalogue, reach, sealing, workspaceStore })
      known = { catalogue, reach }
      return catalogue
    },
    build(more) {
      if (known === null) throw new Error('the intake log has no catalogue yet')
      return buildIntakeLog({ ...more, ...known, bus })
    },
    async close() {
      known?.reach.stop()
      await bus.close()
    },
  }
}

type Parts = IntakeLogOptions & { bus: Bus; catalogue: Catalogue; reach: DatabaseReach }

function buildIntakeLog(given: Parts): IntakeLog {
  const { bus, written } = noting(given.bus)
  const parts = { ...given, bus }
  const { catalogue, reach, database, ownership, log, isWorker } = parts
  const pending = createPendingCustomers()
  const feed = createCatalogueFeed({ database, bucket: bus.catalogue, ownership, log })
  const cleaner = createCleaner({ bus, database, ownership, log })
  const applier = createApplier({
    ...parts,
    events: createApplyEvents(parts),
    webhooks: createApplyWebhook(parts),
  })
  const tokens = parts.tokensWith(async (workspaceId, claims) => {
    const said = await reach.ask(() => parts.customers.ensure(workspaceId, claims))
    if (said !== null) return said.answer
    const name = { workspaceId, internalId: claims.internalId }
    const found = (await catalogue.customers([name])).rows.get(nameKey(name))
    if (found?.isArchived === true) throw new Refusal('access_denied', 'the customer of this token is archived')
    const { internalId, ...told } = claims
    return found?.id ?? pending.note(workspaceId, { internalId, claims: told })
  })
  ownership.listen({
    gained: (shards) => applier.follow(shards),
    lost: (shards, how) => applier.leave(shards, how),
    noticed({ about }) {
      if (about === 'workspaces') tokens.forget()
      if (about !== 'intake-catalogue') return
      catalogue.changed()
      feed.nudge()
    },
  })
  gaugesOf(parts.metrics, applier)

  return {
    accept: createLogAccept({ ...parts, pending }),
    authenticate: allowing(tokens),
    receive: keepingFor(parts),
    addresses: catalogue,
    status() {
      const trouble = bus.trouble()
      if (trouble !== null) throw new Error(`the intake log cannot be written: ${trouble}`)
      const lags = applier.lags()
      return {
        messages: lags.reduce((sum, each) => sum + each.messages, applier.unread()),
        oldestSeconds: Math.round(Math.max(0, ...lags.map((each) => each.ageMs)) / 1000),
        isDatabaseAway: reach.isAway,
      }
    },
    unapplied: () => unapplied(parts),
    start() {
      if (!isWorker) return
      feed.start()
      cleaner.start()
    },
    settled: () => applier.applied(written),
    async stop() {
      await cleaner.stop()
      await feed.stop()
      await applier.stop()
    },
  }
}

/** Remembers how far this process wrote each shard. */
function noting(bus: Bus): { bus: Bus; written: ReadonlyMap<number, number> } {
  const written = new Map<number, number>()
  const publish: Bus['publish'] = async (message) => {
    const published = await bus.publish(message)
    if (published.kind === 'stored')
      for (const shard of message.shards) written.set(shard, Math.max(published.sequence, written.get(shard) ?? 0))
    return published
  }
  const { identity, catalogue } = bus
  return {
    written,
    bus: {
      ...{ identity, catalogue, publish },
      at: (sequence) => bus.at(sequence),
      follow: (...how) => bus.follow(...how),
      span: () => bus.span(),
      next: (after) => bus.next(after),
      lastPart: () => bus.lastPart(),
      removePartsUpTo: (sequence) => bus.removePartsUpTo(sequence),
      removeUpTo: (sequence) => bus.removeUpTo(sequence),
      trouble: () => bus.trouble(),
      close: () => bus.close(),
    },
  }
}

function gaugesOf({ registry }: Metrics, applier: Applier): void {
  const gauge = (name: string, help: string, read: (lag: ShardLag) => number) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['shard'],
        registers: [],
        collect() {
          this.reset()
          for (const lag of applier.lags()) this.set({ shard: String(lag.shard) }, read(lag))
        },
      }),
    )
  gauge(
    'permea_intake_log_messages',
    'Read from the intake log and not yet applied, of shards worked here',
    (lag) => lag.messages,
  )
  gauge('permea_intake_log_age_seconds', 'How long the oldest of them waits', (lag) => lag.ageMs / 1000)
  registry.registerMetric(
    new Gauge({
      name: 'permea_intake_log_unread_messages',
      help: 'In the intake log and not yet read by this process',
      registers: [],
      collect() {
        this.set(applier.unread())
      },
    }),
  )
}

/** Requests of external apps: handled at once where the database is there, else kept for later and answered 200. */
function keepingFor({ bus, catalogue, reach, receive, sealing }: Parts): IntakeLog['receive'] {
  async function keep(
    url: 'subscription' | 'global',
    uuid: string,
    request: ReceivedRequest,
  ): Promise<WebhookResponse> {
    const found = url === 'subscription' ? await catalogue.externals([uuid]) : await catalogue.globals([uuid])
    const owner = found.get(uuid)
    if (owner === undefined) throw new Refusal('not_found', 'there is no webhook at this address')
    const requestSealed = sealReceived(sealing, request)
    const { workspaceId } = owner
    const { id } = request
    const data = encodeEntries([{ kind: 'webhook', id, url, webhookUuid: uuid, workspaceId, requestSealed }])
    const published = await bus.publish({ id, shards: [shardOf(owner.id)], data })
    if (published.kind === 'full')
      throw new Refusal('overloaded', 'the intake log is full; nothing was stored, try again')
    if (published.kind === 'unreached') throw new Refusal('unavailable', 'the intake log cannot be written; try again')
    return KEPT_FOR_LATER
  }

  const handled = (url: 'subscription' | 'global', handle: ExternalReceive['atGlobal']) => {
    return async (uuid: string, request: ReceivedRequest) => {
      if (reach.isAway) return keep(url, uuid, request)
      try {
        return await handle(uuid, request)
      } catch (error) {
        if (!isDatabaseAway(error)) throw error
        return keep(url, uuid, request)
      }
    }
  }
  return {
    atSubscription: handled('subscription', (uuid, request) => receive.atSubscription(uuid, request)),
    atGlobal: handled('global', (uuid, request) => receive.atGlobal(uuid, request)),
  }
}
