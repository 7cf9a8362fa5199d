import {
  type ErrorData,
  type FunctionCallOutcome,
  functions as table,
  type FunctionCall as WireFunctionCall,
} from '@permea/contract'
import type { z } from 'zod'
import { logAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, timeOfId, toWire } from '../platform/ids.ts'
import type { ApiClient, CallContext, FunctionOutcome, Functions } from './function.ts'
import { type FunctionCallRecord, functionCallById, listFunctionCalls } from './store.ts'
import { recordedClient, tryOut } from './trial.ts'

/** On whose behalf a draft is tried out: what of the context follows from the connection. */
type Connected = Pick<CallContext, 'customerId' | 'integrationId' | 'connectionId'>

export interface FunctionRoutesOptions {
  database: Database
  functions: Functions
  /** The API client of a connection, by its id or key. Refuses what is not there; connections are above this room. */
  clientOf(principal: Principal, connectionSelector: string): Promise<Connected & { client: ApiClient }>
  /** Why what a function of this slot came to is none of what it is called for; null where it is. */
  refusalOf(slot: string, outcome: FunctionOutcome): ErrorData | null
}

const NOBODY: Connected = { customerId: null, integrationId: null, connectionId: null }

export function functionRoutes({ database, functions, clientOf, refusalOf }: FunctionRoutesOptions): RouteSet {
  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'fnc')
      const customer = query.customerId ?? query.userId
      const filter = {
        workspaceId: principal.workspaceId,
        ownerId: query.ownerId ?? null,
        sourceId: query.sourceId ?? null,
        slot: query.slot ?? null,
        outcome: query.outcome ?? null,
        connectionId: query.connectionId === undefined ? null : (fromWire('con', query.connectionId) ?? NO_ID),
        customerId: customer === undefined ? null : (fromWire('cus', customer) ?? NO_ID),
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      return logAnswer(await listFunctionCalls(database.reading, filter, page), page, 'fnc', callAnswer)
    },
    async get({ principal, params }) {
      const id = fromWire('fnc', params.id ?? '')
      const call = id === null ? null : await functionCallById(database.db, principal.workspaceId, id)
      if (call === null) throw notFound('function call', params.id ?? '')
      return callAnswer(call)
    },
    async test({ principal, body }) {
      const { connectionId, answers, args = {}, slot = 'draft' } = body
      const { client, ...connected } =
        connectionId === undefined || answers !== undefined
          ? { client: recordedClient(answers ?? []), ...NOBODY }
          : await clientOf(principal, connectionId)
      const { outcome, requests } = await tryOut(functions, {
        definition: body.function,
        args,
        client,
        context: { workspaceId: principal.workspaceId, ...connected, ownerId: 'draft', slot, sourceId: null },
      })
      const refusal = outcome.kind === 'returned' ? refusalOf(slot, outcome) : null
      const end: FunctionCallOutcome | 'refused' =
        outcome.kind === 'failed' ? outcome.failure : refusal === null ? 'returned' : 'refused'
      return {
        callId: toWire('fnc', outcome.callId),
        outcome: end,
        ...(outcome.kind === 'returned' ? { value: outcome.value } : { error: outcome.error }),
        ...(refusal === null ? {} : { error: refusal }),
        logs: outcome.logs,
        cpuMs: outcome.cpuMs,
        durationMs: outcome.durationMs,
        requests,
      }
    },
  })
}

function callAnswer(call: FunctionCallRecord): z.input<typeof WireFunctionCall> {
  return {
    id: toWire('fnc', call.id),
    ownerId: call.ownerId,
    slot: call.slot,
    sourceId: call.sourceId ?? undefined,
    userId: call.customerId === null ? undefined : toWire('cus', call.customerId),
    integrationId: call.integrationId === null ? undefined : toWire('int', call.integrationId),
    connectionId: call.connectionId === null ? undefined : toWire('con', call.connectionId),
    outcome: call.outcome as FunctionCallOutcome,
    error: call.error === null ? undefined : JSON.parse(call.error),
    logs: call.logs === null ? undefined : JSON.parse(call.logs),
    cpuMs: call.cpuMs,
    durationMs: call.durationMs,
    hostCalls: call.hostCalls,
    createdAt: timeOfId(call.id).toISOString(),
  }
}
