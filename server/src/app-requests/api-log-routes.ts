import { externalApiLogs as table } from '@permea/contract'
import { listAnswer, logAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { shownJson } from '../api/shown-json.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { maskOf } from '../exchanges/mask.ts'
import { maskedWhole } from '../exchanges/masked.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, lowestIdAt, NO_ID, timeOfId, toWire } from '../platform/ids.ts'
import { type ApiLog, apiLogById, newestApiLogs, oldestApiLogs } from './api-log-store.ts'

/** What was sent to external apps, for people to look at. */
export function apiLogRoutes(options: {
  database: Database
  connections: ConnectionParts
  publicUrl: string
  /** What is kept of registrations of a connection at its app. */
  secretsOf(connectionId: string): Promise<unknown[]>
}): RouteSet {
  const { database, connections } = options

  async function one(principal: Principal, selector: string) {
    const id = fromWire('eal', selector)
    const log = id === null ? null : await apiLogById(database.db, principal.workspaceId, id)
    const isSeen = log !== null && (principal.isAdmin || log.customerId === principal.customerId)
    if (!isSeen) throw notFound('external API log', selector)
    return log
  }

  async function list({ principal, query }: CallOf<(typeof table)['list']>) {
    const page = pageOf(query, 'eal')
    const isNamed = (query.customerId ?? query.userId ?? query.tenantId) !== undefined
    const customerId = principal.isAdmin && !isNamed ? null : await connections.registry.customerIdOf(principal, query)
    if (!principal.isAdmin && customerId === null) return { items: [] }
    const { integrationId, connectionId } = query
    const filter = {
      workspaceId: principal.workspaceId,
      customerId,
      integrationId:
        integrationId === undefined ? null : (await findIntegration(database, principal, integrationId)).id,
      connectionId: connectionId === undefined ? null : (fromWire('con', connectionId) ?? NO_ID),
      sourceId: query.sourceId ?? null,
      isSuccess: query.isSuccess ?? null,
      fromId: query.from === undefined ? null : lowestIdAt(query.from),
      toId: query.to === undefined ? null : lowestIdAt(query.to),
    }
    const toItem = (row: ApiLog) => answerFor(row, options.publicUrl)
    if (query.sortOrder === 'asc')
      return listAnswer(
        await oldestApiLogs(database.reading, filter, { limit: page.limit, edge: page.before }),
        page,
        'eal',
        toItem,
      )
    return logAnswer(await newestApiLogs(database.reading, filter, page), page, 'eal', toItem)
  }

  return routeSet(table, {
    list,
    get: async ({ principal, params }) => answerFor(await one(principal, params.id ?? ''), options.publicUrl),
    async getContent({ principal, params }) {
      const log = await one(principal, params.id ?? '')
      const content = {
        request: shownJson(log.request),
        response: log.response === null ? undefined : shownJson(log.response),
        error: log.error ?? undefined,
      }
      if (principal.isAdmin) return content
      // Whoever knows what an app signs with could invent events: customers see that an exchange took place, not that.
      const mask = maskOf({ args: {}, secrets: await options.secretsOf(log.connectionId) })
      const isRegistration = log.sourceId?.startsWith('ees_') === true
      return mask.value(isRegistration ? withoutBodies(content) : content) as typeof content
    },
  })
}

/** What was sent and answered to register for events, with every text of the bodies masked. */
function withoutBodies<T extends { request: unknown; response: unknown }>(content: T): T {
  const hidden = (exchange: unknown) =>
    typeof exchange === 'object' && exchange !== null && 'body' in exchange
      ? { ...exchange, body: maskedWhole(exchange.body) }
      : exchange
  return { ...content, request: hidden(content.request), response: hidden(content.response) }
}

function answerFor(log: ApiLog, publicUrl: string) {
  const id = toWire('eal', log.id)
  const customerId = toWire('cus', log.customerId)
  return {
    id,
    workspaceId: toWire('ws', log.workspaceId),
    customerId,
    userId: customerId,
    tenantId: customerId,
    integrationId: log.integrationId === null ? undefined : toWire('int', log.integrationId),
    connectionId: toWire('con', log.connectionId),
    sourceId: log.sourceId ?? undefined,
    method: log.method,
    requestUrl: log.requestUri,
    statusCode: log.statusCode ?? undefined,
    isSuccess: log.isSuccess,
    duration: log.durationMs,
    error: log.error ?? undefined,
    s3Uri: `${publicUrl}/external-api-logs/${id}/content`,
    createdAt: timeOfId(log.id).toISOString(),
  }
}
