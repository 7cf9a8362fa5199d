import { connectionRequests as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { connectionError } from '../connections/failure.ts'
import { refuseBeyondCustomer } from '../connections/trust.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { redirectProblem } from './connect-mount.ts'
import type { ConnectRequests } from './connect-request.ts'
import { requestsByName } from './request-store.ts'

/** Links to the page on which a person connects an app. */
export function connectionRequestRoutes(options: {
  database: Database
  directory: WorkspaceDirectory
  connections: ConnectionParts
  requests: ConnectRequests
}): RouteSet {
  const { database, connections, requests } = options

  async function named(principal: Principal, requestId: string) {
    const { workspaceId, isAdmin, customerId } = principal
    const [row, another] =
      isAdmin || customerId !== null
        ? await requestsByName(database.db, { workspaceId, customerId: isAdmin ? null : customerId, requestId })
        : []
    if (row === undefined) throw notFound('connection request', requestId)
    if (another !== undefined)
      throw new Refusal('ambiguous_selector', 'several customers have a request of this id; ask with a token of one')
    return row
  }

  return routeSet(table, {
    async create({ principal, query, body }) {
      const { userId, tenantId, customerId, integrationUuid, connectorUuid, ...asked } = body
      const named = customerId ?? userId ?? tenantId
      const customer = await connections.registry.customerFor(
        principal,
        named === undefined ? query : { userId: named },
      )
      const problem = await redirectProblem(options.directory, principal.workspaceId, body.redirectUri)
      if (problem !== null) {
        const problems = [{ field: 'redirectUri', message: problem }]
        throw new Refusal('invalid_input', `redirectUri: ${problem}`, { problems })
      }
      const payload = {
        ...asked,
        integrationId: asked.integrationId ?? integrationUuid,
        connectorId: asked.connectorId ?? connectorUuid,
      }
      // What is named must be there now, rather than when somebody opens the link.
      if (asked.connectionId === undefined) {
        refuseBeyondCustomer(principal, await connections.registry.appFor(principal, { ...payload }), asked)
      } else {
        const connection = await connections.find(principal, asked.connectionId, { userId: toWire('cus', customer.id) })
        if (connection.customerId !== customer.id) throw notFound('connection', asked.connectionId)
        const app = await connections.appOf(connection)
        if (app !== null) refuseBeyondCustomer(principal, app, asked)
        payload.connectionId = toWire('con', connection.id)
      }
      const row = await requests.open({
        workspaceId: principal.workspaceId,
        customerId: customer.id,
        payload: { ...payload, openerOrigin: null },
      })
      return requests.answer(row)
    },
    get: async ({ principal, params }) => requests.answer(await named(principal, params.requestId ?? '')),
    async patch({ principal, params, body }) {
      const row = await named(principal, params.requestId ?? '')
      if (body.status === 'cancelled' && row.status !== 'success') {
        const error = connectionError('connection_failed', 'the request was cancelled')
        await requests.end(row, { connectionId: null, error, isCancelled: true, isLinkKept: false })
      }
      return requests.answer(await named(principal, row.requestId))
    },
  })
}
