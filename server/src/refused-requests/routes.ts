import { type RefusedRequest as Answer, refusedRequests as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import { payloadSearch } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import { customerAnswer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, timeOfId, toWire } from '../platform/ids.ts'
import type { RefusedRequest } from './refused-request.ts'
import { listRefusedRequests, refusedRequestById } from './store.ts'

export function refusedRequestRoutes(options: { database: Database; clock: Clock; customers: Customers }): RouteSet {
  const { database, clock, customers } = options

  async function answers(rows: readonly RefusedRequest[]): Promise<z.input<typeof Answer>[]> {
    const known = await customersByIds(
      database.db,
      rows.flatMap((row) => row.customerId ?? []),
    )
    return rows.map((row) => {
      const { customerId, claimedId, elementId, excerpt } = row
      const customer = known.get(customerId ?? '')
      const userId = customerId === null ? undefined : toWire('cus', customerId)
      return {
        id: toWire('rrq', row.id),
        reason: row.reason,
        status: row.status,
        message: row.message,
        method: row.method,
        path: row.path,
        address: row.address,
        userId,
        tenantId: userId,
        user: customer === undefined ? undefined : customerAnswer(customer, clock.now()),
        claimedId: claimedId ?? undefined,
        elementId: elementId ?? undefined,
        excerpt: excerpt ?? undefined,
        notKept: row.notKept,
        createdAt: timeOfId(row.id).toISOString(),
      }
    })
  }

  /** Whose refusals are asked for; null for everybody's. */
  async function customerIn(principal: Principal, named: string | undefined): Promise<string | null> {
    if (named !== undefined) return (await customers.find(principal, named)).id
    return principal.isAdmin ? null : principal.customerId
  }

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'rrq')
      const filter = {
        workspaceId: principal.workspaceId,
        customerId: await customerIn(principal, query.userId ?? query.tenantId),
        elementId: query.elementId ?? null,
        reason: query.reason ?? null,
        search: payloadSearch(principal, query.search),
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      const rows = await listRefusedRequests(database.reading, filter, page)
      return { ...listAnswer(rows, page, 'rrq', () => undefined), items: await answers(rows) }
    },
    async get({ principal, params: { id = '' } }) {
      const uuid = fromWire('rrq', id)
      const row = uuid === null ? null : await refusedRequestById(database.db, principal.workspaceId, uuid)
      if (row === null || !(principal.isAdmin || row.customerId === principal.customerId))
        throw notFound('refused request', id)
      const [answer] = await answers([row])
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
  })
}
