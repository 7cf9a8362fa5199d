import { type ExternalEventPull, externalEventPulls as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import { externalSubscriptionById } from '../external-subscriptions/store.ts'
import type { ExternalSubscription } from '../external-subscriptions/subscription.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, toWire } from '../platform/ids.ts'
import type { Pulls } from './pulls.ts'
import { listPulls, type PullRow, pullById, snapshotOf } from './store.ts'

const SNAPSHOT_MAX = 100_000

export function pullRoutes(options: {
  database: Database
  clock: Clock
  connections: Pick<Connections, 'find'>
  customers: Pick<Customers, 'find'>
  pulls: Pulls
}): RouteSet {
  const { database, clock } = options

  async function found(principal: Principal, selector: string): Promise<PullRow> {
    const id = fromWire('eep', selector)
    const row = id === null ? null : await pullById(database.db, principal.workspaceId, id)
    if (row === null || !(principal.isAdmin || row.customerId === principal.customerId))
      throw notFound('external event pull', selector)
    return row
  }
  async function subscriptionOf(principal: Principal, selector: string): Promise<ExternalSubscription> {
    const id = fromWire('ees', selector)
    const row = id === null ? null : await externalSubscriptionById(database.db, id)
    const isSeen =
      row?.workspaceId === principal.workspaceId && (principal.isAdmin || row.customerId === principal.customerId)
    if (row === null || !isSeen) throw notFound('external event subscription', selector)
    return row
  }

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'eep')
      const named = query.userId ?? query.tenantId
      const own = principal.isAdmin ? null : principal.customerId
      const { externalEventSubscriptionId, connectionId, integrationId } = query
      const rows = await listPulls(
        database.reading,
        {
          workspaceId: principal.workspaceId,
          customerId: named === undefined ? own : (await options.customers.find(principal, named)).id,
          connectionId:
            connectionId === undefined ? null : (await options.connections.find(principal, connectionId)).id,
          integrationId:
            integrationId === undefined ? null : (await findIntegration(database, principal, integrationId)).id,
          subscriptionId:
            externalEventSubscriptionId === undefined ? null : (fromWire('ees', externalEventSubscriptionId) ?? NO_ID),
          status: query.status ?? null,
          from: query.from ?? query.startDatetime ?? null,
          to: query.to ?? query.endDatetime ?? null,
        },
        page,
      )
      return listAnswer(rows, page, 'eep', (row) => answerOf(row, clock.now()))
    },
    get: async ({ principal, params }) => answerOf(await found(principal, params.id ?? ''), clock.now()),
    async logs({ principal, params }) {
      const { logs } = await found(principal, params.id ?? '')
      return { logs: logs === null ? [] : (JSON.parse(logs) as unknown[]) }
    },
    async telemetry({ principal, params }) {
      const row = await found(principal, params.id ?? '')
      if (row.telemetry !== null) return JSON.parse(row.telemetry)
      const { id, subscriptionId, startedAt } = row
      return {
        pullId: toWire('eep', id),
        subscriptionId: toWire('ees', subscriptionId),
        strategy: 'unknown',
        startedAt: startedAt.toISOString(),
        emittedEventCount: 0,
        emittedEvents: [],
        notes: ['it has not come to its end yet'],
      }
    },
    async pullEvents({ principal, params }) {
      const row = await options.pulls.now(await subscriptionOf(principal, params.id ?? ''))
      return answerOf(row, clock.now())
    },
    async downloadSnapshot({ principal, params }) {
      const { id } = await subscriptionOf(principal, params.id ?? '')
      const rows = await snapshotOf(database.db, id, SNAPSHOT_MAX + 1)
      const records = rows.slice(0, SNAPSHOT_MAX).map((row) => ({ id: row.recordId, hash: row.hash.toString('hex') }))
      return { records, isTruncated: rows.length > SNAPSHOT_MAX }
    },
  })
}

function answerOf(row: PullRow, now: Date): z.input<typeof ExternalEventPull> {
  const customerId = toWire('cus', row.customerId)
  const id = toWire('eep', row.id)
  const telemetry = row.telemetry === null ? {} : (JSON.parse(row.telemetry) as { found?: Record<string, number> })
  return {
    id,
    userId: customerId,
    tenantId: customerId,
    // The published client counts on a text.
    integrationId: row.integrationId === null ? '' : toWire('int', row.integrationId),
    connectionId: toWire('con', row.connectionId),
    externalEventSubscriptionId: toWire('ees', row.subscriptionId),
    startDatetime: row.startedAt.toISOString(),
    endDatetime: (row.endedAt ?? now).toISOString(),
    isFullScan: row.strategy === 'full-scan',
    status: row.status,
    collectedEventIds: row.eventIds.map((each) => toWire('eev', each)),
    found: foundIn(telemetry.found),
    error: row.error === null ? undefined : JSON.parse(row.error),
    telemetryUri: `/external-event-pulls/${id}/telemetry`,
  }
}

/** Every kind by name, also where there was none of it; only connectors' own events are of no kind. */
function foundIn(found: Record<string, number> | undefined): Record<string, number> | undefined {
  if (found === undefined) return undefined
  const { event, ...rest } = { created: 0, updated: 0, deleted: 0, skipped: 0, ...found } as Record<string, number>
  return event === undefined ? rest : { event, skipped: rest.skipped ?? 0 }
}
