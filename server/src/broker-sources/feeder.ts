import { webhookKeysOf } from '../event-types/store.ts'
import type { EventRequest } from '../events/stages.ts'
import type { Live } from '../live/live.ts'
import { sourceAddress } from '../outbound/brokers/source-address.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { addReadGauges, type Metrics } from '../platform/metrics.ts'
import { type Ownership, SHARDS, shardOf } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { RefusedRequestsRoom } from '../refused-requests/assembly.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import type { Rates } from '../workspaces/rates.ts'
import { createFeeding, type Feeding } from './feeding.ts'
import type { Taken } from './read-session.ts'
import { CHANGED } from './routes.ts'
import type { BrokerSource } from './source.ts'
import { saySources, sourcesToRead } from './store.ts'

export interface FeederOptions {
  database: Database
  clock: Clock
  log: Log
  sealing: Sealing
  ownership: Ownership
  outbound: Pick<Outbound, 'read'>
  metrics: Metrics
  live: Pick<Live, 'changed'>
  rates: Rates
  quotas: Pick<Quotas, 'admit'>
  directory: Pick<WorkspaceDirectory, 'find'>
  refusedRequests: Pick<RefusedRequestsRoom, 'noteMessage'>
  /** How requests at webhook URLs are taken in. */
  accept(requests: EventRequest[]): Promise<(Taken | Promise<Taken>)[]>
  random(): number
  tracing: Tracing | null
  sweepMs?: number
}

/** Reads what is to be read from brokers: each source in the one process that works its shard. */
export interface Feeder {
  start(): void
  stop(): Promise<void>
}

const SWEEP_MS = 2000
/** How it goes is said at every so manieth sweep, and at once where it is other than before. */
const SWEEPS_EACH = 2

export function createFeeder(options: FeederOptions): Feeder {
  const { database, ownership, log } = options
  const feedings = new Map<string, Feeding>()
  /** What is being ended, so that nobody begins before it is over. */
  const ending = new Map<string, Promise<void>>()
  const changed = new Set<string>()
  const sweepMs = options.sweepMs ?? SWEEP_MS
  const sayMs = sweepMs * SWEEPS_EACH
  /** Says how those go of which something is other than before. */
  const told = async (id?: string) => {
    if (id !== undefined) changed.add(id)
    const those = [...changed].flatMap((each) => feedings.get(each) ?? [])
    changed.clear()
    await say(options, those)
  }
  gaugesOf(options.metrics, () => [...feedings.values()])
  let isRunning = false
  let turn: Promise<void> = Promise.resolve()

  /** One after the other: what is to be read is decided by how things stand when it is looked at. */
  function look(): Promise<void> {
    const next = turn.then(() => (isRunning ? settleFeedings() : undefined))
    turn = next.catch(() => {})
    return next
  }

  /** Of a workspace that is being deleted nothing is read: what comes meanwhile stays with the broker. */
  async function ofLiving(sources: readonly BrokerSource[]): Promise<BrokerSource[]> {
    const ids = [...new Set(sources.map((each) => each.workspaceId))]
    const workspaces = await Promise.all(ids.map((id) => options.directory.find(id)))
    const living = new Set(workspaces.flatMap((each) => (each === null || each.archivedAt !== null ? [] : [each.id])))
    return sources.filter((each) => living.has(each.workspaceId))
  }

  async function settleFeedings(): Promise<void> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => ownership.owns(shard))
    const wanted = await ofLiving(await sourcesToRead(database.db, shards))
    const types = await webhookKeysOf(
      database.db,
      wanted.map((each) => each.appEventTypeId),
    )
    const keyOf = (source: BrokerSource) => types.get(source.appEventTypeId)
    const byId = new Map(wanted.filter((each) => keyOf(each) !== undefined).map((each) => [each.id, each]))
    for (const [id, feeding] of feedings) {
      const now = byId.get(id)
      const isSame = now?.revision === feeding.source.revision && keyOf(now) === feeding.webhookKey
      if (!isSame) void end(id)
    }
    for (const source of byId.values()) {
      if (feedings.has(source.id) || ending.has(source.id) || !ownership.owns(shardOf(source.id))) continue
      feedings.set(source.id, feedingOf(options, source, { webhookKey: keyOf(source) ?? '', sayMs, changed: told }))
      changed.add(source.id)
    }
    await told()
  }

  /** Ends a feeding, and says what came of it. */
  function end(id: string): Promise<void> {
    const feeding = feedings.get(id)
    if (feeding === undefined) return ending.get(id) ?? Promise.resolve()
    feedings.delete(id)
    const ended = feeding
      .stop()
      .then(() => say(options, [feeding]))
      .finally(() => ending.delete(id))
    ending.set(id, ended)
    return ended
  }

  const sweep = forgettingErrors(log, 'looking for sources to read', sweepMs, look)
  const saying = forgettingErrors(log, 'saying how sources go', sayMs, () => say(options, [...feedings.values()]))

  function lookSoon(): void {
    if (isRunning) look().catch((error: Error) => log.debug({ message: error.message }, 'sources are looked for again'))
  }

  ownership.listen({
    async gained() {
      lookSoon()
    },
    async lost(shards) {
      const lost = new Set(shards)
      await Promise.all([...feedings.keys()].filter((id) => lost.has(shardOf(id))).map(end))
    },
    noticed(notice) {
      if (notice.about === CHANGED) lookSoon()
    },
  })

  return {
    start() {
      isRunning = true
      lookSoon()
      sweep.start()
      saying.start()
    },
    async stop() {
      isRunning = false
      await Promise.all([sweep.stop(), saying.stop(), turn])
      await Promise.all([...[...feedings.keys()].map(end), ...ending.values()])
    },
  }
}

