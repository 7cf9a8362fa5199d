import { type ErrorData, externalEvents as eventTable, incomingWebhooks as webhookTable } from '@permea/contract'
import { logAnswer, type Page, pageOf } from '../api/paging.ts'
import { payloadSearch } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal, refuseCut } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import { shownJson, storedJson } from '../api/shown-json.ts'
import { bodyAsValue, openBody, queryValue } from '../bodies/body-value.ts'
import type { Connections } from '../connections/connections.ts'
import { customerAnswer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import { deliveryStates } from '../deliveries/store.ts'
import type { ExternalEventTypes } from '../external-event-types/event-types.ts'
import { externalSubscriptionsByIds, idsEverOfType } from '../external-subscriptions/store.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, type Prefix, timeOfId, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { runsOfEvents } from '../runs/store.ts'
import type { ExternalReceive } from './receive.ts'
import {
  type ExternalEventFilter,
  type ExternalEventRow,
  externalEventById,
  type IncomingWebhookRow,
  incomingWebhookById,
  listExternalEvents,
  listIncomingWebhooks,
} from './store.ts'

export interface ExternalEventRoutesOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  customers: Customers
  connections: Connections
  receive: ExternalReceive
}

export interface ExternalEventLogOptions extends ExternalEventRoutesOptions {
  types: Pick<ExternalEventTypes, 'find'>
}

/** What both lists are looked for by. */
interface Query {
  tenantId?: string | undefined
  userId?: string | undefined
  integrationId?: string | undefined
  connectionId?: string | undefined
  from?: Date | undefined
  to?: Date | undefined
  startDatetime?: Date | undefined
  endDatetime?: Date | undefined
  startedAfter?: Date | undefined
}

const idFilter = (prefix: Prefix, text: string | undefined) =>
  text === undefined ? null : (fromWire(prefix, text) ?? NO_ID)

async function filterOf(options: ExternalEventRoutesOptions, principal: Principal, query: Query) {
  const named = query.userId ?? query.tenantId
  const own = principal.isAdmin ? null : (principal.customerId ?? NO_ID)
  const integration = query.integrationId
  const connection =
    query.connectionId === undefined ? null : await options.connections.find(principal, query.connectionId)
  const customerId = named === undefined ? own : (await options.customers.find(principal, named)).id
  return {
    workspaceId: principal.workspaceId,
    // What is of a connection is found among its customer's.
    customerId: customerId ?? connection?.customerId ?? null,
    integrationId:
      integration === undefined ? null : (await findIntegration(options.database, principal, integration)).id,
    connectionId: connection?.id ?? null,
    from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
    to: query.to ?? query.endDatetime ?? null,
  }
}

/** Requests of external apps: listed, shown, replayed. */
export function incomingWebhookRoutes(options: ExternalEventRoutesOptions): RouteSet {
  const { database } = options

  async function answers(rows: readonly IncomingWebhookRow[]) {
    const [customers, subscriptions] = await Promise.all([
      customersByIds(
        database.db,
        rows.flatMap((row) => row.customerId ?? []),
      ),
      externalSubscriptionsByIds(
        database.db,
        rows.flatMap((row) => row.subscriptionId ?? []),
      ),
    ])
    return rows.map((row) => {
      const customer = customers.get(row.customerId ?? '')
      return {
        ...webhookAnswer(row),
        name: subscriptions.get(row.subscriptionId ?? '')?.name,
        customer: customer === undefined ? undefined : customerAnswer(customer, options.clock.now()),
      }
    })
  }
  async function find({ principal, params }: { principal: Principal; params: Record<string, string> }) {
    const selector = params.id ?? ''
    const id = fromWire('iwh', selector)
    const row = id === null ? null : await incomingWebhookById(database.db, principal.workspaceId, id)
    // Of a global webhook only admins see, since it may be about several customers.
    if (row === null || !(principal.isAdmin || (row.customerId !== null && row.customerId === principal.customerId)))
      throw notFound('incoming webhook', selector)
    return row
  }
  async function one(row: IncomingWebhookRow) {
    const [answer] = await answers([row])
    if (answer === undefined) throw new Error('one row gives one answer')
    return answer
  }

  return routeSet(webhookTable, {
    async list({ principal, query }) {
      const page = pageOf(query, 'iwh')
      const subscription = query.subscriptionId ?? query.externalEventSubscriptionId
      const filter = {
        ...(await filterOf(options, principal, query)),
        subscriptionId: idFilter('ees', subscription),
        status: query.status ?? null,
        search: payloadSearch(principal, query.search),
      }
      const found = await listIncomingWebhooks(database.reading, filter, page)
      return { ...logAnswer(found, page, 'iwh', () => undefined), items: await answers(found.rows) }
    },
    get: async (call) => one(await find(call)),
    async getDetails(call) {
      const row = await find(call)
      const headers = JSON.parse(row.headers) as Record<string, string>
      const opened = await openBody(row.body, headers).catch(() => ({ bytes: row.body, text: null }))
      return {
        ...(await one(row)),
        request: {
          method: row.method,
          query: queryValue(row.query ?? ''),
          headers,
          ...(opened.text === null ? { bodyBase64: row.body.toString('base64') } : { body: opened.text }),
          data: await bodyAsValue(opened, headers).catch(() => opened.text),
        },
        response: row.response === null ? undefined : shownJson(row.response),
      }
    },
    async replay(call) {
      const found = await find(call)
      refuseCut('request', found.payloadCutAt)
      const id = await options.receive.replay(found)
      const row = await incomingWebhookById(database.db, call.principal.workspaceId, id)
      if (row === null) throw new Error('a record that was just made is there')
      return one(row)
    },
  })
}

