import type { Page } from '../api/paging.ts'
import { asStoredJson } from '../exchanges/stored-json.ts'
import { uuids } from '../platform/array-parameters.ts'
import { asJson, type Database, sql, type Tx } from '../platform/database.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type AppEventType, type Requests, sealedRequests } from './app-event-type.ts'

const columns = sql.raw(`id, workspace_id as "workspaceId", uuid, key, name, description, meta, schema, example,
  subscribe_request as "subscribeRequest", unsubscribe_request as "unsubscribeRequest", secrets_sealed as "secretsSealed",
  tenant_id_formula as "tenantIdFormula", user_id_formula as "userIdFormula", validate_events as "validateEvents",
  payload_retention_days as "payloadRetentionDays", webhook_key as "webhookKey", revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`)

export async function insertAppEventType(tx: Tx, sealing: Sealing, t: AppEventType): Promise<void> {
  await sql`
    insert into app_event_types (id, workspace_id, uuid, key, name, description, meta, schema, example, subscribe_request, unsubscribe_request,
      tenant_id_formula, user_id_formula, validate_events, webhook_key, secrets_sealed, is_sealed, revision, created_at, updated_at,
      payload_retention_days)
    values (${t.id}, ${t.workspaceId}, ${t.uuid}, ${t.key}, ${t.name}, ${t.description}, ${asJson(t.meta)}, ${asJson(t.schema)}, ${asStoredJson(sealing, t.example)},
      ${asStoredJson(sealing, t.subscribeRequest)}, ${asStoredJson(sealing, t.unsubscribeRequest)}, ${asStoredJson(sealing, t.tenantIdFormula)}, ${asStoredJson(sealing, t.userIdFormula)},
      ${t.validateEvents}, ${t.webhookKey}, ${t.secretsSealed}, true, ${t.revision}, ${t.createdAt}, ${t.updatedAt},
      ${t.payloadRetentionDays})`.execute(tx)
}

export async function updateAppEventType(tx: Tx, sealing: Sealing, t: AppEventType): Promise<void> {
  await sql`
    update app_event_types set key = ${t.key}, name = ${t.name}, description = ${t.description}, meta = ${asJson(t.meta)},
      schema = ${asJson(t.schema)}, example = ${asStoredJson(sealing, t.example)}, subscribe_request = ${asStoredJson(sealing, t.subscribeRequest)},
      unsubscribe_request = ${asStoredJson(sealing, t.unsubscribeRequest)}, tenant_id_formula = ${asStoredJson(sealing, t.tenantIdFormula)},
      user_id_formula = ${asStoredJson(sealing, t.userIdFormula)}, validate_events = ${t.validateEvents}, webhook_key = ${t.webhookKey},
      payload_retention_days = ${t.payloadRetentionDays},
      secrets_sealed = ${t.secretsSealed}, is_sealed = true,
      revision = ${t.revision}, updated_at = ${t.updatedAt}, archived_at = ${t.archivedAt}
     where id = ${t.id}`.execute(tx)
}

type Sealable = Requests & Pick<AppEventType, 'id' | 'secretsSealed' | 'example' | 'tenantIdFormula' | 'userIdFormula'>

/** Seals secrets in types that were stored before they were sealed. */
export async function sealOldRequests(tx: Tx, sealing: Sealing): Promise<void> {
  const { rows } = await sql<Sealable>`
    select id, subscribe_request as "subscribeRequest", unsubscribe_request as "unsubscribeRequest", secrets_sealed as "secretsSealed",
           example, tenant_id_formula as "tenantIdFormula", user_id_formula as "userIdFormula"
      from app_event_types where not is_sealed for update`.execute(tx)
  for (const t of rows) {
    const { subscribeRequest, unsubscribeRequest, secretsSealed } = sealedRequests(sealing, t, t)
    await sql`
      update app_event_types set subscribe_request = ${asStoredJson(sealing, subscribeRequest)},
        unsubscribe_request = ${asStoredJson(sealing, unsubscribeRequest)}, example = ${asStoredJson(sealing, t.example)},
        tenant_id_formula = ${asStoredJson(sealing, t.tenantIdFormula)}, user_id_formula = ${asStoredJson(sealing, t.userIdFormula)},
        secrets_sealed = ${secretsSealed}, is_sealed = true where id = ${t.id}`.execute(tx)
  }
}

export async function appEventTypeById(tx: Tx, workspaceId: string, id: string): Promise<AppEventType | null> {
  const { rows } =
    await sql<AppEventType>`select ${columns} from app_event_types where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The living one with this key, else the one archived last. */
export async function appEventTypeByKey(tx: Tx, workspaceId: string, key: string): Promise<AppEventType | null> {
  const { rows } = await sql<AppEventType>`
    select ${columns} from app_event_types where workspace_id = ${workspaceId} and key = ${key}
     order by archived_at desc nulls first limit 1`.execute(tx)
  return rows[0] ?? null
}

export async function appEventTypesByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, AppEventType>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<AppEventType>`select ${columns} from app_event_types where id = any(${[...new Set(ids)]}::uuid[])`.execute(
      tx,
    )
  return new Map(rows.map((row) => [row.id, row]))
}

/** The keys of the webhooks of types that events can come in for. */
export async function webhookKeysOf(tx: Tx, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: string; webhookKey: string }>`
    select id, webhook_key as "webhookKey" from app_event_types
     where id = any(${[...new Set(ids)]}::uuid[]) and archived_at is null`.execute(tx)
  return new Map(rows.map((row) => [row.id, row.webhookKey]))
}

/** What taking in an event needs to know of its type. */
export type AppEventSource = Pick<
  AppEventType,
  | 'id'
  | 'workspaceId'
  | 'tenantIdFormula'
  | 'userIdFormula'
  | 'validateEvents'
  | 'schema'
  | 'webhookKey'
  | 'revision'
  | 'archivedAt'
>

/** The types behind global webhook keys; archived ones included. The schema is null where it is not to be checked. */
export async function appEventSources(database: Database, webhookKeys: readonly string[]): Promise<AppEventSource[]> {
  return database.query({ name: 'app-event-sources', text: SOURCES, values: [uuids(webhookKeys)] })
}

const SOURCES = `
  select id, workspace_id as "workspaceId", tenant_id_formula as "tenantIdFormula", user_id_formula as "userIdFormula",
         validate_events as "validateEvents", case when validate_events then schema end as schema, webhook_key as "webhookKey",
         revision, archived_at as "archivedAt"
    from app_event_types where webhook_key = any($1::uuid[])`

export async function listAppEventTypes(
  tx: Tx,
  filter: { workspaceId: string; search: string | null; includeArchived: boolean },
  page: Page,
): Promise<AppEventType[]> {
  const { rows } = await sql<AppEventType>`
    select ${columns} from app_event_types
     where workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.includeArchived} or archived_at is null)
       and ${hasText(['name', 'key'], filter.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}
