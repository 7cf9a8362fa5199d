import type { Page } from '../api/paging.ts'
import { only, sql, type Tx } from '../platform/database.ts'
import { conditionsOf, contains, type Looked, lookThrough } from '../platform/look-through.ts'
import type { ChainedRecord, Head } from './record.ts'

export interface SealedHead extends Head {
  seal: string
}

const headColumns = sql.raw('workspace_id as "workspaceId", sequence, hash, seal')

/** Heads, locked until the transaction ends; in the order of their ids, so that two who want several do not wait for each other. */
export async function lockHeads(
  tx: Tx,
  workspaceIds: readonly string[],
  start: SealedHead,
): Promise<Map<string, SealedHead>> {
  await sql`
    insert into audit_heads (workspace_id, sequence, hash, seal)
    select id, ${start.sequence}, ${start.hash}, ${start.seal} from unnest(${workspaceIds}::uuid[]) id order by id
    on conflict do nothing`.execute(tx)
  const { rows } = await sql<SealedHead & { workspaceId: string }>`
    select ${headColumns} from audit_heads where workspace_id = any(${workspaceIds}::uuid[]) order by workspace_id
       for no key update`.execute(tx)
  return new Map(rows.map((row) => [row.workspaceId, row]))
}

export async function moveHead(tx: Tx, workspaceId: string, head: SealedHead): Promise<void> {
  await sql`
    update audit_heads set sequence = ${head.sequence}, hash = ${head.hash}, seal = ${head.seal}
     where workspace_id = ${workspaceId}`.execute(tx)
}

export async function headOf(tx: Tx, workspaceId: string): Promise<SealedHead | null> {
  const { rows } = await sql<SealedHead>`
    select ${headColumns} from audit_heads where workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

export async function insertRecords(tx: Tx, records: readonly ChainedRecord[]): Promise<void> {
  await sql`
    insert into audit_records (workspace_id, sequence, id, at, actor_kind, actor_id, actor_role, action, outcome, element_type,
      element_id, customer_id, request_id, changed, details_hash, previous_hash, hash)
    select workspace_id, sequence, id, at, actor_kind, actor_id, actor_role, action, outcome, element_type, element_id,
           customer_id, request_id, array(select jsonb_array_elements_text(changed)), details_hash, previous_hash, hash
      from unnest(${records.map((r) => r.workspaceId)}::uuid[], ${records.map((r) => r.sequence)}::bigint[],
        ${records.map((r) => r.id)}::uuid[], ${records.map((r) => r.at)}::timestamptz[],
        ${records.map((r) => r.actorKind)}::text[], ${records.map((r) => r.actorId)}::text[],
        ${records.map((r) => r.actorRole)}::text[], ${records.map((r) => r.action)}::text[],
        ${records.map((r) => r.outcome)}::text[], ${records.map((r) => r.elementType)}::text[],
        ${records.map((r) => r.elementId)}::text[], ${records.map((r) => r.customerId)}::uuid[],
        ${records.map((r) => r.requestId)}::text[], ${records.map((r) => JSON.stringify(r.changed))}::jsonb[],
        ${records.map((r) => r.detailsHash)}::text[], ${records.map((r) => r.previousHash)}::text[],
        ${records.map((r) => r.hash)}::text[])
        as t (workspace_id, sequence, id, at, actor_kind, actor_id, actor_role, action, outcome, element_type, element_id,
          customer_id, request_id, changed, details_hash, previous_hash, hash)`.execute(tx)
  await sql`
    insert into audit_details (workspace_id, sequence, body)
    select * from unnest(${records.map((r) => r.workspaceId)}::uuid[], ${records.map((r) => r.sequence)}::bigint[],
      ${records.map((r) => r.body)}::text[])`.execute(tx)
}

export interface Intent {
  id: string
  workspaceId: string
  at: Date
  /** JSON of the record as far as it is known. */
  record: string
}

export async function insertIntents(tx: Tx, intents: readonly Intent[]): Promise<void> {
  await sql`
    insert into audit_intents (id, workspace_id, at, record)
    select * from unnest(${intents.map((i) => i.id)}::uuid[], ${intents.map((i) => i.workspaceId)}::uuid[],
      ${intents.map((i) => i.at)}::timestamptz[], ${intents.map((i) => i.record)}::text[])`.execute(tx)
}

export async function deleteIntents(tx: Tx, ids: readonly string[]): Promise<void> {
  await sql`delete from audit_intents where id = any(${ids}::uuid[])`.execute(tx)
}

/** Intents that nobody came back to, taken out; one that another process takes is passed over. */
export async function takeOldIntents(tx: Tx, before: Date, limit: number): Promise<Intent[]> {
  const { rows } = await sql<Intent>`
    delete from audit_intents where id in (
      select id from audit_intents where at < ${before} order by at limit ${limit} for update skip locked)
    returning id, workspace_id as "workspaceId", at, record`.execute(tx)
  return rows
}

export interface AuditFilter {
  workspaceId: string
  actorKind: string | null
  actorId: string | null
  action: string | null
  outcome: string | null
  elementType: string | null
  elementId: string | null
  customerId: string | null
  search: string | null
  from: Date | null
  to: Date | null
}

const columns = sql.raw(`r.id, r.workspace_id as "workspaceId", r.sequence, r.at, r.actor_kind as "actorKind",
  r.actor_id as "actorId", r.actor_role as "actorRole", r.action, r.outcome, r.element_type as "elementType",
  r.element_id as "elementId", r.customer_id as "customerId", r.request_id as "requestId", r.changed,
  r.details_hash as "detailsHash", r.previous_hash as "previousHash", r.hash,
  (select d.body from audit_details d where d.workspace_id = r.workspace_id and d.sequence = r.sequence) as body`)

export async function listRecords(tx: Tx, filter: AuditFilter, page: Page): Promise<Looked<ChainedRecord>> {
  const { actorKind, actorId, action, outcome, elementType, elementId, customerId, from, to } = filter
  return lookThrough<ChainedRecord>(tx, {
    log: 'audit_records',
    columns,
    ...conditionsOf({
      workspaceId: filter.workspaceId,
      indexed: { element_id: elementId, actor_id: actorId, customer_id: customerId, workspace_id: filter.workspaceId },
      others: { actor_kind: actorKind, action, outcome, element_type: elementType },
      more: [
        contains(
          sql`concat_ws(' ', r.action, r.element_id, (select d.body from audit_details d
                where d.workspace_id = r.workspace_id and d.sequence = r.sequence))`,
          filter.search,
        ),
      ],
      span: { from, to },
    }),
    page,
  })
}

export async function recordById(tx: Tx, workspaceId: string, id: string): Promise<ChainedRecord | null> {
  const { rows } = await sql<ChainedRecord>`
    select ${columns} from audit_records r where r.workspace_id = ${workspaceId} and r.id = ${id}`.execute(tx)
  return rows[0] ?? null
}

/** Records of a chain in its order, after one. */
export async function recordsAfter(
  tx: Tx,
  workspaceId: string,
  sequence: number,
  limit: number,
): Promise<ChainedRecord[]> {
  const { rows } = await sql<ChainedRecord>`
    select ${columns} from audit_records r where r.workspace_id = ${workspaceId} and r.sequence > ${sequence}
     order by r.sequence limit ${limit}`.execute(tx)
  return rows
}

export interface Anchor extends Head {
  leftAt: Date
}

export async function anchorOf(tx: Tx, workspaceId: string): Promise<Anchor | null> {
  const { rows } = await sql<Anchor>`
    select sequence, hash, left_at as "leftAt" from audit_anchors where workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? null
}

