import { appEventSubscriptions as table } from '@permea/contract'
import { schemaFromExample } from '../api/json-schema.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import { findAppEventType } from '../event-types/routes.ts'
import { appEventTypesByIds } from '../event-types/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, timeOfId, toWire } from '../platform/ids.ts'
import type { AppSubscriptions } from './app-subscriptions.ts'
import { listSubscriptionRequests, listSubscriptions, lockSubscriptions, subscriptionById } from './store.ts'
import { type AppEventSubscription, subscriptionAnswer } from './subscription.ts'

export interface SubscriptionRoutesOptions {
  database: Database
  clock: Clock
  publicUrl: string
  customers: Customers
  subscriptions: AppSubscriptions
  /** Whether any enabled flow needs the stream: then restoring it follows the flow. */
  isNeeded(subscriptionId: string): Promise<boolean>
}

type Selector = CallOf<(typeof table)['getByQuery']>['query']
type Located = { principal: Principal; params: Record<string, string> }

export function subscriptionRoutes(options: SubscriptionRoutesOptions): RouteSet {
  const { database, clock, subscriptions } = options

  async function answers(principal: Principal, rows: readonly AppEventSubscription[]) {
    const types = await appEventTypesByIds(
      database.db,
      rows.map((row) => row.appEventTypeId),
    )
    const customers = await customersByIds(
      database.db,
      rows.map((row) => row.customerId),
    )
    return rows.map((row) =>
      subscriptionAnswer(row, {
        type: types.get(row.appEventTypeId),
        customer: customers.get(row.customerId),
        publicUrl: options.publicUrl,
        now: clock.now(),
        isAdmin: principal.isAdmin,
      }),
    )
  }
  async function answer(principal: Principal, row: AppEventSubscription) {
    const [one] = await answers(principal, [row])
    if (one === undefined) throw new Error('one row gives one answer')
    return one
  }
  async function byId(principal: Principal, selector: string): Promise<AppEventSubscription> {
    const id = fromWire('aes', selector)
    const row = id === null ? null : await subscriptionById(database.db, id)
    const isOwn =
      row !== null &&
      row.workspaceId === principal.workspaceId &&
      (principal.isAdmin || row.customerId === principal.customerId)
    if (!isOwn) throw notFound('app event subscription', selector)
    return row
  }
  const located = ({ principal, params }: Located) => byId(principal, params.id ?? '')

  /** The customer that a selector is about: named by an admin, or the token's own. */
  async function customerIdOf(principal: Principal, query: Selector): Promise<string> {
    const named = query.userId ?? query.tenantId
    if (named !== undefined) return (await options.customers.find(principal, named)).id
    if (principal.customerId === null) {
      throw new Refusal('invalid_input', 'whose subscription: give userId, or use a customer’s token', {
        problems: [{ field: 'userId', message: 'required' }],
      })
    }
    return principal.customerId
  }
  async function selected(principal: Principal, query: Selector, mayCreate: boolean): Promise<AppEventSubscription> {
    if (query.id !== undefined) return byId(principal, query.id)
    const typeSelector = query.appEventTypeId ?? query.appEventTypeKey
    if (typeSelector === undefined) {
      throw new Refusal('invalid_input', 'give id, appEventTypeId or appEventTypeKey', {
        problems: [{ field: 'id', message: 'required' }],
      })
    }
    const type = await findAppEventType(database, principal, typeSelector)
    const customerId = await customerIdOf(principal, query)
    const filter = {
      workspaceId: principal.workspaceId,
      customerId,
      id: null,
      appEventTypeId: type.id,
      isSubscribed: null,
      instanceKey: query.instanceKey ?? '',
      includeArchived: !mayCreate,
    }
    const [found] = await listSubscriptions(database.db, filter, { limit: 1, before: null })
    if (found !== undefined) return found
    if (!mayCreate) throw notFound('app event subscription of', type.key)
    return database.transaction((tx) =>
      subscriptions.want(tx, { type, customerId, instanceKey: query.instanceKey ?? '', isManual: true }),
    )
  }
  type ByQuery = { principal: Principal; query: Selector }
  const bySelector = ({ principal, query }: ByQuery) => selected(principal, query, query.autoCreate ?? false)
  const onlySelected = ({ principal, query }: ByQuery) => selected(principal, query, false)
  const made = async ({ principal, query }: ByQuery) => answer(principal, await selected(principal, query, true))

  async function send(
    { principal }: { principal: Principal },
    row: AppEventSubscription,
    step: 'subscribe' | 'unsubscribe',
  ) {
    if (step === 'subscribe' && row.archivedAt !== null)
      throw new Refusal('archived', 'the subscription is archived; restore it first')
    return answer(principal, await subscriptions.sendNow(row.id, step))
  }
  async function schemaOf({ appEventTypeId }: AppEventSubscription) {
    const type = (await appEventTypesByIds(database.db, [appEventTypeId])).get(appEventTypeId)
    return type?.schema ?? (type?.example == null ? {} : schemaFromExample(type.example))
  }
  /** Nothing of a subscription can be edited; clients send what they were given. */
  async function living(call: Located): Promise<AppEventSubscription> {
    const row = await located(call)
    if (row.archivedAt !== null) throw new Refusal('archived', 'the subscription is archived; restore it first')
    return row
  }
  async function archive(row: AppEventSubscription): Promise<void> {
    await database.transaction(async (tx) => {
      const [current] = await lockSubscriptions(tx, [row.id])
      if (current !== undefined && current.archivedAt === null) await subscriptions.archive(tx, current)
    })
  }
  async function restore({ principal }: { principal: Principal }, row: AppEventSubscription) {
    const isNeeded = await options.isNeeded(row.id)
    await database.transaction(async (tx) => {
      const [current] = await lockSubscriptions(tx, [row.id])
      if (current !== undefined)
        await subscriptions.restore(tx, { ...current, isManual: current.isManual || !isNeeded })
    })
    return answer(principal, (await subscriptionById(database.db, row.id)) ?? row)
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'aes')
      const named = query.userId ?? query.tenantId
      const filter = {
        workspaceId: principal.workspaceId,
        customerId:
          named === undefined
            ? principal.isAdmin
              ? null
              : principal.customerId
            : (await options.customers.find(principal, named)).id,
        id: query.id === undefined ? null : (fromWire('aes', query.id) ?? NO_ID),
        appEventTypeId:
          query.appEventTypeId === undefined
            ? null
            : (await findAppEventType(database, principal, query.appEventTypeId)).id,
        isSubscribed: query.isSubscribed ?? null,
        instanceKey: query.instanceKey ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      if (!principal.isAdmin && filter.customerId === null) return { items: [] }
      const rows = await listSubscriptions(database.db, filter, page)
      const items = await answers(principal, rows)
      return { ...listAnswer(rows, page, 'aes', () => undefined), items }
    },
    get: async (call) => answer(call.principal, await located(call)),
    put: async (call) => answer(call.principal, await living(call)),
    patch: async (call) => answer(call.principal, await living(call)),
    getSchema: async (call) => schemaOf(await located(call)),
    refresh: async (call) => answer(call.principal, await located(call)),
    async dependencies(call) {
      const { appEventTypeId } = await located(call)
      const type = (await appEventTypesByIds(database.db, [appEventTypeId])).get(appEventTypeId)
      if (type === undefined) return []
      const { id, key, name } = type
      const element = { id: toWire('aet', id), key, name }
      return [{ type: 'CONFIGURATION' as const, elementType: 'app-event-type', key, element }]
    },
    async listRequests({ principal, params, query }) {
      const row = await byId(principal, params.id ?? '')
      const page = pageOf(query, 'req')
      return listAnswer(await listSubscriptionRequests(database.db, row.id, page), page, 'req', (record) => ({
        id: toWire('req', record.id),
        appEventSubscriptionId: toWire('aes', record.subscriptionId),
        kind: record.kind,
        trigger: record.trigger,
        request: record.request ?? undefined,
        response: record.response ?? undefined,
        error: record.error ?? undefined,
        durationMs: record.durationMs ?? undefined,
        createdAt: timeOfId(record.id).toISOString(),
      }))
    },
    subscribe: async (call) => send(call, await located(call), 'subscribe'),
    unsubscribe: async (call) => send(call, await located(call), 'unsubscribe'),
    archive: async (call) => archive(await located(call)),
    restore: async (call) => restore(call, await located(call)),
    getByQuery: async (call) => answer(call.principal, await bySelector(call)),
    createByQuery: made,
    putByQuery: made,
    patchByQuery: async (call) => answer(call.principal, await bySelector(call)),
    archiveByQuery: async (call) => archive(await onlySelected(call)),
    getSchemaByQuery: async (call) => schemaOf(await onlySelected(call)),
    subscribeByQuery: async (call) => send(call, await bySelector(call), 'subscribe'),
    unsubscribeByQuery: async (call) => send(call, await onlySelected(call), 'unsubscribe'),
    restoreByQuery: async (call) => restore(call, await onlySelected(call)),
  })
}