function gaugesOf({ registry }: Metrics, feedings: () => Feeding[]): void {
  const add = (name: string, help: string, read: (feeding: Feeding) => number | null) =>
    addReadGauges(registry, {
      name,
      help,
      labelNames: ['source'],
      read: async () =>
        feedings().flatMap((each) => {
          const value = read(each)
          return value === null ? [] : [{ labels: { source: toWire('bsr', each.source.id) }, value }]
        }),
    })
  add(
    'permea_broker_source_lag_messages',
    'What waits in the broker, of sources that are read here',
    ({ how }) => how.lag,
  )
  add('permea_broker_source_failing', '1 where a source that is to be read here cannot be', ({ how }) =>
    how.state === 'failing' ? 1 : 0,
  )
}

function feedingOf(
  options: FeederOptions,
  source: BrokerSource,
  more: { webhookKey: string; sayMs: number; changed(id: string): Promise<void> },
): Feeding {
  const { workspaceId } = source
  const elementId = toWire('bsr', source.id)
  const address = sourceAddress(source.url)
  const [method, host] =
    typeof address === 'string' ? ['', ''] : [address.kind.toUpperCase(), address.places[0]?.hostname ?? '']
  return createFeeding({
    ...{ ...more, source },
    authorization: source.loginSealed === null ? null : options.sealing.open(source.loginSealed),
    clock: options.clock,
    random: options.random,
    tracing: options.tracing,
    accept: options.accept,
    read: (request) => options.outbound.read(request),
    async admit() {
      await options.rates.admit(workspaceId, [{ name: 'webhooksPerAddress', of: source.id }])
      await options.quotas.admit(workspaceId)
    },
    refused({ place, headers }, { reason, message, text }) {
      const path = `${source.url.split('?')[0]} (${place})`
      const body = { text, contentType: headers['content-type'] ?? 'application/json' }
      options.refusedRequests.noteMessage({
        workspaceId,
        elementId,
        method,
        path,
        address: host,
        reason,
        message,
        body,
      })
    },
    changed: () => void more.changed(source.id),
  })
}

/** Says how sources go, and what came; the reading itself does not hang on it. */
async function say({ database, metrics, log, live }: FeederOptions, those: readonly Feeding[]): Promise<void> {
  const said = those.map((each) => each.say())
  for (const { accepted, refused } of said) {
    metrics.eventsAccepted.inc(accepted)
    metrics.eventsRefused.inc(refused)
  }
  try {
    await saySources(database.db, said)
  } catch (error) {
    if (!isDatabaseAway(error)) log.warn({ message: (error as Error).message }, 'how sources go could not be said')
    return
  }
  for (const { source } of those)
    live.changed({
      workspaceId: source.workspaceId,
      elementType: 'broker-source',
      elementId: toWire('bsr', source.id),
      audience: 'admins',
    })
}
