import { type auditFilter, auditLog as table } from '@permea/contract'
import type { z } from 'zod'
import { logAnswer, pageOf } from '../api/paging.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, NO_ID, toWire } from '../platform/ids.ts'
import { auditAnswer, storedActorId } from './audit-record.ts'
import { type AuditFilter, listRecords, recordById } from './store.ts'
import { verifyChain } from './verify.ts'

export interface AuditRoutesOptions {
  database: Database
  ids: Ids
  /** Any of them may have sealed a head. */
  keys: readonly Uint8Array[]
  erasedCustomers(workspaceId: string): Promise<ReadonlySet<string>>
}

export function auditRoutes({ database, ids, keys, erasedCustomers }: AuditRoutesOptions): RouteSet {
  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'aud')
      const looked = await listRecords(database.db, filterOf(principal.workspaceId, query), page)
      return logAnswer(looked, page, 'aud', auditAnswer)
    },
    verify: ({ principal: { workspaceId }, query: { kept } }) =>
      verifyChain({ database, workspaceId, keys, erasedCustomers, kept }),
    async get({ principal, params: { id = '' } }) {
      const uuid = fromWire('aud', id)
      const record = uuid === null ? null : await recordById(database.db, principal.workspaceId, uuid)
      if (record === null) throw notFound('audit record', id)
      return auditAnswer(record)
    },
    // The record of the call is all there is to it.
    noteExport: async () => ({ id: toWire('aud', ids.next()) }),
  })
}

type FilterQuery = { [K in keyof typeof auditFilter]?: z.output<(typeof auditFilter)[K]> | undefined }

export function filterOf(workspaceId: string, query: FilterQuery): AuditFilter {
  return {
    workspaceId,
    actorKind: query.actorKind ?? null,
    actorId: query.actorId === undefined ? null : storedActorId(query.actorId),
    action: query.action ?? null,
    outcome: query.outcome ?? null,
    elementType: query.elementType ?? null,
    elementId: query.elementId ?? null,
    customerId: query.userId === undefined ? null : (fromWire('cus', query.userId) ?? NO_ID),
    search: query.search ?? null,
    from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
    to: query.to ?? query.endDatetime ?? null,
  }
}
