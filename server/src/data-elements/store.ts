import type { Page } from '../api/paging.ts'
import { asStoredJson, oldJson } from '../exchanges/stored-json.ts'
import { asJson, only, sql, type Tx } from '../platform/database.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { DataElement, DataKind, Layer } from './data-element.ts'

const columns = sql.raw(`e.id, e.workspace_id as "workspaceId", e.kind, e.integration_id as "integrationId",
  e.connection_id as "connectionId", e.customer_id as "customerId", e.parent_id as "parentId", e.instance_key as "instanceKey",
  e.uuid, e.key, e.name, e.description, e.meta, e.content, e.is_customized as "isCustomized", e.revision,
  e.created_at as "createdAt", e.updated_at as "updatedAt", e.archived_at as "archivedAt"`)

export async function insertElement(tx: Tx, sealing: Sealing, e: DataElement): Promise<void> {
  await sql`
    insert into data_elements (id, workspace_id, kind, integration_id, connection_id, customer_id, parent_id, instance_key, uuid, key, name,
      description, meta, content, is_sealed, is_customized, revision, created_at, updated_at)
    values (${e.id}, ${e.workspaceId}, ${e.kind}, ${e.integrationId}, ${e.connectionId}, ${e.customerId}, ${e.parentId}, ${e.instanceKey},
      ${e.uuid}, ${e.key}, ${e.name}, ${e.description}, ${asJson(e.meta)}, ${asStoredJson(sealing, e.content)}, true, ${e.isCustomized}, ${e.revision},
      ${e.createdAt}, ${e.updatedAt})`.execute(tx)
}

export async function updateElement(tx: Tx, sealing: Sealing, e: DataElement): Promise<void> {
  await sql`
    update data_elements set key = ${e.key}, name = ${e.name}, description = ${e.description}, meta = ${asJson(e.meta)},
      content = ${asStoredJson(sealing, e.content)}, is_sealed = true, is_customized = ${e.isCustomized}, revision = ${e.revision}, updated_at = ${e.updatedAt},
      archived_at = ${e.archivedAt}
     where id = ${e.id}`.execute(tx)
}

/** Contents that were stored before secrets in them were sealed. */
export const unsealedElements = oldJson('data_elements', ['content'])

export async function elementById(
  tx: Tx,
  workspaceId: string,
  kind: DataKind,
  id: string,
): Promise<DataElement | null> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e where e.id = ${id} and e.workspace_id = ${workspaceId} and e.kind = ${kind}`.execute(
    tx,
  )
  return rows[0] ?? null
}

export async function elementByUuid(
  tx: Tx,
  workspaceId: string,
  kind: DataKind,
  uuid: string,
): Promise<DataElement | null> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e where e.uuid = ${uuid} and e.workspace_id = ${workspaceId} and e.kind = ${kind}`.execute(
    tx,
  )
  return rows[0] ?? null
}

/** Locked until the transaction ends: changes of one element happen one after the other. */
export async function lockElement(tx: Tx, id: string): Promise<DataElement> {
  const { rows } = await sql<DataElement>`select ${columns} from data_elements e where e.id = ${id} for update`.execute(
    tx,
  )
  return only(rows)
}

export async function elementsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, DataElement>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e where e.id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** All definitions (not of connections or customers) with this key, living ones first. */
export async function elementsByKey(tx: Tx, workspaceId: string, kind: DataKind, key: string): Promise<DataElement[]> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e
     where e.workspace_id = ${workspaceId} and e.kind = ${kind} and e.key = ${key} and e.connection_id is null and e.customer_id is null
     order by e.archived_at desc nulls first, e.id limit 200`.execute(tx)
  return rows
}

/** Where elements apply to a connection (or a customer): its own, its integration's, universal ones. */
export interface ElementReach {
  workspaceId: string
  connectionId: string | null
  customerId: string | null
  integrationId: string | null
}

const reaching = (reach: ElementReach) => sql`e.workspace_id = ${reach.workspaceId} and e.archived_at is null
  and (e.connection_id = ${reach.connectionId}
       or (e.connection_id is null and e.customer_id = ${reach.customerId})
       or (e.connection_id is null and e.customer_id is null
           and (e.integration_id is null or e.integration_id = ${reach.integrationId})))`

/** The narrowest living element of a key: with the instance key, else without one, else the integration's, else the universal. */
export async function narrowestElementByKey(
  tx: Tx,
  kind: DataKind,
  reach: ElementReach,
  key: string,
  instanceKey: string,
): Promise<DataElement | null> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e
     where ${reaching(reach)} and e.kind = ${kind} and e.key = ${key} and e.instance_key in (${instanceKey}, '')
     order by (e.instance_key = ${instanceKey}) desc, e.connection_id nulls last, e.customer_id nulls last, e.integration_id nulls last
     limit 1`.execute(tx)
  return rows[0] ?? null
}

