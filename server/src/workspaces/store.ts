import { asJson, only, sql, type Tx } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Workspace } from './workspace.ts'

type Row = Omit<Workspace, 'secret'> & { secretSealed: string }

const columns =
  sql.raw(`id, key, name, secret_sealed as "secretSealed", public_keys as "publicKeys", jwks_uri as "jwksUri",
  app_base_uri as "appBaseUri", logo_uri as "logoUri", webhook_uri as "webhookUri",
  enabled_webhook_events as "enabledWebhookEvents", settings, type, is_example as "isExample", is_main as "isMain", quotas,
  created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

/** The statements on `workspaces`. */
export interface WorkspaceStore {
  byKey(tx: Tx, key: string): Promise<Workspace | null>
  byId(tx: Tx, id: string): Promise<Workspace | null>
  /** The workspace, locked for a change until the transaction ends. */
  lock(tx: Tx, id: string): Promise<Workspace>
  all(tx: Tx): Promise<Workspace[]>
  /** Those that have a quota. */
  bounded(tx: Tx): Promise<Workspace[]>
  /** The first is the main one, whatever is said. False where the key is taken. */
  insert(tx: Tx, workspace: Workspace): Promise<boolean>
  update(tx: Tx, workspace: Workspace): Promise<void>
  /** Makes it the main one, in place of the one that was. */
  makeMain(tx: Tx, id: string): Promise<void>
}

export function createWorkspaceStore(sealing: Sealing): WorkspaceStore {
  const open = ({ secretSealed, ...row }: Row): Workspace => ({ ...row, secret: sealing.open(secretSealed) })
  return {
    async byKey(tx, key) {
      const { rows } = await sql<Row>`select ${columns} from workspaces where key = ${key}`.execute(tx)
      return rows[0] === undefined ? null : open(rows[0])
    },
    async byId(tx, id) {
      const { rows } = await sql<Row>`select ${columns} from workspaces where id = ${id}`.execute(tx)
      return rows[0] === undefined ? null : open(rows[0])
    },
    async lock(tx, id) {
      const { rows } = await sql<Row>`select ${columns} from workspaces where id = ${id} for no key update`.execute(tx)
      return open(only(rows))
    },
    async all(tx) {
      const { rows } = await sql<Row>`select ${columns} from workspaces order by is_main desc, id`.execute(tx)
      return rows.map(open)
    },
    async bounded(tx) {
      const { rows } = await sql<Row>`
        select ${columns} from workspaces where quotas::text <> '{}' and archived_at is null order by id`.execute(tx)
      return rows.map(open)
    },
    async insert(tx, w) {
      const { rows } = await sql`
        insert into workspaces (id, key, name, secret_sealed, public_keys, jwks_uri, app_base_uri, logo_uri, webhook_uri,
          enabled_webhook_events, settings, type, is_example, is_main, created_at, updated_at)
        values (${w.id}, ${w.key}, ${w.name}, ${sealing.seal(w.secret)}, ${asJson(w.publicKeys)}, ${w.jwksUri}, ${w.appBaseUri},
          ${w.logoUri}, ${w.webhookUri}, ${w.enabledWebhookEvents}, ${asJson(w.settings)}, ${w.type}, ${w.isExample},
          not exists (select from workspaces where is_main), ${w.createdAt}, ${w.updatedAt})
        on conflict do nothing returning id`.execute(tx)
      return rows.length > 0
    },
    async update(tx, w) {
      await sql`
        update workspaces set name = ${w.name}, secret_sealed = ${sealing.seal(w.secret)}, public_keys = ${asJson(w.publicKeys)},
          jwks_uri = ${w.jwksUri}, app_base_uri = ${w.appBaseUri}, logo_uri = ${w.logoUri}, webhook_uri = ${w.webhookUri},
          enabled_webhook_events = ${w.enabledWebhookEvents}, settings = ${asJson(w.settings)}, type = ${w.type},
          is_example = ${w.isExample}, quotas = ${asJson(w.quotas)}, updated_at = ${w.updatedAt},
          archived_at = ${w.archivedAt}
         where id = ${w.id}`.execute(tx)
    },
    async makeMain(tx, id) {
      await sql`update workspaces set is_main = false where is_main and id <> ${id}`.execute(tx)
      await sql`update workspaces set is_main = true where id = ${id} and not is_main`.execute(tx)
    },
  }
}

/** What came in on a day, in its month, and what of it is kept. */
export interface TakenIn {
  eventsOfDay: number
  eventsOfMonth: number
  bytesKept: number
}

export async function takenIn(
  tx: Tx,
  of: { workspaceId: string; today: string; month: string; keptSince: string },
): Promise<TakenIn> {
  const { rows } = await sql<TakenIn>`
    select coalesce(sum(events) filter (where day = ${of.today}::date), 0)::float8 as "eventsOfDay",
           coalesce(sum(events) filter (where day >= ${of.month}::date), 0)::float8 as "eventsOfMonth",
           coalesce(sum(bytes) filter (where day >= ${of.keptSince}::date), 0)::float8 as "bytesKept"
      from workspace_usage where workspace_id = ${of.workspaceId}
       and day >= least(${of.month}::date, ${of.keptSince}::date)`.execute(tx)
  return only(rows)
}

/** How many there are of what is counted, by kind. */
export async function elementCounts(tx: Tx, workspaceId: string): Promise<Record<string, number>> {
  const { rows } = await sql<{ kind: string; count: number }>`
    select kind, sum(count)::float8 as count from workspace_counts where workspace_id = ${workspaceId} group by kind`.execute(
    tx,
  )
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]))
}

/** Days that no quota asks for any more. */
export async function forgetUsage(tx: Tx, before: string): Promise<void> {
  await sql`delete from workspace_usage where day < ${before}::date`.execute(tx)
}
