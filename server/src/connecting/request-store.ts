import type { ErrorData } from '@permea/contract'
import { asJson, inPortions, sql, type Tx } from '../platform/database.ts'

/** Somebody is asked to connect an app, or does so. */
export interface RequestRow {
  id: string
  workspaceId: string
  customerId: string
  /** What it is called by who waits for it: chosen by the client, or made for it. */
  requestId: string
  linkHash: string | null
  stateHash: string | null
  payloadSealed: string
  status: 'pending' | 'success' | 'cancelled' | 'error'
  connectionId: string | null
  error: ErrorData | null
  createdAt: Date
  expiresAt: Date
}

const columns = sql.raw(`id, workspace_id as "workspaceId", customer_id as "customerId", request_id as "requestId",
  link_hash as "linkHash", state_hash as "stateHash", payload_sealed as "payloadSealed", status, connection_id as "connectionId",
  error, created_at as "createdAt", expires_at as "expiresAt"`)

/** A name that a customer used before stands for the newer request. */
export async function insertRequest(tx: Tx, r: RequestRow): Promise<RequestRow> {
  const { rows } = await sql<RequestRow>`
    insert into connection_requests (id, workspace_id, customer_id, request_id, link_hash, payload_sealed, status, created_at, expires_at)
    values (${r.id}, ${r.workspaceId}, ${r.customerId}, ${r.requestId}, ${r.linkHash}, ${r.payloadSealed}, ${r.status}, ${r.createdAt}, ${r.expiresAt})
    on conflict (workspace_id, customer_id, request_id) do update set link_hash = excluded.link_hash, state_hash = null,
      payload_sealed = excluded.payload_sealed, status = excluded.status, connection_id = null, error = null,
      created_at = excluded.created_at, expires_at = excluded.expires_at
    returning ${columns}`.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Error('a request was not kept')
  return row
}

/** Notes what a request has come to so far: the state of a redirect, what was filled in. */
export async function updateRequest(
  tx: Tx,
  id: string,
  to: { payloadSealed: string; stateHash: string | null },
): Promise<void> {
  await sql`
    update connection_requests set payload_sealed = ${to.payloadSealed}, state_hash = ${to.stateHash} where id = ${id}`.execute(
    tx,
  )
}

/** What it came to; one that came to nothing may be tried again by its link, where that is kept. */
export async function endRequest(
  tx: Tx,
  id: string,
  to: Pick<RequestRow, 'status' | 'connectionId' | 'error'> & { isLinkKept: boolean },
): Promise<RequestRow | null> {
  const { rows } = await sql<RequestRow>`
    update connection_requests set status = ${to.status}, connection_id = ${to.connectionId}, error = ${asJson(to.error)}, state_hash = null,
      link_hash = case when ${to.isLinkKept} then link_hash end
     where id = ${id} and status <> 'success' returning ${columns}`.execute(tx)
  return rows[0] ?? null
}

export async function requestByLink(tx: Tx, linkHash: string, now: Date): Promise<RequestRow | null> {
  const { rows } = await sql<RequestRow>`
    select ${columns} from connection_requests where link_hash = ${linkHash} and expires_at > ${now}`.execute(tx)
  return rows[0] ?? null
}

/** Of one customer, or whoever's it is: then several customers may have used the same name. */
export async function requestsByName(
  tx: Tx,
  named: { workspaceId: string; customerId: string | null; requestId: string },
): Promise<RequestRow[]> {
  const { rows } = await sql<RequestRow>`
    select ${columns} from connection_requests
     where workspace_id = ${named.workspaceId} and request_id = ${named.requestId}
       and (${named.customerId}::uuid is null or customer_id = ${named.customerId})
     order by created_at desc limit 2`.execute(tx)
  return rows
}

/** The request that a redirect belongs to. Its state is used up: the next one with it finds nothing. */
export async function takeRequestByState(tx: Tx, stateHash: string, now: Date): Promise<RequestRow | null> {
  const { rows } = await sql<RequestRow>`
    update connection_requests set state_hash = null where state_hash = ${stateHash} and expires_at > ${now}
    returning ${columns}`.execute(tx)
  return rows[0] ?? null
}

/** Requests that nobody can use any more. */
export async function forgetOldRequests(tx: Tx, now: Date): Promise<void> {
  await inPortions((limit) =>
    sql`delete from connection_requests where ctid in
      (select ctid from connection_requests where expires_at < ${now} limit ${limit})`.execute(tx),
  )
}