/** What a connection or customer itself has of a key, living ones first. */
export async function ownByKey(
  tx: Tx,
  kind: DataKind,
  reach: ElementReach,
  key: string,
  instanceKey: string,
): Promise<DataElement[]> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e
     where e.workspace_id = ${reach.workspaceId} and e.kind = ${kind} and e.key = ${key} and e.instance_key = ${instanceKey}
       and (e.connection_id = ${reach.connectionId} or (e.connection_id is null and e.customer_id = ${reach.customerId}))
     order by e.archived_at desc nulls first, e.id desc limit 10`.execute(tx)
  return rows
}

export interface ElementFilter {
  workspaceId: string
  kind: DataKind
  integrationId: string | null
  connectionId: string | null
  /** Whose, of connections' elements; null for everybody's. */
  customerId: string | null
  parentId: string | null
  universalId: string | null
  key: string | null
  instanceKey: string | null
  layer: Layer | null
  search: string | null
  includeArchived: boolean
}

/** A page of elements, newest first; those of connections and customers only where that layer is asked for. */
export async function listElements(tx: Tx, f: ElementFilter, page: Page): Promise<DataElement[]> {
  const { rows } = await sql<DataElement>`
    select ${columns} from data_elements e left join data_elements p on p.id = e.parent_id
     where e.workspace_id = ${f.workspaceId} and e.kind = ${f.kind} and (${page.before}::uuid is null or e.id < ${page.before})
       and (${f.integrationId}::uuid is null or e.integration_id = ${f.integrationId})
       and (${f.connectionId}::uuid is null or e.connection_id = ${f.connectionId})
       and (${f.customerId}::uuid is null or e.customer_id = ${f.customerId})
       and (${f.parentId}::uuid is null or e.parent_id = ${f.parentId})
       and (${f.universalId}::uuid is null or e.parent_id = ${f.universalId} or p.parent_id = ${f.universalId})
       and (${f.key}::text is null or e.key = ${f.key})
       and (${f.instanceKey}::text is null or e.instance_key = ${f.instanceKey})
       and (case ${f.layer}::text
              when 'connection' then e.customer_id is not null
              when 'integration' then e.customer_id is null and e.integration_id is not null
              when 'universal' then e.customer_id is null and e.integration_id is null
              else e.customer_id is null end)
       and ${hasText(['e.name', 'e.key'], f.search)}
       and (${f.includeArchived} or e.archived_at is null)
     order by e.id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** A page of the living elements that count for a connection or customer, each key in its narrowest version. */
export async function listElementsReaching(
  tx: Tx,
  kind: DataKind,
  reach: ElementReach,
  instanceKey: string,
  page: Page,
): Promise<DataElement[]> {
  const { rows } = await sql<DataElement>`
    select * from (
      select distinct on (e.key) ${columns} from data_elements e
       where ${reaching(reach)} and e.kind = ${kind} and e.instance_key in (${instanceKey}, '')
       order by e.key, (e.instance_key = ${instanceKey}) desc, e.connection_id nulls last, e.customer_id nulls last,
             e.integration_id nulls last) n
     where (${page.before}::uuid is null or n.id < ${page.before}) order by n.id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** Archives the living ones below an element. */
export async function archiveElementsBelow(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`
    with recursive below as (
      select id from data_elements where parent_id = ${id}
      union all
      select e.id from data_elements e join below b on e.parent_id = b.id
    )
    update data_elements e set archived_at = ${now}, updated_at = ${now}, revision = gen_random_uuid()
      from below b where e.id = b.id and e.archived_at is null`.execute(tx)
}

/** What a connection has of its own goes with it. */
export async function archiveElementsOfConnection(tx: Tx, connectionId: string, now: Date): Promise<void> {
  await sql`
    update data_elements set archived_at = ${now}, updated_at = ${now}, revision = gen_random_uuid()
     where connection_id = ${connectionId} and archived_at is null`.execute(tx)
}

// ── links ──

export interface DataLinkRow {
  id: string
  tableId: string
  externalRecordId: string
  appRecordId: string
  direction: 'import' | 'export'
}

const linkColumns = sql.raw(`l.id, l.table_id as "tableId", l.external_record_id as "externalRecordId",
  l.app_record_id as "appRecordId", l.direction`)

/** A link that is there already becomes the newest. */
export async function putLinks(tx: Tx, links: readonly DataLinkRow[], now: Date): Promise<void> {
  await sql`
    insert into data_links (id, table_id, external_record_id, app_record_id, direction, linked_at)
    select id, table_id, external, app, direction, ${now}::timestamptz
      from unnest(${links.map((each) => each.id)}::uuid[], ${links.map((each) => each.tableId)}::uuid[],
        ${links.map((each) => each.externalRecordId)}::text[], ${links.map((each) => each.appRecordId)}::text[],
        ${links.map((each) => each.direction)}::text[]) as w (id, table_id, external, app, direction)
    on conflict (table_id, direction, external_record_id, app_record_id) do update set linked_at = excluded.linked_at`.execute(
    tx,
  )
}

export interface LinkFilter {
  tableId: string
  externalRecordId: string | null
  appRecordId: string | null
  direction: 'import' | 'export' | null
}

const linkWhere = (f: LinkFilter) => sql`l.table_id = ${f.tableId}
  and (${f.externalRecordId}::text is null or l.external_record_id = ${f.externalRecordId})
  and (${f.appRecordId}::text is null or l.app_record_id = ${f.appRecordId})
  and (${f.direction}::text is null or l.direction = ${f.direction})`

export async function listLinks(tx: Tx, f: LinkFilter, page: Page): Promise<DataLinkRow[]> {
  const { rows } = await sql<DataLinkRow>`
    select ${linkColumns} from data_links l where ${linkWhere(f)} and (${page.before}::uuid is null or l.id < ${page.before})
     order by l.id desc limit ${page.limit}`.execute(tx)
  return rows
}

export async function deleteLinks(tx: Tx, f: LinkFilter): Promise<void> {
  await sql`delete from data_links l where ${linkWhere(f)}`.execute(tx)
}

/** The newest link of a record in one direction. */
export async function newestLink(tx: Tx, f: LinkFilter): Promise<DataLinkRow | null> {
  const { rows } = await sql<DataLinkRow>`
    select ${linkColumns} from data_links l where ${linkWhere(f)} order by l.linked_at desc, l.id desc limit 1`.execute(
    tx,
  )
  return rows[0] ?? null
}
