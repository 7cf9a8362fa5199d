import { createAlerts } from './alerts/alerts.ts'
import { createChannels } from './alerts/channels.ts'
import { allowing } from './api/permission.ts'
import { createRequestTraces } from './api/request-traces.ts'
import { keyHolders } from './api-keys/api-keys.ts'
import { type AuditRoomOptions, createAuditRoom } from './audit/assembly.ts'
import { createIntake } from './bodies/intake.ts'
import { createDeliveries } from './deliveries/deliveries.ts'
import { createHealth } from './deliveries/health.ts'
import { createReplays } from './deliveries/replays.ts'
import type { EngineFacts } from './engine-facts.ts'
import type { EngineOptions } from './engine-options.ts'
import { createFunctions } from './functions/functions.ts'
import type { OpenedIntakeLog } from './intake-log/assembly.ts'
import { createLive } from './live/live.ts'
import { createEndpoints } from './notifications/endpoints.ts'
import { createNotifications } from './notifications/notifications.ts'
import { createOutbound, type Outbound } from './outbound/client.ts'
import { createMailer } from './outbound/mail.ts'
import { traced } from './outbound/traced.ts'
import { sessionHolders } from './people/assembly.ts'
import { createDatabase, type Database, type Tx } from './platform/database.ts'
import { createFacts } from './platform/facts.ts'
import { createIds } from './platform/ids.ts'
import { addReadCounters, addReadGauge, addReadGauges, createMetrics, type Metrics } from './platform/metrics.ts'
import { createOwnership, type Ownership, SHARDS } from './platform/ownership.ts'
import { createQueue, type Queue } from './platform/queue.ts'
import { createSealing, derivedKey } from './platform/sealing.ts'
import { createRefusedRequestsRoom } from './refused-requests/assembly.ts'
import type { Sandbox } from './sandbox/call.ts'
import { createSandbox } from './sandbox/sandbox.ts'
import { createWorkspaceDirectory, type WorkspaceDirectory } from './workspaces/directory.ts'
import { createQuotas } from './workspaces/quotas.ts'
import { createRates } from './workspaces/rates.ts'
import { createWorkspaceStore } from './workspaces/store.ts'
import { createTokens, type TokensOptions } from './workspaces/tokens.ts'
import { createYourApp } from './workspaces/your-app.ts'

const LANE_SWEEP_MS = 5000
const CONNECTIONS_MAX = 16
const AUDIT_RETENTION_DAYS = 365

export type Ground = ReturnType<typeof createGround>
export type Telling = ReturnType<typeof createTelling>