/** The last record of each workspace that is as old. */
export async function lastBefore(
  tx: Tx,
  before: Date,
): Promise<{ workspaceId: string; sequence: number; hash: string }[]> {
  const { rows } = await sql<{ workspaceId: string; sequence: number; hash: string }>`
    select h.workspace_id as "workspaceId", r.sequence, r.hash from audit_heads h
      join lateral (select sequence, hash from audit_records
                     where workspace_id = h.workspace_id and sequence < coalesce((
                       select sequence from audit_records where workspace_id = h.workspace_id and at >= ${before}
                        order by sequence limit 1), h.sequence + 1)
                     order by sequence desc limit 1) r on true
     order by 1`.execute(tx)
  return rows
}

export async function moveAnchor(tx: Tx, workspaceId: string, anchor: Anchor): Promise<void> {
  await sql`
    insert into audit_anchors (workspace_id, sequence, hash, left_at)
    values (${workspaceId}, ${anchor.sequence}, ${anchor.hash}, ${anchor.leftAt})
    on conflict (workspace_id) do update
      set sequence = excluded.sequence, hash = excluded.hash, left_at = excluded.left_at`.execute(tx)
}

/** Removes what lies before the anchor, so many at most; says how many that were. */
export async function deleteUpTo(tx: Tx, workspaceId: string, sequence: number, limit: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with gone as (
      delete from audit_records where workspace_id = ${workspaceId} and sequence in (
        select sequence from audit_records where workspace_id = ${workspaceId} and sequence <= ${sequence}
         order by sequence limit ${limit})
      returning sequence
    ), details as (
      delete from audit_details d using gone where d.workspace_id = ${workspaceId} and d.sequence = gone.sequence
    )
    select count(*)::integer as count from gone`.execute(tx)
  return only(rows).count
}
