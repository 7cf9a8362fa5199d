import { connections as table } from '@permea/contract'
import { refusingTakenKey } from '../api/elements.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { dependenciesOf } from '../api/references.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, timeOfId, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { functionInSlot } from './apps.ts'
import type { OnBehalfOf } from './connection.ts'
import { type Connection, isExpired, openSecrets } from './connection.ts'
import type { ConnectionParts } from './connections.ts'
import { canRenew } from './credentials.ts'
import { failedConnection } from './failure.ts'
import { listConnectionLogs, listConnections, lockConnection } from './store.ts'
import { refuseBeyondCustomer, usesConsent } from './trust.ts'

/** Endpoints that send requests to the app, or people to a page, are rooms above. */
const {
  executeRequest: _request,
  listOperations: _list,
  getOperation: _get,
  runOperation: _run,
  ensure: _ensure,
  ...OWN
} = table

export interface ConnectionRoutesOptions {
  database: Database
  sealing: Sealing
  clock: Clock
  connections: ConnectionParts
}

type Body = CallOf<(typeof table)['create']>['body']
type Located = { principal: Principal; params: Record<string, string>; query: OnBehalfOf }

export function connectionRoutes(options: ConnectionRoutesOptions): RouteSet {
  const { database, sealing, clock, connections } = options
  const { registry, views } = connections

  const located = ({ principal, params, query }: Located) => registry.find(principal, params.selector ?? '', query)

  const living = ({ principal, params, query }: Located) => registry.living(principal, params.selector ?? '', query)

  function secretsFor(principal: Principal, includeSecrets: boolean | undefined): { isWithSecrets: boolean } {
    if (includeSecrets === true && !principal.isAdmin)
      throw new Refusal('access_denied', 'only an admin token is shown secrets')
    return { isWithSecrets: includeSecrets === true }
  }

  async function create({ principal, query, body }: CallOf<(typeof table)['create']>) {
    const customer = await registry.customerFor(principal, { ...query, ...onBehalfOf(body) })
    const app = await registry.appFor(principal, body)
    refuseBeyondCustomer(principal, app, body)
    refuseWithoutPerson(app.option, body)
    const { input, connectorParameters, credentials, uuid, key, name, meta, isTest } = body
    const made = await connections.establish.establish({
      customer,
      app,
      existing: null,
      uuid,
      key,
      name,
      meta,
      isTest,
      input,
      connectorParameters,
      credentials,
    })
    if (made.kind === 'failed') throw failedConnection(made.error)
    return views.answer(made.value)
  }

  async function change({ principal, params, query, body }: CallOf<(typeof table)['put']>) {
    const how = secretsFor(principal, query.includeSecrets)
    const existing = await living({ principal, params, query })
    const isAnew = [body.credentials, body.input, body.connectorParameters].some((each) => each != null)
    const changed = isAnew ? await reconnect(principal, existing, body) : await rename(existing, body)
    return views.answer(changed, how)
  }

  async function reconnect(principal: Principal, existing: Connection, body: Body): Promise<Connection> {
    const optionKey = body.authOptionKey ?? existing.authOptionKey
    const authContext = await connections.authContextOf({ ...existing, authOptionKey: optionKey })
    if (authContext.kind === 'failed') throw failedConnection(authContext.error)
    refuseBeyondCustomer(principal, authContext.value.app, body)
    const before = openSecrets(existing, sealing)
    // New parameters of the connector alone change nothing about who is connected.
    const isSame = body.credentials == null && body.input == null
    const { uuid: _uuid, key, name, meta, isTest } = body
    const made = await connections.establish.establish({
      customer: authContext.value.customer,
      app: authContext.value.app,
      existing,
      key,
      name,
      meta,
      isTest,
      input: body.input ?? before.input,
      connectorParameters: body.connectorParameters ?? before.connectorParameters,
      credentials: isSame ? before.credentials : body.credentials,
    })
    if (made.kind === 'failed') throw failedConnection(made.error)
    return made.value
  }

  function rename(existing: Connection, body: Body): Promise<Connection> {
    return refusingTakenKey('connection', body.key ?? '', () =>
      database.transaction(async (tx) => {
        const current = await lockConnection(tx, existing.id)
        if (current === null) throw notFound('connection', toWire('con', existing.id))
        return connections.lifecycle.changed(tx, {
          ...current,
          key: body.key === undefined ? current.key : body.key,
          name: body.name ?? current.name,
          meta: body.meta === undefined ? current.meta : body.meta,
          isTest: body.isTest ?? current.isTest,
        })
      }),
    )
  }

  async function list({ principal, query }: CallOf<(typeof table)['list']>) {
    const how = secretsFor(principal, query.includeSecrets)
    const page = pageOf(query, 'con')
    const named = query.integrationId ?? query.integrationKey
    const customerId = await registry.customerIdOf(principal, query)
    const isOwnOnly = !principal.isAdmin || onBehalfOf(query).userId !== undefined
    if (isOwnOnly && customerId === null) return { items: [] }
    const isDisconnected = query.disconnected ?? (query.connected === undefined ? null : !query.connected)
    const connectorId = query.connectorId ?? query.externalAppId
    const rows = await listConnections(
      database.db,
      {
        workspaceId: principal.workspaceId,
        customerId: isOwnOnly ? customerId : null,
        integrationId: named === undefined ? null : (await findIntegration(database, principal, named)).id,
        connectorId: connectorId === undefined ? null : (fromWire('cnr', connectorId) ?? NO_ID),
        isDisconnected,
        isTest: query.isTest ?? null,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      },
      page,
    )
    return { ...listAnswer(rows, page, 'con', () => undefined), items: await views.answers(rows, how) }
  }

  async function logs(call: CallOf<(typeof table)['logs']> & Located) {
    const connection = await located(call)
    const page = pageOf(call.query, 'clg')
    const { status } = call.query
    const filter = { connectionId: connection.id, isSuccess: status === undefined ? null : status === 'success' }
    return listAnswer(await listConnectionLogs(database.db, filter, page), page, 'clg', (row) => ({
      id: toWire('clg', row.id),
      connectionId: toWire('con', connection.id),
      userId: toWire('cus', connection.customerId),
      tenantId: toWire('cus', connection.customerId),
      integrationId: connection.integrationId === null ? undefined : toWire('int', connection.integrationId),
      connectorId: toWire('cnr', connection.connectorId),
      authOptionKey: connection.authOptionKey,
      kind: row.kind,
      status: row.isSuccess ? ('success' as const) : ('error' as const),
      error: row.error ?? undefined,
      durationMs: row.durationMs ?? undefined,
      createdAt: timeOfId(row.id).toISOString(),
    }))
  }

  return routeSet(OWN, {
    list,
    create,
    get: async (call) => views.answer(await located(call), secretsFor(call.principal, call.query.includeSecrets)),
    put: change,
    patch: change,
    archive: async (call) => connections.archiving.archive(await located(call)),
    async restore(call) {
      const archived = await located(call)
      const restored = await refusingTakenKey('connection', archived.key ?? '', () =>
        connections.archiving.restore(archived),
      )
      return views.answer(restored)
    },
    async test(call) {
      const connection = await living(call)
      await refuseWithout(connections, connection, 'test')
      const tested = await connections.renewal.test(await withGoodCredentials(connections, connection, clock.now()))
      if (tested === null) throw new Refusal('not_supported', 'the connector has no test')
      return tested.kind === 'made' ? { success: true } : { success: false, error: tested.error }
    },
    async refreshCredentials(call) {
      const connection = await living(call)
      await refuseWithout(connections, connection, 'refreshCredentials')
      const renewed = await connections.renewal.renew(connection, { isForced: true })
      if (renewed.kind === 'failed') throw failedConnection(renewed.error)
      return views.answer(renewed.value)
    },
    async disconnect(call) {
      const connection = await living(call)
      if (!connection.isDisconnected || connection.credentialsSealed !== null)
        await connections.archiving.forget(connection)
    },
    refresh: async (call) => views.answer(await located(call)),
    async export(call) {
      const { isWithSecrets } = secretsFor(call.principal, call.query.includeSecrets)
      const { uuid, key, name, meta, isTest, authOptionKey, ...beside } = await views.answer(await located(call), {
        isWithSecrets,
      })
      const { credentials, input, connectorParameters, integration } = beside
      return {
        ...{ uuid, key, name, meta, isTest, authOptionKey, credentials, input, connectorParameters },
        ...(integration === undefined ? {} : { integrationUuid: integration.uuid, integrationKey: integration.key }),
      }
    },
    async dependencies(call) {
      const { integrationId } = await located(call)
      const integration =
        integrationId === null ? undefined : (await integrationsByIds(database.db, [integrationId])).get(integrationId)
      if (integration === undefined) return []
      const { id, key, name } = integration
      return dependenciesOf({
        parent: null,
        integration: { elementType: 'integration', key, element: { id: toWire('int', id), key, name } },
      })
    },
    logs,
  })
}