/** What every room stands on. */
export function createGround(
  options: EngineOptions,
  ensureCustomer: TokensOptions['ensureCustomer'],
  openedLog: OpenedIntakeLog | null,
) {
  const { clock, log, random } = options
  const sealing = createSealing(options.sealingKeys)
  const database = createDatabase({
    url: options.databaseUrl,
    connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
    replica: options.databaseReplica ?? null,
    log,
    sealing,
  })
  const ids = createIds(clock)
  const facts = createFacts<EngineFacts>()
  const metrics = createMetrics()
  const isWorker = options.roles.has('worker')
  const tick = options.tickMs
  const queue = createQueue({ database, clock, log, ...(tick === undefined ? {} : { pollMs: tick }) })
  const ownership = createOwnership({
    database,
    log,
    random,
    isWorker,
    onSession: (session) => queue.holdLock(session),
    ...(tick === undefined ? {} : { tickMs: tick }),
  })
  const { tracing = null } = options
  const outbound = createWayOut(options)

  addGauges(metrics, { database, ownership, queue })
  const sandbox = createSandbox({ log, clock, random, onLost: (reason) => metrics.sandboxKills.inc({ reason }) })
  addSandboxGauge(metrics, sandbox)
  const functions = createFunctions({ sandbox, outbound, database, ids, log, clock, tracing })

  const workspaceStore = createWorkspaceStore(sealing)
  const catalogue = openedLog?.know({ database, sealing, workspaceStore })
  const directory = createWorkspaceDirectory({ database, store: catalogue?.workspaceStore ?? workspaceStore, clock })
  const tokensWith = (ensure: TokensOptions['ensureCustomer']) =>
    createTokens({
      directory,
      clock,
      ownKeys: options.sealingKeys.map((key) => derivedKey(key, 'tokens of the engine')),
      ensureCustomer: ensure,
      keyHolder: keyHolders({ database, clock }),
      sessionHolder: sessionHolders({ database, clock }),
      fetchJson: keySetsBy(outbound),
    })
  const tokens = tokensWith(ensureCustomer)
  const forgetTokens = async () => {
    directory.forget()
    tokens.forget()
    await ownership.notify({ about: 'workspaces' })
  }
  ownership.listen({
    noticed(notice) {
      if (notice.about !== 'workspaces') return
      directory.forget()
      tokens.forget()
    },
  })
  const authenticate = allowing(tokens)
  const live = createLive({ ownership, clock, authenticate })
  const yourApp = createYourApp({ directory, tokens, clock })
  const bounds = createBounds(options, { database, directory, metrics })
  const refusedRequests = createRefusedRequestsRoom({ database, ids, metrics, log, directory, workspaceStore })

  return {
    tracing,
    traces: createRequestTraces(tracing),
    ...bounds,
    refusedRequests,
    database,
    ids,
    metrics,
    sealing,
    isWorker,
    queue,
    ownership,
    outbound,
    sandbox,
    functions,
    workspaceStore,
    directory,
    tokens,
    tokensWith,
    openedLog,
    forgetTokens,
    authenticate,
    live,
    facts,
    yourApp,
  }
}

function createWayOut({ egressAllow, egressCertificates, lookup, tracing = null }: EngineOptions): Outbound {
  const own = { allow: egressAllow, certificates: egressCertificates }
  const outbound = createOutbound({ ...own, ...(lookup === undefined ? {} : { lookup }) })
  return tracing === null ? outbound : traced(outbound, tracing)
}

function keySetsBy(outbound: Outbound): TokensOptions['fetchJson'] {
  return async (url) => {
    const outcome = await outbound.send({ url, method: 'GET', responseBytesMax: 1024 * 1024 })
    if (outcome.kind !== 'answered' || outcome.status !== 200) throw new Error('its key set could not be fetched')
    return JSON.parse(outcome.body.toString('utf8'))
  }
}

function addSandboxGauge(metrics: Metrics, sandbox: Sandbox): void {
  addReadGauge(metrics, {
    name: 'permea_function_request_bytes',
    help: 'Memory that requests of functions hold, and answers that functions have not taken',
    read: () => sandbox.status().requestBytes.held,
  })
}

function addGauges(metrics: Metrics, of: { database: Database; ownership: Ownership; queue: Queue }): void {
  addDatabaseGauges(metrics, of.database)
  addReplicaGauges(metrics, of.database)
  addOwnershipGauges(metrics, of.ownership, of.queue)
}

/** Connections to the database by what they do: who asks for one waits where none is free. */
function addDatabaseGauges(metrics: Metrics, { pool, hot }: Database): void {
  const read = async () =>
    Object.entries({ usual: pool, hot }).flatMap(
      ([
        name,
        {
          totalCount,
          idleCount,
          waitingCount,
          options: { max },
        },
      ]) =>
        Object.entries({ open: totalCount, idle: idleCount, waiting: waitingCount, most: max }).map(
          ([state, value]) => ({
            labels: { pool: name, state },
            value,
          }),
        ),
    )
  const help = 'Connections of a pool that are open, idle, and at most; and who waits for one'
  addReadGauges(metrics.registry, { name: 'permea_database_connections', help, labelNames: ['pool', 'state'], read })
}

