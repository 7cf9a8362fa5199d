import { CompiledQuery } from 'kysely'
import type { Page } from '../api/paging.ts'
import { asStoredJson, oldJson } from '../exchanges/stored-json.ts'
import { uuids } from '../platform/array-parameters.ts'
import { asJson, type Database, sql, type Tx } from '../platform/database.ts'
import { NO_ID } from '../platform/ids.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { EventTypeLayer, ExternalEventType } from './event-type.ts'

const COLUMNS = `id, workspace_id as "workspaceId", integration_id as "integrationId", connection_id as "connectionId",
  parent_id as "parentId", root_id as "rootId", uuid, key, name, description, meta, parameters_schema as "parametersSchema", schema, example,
  subscribe, handle, unsubscribe, refresh, dedupe_key as "dedupeKey",
  payload_retention_days as "payloadRetentionDays", revision, created_at as "createdAt", updated_at as "updatedAt", archived_at as "archivedAt"`
const columns = sql.raw(COLUMNS)

export async function insertExternalEventType(tx: Tx, sealing: Sealing, t: ExternalEventType): Promise<void> {
  await sql`
    insert into external_event_types (id, workspace_id, integration_id, connection_id, parent_id, root_id, uuid, key, name, description, meta,
      parameters_schema, schema, example, subscribe, handle, unsubscribe, refresh, dedupe_key, payload_retention_days, is_sealed, revision, created_at, updated_at)
    values (${t.id}, ${t.workspaceId}, ${t.integrationId}, ${t.connectionId}, ${t.parentId}, ${t.rootId}, ${t.uuid}, ${t.key}, ${t.name},
      ${t.description}, ${asJson(t.meta)}, ${asJson(t.parametersSchema)}, ${asJson(t.schema)}, ${asStoredJson(sealing, t.example)}, ${asStoredJson(sealing, t.subscribe)},
      ${asStoredJson(sealing, t.handle)}, ${asStoredJson(sealing, t.unsubscribe)}, ${asStoredJson(sealing, t.refresh)}, ${asJson(t.dedupeKey)}, ${t.payloadRetentionDays}, true, ${t.revision}, ${t.createdAt}, ${t.updatedAt})`.execute(
    tx,
  )
}

export async function updateExternalEventType(tx: Tx, sealing: Sealing, t: ExternalEventType): Promise<void> {
  await sql`
    update external_event_types set key = ${t.key}, name = ${t.name}, description = ${t.description}, meta = ${asJson(t.meta)},
      parameters_schema = ${asJson(t.parametersSchema)}, schema = ${asJson(t.schema)}, example = ${asStoredJson(sealing, t.example)},
      subscribe = ${asStoredJson(sealing, t.subscribe)}, handle = ${asStoredJson(sealing, t.handle)}, unsubscribe = ${asStoredJson(sealing, t.unsubscribe)}, refresh = ${asStoredJson(sealing, t.refresh)},
      dedupe_key = ${asJson(t.dedupeKey)}, is_sealed = true, payload_retention_days = ${t.payloadRetentionDays},
      revision = ${t.revision}, updated_at = ${t.updatedAt}, archived_at = ${t.archivedAt}
     where id = ${t.id}`.execute(tx)
}

/** Functions that were stored before secrets in them were sealed. */
export const unsealedExternalEventTypes = oldJson('external_event_types', [
  'example',
  'subscribe',
  'handle',
  'unsubscribe',
  'refresh',
])