/** The names by which a request says whose connection it is about, in one. */
function onBehalfOf({ userId, tenantId, customerId }: OnBehalfOf): { userId?: string } {
  const named = customerId ?? userId ?? tenantId
  return named === undefined ? {} : { userId: named }
}

/** OAuth needs somebody who consents; without credentials there is nothing to make a connection of. */
function refuseWithoutPerson(option: { type: string }, { credentials, input }: Body): void {
  if (!usesConsent(option) || credentials != null || input != null) return
  const message = 'a person has to consent: make a link with POST /connection-requests, or give credentials'
  throw new Refusal('invalid_input', message, { problems: [{ field: 'credentials', message: 'required' }] })
}

async function refuseWithout(
  connections: ConnectionParts,
  connection: Connection,
  what: 'test' | 'refreshCredentials',
): Promise<void> {
  const authContext = await connections.authContextOf(connection)
  if (authContext.kind === 'failed') throw failedConnection(authContext.error)
  const { app, credentials } = authContext.value
  const can = what === 'test' ? functionInSlot(app, 'test') !== undefined : canRenew(app, credentials)
  if (!can) throw new Refusal('not_supported', `the connector of the connection cannot do this: ${what}`)
}

/** Credentials that have run out by the clock say nothing about the connection: it is renewed first, where it can be. */
async function withGoodCredentials(
  connections: ConnectionParts,
  connection: Connection,
  now: Date,
): Promise<Connection> {
  const authContext = await connections.authContextOf(connection)
  const isOver = connection.isDisconnected || isExpired(connection, now)
  if (!isOver || authContext.kind === 'failed' || !canRenew(authContext.value.app, authContext.value.credentials))
    return connection
  const renewed = await connections.renewal.renew(connection, { isForced: true })
  return renewed.kind === 'made' ? renewed.value : connection
}
