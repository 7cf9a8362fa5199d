import type { DeliveryState, DeliveryAttempt as WireAttempt, Delivery as WireDelivery } from '@permea/contract'
import type { z } from 'zod'
import { storedJson } from '../api/shown-json.ts'
import { recordedBody } from '../exchanges/recorded.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import type { LaneItem } from '../platform/lane.ts'
import { type TracePlace, traceIdOf } from '../platform/tracing.ts'

/** Where messages go, and how it is doing. Secrets are sealed here. */
export interface Destination {
  id: string
  workspaceId: string
  /** Whose it is; null: the workspace's own. */
  customerId: string | null
  kind: 'notification' | 'external-event'
  url: string
  secretSealed: string
  previousSecretSealed: string | null
  previousSecretUntil: Date | null
  headersSealed: string | null
  concurrency: number
  throttlePerSecond: number | null
  isOrdered: boolean
  scheduleMs: number[] | null
  state: 'active' | 'paused' | 'archived'
  pausedReason: string | null
  pausedAt: Date | null
  failingSince: Date | null
  lastSuccessAt: Date | null
  lastFailureAt: Date | null
  warnedPercent: number
  createdAt: Date
  updatedAt: Date
}

/** The event type of deliveries that carry an event of an external app; their destination is its subscription. */
export const EXTERNAL_EVENT = 'external-event'

/** The id of a destination on the wire: that of the endpoint or subscription that it belongs to. */
export function destinationWireId(destination: { id: string; kind: Destination['kind'] }): string {
  return toWire(destination.kind === 'external-event' ? 'ees' : 'ne', destination.id)
}

/** A message for one destination, before it is stored. */
export interface NewDelivery {
  workspaceId: string
  destinationId: string
  messageId: string
  eventType: string
  customerId: string | null
  /** What it is about, as an id of the wire. */
  sourceId: string | null
  body: string
  isOrdered: boolean
  concurrency: number
  /** What it stands beneath in a trace; absent for nothing. */
  trace?: TracePlace | null
}

/** A delivery in the hands of the lanes. */
export interface DeliveryItem extends LaneItem {
  delivery: NewDelivery
  attemptsMade: number
}

export function deliveryItem(id: string, delivery: NewDelivery, attemptsMade: number): DeliveryItem {
  return {
    id,
    laneId: delivery.destinationId,
    groupId: delivery.destinationId,
    groupCap: delivery.concurrency,
    isOrdered: delivery.isOrdered,
    bytes: delivery.body.length + 500,
    waitsSinceMs: 0,
    delivery,
    attemptsMade,
  }
}

export type AttemptTrigger = 'auto' | 'manual' | 'bulk'

/** What one attempt came to, as it is recorded. */
export interface Attempt {
  id: string
  workspaceId: string
  deliveryId: string
  destinationId: string
  /** Counted for automatic attempts only. */
  number: number | null
  trigger: AttemptTrigger
  replayId: string | null
  outcome: 'acknowledged' | 'rejected' | 'unreachable' | 'forbidden'
  errorClass: string | null
  error: string | null
  httpStatus: number | null
  durationMs: number
  request: unknown
  response: unknown
  nextAttemptAt: Date | null
}

/** A delivery as it is listed, settled or not. */
export interface DeliveryRow {
  id: string
  workspaceId: string
  destinationId: string
  messageId: string
  eventType: string
  customerId: string | null
  sourceId: string | null
  body: string
  state: DeliveryState
  attemptsMade: number
  lastAttemptAt: Date | null
  lastError: string | null
  dueAt: Date | null
  settledAt: Date | null
  /** Its only automatic attempt, where it settled it; see `firstAttemptOf`. */
  firstAttempt: string | null
  trace: TracePlace | null
  /** Since when its body is gone; null while it is there. */
  payloadCutAt: Date | null
}

export function deliveryAnswer(row: DeliveryRow): z.input<typeof WireDelivery> {
  return {
    id: toWire('dlv', row.id),
    messageId: toWire('msg', row.messageId),
    destinationId: destinationWireId({
      id: row.destinationId,
      kind: row.eventType === EXTERNAL_EVENT ? 'external-event' : 'notification',
    }),
    eventType: row.eventType,
    state: row.state,
    attemptsMade: row.attemptsMade,
    nextAttemptAt: row.dueAt?.toISOString(),
    lastAttemptAt: row.lastAttemptAt?.toISOString(),
    lastError: row.lastError ?? undefined,
    settledAt: row.settledAt?.toISOString(),
    createdAt: timeOfId(row.id).toISOString(),
    tenantId: row.customerId === null ? undefined : toWire('cus', row.customerId),
    sourceId: row.sourceId ?? undefined,
    traceId: row.trace === null ? undefined : traceIdOf(row.trace, row.id),
    body: row.payloadCutAt === null ? storedJson(row.body) : null,
    payloadCutAt: row.payloadCutAt?.toISOString(),
  }
}

/** @param body what was sent, which the record of an attempt leaves to its delivery */
export function attemptAnswer(attempt: Attempt, body: string): z.input<typeof WireAttempt> {
  return {
    id: toWire('att', attempt.id),
    deliveryId: toWire('dlv', attempt.deliveryId),
    number: attempt.number ?? undefined,
    trigger: attempt.trigger,
    replayId: attempt.replayId === null ? undefined : toWire('rpl', attempt.replayId),
    outcome: attempt.outcome,
    errorClass: attempt.errorClass ?? undefined,
    error: attempt.error ?? undefined,
    httpStatus: attempt.httpStatus ?? undefined,
    durationMs: attempt.durationMs,
    request: withBody(attempt.request, body),
    response: attempt.response ?? undefined,
    nextAttemptAt: attempt.nextAttemptAt?.toISOString(),
    createdAt: timeOfId(attempt.id).toISOString(),
  }
}

/** The record of a request with its body, unless it has one (as records from before do) or was refused by the database. */
function withBody(request: unknown, body: string): unknown {
  if (typeof request !== 'object' || request === null || 'body' in request || !('method' in request)) return request
  return { ...request, body: recordedBody(body, 'application/json') }
}
