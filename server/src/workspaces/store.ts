import { asJson, only, sql, type Tx } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Workspace } from './workspace.ts'

type Row = Omit<Workspace, 'secret'> & { secretSealed: string }

const columns =
  sql.raw(`id, key, name, secret_sealed as "secretSealed", public_keys as "publicKeys", jwks_uri as "jwksUri",
  app_base_uri as "appBaseUri", logo_uri as "logoUri", webhook_uri as "webhookUri",
  enabled_webhook_events as "enabledWebhookEvents", settings, type, is_example as "isExample", is_main as "isMain",
  created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

/** The statements on `workspaces`. */
export interface WorkspaceStore {
  byKey(tx: Tx, key: string): Promise<Workspace | null>
  byId(tx: Tx, id: string): Promise<Workspace | null>
  /** The workspace, locked for a change until the transaction ends. */
  lock(tx: Tx, id: string): Promise<Workspace>
  all(tx: Tx): Promise<Workspace[]>
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
          is_example = ${w.isExample}, updated_at = ${w.updatedAt}
         where id = ${w.id}`.execute(tx)
    },
    async makeMain(tx, id) {
      await sql`update workspaces set is_main = false where is_main and id <> ${id}`.execute(tx)
      await sql`update workspaces set is_main = true where id = ${id} and not is_main`.execute(tx)
    },
  }
}