/** How far a read replica is behind, and who answers what it is there for. */
function addReplicaGauges(metrics: Metrics, { replica }: Database): void {
  if (replica === null) return
  addReadGauges(metrics.registry, {
    name: 'permea_read_replica_lag_seconds',
    help: 'How old the rows of the read replica may be; absent while it cannot be used',
    labelNames: ['server'],
    read: async () =>
      [replica.lagSeconds()].flatMap((value) => (value === null ? [] : [{ labels: { server: 'replica' }, value }])),
  })
  addReadCounters(metrics.registry, {
    name: 'permea_list_statements_total',
    help: 'Statements for lists, figures and searches, by the server that answered',
    labelNames: ['server'],
    read: () => Object.entries(replica.answered).map(([server, value]) => ({ labels: { server }, value })),
  })
}

function addOwnershipGauges(metrics: Metrics, ownership: Ownership, queue: Queue): void {
  addReadGauge(metrics, {
    name: 'permea_shards_owned',
    help: 'Shards that this process works, of 64',
    read: () => Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => ownership.owns(shard)).length,
  })
  metrics.depths.set('jobs', async () => (await queue.backlog()).waiting)
  addReadGauges(metrics.registry, {
    name: 'permea_job_lag_seconds',
    help: 'How long the oldest background job that may begin has waited, of all processes',
    labelNames: [],
    read: async () => [{ labels: {}, value: (await queue.backlog()).lagSeconds }],
  })
}

/** What bounds that which comes in. */
function createBounds(
  options: EngineOptions,
  ground: { database: Database; directory: WorkspaceDirectory; metrics: Metrics },
) {
  const { database, directory, metrics } = ground
  const { clock, retentionDays } = options
  const intake = createIntake(options.intakeLimits)
  addReadGauge(metrics, {
    name: 'permea_request_body_bytes',
    help: 'Bytes of request bodies that are in hand: being read, or not yet answered',
    read: () => intake.heldBytes,
  })
  const quotas = createQuotas({ database, clock, directory, retentionDays })
  return { rates: createRates({ directory }), quotas, intake }
}

/** What tells people: alerts, notifications, deliveries, the audit log, which asks every endpoint. */
export function createTelling(
  options: EngineOptions,
  ground: Ground,
  audited: Pick<AuditRoomOptions, 'routes' | 'customerOf' | 'erasedCustomers'>,
) {
  const { clock, log, publicUrl, random } = options
  const { database, ids, metrics, sealing, queue, ownership, outbound, directory, live, facts } = ground
  const mailer = options.mail === undefined || options.mail === null ? null : createMailer(options.mail)
  const notifications = createNotifications({ ids, deliveries: () => deliveries, tracing: ground.tracing })
  const workspaceUrlOf = async (tx: Tx, workspaceId: string) =>
    `${publicUrl}/console${await directory.consolePath(tx, workspaceId)}`
  const channels = createChannels({
    database,
    clock,
    queue,
    log,
    outbound,
    sealing,
    mailer,
    workspaceUrlOf,
  })
  const alerts = createAlerts({
    database,
    clock,
    ids,
    notifications,
    channels,
    workspaceUrlOf,
    live,
  })
  const health = createHealth({ database, clock, facts })
  const sweepMs = options.tickMs ?? LANE_SWEEP_MS
  const deliveries = createDeliveries({
    database,
    ownership,
    clock,
    ids,
    random,
    log,
    metrics,
    outbound,
    sealing,
    health,
    live,
    tracing: ground.tracing,
    sweepMs,
    ...(options.attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs: options.attemptTimeoutMs }),
  })
  const replays = createReplays({ database, clock, ids, queue, deliveries })
  const endpoints = createEndpoints({
    database,
    clock,
    ids,
    sealing,
    deliveries,
    health,
    async webhookChanged(tx, workspaceId, to) {
      await directory.change(tx, workspaceId, (current) => ({ ...current, ...to }))
    },
  })

  const auditRoom = createAuditRoom({
    database,
    clock,
    ids,
    log,
    notifications,
    live,
    keys: options.sealingKeys.map((key) => derivedKey(key, 'audit log')),
    retentionDays: options.auditRetentionDays ?? AUDIT_RETENTION_DAYS,
    authenticate: ground.authenticate,
    ...audited,
  })

  return { mailer, notifications, alerts, sweepMs, deliveries, replays, endpoints, auditRoom, audit: auditRoom.api }
}
