import { createHash } from 'node:crypto'
import { Refusal } from '../api/refusal.ts'
import { customersByInternalIds } from '../customers/store.ts'
import { type AppEventSource, appEventSources } from '../event-types/store.ts'
import { type CustomerName, type EventRequest, nameKey, type Urls } from '../events/stages.ts'
import { type SubscriptionSource, subscriptionSources } from '../events/store.ts'
import { sourcesByUuids } from '../external-events/store.ts'
import { globalWebhookWorkspaces } from '../integrations/connector-store.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import type { Workspace } from '../workspaces/workspace.ts'
import type { Bucket } from './bus.ts'
import type { DatabaseReach } from './database-reach.ts'

/** So long what was read is used without a look, where no notice of a change came. */
const FRESH_MS = 2000
const REMEMBERED_MAX = 50_000

/** What one who takes in needs to know: from memory, else from PostgreSQL, else from the bucket that is filled from it. */
export interface Catalogue {
  urls(requests: readonly EventRequest[]): Promise<Urls>
  /** Customers by their names; `isSure` where a name that is missing is nobody's. */
  customers(
    names: readonly CustomerName[],
  ): Promise<{ rows: Map<string, { id: string; isArchived: boolean }>; isSure: boolean }>
  subscriptions(uuids: readonly string[]): Promise<Map<string, SubscriptionSource>>
  types(keys: readonly string[]): Promise<Map<string, AppEventSource>>
  externals(uuids: readonly string[]): Promise<Map<string, ExternalAddress>>
  globals(uuids: readonly string[]): Promise<Map<string, ExternalAddress>>
  workspaceStore: WorkspaceStore
  /** Something changed: what is remembered is looked at again before it is used. */
  changed(): void
}

/** Whose an address of an external app is; `id` is of its subscription or integration. */
export interface ExternalAddress {
  workspaceId: string
  customerId: string | null
  id: string
}

export const CATALOGUE_KINDS = ['workspace', 'type', 'customer', 'subscription', 'external', 'global'] as const
export type CatalogueKind = (typeof CATALOGUE_KINDS)[number]

/** Names open doors, so only what tells them apart is written down. */
export function bucketKey(kind: string, name: string): string {
  return `${kind}.${createHash('sha256').update(name).digest('hex').slice(0, 40)}`
}

export interface CatalogueOptions {
  database: Database
  bucket: Bucket
  reach: DatabaseReach
  sealing: Sealing
  workspaceStore: WorkspaceStore
}

