import { erasures as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import { type Erasure, erasureAnswer } from './erasure.ts'
import type { Erasures } from './erasures.ts'
import { STEPS } from './rows.ts'
import { listErasures } from './store.ts'

export function erasureRoutes({ database, erasures }: { database: Database; erasures: Erasures }): RouteSet {
  const answer = (erasure: Erasure) => erasureAnswer(erasure, STEPS.length)
  return routeSet(table, {
    begin: async ({ principal, params, body }) =>
      answer(await erasures.begin(principal, params.selector ?? '', body ?? {})),
    async list({ principal, query }) {
      const page = pageOf(query, 'ers')
      const filter = {
        workspaceId: principal.workspaceId,
        customerId: query.customerId === undefined ? null : (fromWire('cus', query.customerId) ?? NO_ID),
        status: query.status ?? null,
      }
      return listAnswer(await listErasures(database.db, filter, page), page, 'ers', answer)
    },
    get: async ({ principal, params }) => answer(await erasures.find(principal, params.id ?? '')),
  })
}
