import type { Page } from '../api/paging.ts'
import { asStoredJson } from '../exchanges/stored-json.ts'
import { asJson, only, sql, type Tx } from '../platform/database.ts'
import { hasText } from '../platform/look-through.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Action } from './action.ts'
import { openedParts, sealedParts } from './action-secrets.ts'

const columns = sql.raw(`a.id, a.workspace_id as "workspaceId", a.integration_id as "integrationId",
  a.connection_id as "connectionId", a.customer_id as "customerId", a.parent_id as "parentId", a.instance_key as "instanceKey",
  a.uuid, a.key, a.name, a.description, a.meta, a.type, a.config, a.input_schema as "inputSchema",
  a.output_mapping as "outputMapping", a.custom_output_schema as "customOutputSchema", a.is_customized as "isCustomized", a.secrets_sealed as "secretsSealed",
  a.revision, a.created_at as "createdAt", a.updated_at as "updatedAt", a.archived_at as "archivedAt"`)

export async function insertAction(tx: Tx, sealing: Sealing, a: Action): Promise<void> {
  await sql`
    insert into actions (id, workspace_id, integration_id, connection_id, customer_id, parent_id, instance_key, uuid, key, name, description, meta,
      type, config, input_schema, output_mapping, custom_output_schema, is_customized, secrets_sealed, is_sealed, revision, created_at, updated_at)
    values (${a.id}, ${a.workspaceId}, ${a.integrationId}, ${a.connectionId}, ${a.customerId}, ${a.parentId}, ${a.instanceKey}, ${a.uuid},
      ${a.key}, ${a.name}, ${a.description}, ${asJson(a.meta)}, ${a.type}, ${asStoredJson(sealing, a.config)}, ${asJson(a.inputSchema)},
      ${asStoredJson(sealing, a.outputMapping)}, ${asJson(a.customOutputSchema)}, ${a.isCustomized}, ${a.secretsSealed}, true, ${a.revision}, ${a.createdAt}, ${a.updatedAt})`.execute(
    tx,
  )
}

export async function updateAction(tx: Tx, sealing: Sealing, a: Action): Promise<void> {
  await sql`
    update actions set key = ${a.key}, name = ${a.name}, description = ${a.description}, meta = ${asJson(a.meta)}, type = ${a.type},
      config = ${asStoredJson(sealing, a.config)}, input_schema = ${asJson(a.inputSchema)}, output_mapping = ${asStoredJson(sealing, a.outputMapping)},
      custom_output_schema = ${asJson(a.customOutputSchema)}, is_customized = ${a.isCustomized}, secrets_sealed = ${a.secretsSealed}, is_sealed = true,
      revision = ${a.revision},
      updated_at = ${a.updatedAt}, archived_at = ${a.archivedAt}
     where id = ${a.id}`.execute(tx)
}

/** Writes the content of an action to those that follow it without customizing, however deep. */
export async function passContentOn(tx: Tx, sealing: Sealing, parent: Action): Promise<void> {
  await sql`
    with recursive following as (
      select id from actions where parent_id = ${parent.id} and not is_customized
      union all
      select a.id from actions a join following f on a.parent_id = f.id where not a.is_customized
    )
    update actions a set name = ${parent.name}, description = ${parent.description}, type = ${parent.type}, config = ${asStoredJson(sealing, parent.config)},
      input_schema = ${asJson(parent.inputSchema)}, output_mapping = ${asStoredJson(sealing, parent.outputMapping)},
      custom_output_schema = ${asJson(parent.customOutputSchema)}, secrets_sealed = ${parent.secretsSealed}, is_sealed = true,
      revision = gen_random_uuid(), updated_at = ${parent.updatedAt}
      from following f where a.id = f.id`.execute(tx)
}