export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { database, bucket, reach } = options
  const age: Age = { epoch: 0 }
  const readThrough = <Row extends object>(source: Source<Row>) => createReadThrough(source, reach, age)

  async function kept<Row>(kind: CatalogueKind, name: string): Promise<Row | null> {
    const text = await bucket.get(bucketKey(kind, name)).catch((error: Error) => {
      throw new Refusal(
        'unavailable',
        `neither the database nor the intake log can be asked (${error.message}); try again`,
      )
    })
    return text === null ? null : (JSON.parse(text) as Row)
  }

  const types = readThrough<AppEventSource>({
    read: async (keys) => new Map((await appEventSources(database, keys)).map((type) => [type.webhookKey, type])),
    kept: (key) => kept('type', key),
    isVital: true,
  })
  const subscriptions = readThrough<SubscriptionSource>({
    read: (uuids) => subscriptionSources(database, uuids),
    kept: (uuid) => keptSubscription(uuid),
    isVital: true,
  })
  const customers = readThrough<{ id: string; isArchived: boolean }>({
    async read(slots) {
      const found = await customersByInternalIds(database.db, slots.map(nameOfSlot))
      return new Map(found.map((row) => [slotOfName(row), row]))
    },
    kept: (slot) => kept('customer', slot),
    // One that cannot be looked up is found when its event is applied.
    isVital: false,
  })
  const externals = readThrough<ExternalAddress>({
    async read(uuids) {
      const found = await sourcesByUuids(database, uuids)
      return new Map(
        [...found].map(([uuid, { workspaceId, customerId, subscriptionId }]) => [
          uuid,
          { workspaceId, customerId, id: subscriptionId },
        ]),
      )
    },
    kept: (uuid) => kept('external', uuid),
    isVital: true,
  })
  const globals = readThrough<ExternalAddress>({
    async read(uuids) {
      const found = await globalWebhookWorkspaces(database.db, uuids)
      return new Map(
        found.map(({ webhookUuid, workspaceId, integrationId }) => [
          webhookUuid,
          { workspaceId, customerId: null, id: integrationId },
        ]),
      )
    },
    kept: (uuid) => kept('global', uuid),
    isVital: true,
  })

  async function keptSubscription(uuid: string): Promise<SubscriptionSource | null> {
    const of = await kept<SubscriptionSource & { webhookKey: string }>('subscription', uuid)
    if (of === null) return null
    const type = await kept<AppEventSource>('type', of.webhookKey)
    if (type === null) return null
    const { validateEvents, schema, revision, archivedAt } = type
    return { ...of, validateEvents, schema, typeRevision: revision, isTypeArchived: archivedAt !== null }
  }

  return {
    async urls(requests) {
      const uuids = requests.flatMap(({ target }) => (target.kind === 'subscription' ? [target.webhookUuid] : []))
      const keys = requests.flatMap(({ target }) => (target.kind === 'global' ? [target.webhookKey] : []))
      const [sources, found] = await Promise.all([subscriptions(uuids), types(keys)])
      return { sources: sources.rows, types: found.rows }
    },
    async customers(names) {
      const { rows, isSure } = await customers(names.map(slotOfName))
      return { rows: new Map([...rows].map(([slot, row]) => [nameKey(nameOfSlot(slot)), row])), isSure }
    },
    subscriptions: async (uuids) => sure(await subscriptions(uuids), uuids),
    types: async (keys) => sure(await types(keys), keys),
    externals: async (uuids) => sure(await externals(uuids), uuids),
    globals: async (uuids) => sure(await globals(uuids), uuids),
    workspaceStore: workspacesReadThrough(options, kept),
    changed() {
      age.epoch += 1
    },
  }
}

/** Counts up with every notice of a change. */
interface Age {
  epoch: number
}

interface Source<Row> {
  /** From the database. */
  read(names: string[]): Promise<ReadonlyMap<string, Row>>
  /** From the bucket. */
  kept(name: string): Promise<Row | null>
  /** Whether a request is refused where a name is known to nobody. */
  isVital: boolean
}

type ReadThrough<Row> = (names: readonly string[]) => Promise<{ rows: Map<string, Row>; isSure: boolean }>

/** Rows of one kind by their names. */
function createReadThrough<Row extends object>(source: Source<Row>, reach: DatabaseReach, age: Age): ReadThrough<Row> {
  const memory = boundedCache<{ row: Row; epoch: number; atMs: number }>(REMEMBERED_MAX)
  return async (names) => {
    const rows = new Map<string, Row>()
    const stale: string[] = []
    for (const name of new Set(names)) {
      const known = memory.get(name)
      const isFresh = known !== undefined && known.epoch === age.epoch && performance.now() - known.atMs < FRESH_MS
      if (isFresh) rows.set(name, known.row)
      else stale.push(name)
    }
    if (stale.length === 0) return { rows, isSure: true }
    const { epoch } = age
    const said = await reach.ask(() => source.read(stale))
    for (const name of said === null ? [] : stale) {
      const row = said?.answer.get(name)
      if (row === undefined) memory.delete(name)
      else {
        memory.set(name, { row, epoch, atMs: performance.now() })
        rows.set(name, row)
      }
    }
    if (said !== null) return { rows, isSure: true }
    const unknown: string[] = []
    let trouble: unknown = null
    await Promise.all(
      stale.map(async (name) => {
        const known = memory.get(name)
        // Something changed since it was read: the bucket may have been told of it.
        const row =
          known?.epoch === epoch
            ? known.row
            : await source.kept(name).catch((error: unknown) => {
                trouble = error
                return null
              })
        if (row === null) unknown.push(name)
        else {
          rows.set(name, row)
          memory.set(name, { row, epoch, atMs: Number.NEGATIVE_INFINITY })
        }
      }),
    )
    const late = source.isVital && unknown.length > 0 ? await reach.insist(() => source.read(unknown)) : null
    for (const name of unknown) {
      const row = late?.answer.get(name)
      if (row === undefined) continue
      memory.set(name, { row, epoch, atMs: performance.now() })
      rows.set(name, row)
    }
    if (late === null && trouble !== null) throw trouble
    return { rows, isSure: late !== null }
  }
}

