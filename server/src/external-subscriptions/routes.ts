import { type ExternalEventSubscriptionChange, externalEventSubscriptions as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { type Connection, connectionAnswer } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { connectionsByIds } from '../connections/store.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import { type DeliveryAddress, deliveryAddress } from '../deliveries/address.ts'
import { destinationsByIds } from '../deliveries/store.ts'
import type { ExternalEventTypes } from '../external-event-types/event-types.ts'
import { integrationAnswer } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { externalSubscriptionAnswer } from './answer.ts'
import { createExternalDefinitions } from './definition.ts'
import { externalSubscriptionById, listExternalSubscriptions } from './store.ts'
import type { ExternalSubscription } from './subscription.ts'
import type { AskedStep, ExternalSubscriptions } from './subscriptions.ts'

export interface ExternalSubscriptionRoutesOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  publicUrl: string
  customers: Customers
  connections: Connections
  types: ExternalEventTypes
  subscriptions: ExternalSubscriptions
}

type Located = { principal: Principal; params: Record<string, string> }

/** The subscription that a token may see; what it may not see answers as what is not there. */
async function findExternalSubscription(
  database: Database,
  principal: Principal,
  selector: string,
): Promise<ExternalSubscription> {
  const id = fromWire('ees', selector)
  const row = id === null ? null : await externalSubscriptionById(database.db, id)
  const isOwn =
    row !== null &&
    row.workspaceId === principal.workspaceId &&
    (principal.isAdmin || row.customerId === principal.customerId)
  if (!isOwn) throw notFound('external event subscription', selector)
  return row
}

