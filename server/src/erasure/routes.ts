import { workspaceDeletions as deletionTable, erasures as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import { type Erasure, erasureAnswer } from './erasure.ts'
import type { Erasures } from './erasures.ts'
import { STEPS } from './rows.ts'
import { listErasures } from './store.ts'
import { deletionAnswer } from './workspace-deletion.ts'
import type { WorkspaceDeletions } from './workspace-deletions.ts'
import { listDeletions } from './workspace-store.ts'

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

export function workspaceDeletionRoutes(options: { database: Database; deletions: WorkspaceDeletions }): RouteSet {
  const { database, deletions } = options
  return routeSet(deletionTable, {
    begin: async ({ principal, params, query }) =>
      deletionAnswer(await deletions.begin(principal, params.id ?? '', query.confirm), await deletions.stepCount()),
    async list({ query }) {
      const page = pageOf(query, 'wdl')
      const steps = await deletions.stepCount()
      const found = await listDeletions(database.db, query.status ?? null, page)
      return listAnswer(found, page, 'wdl', (each) => deletionAnswer(each, steps))
    },
    get: async ({ params }) => deletionAnswer(await deletions.find(params.id ?? ''), await deletions.stepCount()),
  })
}