export async function externalEventTypeById(
  tx: Tx,
  workspaceId: string,
  id: string,
): Promise<ExternalEventType | null> {
  const { rows } = await sql<ExternalEventType>`
    select ${columns} from external_event_types where id = ${id} and workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

/** All types with this key, living ones first. */
export async function externalEventTypesByKey(tx: Tx, workspaceId: string, key: string): Promise<ExternalEventType[]> {
  const { rows } = await sql<ExternalEventType>`
    select ${columns} from external_event_types where workspace_id = ${workspaceId} and key = ${key}
     order by archived_at desc nulls first, id limit 1000`.execute(tx)
  return rows
}

/** A type, as it applies to a connection. */
export interface TypeOfConnection {
  typeId: string
  connection: { id: string; integrationId: string | null }
}

/** The chains that types are of, in order: the top, and everything below it that may apply to the connection. */
export async function familiesOf(tx: Tx, wanted: readonly TypeOfConnection[]): Promise<ExternalEventType[][]> {
  if (wanted.length === 0) return []
  const { rows } = await tx.executeQuery<Member>(CompiledQuery.raw(FAMILIES, familyValues(wanted)))
  return inPlaces(rows, wanted.length)
}

/** The same by a prepared statement: each webhook asks for its type. */
export async function familiesAtOnce(
  database: Database,
  wanted: readonly TypeOfConnection[],
): Promise<ExternalEventType[][]> {
  const rows = await database.query<Member>({
    name: 'external-event-type-families',
    text: FAMILIES,
    values: familyValues(wanted),
  })
  return inPlaces(rows, wanted.length)
}

/** A type, and for which of those that are wanted it counts. */
type Member = ExternalEventType & { places: number[] }

function familyValues(wanted: readonly TypeOfConnection[]): Buffer[] {
  return [
    uuids(wanted.map((each) => each.typeId)),
    uuids(wanted.map(({ connection }) => connection.id)),
    uuids(wanted.map(({ connection }) => connection.integrationId)),
  ]
}

function inPlaces(rows: readonly Member[], count: number): ExternalEventType[][] {
  const families = Array.from({ length: count }, (): ExternalEventType[] => [])
  for (const { places, ...type } of rows) for (const place of places) families[place - 1]?.push(type)
  return families
}

// Many connections are of few types, and a type has its functions with it: each comes once. What single connections have
// of a type may be many: it is found by the index of who has what.
const FAMILIES = `
  select m.places, t.* from (
    select member.id, array_agg(w.place::int) as places
      from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality as w (type_id, of_connection, of_integration, place)
      join external_event_types named on named.id = w.type_id
      cross join lateral (
        select named.root_id as id
        union all
        select id from external_event_types
         where root_id = named.root_id and id <> root_id and archived_at is null
           and coalesce(connection_id, integration_id, '${NO_ID}'::uuid) = any(array[w.of_connection, w.of_integration])
      ) member
     group by member.id) m
    cross join lateral (select ${COLUMNS} from external_event_types where id = m.id) t`

export async function externalEventTypesByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, ExternalEventType>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<ExternalEventType>`
    select ${columns} from external_event_types where id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export interface ExternalEventTypeFilter {
  workspaceId: string
  layer: EventTypeLayer | null
  isNotUniversal: boolean
  /** What they follow in the end. */
  rootId: string | null
  integrationId: string | null
  connectionId: string | null
  /** Whether types of single connections are among them. */
  isOfAnyConnection: boolean
  parentId: string | null
  search: string | null
  includeArchived: boolean
}

export async function listExternalEventTypes(
  tx: Tx,
  f: ExternalEventTypeFilter,
  page: Page,
): Promise<ExternalEventType[]> {
  const { rows } = await sql<ExternalEventType>`
    select ${columns} from external_event_types
     where workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${f.layer}::text is null or ${f.layer} = case when connection_id is not null then 'connection' when integration_id is not null then 'integration' else 'universal' end)
       and (not ${f.isNotUniversal} or integration_id is not null or connection_id is not null)
       and (${f.rootId}::uuid is null or root_id = ${f.rootId} and id <> root_id)
       and (${f.integrationId}::uuid is null or integration_id = ${f.integrationId})
       and (${f.connectionId}::uuid is null or connection_id = ${f.connectionId})
       and (${f.isOfAnyConnection} or connection_id is null)
       and (${f.parentId}::uuid is null or parent_id = ${f.parentId})
       and (${f.includeArchived} or archived_at is null)
       and ${hasText(['name', 'key'], f.search)}
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** Every type of a chain, archived ones too. */
export async function idsOfFamily(tx: Tx, rootId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from external_event_types where root_id = ${rootId}`.execute(tx)
  return rows.map((row) => row.id)
}
