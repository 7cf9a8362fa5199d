import type { AuditRecord, ErrorData } from '@permea/contract'
import type { z } from 'zod'
import type { TracePlace } from '../platform/tracing.ts'

/** The bodies of notifications, shaped as the seed shows them. */
export interface ConnectionPayload {
  connection: {
    id: string
    integrationId: string
    integrationKey: string
    name: string
    disconnected: boolean
    customerId: string
  }
}

export interface FlowRunPayload {
  flowRun: {
    id: string
    connectionFlowId: string
    integrationFlowId?: string
    state: string
    startTime: string
    endTime?: string
    startNodeKey: string
    launchedBy: { type: string }
    errors?: ErrorData[]
  }
}

export interface AlertPayload {
  alert: {
    id: string
    type: string
    severity: string
    description: string
    status: string
    workspaceId: string
    workspaceUrl: string
    createdAt: string
  }
}

export interface ErasurePayload {
  erasure: {
    id: string
    customerId: string
    keepsCustomer: boolean
    rows: number
    startedAt: string
    finishedAt: string
  }
}

/** A record of the audit log without the values. */
export interface AuditPayload {
  audit: Omit<z.input<typeof AuditRecord>, 'before' | 'after'>
}

export type ConnectionEvent =
  | 'connection.created'
  | 'connection.disconnected'
  | 'connection.reconnected'
  | 'connection.deleted'
export type FlowRunEvent =
  | 'flowRun.queued'
  | 'flowRun.started'
  | 'flowRun.completed'
  | 'flowRun.failed'
  | 'flowRun.stopped'

/** Something that happened in a workspace, as its notification endpoints are told. */
export type Happening = {
  workspaceId: string
  /** Database id; null where it is nobody's in particular. */
  customerId: string | null
  /** What it stands beneath in a trace; where absent, what is being done. */
  trace?: TracePlace | null
} & (
  | { eventType: ConnectionEvent; data: ConnectionPayload }
  | { eventType: FlowRunEvent; data: FlowRunPayload }
  | { eventType: 'alert.created'; data: AlertPayload }
  | { eventType: 'customer.erased'; data: ErasurePayload }
  | { eventType: 'audit.recorded'; data: AuditPayload }
)
