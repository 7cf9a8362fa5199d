import type { AlertType } from '@permea/contract'
import type { Page } from '../api/paging.ts'
import { only, sql, type Tx } from '../platform/database.ts'
import { lowestIdAt } from '../platform/ids.ts'
import type { Alert, Condition } from './alert.ts'

const columns = `id, workspace_id as "workspaceId", key, type, severity, description, status, customer_id as "customerId",
  context_key as "contextKey", details, created_at as "createdAt", last_seen_at as "lastSeenAt", resolved_at as "resolvedAt"`

/**
 * Opens the alert with this key, makes a resolved one ongoing again, or bumps `last_seen_at` of an ongoing one.
 * Says whether it became ongoing just now, so that it is told of once per episode.
 */
export async function raiseAlert(
  tx: Tx,
  id: string,
  c: Condition,
  now: Date,
): Promise<{ alert: Alert; becameOngoing: boolean }> {
  // The join has the state before read (and locked) before it is changed.
  const { rows } = await sql<Alert & { becameOngoing: boolean }>`
    with before as (select status from alerts where workspace_id = ${c.workspaceId} and key = ${c.key} for update)
    insert into alerts as a (id, workspace_id, key, type, severity, description, status, customer_id, context_key, details, created_at, last_seen_at)
    select ${id}::uuid, ${c.workspaceId}::uuid, ${c.key}, ${c.type}, ${c.severity}, ${c.description}, 'ongoing', ${c.customerId}::uuid,
           ${c.contextKey}, ${c.details === null ? null : JSON.stringify(c.details)}::json, ${now}::timestamptz, ${now}::timestamptz
      from (select 1) as one left join before on true
    on conflict (workspace_id, key) do update set status = 'ongoing', severity = excluded.severity, description = excluded.description,
      details = excluded.details, last_seen_at = excluded.last_seen_at, resolved_at = null
    returning ${sql.raw(columns)}, (xmax = 0 or coalesce((select status from before) = 'resolved', false)) as "becameOngoing"`.execute(
    tx,
  )
  const { becameOngoing, ...alert } = only(rows)
  return { alert, becameOngoing }
}

/** Null where it was not ongoing. */
export async function resolveAlert(tx: Tx, workspaceId: string, key: string, now: Date): Promise<Alert | null> {
  const { rows } = await sql<Alert>`
    update alerts set status = 'resolved', resolved_at = ${now} where workspace_id = ${workspaceId} and key = ${key} and status = 'ongoing'
    returning ${sql.raw(columns)}`.execute(tx)
  return rows[0] ?? null
}

export async function alertById(tx: Tx, workspaceId: string, id: string): Promise<Alert | null> {
  const { rows } =
    await sql<Alert>`select ${sql.raw(columns)} from alerts where id = ${id} and workspace_id = ${workspaceId}`.execute(
      tx,
    )
  return rows[0] ?? null
}

export async function ongoingOfType(tx: Tx, type: AlertType): Promise<Alert[]> {
  const { rows } =
    await sql<Alert>`select ${sql.raw(columns)} from alerts where type = ${type} and status = 'ongoing' order by id limit 10000`.execute(
      tx,
    )
  return rows
}

export interface AlertFilter {
  workspaceId: string
  id: string | null
  status: string | null
  type: string | null
  severity: string | null
  contextKey: string | null
  from: Date | null
  to: Date | null
}

export async function listAlerts(tx: Tx, f: AlertFilter, page: Page): Promise<Alert[]> {
  const from = f.from === null ? null : lowestIdAt(f.from)
  const to = f.to === null ? null : lowestIdAt(new Date(f.to.getTime() + 1))
  const { rows } = await sql<Alert>`
    select ${sql.raw(columns)} from alerts
     where workspace_id = ${f.workspaceId} and (${page.before}::uuid is null or id < ${page.before})
       and (${f.id}::uuid is null or id = ${f.id})
       and (${f.status}::text is null or status = ${f.status})
       and (${f.type}::text is null or type = ${f.type})
       and (${f.severity}::text is null or severity = ${f.severity})
       and (${f.contextKey}::text is null or context_key = ${f.contextKey})
       and (${from}::uuid is null or id >= ${from}) and (${to}::uuid is null or id < ${to})
     order by id desc limit ${page.limit}`.execute(tx)
  return rows
}

// ── settings ──

/** How soon alerts of a workspace open, and who is told of them. */
export interface AlertSettings {
  flowFailures: number
  backlogMinutes: number
  deliveryFailingMinutes: number
  mailTo: string[]
  slackUrlSealed: string | null
  updatedAt: Date | null
}

/** What holds where nothing was set. */
const USUAL_SETTINGS: AlertSettings = {
  flowFailures: 5,
  backlogMinutes: 5,
  deliveryFailingMinutes: 3,
  mailTo: [],
  slackUrlSealed: null,
  updatedAt: null,
}

export async function alertSettingsOf(tx: Tx, workspaceId: string): Promise<AlertSettings> {
  const { rows } = await sql<AlertSettings>`
    select flow_failures as "flowFailures", backlog_minutes as "backlogMinutes", delivery_failing_minutes as "deliveryFailingMinutes",
           mail_to as "mailTo", slack_url_sealed as "slackUrlSealed", updated_at as "updatedAt"
      from alert_settings where workspace_id = ${workspaceId}`.execute(tx)
  return rows[0] ?? USUAL_SETTINGS
}

export async function keepAlertSettings(tx: Tx, workspaceId: string, s: AlertSettings): Promise<void> {
  await sql`
    insert into alert_settings (workspace_id, flow_failures, backlog_minutes, delivery_failing_minutes, mail_to, slack_url_sealed, updated_at)
    values (${workspaceId}, ${s.flowFailures}, ${s.backlogMinutes}, ${s.deliveryFailingMinutes}, ${s.mailTo}::text[], ${s.slackUrlSealed},
      ${s.updatedAt})
    on conflict (workspace_id) do update set flow_failures = excluded.flow_failures, backlog_minutes = excluded.backlog_minutes,
      delivery_failing_minutes = excluded.delivery_failing_minutes, mail_to = excluded.mail_to,
      slack_url_sealed = excluded.slack_url_sealed, updated_at = excluded.updated_at`.execute(tx)
}

/** The shortest time that a workspace waits before it wants to know of one of the two, in minutes. */
export async function shortestMinutes(tx: Tx, of: 'backlog' | 'delivery'): Promise<number> {
  const { rows } = await sql<{ backlog: number | null; delivery: number | null }>`
    select min(backlog_minutes) as backlog, min(delivery_failing_minutes) as delivery from alert_settings`.execute(tx)
  const usual = of === 'backlog' ? USUAL_SETTINGS.backlogMinutes : USUAL_SETTINGS.deliveryFailingMinutes
  return Math.min(usual, rows[0]?.[of] ?? usual)
}
