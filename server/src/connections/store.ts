import type { ErrorData } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'
import type { NamedLaneOwner } from '../platform/lane-standing.ts'
import { hasText } from '../platform/look-through.ts'
import type { Connection } from './connection.ts'

const columns =
  sql.raw(`c.id, c.workspace_id as "workspaceId", c.customer_id as "customerId", c.integration_id as "integrationId",
  c.connector_id as "connectorId", c.auth_option_key as "authOptionKey", c.uuid, c.key, c.name, c.meta, c.is_test as "isTest",
  c.credentials_sealed as "credentialsSealed", c.input_sealed as "inputSealed",
  c.connector_parameters_sealed as "connectorParametersSealed", c.credentials_version as "credentialsVersion",
  c.credentials_expire_at as "credentialsExpireAt", c.next_credentials_refresh_at as "nextCredentialsRefreshAt",
  c.is_disconnected as "isDisconnected", c.is_defunct as "isDefunct", c.error, c.retry_attempts as "retryAttempts",
  c.next_retry_at as "nextRetryAt", c.last_active_at as "lastActiveAt", c.revision, c.created_at as "createdAt",
  c.updated_at as "updatedAt", c.archived_at as "archivedAt"`)

export async function insertConnection(tx: Tx, c: Connection): Promise<void> {
  await sql`
    insert into connections (id, workspace_id, customer_id, integration_id, connector_id, auth_option_key, uuid, key, name, meta, is_test,
      credentials_sealed, input_sealed, connector_parameters_sealed, credentials_version, credentials_expire_at, next_credentials_refresh_at,
      revision, created_at, updated_at)
    values (${c.id}, ${c.workspaceId}, ${c.customerId}, ${c.integrationId}, ${c.connectorId}, ${c.authOptionKey}, ${c.uuid}, ${c.key},
      ${c.name}, ${asJson(c.meta)}, ${c.isTest}, ${c.credentialsSealed}, ${c.inputSealed}, ${c.connectorParametersSealed},
      ${c.credentialsVersion}, ${c.credentialsExpireAt}, ${c.nextCredentialsRefreshAt}, ${c.revision}, ${c.createdAt}, ${c.updatedAt})`.execute(
    tx,
  )
}

/** Writes everything that may change. The row must be locked: see `lockConnection`. */
export async function updateConnection(tx: Tx, c: Connection): Promise<void> {
  await sql`
    update connections set auth_option_key = ${c.authOptionKey}, key = ${c.key}, name = ${c.name}, meta = ${asJson(c.meta)}, is_test = ${c.isTest},
      credentials_sealed = ${c.credentialsSealed}, input_sealed = ${c.inputSealed},
      connector_parameters_sealed = ${c.connectorParametersSealed}, credentials_version = ${c.credentialsVersion},
      credentials_expire_at = ${c.credentialsExpireAt}, next_credentials_refresh_at = ${c.nextCredentialsRefreshAt},
      is_disconnected = ${c.isDisconnected}, is_defunct = ${c.isDefunct}, error = ${asJson(c.error)}, retry_attempts = ${c.retryAttempts},
      next_retry_at = ${c.nextRetryAt}, revision = ${c.revision}, updated_at = ${c.updatedAt}, archived_at = ${c.archivedAt}
     where id = ${c.id}`.execute(tx)
}

/** The row as it is now; others who would change it wait until the transaction ends, those who only refer to it do not. */
export async function lockConnection(tx: Tx, id: string): Promise<Connection | null> {
  const { rows } =
    await sql<Connection>`select ${columns} from connections c where c.id = ${id} for no key update`.execute(tx)
  return rows[0] ?? null
}