function webhookAnswer(row: IncomingWebhookRow) {
  const customerId = row.customerId === null ? undefined : toWire('cus', row.customerId)
  return {
    id: toWire('iwh', row.id),
    workspaceId: toWire('ws', row.workspaceId),
    customerId,
    userId: customerId,
    tenantId: customerId,
    integrationId: row.integrationId === null ? undefined : toWire('int', row.integrationId),
    connectionId: row.connectionId === null ? undefined : toWire('con', row.connectionId),
    subscriptionId: row.subscriptionId === null ? undefined : toWire('ees', row.subscriptionId),
    globalWebhookId: row.globalWebhookId ?? undefined,
    uuid: row.id,
    method: row.method,
    status: row.status,
    error: row.error === null ? undefined : (JSON.parse(row.error) as ErrorData),
    responseStatus: row.responseStatus ?? undefined,
    durationMs: row.durationMs ?? undefined,
    functionCallId: row.functionCallId === null ? undefined : toWire('fnc', row.functionCallId),
    collectedEventIds: row.eventIds.map((id) => toWire('eev', id)),
    repeatedEventIds: row.repeatedEventIds?.map((id) => toWire('eev', id)),
    replayOf: row.replayOf === null ? undefined : toWire('iwh', row.replayOf),
    payloadCutAt: row.payloadCutAt?.toISOString(),
    createdAt: timeOfId(row.id).toISOString(),
  }
}