/** The rows; refuses where one is missing and nobody can say that there is none. */
function sure<Row>({ rows, isSure }: { rows: Map<string, Row>; isSure: boolean }, asked: readonly string[]) {
  if (!isSure && asked.some((name) => !rows.has(name)))
    throw new Refusal(
      'unavailable',
      'the database cannot be reached, and this address is not known without it; try again',
    )
  return rows
}

/** As in the view of the catalogue. An id of a workspace has no space in it. */
function slotOfName({ workspaceId, internalId }: CustomerName): string {
  return `${workspaceId} ${internalId}`
}

function nameOfSlot(slot: string): CustomerName {
  const space = slot.indexOf(' ')
  return { workspaceId: slot.slice(0, space), internalId: slot.slice(space + 1) }
}

type Kept = <Row>(kind: CatalogueKind, name: string) => Promise<Row | null>

/** A store of workspaces that still finds them while the database is away. */
function workspacesReadThrough({ reach, sealing, workspaceStore }: CatalogueOptions, kept: Kept): WorkspaceStore {
  const keyOf = boundedCache<string>(REMEMBERED_MAX)
  type Row = Omit<Workspace, 'secret'> & { secretSealed: string }

  async function keptByKey(key: string): Promise<Workspace | null> {
    const row = await kept<Row>('workspace', key)
    if (row === null) return null
    const { secretSealed, ...workspace } = row
    keyOf.set(row.id, row.key)
    const at = (text: unknown) => new Date(String(text))
    return {
      ...workspace,
      secret: sealing.open(secretSealed),
      // Kept by a process of an earlier version, it has none.
      quotas: workspace.quotas ?? {},
      createdAt: at(workspace.createdAt),
      updatedAt: at(workspace.updatedAt),
      archivedAt: workspace.archivedAt === null ? null : at(workspace.archivedAt),
    }
  }

  /** Refuses where none was found and nobody can say that there is none. */
  async function found(
    read: () => Promise<Workspace | null>,
    remembered: () => Promise<Workspace | null>,
  ): Promise<Workspace | null> {
    const said = await reach.ask(read)
    if (said !== null) return said.answer
    let trouble: unknown = null
    const known = await remembered().catch((error: unknown) => {
      trouble = error
      return null
    })
    if (known !== null) return known
    const late = await reach.insist(read)
    if (late !== null) return late.answer
    throw (
      trouble ??
      new Refusal(
        'unavailable',
        'the database cannot be reached, and this workspace is not known without it; try again',
      )
    )
  }

  return {
    ...workspaceStore,
    byKey: (tx, key) =>
      found(
        () => workspaceStore.byKey(tx, key),
        () => keptByKey(key),
      ),
    byId: (tx, id) =>
      found(
        () => workspaceStore.byId(tx, id),
        async () => {
          const key = keyOf.get(id) ?? (await kept<{ key: string }>('workspace', `id ${id}`))?.key
          return key === undefined ? null : keptByKey(key)
        },
      ),
  }
}
