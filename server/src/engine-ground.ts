import { createAlerts } from './alerts/alerts.ts'
import { endpointFailing, endpointPaused, failingKeys, pausedKey } from './alerts/conditions.ts'
import { createDeliveries } from './deliveries/deliveries.ts'
import { createHealth } from './deliveries/health.ts'
import { createReplays } from './deliveries/replays.ts'
import type { EngineOptions } from './engine-options.ts'
import { createFunctions } from './functions/functions.ts'
import { type Change, createLive } from './live/live.ts'
import { createEndpoints } from './notifications/endpoints.ts'
import { createNotifications } from './notifications/notifications.ts'
import { createOutbound } from './outbound/client.ts'
import { createDatabase } from './platform/database.ts'
import { createIds, toWire } from './platform/ids.ts'
import { addReadGauge, createMetrics } from './platform/metrics.ts'
import { createOwnership } from './platform/ownership.ts'
import { createQueue } from './platform/queue.ts'
import { createSealing, derivedKey } from './platform/sealing.ts'
import { createSandbox } from './sandbox/sandbox.ts'
import { createWorkspaceDirectory } from './workspaces/directory.ts'
import { createWorkspaceStore } from './workspaces/store.ts'
import { createTokens, type TokensOptions } from './workspaces/tokens.ts'
import { createYourApp } from './workspaces/your-app.ts'

const LANE_SWEEP_MS = 5000
const CONNECTIONS_MAX = 16

/** What every room stands on. */
export function createGround(options: EngineOptions, ensureCustomer: TokensOptions['ensureCustomer']) {
  const { clock, log, random } = options
  const database = createDatabase({
    url: options.databaseUrl,
    connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
    log,
  })
  const ids = createIds(clock)
  const metrics = createMetrics()
  const sealing = createSealing(options.sealingKeys)
  const isWorker = options.roles.has('worker')
  const queue = createQueue({
    database,
    clock,
    log,
    ...(options.tickMs === undefined ? {} : { pollMs: options.tickMs }),
  })
  const ownership = createOwnership({
    database,
    log,
    random,
    isWorker,
    onSession: (session) => queue.holdLock(session),
    ...(options.tickMs === undefined ? {} : { tickMs: options.tickMs }),
  })
  const outbound = createOutbound({
    allow: options.egressAllow,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  })

  const sandbox = createSandbox({ log, clock, random })
  addReadGauge(metrics, {
    name: 'permea_function_request_bytes',
    help: 'Memory that requests of functions hold, and answers that functions have not taken',
    read: () => sandbox.status().requestBytes.held,
  })
  const functions = createFunctions({ sandbox, outbound, database, ids, log })

  const workspaceStore = createWorkspaceStore(sealing)
  const directory = createWorkspaceDirectory({ database, store: workspaceStore, clock })
  const tokens = createTokens({
    directory,
    clock,
    ownKeys: options.sealingKeys.map((key) => derivedKey(key, 'tokens of the engine')),
    ensureCustomer,
    async fetchJson(url) {
      const outcome = await outbound.send({ url, method: 'GET', responseBytesMax: 1024 * 1024 })
      if (outcome.kind !== 'answered' || outcome.status !== 200) throw new Error('its key set could not be fetched')
      return JSON.parse(outcome.body.toString('utf8'))
    },
  })
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
  const authenticate = (authorization: string | undefined) => tokens.authenticate(authorization)
  const live = createLive({ ownership, clock, authenticate })
  const changed = (workspaceId: string, elementType: string, elementId: string | null, audience: Change['audience']) =>
    live.changed({ workspaceId, elementType, elementId, audience })
  const yourApp = createYourApp({ directory, tokens, clock })

  return {
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
    forgetTokens,
    authenticate,
    live,
    changed,
    yourApp,
  }
}

/** What tells people: alerts, notifications, deliveries. */
export function createTelling(options: EngineOptions, ground: ReturnType<typeof createGround>) {
  const { clock, log, publicUrl, random } = options
  const { database, ids, metrics, sealing, queue, ownership, outbound, directory, changed } = ground
  const notifications = createNotifications({ ids, deliveries: () => deliveries })
  const alerts = createAlerts({
    clock,
    ids,
    notifications,
    publicUrl,
    onChanged: (workspaceId) => changed(workspaceId, 'alert', null, 'admins'),
  })
  const health = createHealth({
    database,
    clock,
    watcher: {
      failing: (tx, destination, percent, error) => alerts.raise(tx, endpointFailing(destination, percent, error)),
      paused: (tx, destination) => alerts.raise(tx, endpointPaused(destination)),
      async recovered(tx, { id, workspaceId }) {
        for (const key of [...failingKeys(id), pausedKey(id)]) await alerts.resolve(tx, workspaceId, key)
      },
    },
  })
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
    onChanged: (workspaceId, id) => changed(workspaceId, 'delivery', toWire('dlv', id), 'admins'),
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

  return { notifications, alerts, sweepMs, deliveries, replays, endpoints }
}
