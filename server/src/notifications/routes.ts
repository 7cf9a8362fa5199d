import {
  eventCatalogue as catalogueTable,
  type NotificationEndpoint,
  notificationEndpoints as table,
} from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { attemptAnswer } from '../deliveries/delivery.ts'
import { destinationsByIds } from '../deliveries/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { catalogue } from './catalogue.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import { listEndpoints } from './store.ts'

export interface NotificationRoutesOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  endpoints: Endpoints
  customers: { find(principal: Principal, selector: string): Promise<{ id: string }> }
  /** Tells every process that the workspace changed, where the endpoint of its own webhook did. */
  announceChange(): Promise<void>
}

export function notificationRoutes(options: NotificationRoutesOptions): RouteSet {
  const { database, clock, endpoints, sealing } = options
  const find = ({ principal, params }: { principal: Principal; params: Record<string, string> }) =>
    endpoints.find(principal, params.id ?? '')

  function answer({ row, destination, secret }: Endpoint & { secret?: string }): z.input<typeof NotificationEndpoint> {
    const headers =
      destination.headersSealed === null
        ? {}
        : (JSON.parse(sealing.open(destination.headersSealed)) as Record<string, string>)
    const until = destination.previousSecretUntil
    return {
      id: toWire('ne', row.id),
      tenantId: row.customerId === null ? undefined : toWire('cus', row.customerId),
      name: row.name,
      url: destination.url,
      eventTypes: row.eventTypes as z.input<typeof NotificationEndpoint>['eventTypes'],
      isWorkspaceWebhook: row.isWorkspaceWebhook,
      secret,
      previousSecretUntil: until !== null && until.getTime() > clock.now().getTime() ? until.toISOString() : undefined,
      headerNames: Object.keys(headers),
      concurrency: destination.concurrency,
      throttlePerSecond: destination.throttlePerSecond ?? undefined,
      ordered: destination.isOrdered,
      scheduleMs: destination.scheduleMs ?? undefined,
      state: destination.state,
      pausedReason: destination.pausedReason ?? undefined,
      pausedAt: destination.pausedAt?.toISOString(),
      failingSince: destination.failingSince?.toISOString(),
      lastSuccessAt: destination.lastSuccessAt?.toISOString(),
      lastFailureAt: destination.lastFailureAt?.toISOString(),
      createdAt: destination.createdAt.toISOString(),
      updatedAt: destination.updatedAt.toISOString(),
    }
  }
  /** A customer speaks for itself; an admin for the workspace, or for the customer that is named. */
  async function ownerOf(principal: Principal, named: string | undefined): Promise<string | null> {
    if (named !== undefined) return (await options.customers.find(principal, named)).id
    return principal.isAdmin ? null : principal.customerId
  }
  async function change(call: CallOf<(typeof table)['put']>) {
    const changed = await endpoints.change(await find(call), call.body)
    if (changed.row.isWorkspaceWebhook) await options.announceChange()
    return answer(changed)
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'ne')
      const customerId = await ownerOf(principal, query.tenantId ?? query.userId)
      if (customerId === null && !principal.isAdmin) return { items: [] }
      const { workspaceId } = principal
      const includeArchived = query.includeArchived ?? false
      const rows = await listEndpoints(database.db, { workspaceId, customerId, includeArchived }, page)
      const destinations = await destinationsByIds(
        database,
        rows.map((row) => row.id),
      )
      const items = rows.flatMap((row) => {
        const destination = destinations.get(row.id)
        return destination === undefined ? [] : [answer({ row, destination })]
      })
      return { ...listAnswer(rows, page, 'ne', () => undefined), items }
    },
    async create({ principal, body: { tenantId, userId, ...input } }) {
      const customerId = await ownerOf(principal, tenantId ?? userId)
      if (customerId === null && !principal.isAdmin)
        throw new Refusal('access_denied', 'the token is neither an admin’s nor a customer’s')
      return answer(await endpoints.create({ workspaceId: principal.workspaceId, customerId }, input))
    },
    get: async (call) => answer(await find(call)),
    put: change,
    patch: change,
    async archive(call) {
      const endpoint = await find(call)
      await endpoints.archive(endpoint)
      if (endpoint.row.isWorkspaceWebhook) await options.announceChange()
    },
    rotateSecret: async (call) => answer(await endpoints.rotateSecret(await find(call), call.body.overlapSeconds)),
    pause: async (call) => answer(await endpoints.pause(await find(call))),
    resume: async (call) => answer(await endpoints.resume(await find(call))),
    async test(call) {
      const { delivery, attempt } = await endpoints.test(await find(call), call.body.eventType)
      return { deliveryId: toWire('dlv', delivery.id), attempt: attemptAnswer(attempt, delivery.body) }
    },
  })
}

export function catalogueRoutes(): RouteSet {
  return routeSet(catalogueTable, { list: async () => ({ items: catalogue() }) })
}
