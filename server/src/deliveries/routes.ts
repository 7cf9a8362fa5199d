import { deliveries as deliveryTable, replays as replayTable } from '@permea/contract'
import { listAnswer, logAnswer, pageOf } from '../api/paging.ts'
import { payloadSearch } from '../api/permission.ts'
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
  /** What is about a customer may go to the workspace's own destinations; customers see only what goes to theirs. */
  async function isSeen(principal: Principal, { destinationId }: DeliveryRow): Promise<boolean> {
    if (principal.isAdmin) return true
    const owner = (await destinationById(database.db, destinationId))?.customerId ?? null
    return owner !== null && owner === principal.customerId
  }
  async function find({ principal, params }: Located): Promise<DeliveryRow> {
    const id = fromWire('dlv', params.id ?? '')
    const row = id === null ? null : await deliveries.byId(principal.workspaceId, id)
    if (row === null || !(await isSeen(principal, row))) throw notFound('delivery', params.id ?? '')
    return row
  }
  return routeSet(deliveryTable, {
    async list({ principal, query }) {
      const page = pageOf(query, 'dlv')
      const filter = {
        workspaceId: principal.workspaceId,
        ownerId: principal.isAdmin ? null : (principal.customerId ?? NO_ID),
        destinationId:
          query.destinationId === undefined ? null : (fromWire(['ne', 'ees'], query.destinationId) ?? NO_ID),
        state: query.state ?? null,
        eventType: query.eventType ?? null,
        sourceId: query.sourceId ?? null,
        search: payloadSearch(principal, query.search),
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      return logAnswer(await listDeliveries(database.reading, filter, page), page, 'dlv', deliveryAnswer)
    },
    async get(call) {
      const row = await find(call)
      const attempts = await listAttempts(database.db, row, { limit: 100, before: null })
      return { ...deliveryAnswer(row), attempts: attempts.map((each) => attemptAnswer(each, row.body)) }
    },
    async listAttempts(call) {
      const row = await find(call)
      const page = pageOf(call.query, 'att')
      return listAnswer(await listAttempts(database.reading, row, page), page, 'att', (each) =>
        attemptAnswer(each, row.body),
      )
    },
    async message(call) {
      const row = await find(call)
      const { id, eventType } = deliveryAnswer(row)
      return { deliveryId: id, eventType, ...(await deliveries.message(row)) }
    },
    async acknowledge(call) {
      const { httpStatus, durationMs } = call.body
      await deliveries.acknowledge(await find(call), { httpStatus: httpStatus ?? null, durationMs: durationMs ?? 0 })
      return deliveryAnswer(await find(call))
    },
    async retry(call) {
      const row = await find(call)
      const attempt = await deliveries.send(row, 'manual', null)
      return { delivery: deliveryAnswer(await find(call)), attempt: attemptAnswer(attempt, row.body) }
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
