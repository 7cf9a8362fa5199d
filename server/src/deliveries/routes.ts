import { deliveries as deliveryTable, replays as replayTable } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import type { Deliveries } from './deliveries.ts'
import { attemptAnswer, type DeliveryRow, deliveryAnswer } from './delivery.ts'
import { listReplays, type Replay, replayById } from './replay-store.ts'
import { type Replays, replayAnswer } from './replays.ts'
import { destinationById, listAttempts, listDeliveries } from './store.ts'

export interface DeliveryRoutesOptions {
  database: Database
  deliveries: Deliveries
  replays: Replays
}

type Located = { principal: Principal; params: Record<string, string> }

export function deliveryRoutes({ database, deliveries }: DeliveryRoutesOptions): RouteSet {
  async function find({ principal, params }: Located): Promise<DeliveryRow> {
    const id = fromWire('dlv', params.id ?? '')
    const row = id === null ? null : await deliveries.byId(principal.workspaceId, id)
    if (row === null) throw notFound('delivery', params.id ?? '')
    return row
  }
  return routeSet(deliveryTable, {
    async list({ principal, query }) {
      const page = pageOf(query, 'dlv')
      const filter = {
        workspaceId: principal.workspaceId,
        destinationId:
          query.destinationId === undefined ? null : (fromWire(['ne', 'ees'], query.destinationId) ?? NO_ID),
        state: query.state ?? null,
        eventType: query.eventType ?? null,
        sourceId: query.sourceId ?? null,
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      return listAnswer(await listDeliveries(database.db, filter, page), page, 'dlv', deliveryAnswer)
    },
    async get(call) {
      const row = await find(call)
      const attempts = await listAttempts(database.db, row.id, { limit: 100, before: null })
      return { ...deliveryAnswer(row), attempts: attempts.map(attemptAnswer) }
    },
    async listAttempts(call) {
      const row = await find(call)
      const page = pageOf(call.query, 'att')
      return listAnswer(await listAttempts(database.db, row.id, page), page, 'att', attemptAnswer)
    },
    async retry(call) {
      const attempt = await deliveries.send(await find(call), 'manual', null)
      return { delivery: deliveryAnswer(await find(call)), attempt: attemptAnswer(attempt) }
    },
  })
}

export function replayRoutes({ database, replays }: DeliveryRoutesOptions): RouteSet {
  async function find({ principal, params }: Located): Promise<Replay> {
    const id = fromWire('rpl', params.id ?? '')
    const replay = id === null ? null : await replayById(database.db, id)
    if (replay === null || replay.workspaceId !== principal.workspaceId) throw notFound('replay', params.id ?? '')
    return replay
  }
  return routeSet(replayTable, {
    async create({ principal, body }) {
      if (body.destinationId !== undefined) {
        const id = fromWire(['ne', 'ees'], body.destinationId)
        const destination = id === null ? null : await destinationById(database.db, id)
        if (destination === null || destination.workspaceId !== principal.workspaceId)
          throw notFound('destination', body.destinationId)
      }
      return replayAnswer(await replays.create(principal.workspaceId, body))
    },
    async list({ principal, query }) {
      const page = pageOf(query, 'rpl')
      return listAnswer(await listReplays(database.db, principal.workspaceId, page), page, 'rpl', replayAnswer)
    },
    get: async (call) => replayAnswer(await find(call)),
    cancel: async (call) => replayAnswer(await replays.cancel(await find(call))),
  })
}