/** Events of external apps: listed with what became of them, sent again. */
export function externalEventRoutes(options: ExternalEventLogOptions): RouteSet {
  const { database } = options

  async function answers(rows: readonly ExternalEventRow[]) {
    const { db } = database
    const [customers, subscriptions, launched, deliveries] = await Promise.all([
      customersByIds(
        db,
        rows.map((row) => row.customerId),
      ),
      externalSubscriptionsByIds(
        db,
        rows.map((row) => row.subscriptionId),
      ),
      runsOfEvents(
        db,
        rows.map((row) => row.id),
      ),
      deliveryStates(
        db,
        rows.flatMap((row) => row.deliveryId ?? []),
      ),
    ])
    const runsByEvent = Map.groupBy(launched, (run) => run.eventId)
    return rows.map((row) => {
      const customer = customers.get(row.customerId)
      const runs = runsByEvent.get(row.id) ?? []
      const delivery = deliveries.get(row.deliveryId ?? '')
      const at = timeOfId(row.id).toISOString()
      return {
        id: toWire('eev', row.id),
        name: subscriptions.get(row.subscriptionId)?.name,
        userId: toWire('cus', row.customerId),
        tenantId: toWire('cus', row.customerId),
        integrationId: row.integrationId === null ? undefined : toWire('int', row.integrationId),
        connectionId: toWire('con', row.connectionId),
        externalEventSubscriptionId: toWire('ees', row.subscriptionId),
        incomingWebhookId: row.incomingWebhookId === null ? undefined : toWire('iwh', row.incomingWebhookId),
        payload: row.payloadCutAt === null ? storedJson(row.payload) : null,
        payloadCutAt: row.payloadCutAt?.toISOString(),
        ...outcomeOf(delivery, runs.length > 0),
        deliveryId: row.deliveryId === null ? undefined : toWire('dlv', row.deliveryId),
        deliveryState: delivery?.state,
        launchedFlowRunIds: runs.map((run) => toWire('fr', run.id)),
        launchedFlowRuns: runs.map((run) => ({
          id: toWire('fr', run.id),
          flowInstanceId: toWire('cf', run.flowInstanceId),
          state: run.state,
        })),
        createdAt: at,
        datetime: at,
        user: customer === undefined ? undefined : customerAnswer(customer, options.clock.now()),
      }
    })
  }
  async function one(row: ExternalEventRow) {
    const [answer] = await answers([row])
    if (answer === undefined) throw new Error('one row gives one answer')
    return answer
  }
  /** What became of an event is known from its delivery and runs only, so events are looked through for those that fit. */
  async function listOf(status: EventStatus, filter: ExternalEventFilter, { limit, before }: Page) {
    const items: Awaited<ReturnType<typeof answers>> = []
    for (let scanned = 0; scanned < SCANNED_MAX; scanned += SCANNED_AT_ONCE) {
      const { rows, lookedTo } = await listExternalEvents(database.reading, filter, { limit: SCANNED_AT_ONCE, before })
      for (const item of await answers(rows)) {
        if (item.status === status) items.push(item)
        if (items.length >= limit) return { items, cursor: item.id }
      }
      before = lookedTo ?? rows.at(-1)?.id ?? null
      if (before === null || (lookedTo === null && rows.length < SCANNED_AT_ONCE)) return { items }
      if (lookedTo !== null) break
    }
    return {
      items,
      ...(before === null ? {} : { cursor: toWire('eev', before), lookedBackTo: timeOfId(before).toISOString() }),
    }
  }
  async function find({ principal, params }: { principal: Principal; params: Record<string, string> }) {
    const selector = params.id ?? ''
    const id = fromWire('eev', selector)
    const row = id === null ? null : await externalEventById(database.db, principal.workspaceId, id)
    if (row === null || !(principal.isAdmin || row.customerId === principal.customerId))
      throw notFound('external event', selector)
    return row
  }

  return routeSet(eventTable, {
    async list({ principal, query }) {
      const page = pageOf(query, 'eev')
      const filter = {
        ...(await filterOf(options, principal, query)),
        subscriptionId: idFilter('ees', query.externalEventSubscriptionId),
        subscriptionIds:
          query.externalEventTypeId === undefined
            ? null
            : await idsEverOfType(database.db, (await options.types.find(principal, query.externalEventTypeId, {})).id),
        incomingWebhookId: idFilter('iwh', query.incomingWebhookId),
        search: payloadSearch(principal, query.search),
      }
      if (query.status !== undefined) return listOf(query.status, filter, page)
      const found = await listExternalEvents(database.reading, filter, page)
      return { ...logAnswer(found, page, 'eev', () => undefined), items: await answers(found.rows) }
    },
    get: async (call) => one(await find(call)),
    getDetails: async (call) => one(await find(call)),
    async replay(call) {
      const row = await find(call)
      refuseCut('event', row.payloadCutAt)
      await options.receive.sendAgain(row)
      const sent = await externalEventById(database.db, row.workspaceId, row.id)
      if (sent === null) throw new Refusal('not_found', 'the event is not there any more')
      return one(sent)
    },
  })
}

type EventStatus = 'created' | 'success' | 'error'

/** Events that are looked through for one page of those with a status, and how many of them at a time. */
const SCANNED_MAX = 10_000
const SCANNED_AT_ONCE = 100

function outcomeOf(
  delivery: { state: string; lastError: string | null } | undefined,
  hasRuns: boolean,
): { status: EventStatus; error?: ErrorData } {
  if (delivery?.state === 'succeeded') return { status: 'success' }
  if (delivery?.state === 'exhausted') {
    const message = delivery.lastError ?? 'the event could not be delivered'
    return { status: 'error', error: { type: 'connection', message } }
  }
  return { status: hasRuns ? 'success' : 'created' }
}