/** Seals secrets in configurations that were stored before they were sealed. */
export async function sealOldActions(tx: Tx, sealing: Sealing): Promise<void> {
  const { rows } = await sql<Pick<Action, 'id' | 'config' | 'outputMapping' | 'secretsSealed'>>`
    select id, config, output_mapping as "outputMapping", secrets_sealed as "secretsSealed" from actions where not is_sealed for update`.execute(
    tx,
  )
  for (const { id, ...content } of rows) {
    const { config, outputMapping, secretsSealed } = sealedParts(
      sealing,
      openedParts(sealing, content),
      content.secretsSealed,
    )
    await sql`
      update actions set config = ${asStoredJson(sealing, config)}, output_mapping = ${asStoredJson(sealing, outputMapping)}, secrets_sealed = ${secretsSealed},
        is_sealed = true where id = ${id}`.execute(tx)
  }
}

/** Archives the living ones below an action; gives how many. */
export async function archiveBelow(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`
    with recursive below as (
      select id from actions where parent_id = ${id}
      union all
      select a.id from actions a join below b on a.parent_id = b.id
    )
    update actions a set archived_at = ${now}, updated_at = ${now}, revision = gen_random_uuid()
      from below b where a.id = b.id and a.archived_at is null`.execute(tx)
}

export async function archiveActionsOfConnection(tx: Tx, connectionId: string, now: Date): Promise<void> {
  await sql`
    update actions set archived_at = ${now}, updated_at = ${now}, revision = gen_random_uuid()
     where connection_id = ${connectionId} and archived_at is null`.execute(tx)
}

export async function actionById(tx: Tx, workspaceId: string, id: string): Promise<Action | null> {
  const { rows } =
    await sql<Action>`select ${columns} from actions a where a.id = ${id} and a.workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

/** The same, locked until the transaction ends: changes of one action happen one after the other. */
export async function lockAction(tx: Tx, id: string): Promise<Action> {
  const { rows } = await sql<Action>`select ${columns} from actions a where a.id = ${id} for update`.execute(tx)
  return only(rows)
}

/** A parent whose content is about to be taken over: it does not change until that is written. */
export async function holdAction(tx: Tx, id: string): Promise<Action> {
  const { rows } = await sql<Action>`select ${columns} from actions a where a.id = ${id} for share`.execute(tx)
  return only(rows)
}

export async function actionsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Action>> {
  if (ids.length === 0) return new Map()
  const { rows } =
    await sql<Action>`select ${columns} from actions a where a.id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** All definitions (not of connections) with this key, living ones first. */
export async function definitionsByKey(tx: Tx, workspaceId: string, key: string): Promise<Action[]> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where a.workspace_id = ${workspaceId} and a.key = ${key} and a.connection_id is null and a.instance_key = ''
     order by a.archived_at desc nulls first, a.id limit 100`.execute(tx)
  return rows
}

/** Where actions apply to a connection: its own, its integration's, universal ones. */
export interface Reach {
  workspaceId: string
  connectionId: string
  integrationId: string | null
}

const within = (reach: Reach) => sql`a.workspace_id = ${reach.workspaceId} and a.archived_at is null
  and (a.connection_id = ${reach.connectionId}
       or (a.connection_id is null and (a.integration_id is null or a.integration_id = ${reach.integrationId})))`

const narrowestFirst = sql`a.connection_id nulls last, a.integration_id nulls last`

/** The narrowest living action of a key that applies to a connection. */
export async function narrowestByKey(tx: Tx, reach: Reach, key: string, instanceKey: string): Promise<Action | null> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where ${within(reach)} and a.key = ${key}
       and (a.instance_key = ${instanceKey} or (a.connection_id is null and a.instance_key = ''))
     order by ${narrowestFirst} limit 1`.execute(tx)
  return rows[0] ?? null
}

