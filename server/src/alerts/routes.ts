import { alerts as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import { type Alert, alertAnswer } from './alert.ts'
import type { Alerts } from './alerts.ts'
import { alertById, listAlerts } from './store.ts'

export function alertRoutes({ database, alerts }: { database: Database; alerts: Alerts }): RouteSet {
  const answer = (alert: Alert) => alertAnswer(alert, alerts.workspaceUrl)

  async function find({ principal, params }: { principal: Principal; params: Record<string, string> }): Promise<Alert> {
    const id = fromWire('alrt', params.id ?? '')
    const alert = id === null ? null : await alertById(database.db, principal.workspaceId, id)
    if (alert === null) throw notFound('alert', params.id ?? '')
    return alert
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'alrt')
      const filter = {
        workspaceId: principal.workspaceId,
        id: query.id === undefined ? null : (fromWire('alrt', query.id) ?? NO_ID),
        status: query.status ?? null,
        type: query.type ?? null,
        severity: query.severity ?? null,
        contextKey: query.contextKey ?? null,
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      return listAnswer(await listAlerts(database.db, filter, page), page, 'alrt', answer)
    },
    get: async (call) => answer(await find(call)),
    async resolve(call) {
      const alert = await find(call)
      await alerts.resolve(database.db, alert.workspaceId, alert.key)
      return answer(await find(call))
    },
  })
}
