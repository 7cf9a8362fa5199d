import { appEvents as table } from '@permea/contract'
import { logAnswer, pageOf } from '../api/paging.ts'
import { payloadSearch } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal, refuseCut } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import { storedJson } from '../api/shown-json.ts'
import { customerAnswer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import { runFor, whoWantsAgain } from '../dispatch/dispatch.ts'
import { appEventTypeAnswer } from '../event-types/app-event-type.ts'
import { findAppEventType } from '../event-types/routes.ts'
import { appEventTypesByIds } from '../event-types/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, timeOfId, toWire } from '../platform/ids.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { Runs } from '../runs/runs.ts'
import { runsOfEvents } from '../runs/store.ts'
import { listSubscriptions, subscriptionsByIds } from '../subscriptions/store.ts'
import { subscriptionAnswer } from '../subscriptions/subscription.ts'
import { appEventById, listAppEvents, type StoredAppEvent } from './store.ts'

export interface EventRoutesOptions {
  database: Database
  clock: Clock
  publicUrl: string
  customers: Customers
  runs: Runs
  tracing?: Tracing | null
}

const STREAMS_MAX = 1000

export function eventRoutes(options: EventRoutesOptions): RouteSet {
  const { database, clock, publicUrl } = options

  async function answers(principal: Principal, rows: readonly StoredAppEvent[]) {
    const [customers, types, subscriptions, launched] = await Promise.all([
      customersByIds(
        database.db,
        rows.map((row) => row.customerId),
      ),
      appEventTypesByIds(
        database.db,
        rows.map((row) => row.appEventTypeId),
      ),
      subscriptionsByIds(
        database.db,
        rows.flatMap((row) => (row.subscriptionId === null ? [] : [row.subscriptionId])),
      ),
      runsOfEvents(
        database.db,
        rows.map((row) => row.id),
      ),
    ])
    const runsByEvent = Map.groupBy(launched, (run) => run.eventId)
    return rows.map((row) => {
      const customer = customers.get(row.customerId)
      const type = types.get(row.appEventTypeId)
      const subscription = subscriptions.get(row.subscriptionId ?? '')
      const runs = runsByEvent.get(row.id) ?? []
      const at = timeOfId(row.id).toISOString()
      return {
        id: toWire('aev', row.id),
        name: type?.name,
        userId: toWire('cus', row.customerId),
        tenantId: toWire('cus', row.customerId),
        appEventTypeId: toWire('aet', row.appEventTypeId),
        appEventSubscriptionId: row.subscriptionId === null ? undefined : toWire('aes', row.subscriptionId),
        event: row.payloadCutAt === null ? storedJson(row.payload) : null,
        payloadCutAt: row.payloadCutAt?.toISOString(),
        datetime: at,
        createdAt: at,
        launchedFlowRunIds: runs.map((run) => toWire('fr', run.id)),
        launchedFlowRuns: runs.map((run) => ({
          id: toWire('fr', run.id),
          flowInstanceId: toWire('cf', run.flowInstanceId),
          state: run.state,
        })),
        user: customer === undefined ? undefined : customerAnswer(customer, clock.now()),
        appEventType: type === undefined ? undefined : appEventTypeAnswer(type, publicUrl, principal.isAdmin),
        appEventSubscription:
          subscription === undefined
            ? undefined
            : subscriptionAnswer(subscription, {
                type: undefined,
                customer: undefined,
                publicUrl,
                now: clock.now(),
                isAdmin: principal.isAdmin,
              }),
      }
    })
  }
  async function find(principal: Principal, selector: string): Promise<StoredAppEvent> {
    const id = fromWire('aev', selector)
    const row = id === null ? null : await appEventById(database.db, principal.workspaceId, id)
    if (row === null || !(principal.isAdmin || row.customerId === principal.customerId))
      throw notFound('app event', selector)
    return row
  }
  async function streamsWithKey(
    principal: Principal,
    customerId: string | null,
    instanceKey: string,
  ): Promise<string[]> {
    const filter = {
      workspaceId: principal.workspaceId,
      customerId,
      id: null,
      appEventTypeId: null,
      isSubscribed: null,
      instanceKey,
      includeArchived: true,
    }
    return (await listSubscriptions(database.db, filter, { limit: STREAMS_MAX, before: null })).map((row) => row.id)
  }

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'aev')
      const named = query.userId ?? query.tenantId
      const customerId =
        named === undefined
          ? principal.isAdmin
            ? null
            : principal.customerId
          : (await options.customers.find(principal, named)).id
      const filter = {
        workspaceId: principal.workspaceId,
        customerId,
        id: query.id === undefined ? null : (fromWire('aev', query.id) ?? NO_ID),
        appEventTypeId:
          query.appEventTypeId === undefined
            ? null
            : (await findAppEventType(database, principal, query.appEventTypeId)).id,
        subscriptionId:
          query.appEventSubscriptionId === undefined ? null : (fromWire('aes', query.appEventSubscriptionId) ?? NO_ID),
        subscriptionIds:
          query.instanceKey === undefined ? null : await streamsWithKey(principal, customerId, query.instanceKey),
        search: payloadSearch(principal, query.search),
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      const found = await listAppEvents(database.reading, filter, page)
      return { ...logAnswer(found, page, 'aev', () => undefined), items: await answers(principal, found.rows) }
    },
    async get({ principal, params }) {
      const [answer] = await answers(principal, [await find(principal, params.id ?? '')])
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
    async replay({ principal, params }) {
      const event = await find(principal, params.id ?? '')
      refuseCut('event', event.payloadCutAt)
      const customer = (await customersByIds(database.db, [event.customerId])).get(event.customerId)
      if (customer === undefined || customer.archivedAt !== null)
        throw new Refusal('archived', 'the customer of the event is archived')
      const items = await database.transaction(async (tx) => {
        const wanted = (await whoWantsAgain(tx, event)).map((each) => ({
          run: runFor(event.workspaceId, event.id, each, options.tracing?.here() ?? null),
          input: event.payload,
        }))
        return options.runs.insert(tx, wanted)
      })
      options.runs.offer(items)
      return { launchedFlowRunIds: items.map((item) => toWire('fr', item.id)) }
    },
  })
}