export function externalSubscriptionRoutes(options: ExternalSubscriptionRoutesOptions): RouteSet {
  const { database, subscriptions } = options
  const definitions = createExternalDefinitions(options)
  const located = ({ principal, params }: Located) => findExternalSubscription(database, principal, params.id ?? '')

  async function answers(principal: Principal, rows: readonly ExternalSubscription[], secret?: string | null) {
    const { db } = database
    const [customers, connections, integrations, destinations] = await Promise.all([
      customersByIds(
        db,
        rows.map((row) => row.customerId),
      ),
      connectionsByIds(
        db,
        rows.map((row) => row.connectionId),
      ),
      integrationsByIds(
        db,
        rows.flatMap((row) => row.integrationId ?? []),
      ),
      destinationsByIds(
        database,
        rows.map((row) => row.id),
      ),
    ])
    const defined = rows.flatMap((of) => {
      const connection = connections.get(of.connectionId)
      return connection === undefined ? [] : [{ connection, of }]
    })
    const found = await Promise.all(defined.map((each) => definitions.of(each)))
    const definitionOf = new Map(defined.map(({ of }, index) => [of.id, found[index] ?? null]))
    return rows.map((row) => {
      const connection = connections.get(row.connectionId)
      const integration = integrations.get(row.integrationId ?? '')
      return externalSubscriptionAnswer(row, {
        definition: definitionOf.get(row.id) ?? null,
        destination: destinations.get(row.id),
        customer: customers.get(row.customerId),
        connection: connection === undefined ? undefined : shownConnection(connection, options.clock.now()),
        integration: integration === undefined ? undefined : integrationAnswer(integration),
        publicUrl: options.publicUrl,
        sealing: options.sealing,
        now: options.clock.now(),
        isAdmin: principal.isAdmin,
        ...(secret === undefined ? {} : { secret }),
      })
    })
  }
  async function answer(principal: Principal, row: ExternalSubscription, secret?: string | null) {
    const [one] = await answers(principal, [row], secret)
    if (one === undefined) throw new Error('one row gives one answer')
    return one
  }
  const asking = (step: AskedStep) => async (call: Located) =>
    answer(call.principal, await subscriptions.ask(await located(call), step))
  const change = async (call: CallOf<(typeof table)['patch']>) => {
    const found = await located(call)
    const { name, parameters } = call.body
    const address = addressOf(call.body, found.webhookUri)
    const { row, secret } = await subscriptions.change(found, { name, parameters, address })
    return answer(call.principal, row, secret)
  }

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'ees')
      const named = query.userId ?? query.tenantId
      const own = principal.isAdmin ? null : principal.customerId
      const filter = {
        workspaceId: principal.workspaceId,
        customerId: named === undefined ? own : (await options.customers.find(principal, named)).id,
        connectionId:
          query.connectionId === undefined ? null : (await options.connections.find(principal, query.connectionId)).id,
        integrationId:
          query.integrationId === undefined
            ? null
            : (await findIntegration(database, principal, query.integrationId)).id,
        typeId:
          query.externalEventTypeId === undefined
            ? null
            : (await options.types.find(principal, query.externalEventTypeId, {})).id,
        status: query.status ?? null,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      const rows = await listExternalSubscriptions(database.db, filter, page)
      return { ...listAnswer(rows, page, 'ees', () => undefined), items: await answers(principal, rows) }
    },
    async create({ principal, body }) {
      const connection = await options.connections.find(principal, body.connectionId)
      const eventKey = body.eventKey ?? body.config?.eventKey
      const typeSelector = body.externalEventTypeId ?? body.externalEventTypeKey
      if ((eventKey === undefined) === (typeSelector === undefined)) {
        throw new Refusal('invalid_input', 'give externalEventTypeId, or eventKey for an event of the connector', {
          problems: [{ field: 'externalEventTypeId', message: 'one of the two is needed' }],
        })
      }
      const type =
        typeSelector === undefined
          ? null
          : await options.types.find(principal, typeSelector, { connectionId: toWire('con', connection.id) })
      const isElsewhere =
        type !== null &&
        ((type.connectionId !== null && type.connectionId !== connection.id) ||
          (type.integrationId !== null && type.integrationId !== connection.integrationId))
      if (isElsewhere) {
        throw new Refusal('invalid_input', 'externalEventTypeId: the type is not for this connection', {
          problems: [{ field: 'externalEventTypeId', message: 'of another integration or connection' }],
        })
      }
      const { row, secret } = await subscriptions.create(connection, {
        externalEventTypeId: type?.id ?? null,
        eventKey: eventKey ?? null,
        parameters: body.parameters ?? body.config?.eventParameters ?? body.config?.parameters ?? {},
        name: body.name ?? null,
        address: addressOf(body, null) ?? null,
      })
      return answer(principal, row, secret)
    },
    get: async (call) => answer(call.principal, await located(call)),
    put: change,
    patch: change,
    archive: async (call) => subscriptions.archive(await located(call)),
    restore: async (call) => answer(call.principal, await subscriptions.restore(await located(call))),
    refresh: asking('setup'),
    async dependencies(call) {
      const row = await located(call)
      const { connectionId, externalEventTypeId } = row
      const connection = (await connectionsByIds(database.db, [connectionId])).get(connectionId)
      const ofConnection =
        connection === undefined
          ? []
          : [{ elementType: 'connection', element: { id: toWire('con', connectionId), name: connection.name } }]
      const ofType =
        externalEventTypeId === null
          ? []
          : [
              {
                elementType: 'external-event-type',
                element: { id: toWire('eet', externalEventTypeId), name: row.name },
              },
            ]
      return [...ofConnection, ...ofType].map((each) => ({ type: 'CONFIGURATION' as const, ...each }))
    },
    setup: asking('setup'),
    subscribe: asking('subscribe'),
    unsubscribe: asking('unsubscribe'),
    resubscribe: asking('resubscribe'),
    refreshWebhook: asking('refresh'),
    async rotateWebhookSecret(call) {
      const row = await living(call)
      const secret = await subscriptions.destinations.rotateSecret(row.id, call.body?.overlapSeconds)
      return answer(call.principal, row, secret)
    },
    async resumeDelivery(call) {
      const row = await living(call)
      await subscriptions.destinations.resume(row.id)
      return answer(call.principal, row)
    },
  })

  async function living(call: Located): Promise<ExternalSubscription> {
    const row = await located(call)
    if (row.archivedAt !== null) throw new Refusal('archived', 'the external event subscription is archived')
    return row
  }
}

/** A connection as it is shown within something else: what it can do is told where it stands by itself. */
function shownConnection(connection: Connection, now: Date): Record<string, unknown> {
  const { canTest, canRefreshCredentials, ...shown } = connectionAnswer(connection, {
    integration: undefined,
    customer: undefined,
    canTest: false,
    canRefreshCredentials: false,
    now,
    sealing: null,
  })
  return shown
}

/** Where events are to go: null for nowhere, undefined where it stays as it is. `current` is where they go now. */
function addressOf(
  { webhookUri, headers }: Pick<z.output<typeof ExternalEventSubscriptionChange>, 'webhookUri' | 'headers'>,
  current: string | null,
): DeliveryAddress | null | undefined {
  const url = webhookUri === undefined ? (headers === undefined ? undefined : (current ?? '')) : (webhookUri ?? '')
  if (url === undefined) return undefined
  if (url !== '') return deliveryAddress('webhookUri', { url, headers })
  if (Object.keys(headers ?? {}).length === 0) return null
  throw new Refusal('invalid_input', 'headers: there is no webhookUri that they could go with', {
    problems: [{ field: 'webhookUri', message: 'set it too' }],
  })
}