/** The narrowest living action that applies to a connection, of one action and those that follow it. */
export async function narrowestBelow(tx: Tx, reach: Reach, id: string, instanceKey: string): Promise<Action | null> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a left join actions p on p.id = a.parent_id
     where ${within(reach)} and (a.id = ${id} or a.parent_id = ${id} or p.parent_id = ${id})
       and (a.instance_key = ${instanceKey} or a.connection_id is null)
     order by ${narrowestFirst} limit 1`.execute(tx)
  return rows[0] ?? null
}

/** A connection's own actions of a key, living ones first. */
export async function ownOfConnection(
  tx: Tx,
  connectionId: string,
  key: string,
  instanceKey: string,
): Promise<Action[]> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where a.connection_id = ${connectionId} and a.key = ${key} and a.instance_key = ${instanceKey}
     order by a.archived_at desc nulls first, a.id desc limit 10`.execute(tx)
  return rows
}

/** A connection's own actions that follow one of these, living ones first. */
export async function followersOfConnection(
  tx: Tx,
  connectionId: string,
  parentIds: readonly string[],
  instanceKey: string,
): Promise<Action[]> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where a.connection_id = ${connectionId} and a.parent_id = any(${parentIds}::uuid[]) and a.instance_key = ${instanceKey}
     order by a.archived_at desc nulls first, a.id desc limit 10`.execute(tx)
  return rows
}

/** The living action of an integration with a key. */
export async function actionOfIntegration(
  tx: Tx,
  workspaceId: string,
  integrationId: string,
  key: string,
): Promise<Action | null> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where a.workspace_id = ${workspaceId} and a.integration_id = ${integrationId} and a.connection_id is null and a.key = ${key}
       and a.instance_key = '' and a.archived_at is null`.execute(tx)
  return rows[0] ?? null
}

export interface ActionFilter {
  workspaceId: string
  /** Null: the definitions, universal and of integrations. */
  layer: 'universal' | 'integration' | 'connection' | null
  integrationId: string | null
  connectionId: string | null
  customerId: string | null
  parentId: string | null
  universalId: string | null
  instanceKey: string | null
  search: string | null
  /** Words of which one at least must be in its name, key or description. */
  intent: string | null
  includeArchived: boolean
}

const matching = (f: Omit<ActionFilter, 'layer' | 'workspaceId'>) => sql`
  (${f.customerId}::uuid is null or a.customer_id = ${f.customerId})
  and (${f.parentId}::uuid is null or a.parent_id = ${f.parentId})
  and (${f.universalId}::uuid is null or a.parent_id = ${f.universalId}
       or exists (select 1 from actions p where p.id = a.parent_id and p.parent_id = ${f.universalId}))
  and (${f.instanceKey}::text is null or a.instance_key = ${f.instanceKey})
  and ${hasText(['a.name', 'a.key'], f.search)}
  and (${f.intent}::text is null
       or to_tsvector('english', a.name || ' ' || a.key || ' ' || coalesce(a.description, '')) @@ websearch_to_tsquery('english', ${f.intent}))`

export async function listActions(tx: Tx, f: ActionFilter, page: Page): Promise<Action[]> {
  const { rows } = await sql<Action>`
    select ${columns} from actions a
     where a.workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or a.id < ${page.before})
       and (case when a.connection_id is not null then 'connection' when a.integration_id is not null then 'integration' else 'universal' end
            = coalesce(${f.layer}::text, case when a.connection_id is not null then '' when a.integration_id is not null then 'integration' else 'universal' end))
       and (${f.integrationId}::uuid is null or a.integration_id = ${f.integrationId})
       and (${f.connectionId}::uuid is null or a.connection_id = ${f.connectionId})
       and (${f.includeArchived} or a.archived_at is null) and ${matching(f)}
     order by a.id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** What can be run on a connection: of each key and instance key the narrowest action. */
export async function listReaching(
  tx: Tx,
  reach: Reach,
  f: Omit<ActionFilter, 'layer' | 'workspaceId'>,
  page: Page,
): Promise<Action[]> {
  const { rows } = await sql<Action>`
    select ${columns} from (
        select distinct on (a.key, a.instance_key) * from actions a where ${within(reach)}
         order by a.key, a.instance_key, ${narrowestFirst}
      ) a
     where (${page.before}::uuid is null or a.id < ${page.before}) and ${matching(f)}
     order by a.id desc limit ${page.limit}`.execute(tx)
  return rows
}