export async function connectionById(tx: Tx, workspaceId: string, id: string): Promise<Connection | null> {
  const { rows } = await sql<Connection>`
    select ${columns} from connections c where c.id = ${id} and c.workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export async function connectionsByIds(tx: Tx, ids: readonly string[]): Promise<Map<string, Connection>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<Connection>`
    select ${columns} from connections c where c.id = any(${[...new Set(ids)]}::uuid[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** Living ones with this key, or of this integration; two where there are more, which is enough to say so. */
export async function connectionsMeant(
  tx: Tx,
  meant: { workspaceId: string; customerId: string | null; key: string | null; integrationId: string | null },
): Promise<Connection[]> {
  const { rows } = await sql<Connection>`
    select ${columns} from connections c
     where c.workspace_id = ${meant.workspaceId} and c.archived_at is null
       and (${meant.customerId}::uuid is null or c.customer_id = ${meant.customerId})
       and (${meant.key}::text is null or c.key = ${meant.key})
       and (${meant.integrationId}::uuid is null or c.integration_id = ${meant.integrationId})
     order by c.id desc limit 2`.execute(tx)
  return rows
}

/** The newest living one of a customer and an app: what connecting again renews. */
export async function connectionOfApp(
  tx: Tx,
  of: { customerId: string; connectorId: string; integrationId: string | null; key: string | null },
): Promise<Connection | null> {
  const { rows } = await sql<Connection>`
    select ${columns} from connections c
     where c.customer_id = ${of.customerId} and c.connector_id = ${of.connectorId} and c.archived_at is null
       and c.integration_id is not distinct from ${of.integrationId}::uuid
       and (${of.key}::text is null or c.key = ${of.key})
     order by c.id desc limit 1`.execute(tx)
  return rows[0] ?? null
}

export interface ConnectionFilter {
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectorId: string | null
  isDisconnected: boolean | null
  isTest: boolean | null
  search: string | null
  includeArchived: boolean
}

export async function listConnections(tx: Tx, filter: ConnectionFilter, page: Page): Promise<Connection[]> {
  const { rows } = await sql<Connection>`
    select ${columns} from connections c
     where c.workspace_id = ${filter.workspaceId} and (${page.before}::uuid is null or c.id < ${page.before})
       and (${filter.customerId}::uuid is null or c.customer_id = ${filter.customerId})
       and (${filter.integrationId}::uuid is null or c.integration_id = ${filter.integrationId})
       and (${filter.connectorId}::uuid is null or c.connector_id = ${filter.connectorId})
       and (${filter.isDisconnected}::boolean is null or c.is_disconnected = ${filter.isDisconnected})
       and (${filter.isTest}::boolean is null or c.is_test = ${filter.isTest})
       and ${hasText(['c.name', 'c.key'], filter.search)}
       and (${filter.includeArchived} or c.archived_at is null)
     order by c.id desc limit ${page.limit}`.execute(tx)
  return rows
}

/**
 * Takes the right to refresh the credentials, unless somebody has it or they are newer than the version seen; says
 * which. Whoever takes it must give it back, or it lapses. An archived connection may still need it, to take its
 * registrations back at the app.
 */
export async function takeRefreshLease(
  tx: Tx,
  lease: { connectionId: string; versionSeen: number; id: string; now: Date; until: Date },
): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update connections set refresh_lease = ${lease.id}, refresh_lease_until = ${lease.until}
     where id = ${lease.connectionId} and credentials_version = ${lease.versionSeen}
       and (refresh_lease is null or refresh_lease_until <= ${lease.now})
    returning id`.execute(tx)
  return rows.length === 1
}

export async function giveBackRefreshLease(tx: Tx, connectionId: string, leaseId: string): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update connections set refresh_lease = null, refresh_lease_until = null
     where id = ${connectionId} and refresh_lease = ${leaseId} returning id`.execute(tx)
  return rows.length === 1
}

/** Whether somebody refreshes the credentials now. */
export async function isRefreshLeased(tx: Tx, connectionId: string, now: Date): Promise<boolean> {
  const { rows } = await sql<{ isLeased: boolean }>`
    select refresh_lease is not null and refresh_lease_until > ${now} as "isLeased" from connections where id = ${connectionId}`.execute(
    tx,
  )
  return rows[0]?.isLeased ?? false
}

/** Notes when connections were last used, for many at once. */
export async function touchConnections(tx: Tx, ids: readonly string[], now: Date): Promise<void> {
  await sql`
    update connections set last_active_at = greatest(last_active_at, ${now}) where id = any(${ids}::uuid[])`.execute(tx)
}

/** A try to connect, refresh, test or disconnect. */
export interface ConnectionLogRow {
  id: string
  workspaceId: string
  connectionId: string
  kind: 'connect' | 'refresh' | 'test' | 'disconnect'
  isSuccess: boolean
  error: ErrorData | null
  durationMs: number | null
}

export async function insertConnectionLog(tx: Tx, log: ConnectionLogRow): Promise<void> {
  await sql`
    insert into connection_logs (id, workspace_id, connection_id, kind, is_success, error, duration_ms)
    values (${log.id}, ${log.workspaceId}, ${log.connectionId}, ${log.kind}, ${log.isSuccess}, ${asJson(log.error)}, ${log.durationMs})`.execute(
    tx,
  )
}

export async function listConnectionLogs(
  tx: Tx,
  filter: { connectionId: string; isSuccess: boolean | null },
  page: Page,
): Promise<ConnectionLogRow[]> {
  const { rows } = await sql<ConnectionLogRow>`
    select id, workspace_id as "workspaceId", connection_id as "connectionId", kind, is_success as "isSuccess", error,
      duration_ms as "durationMs"
      from connection_logs
     where connection_id = ${filter.connectionId} and (${page.before}::uuid is null or id < ${page.before})
       and (${filter.isSuccess}::boolean is null or is_success = ${filter.isSuccess})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

/** Living connections of a customer to integrations; the newest of each. */
export async function connectionsOfIntegrations(
  tx: Tx,
  customerId: string,
  integrationIds: readonly string[],
): Promise<Connection[]> {
  const { rows } = await sql<Connection>`
    select distinct on (c.integration_id) ${columns} from connections c
     where c.customer_id = ${customerId} and c.integration_id = any(${[...integrationIds]}::uuid[]) and c.archived_at is null
     order by c.integration_id, c.id desc`.execute(tx)
  return rows
}

/** Whose lanes these are that connections have. */
export async function ownersOfConnectionLanes(tx: Tx, ids: readonly string[]): Promise<NamedLaneOwner[]> {
  const { rows } = await sql<NamedLaneOwner>`
    select id, workspace_id as "workspaceId", customer_id as "customerId", name
      from connections where id = any(${[...ids]}::uuid[])`.execute(tx)
  return rows
}
