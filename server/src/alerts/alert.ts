import type { AlertThreshold, AlertType, Alert as WireAlert } from '@permea/contract'
import type { z } from 'zod'
import { toWire } from '../platform/ids.ts'

/** A condition to be raised. `key` says which: raised again while it lasts, it is the same alert. */
export interface Condition {
  workspaceId: string
  key: string
  type: AlertType
  severity: 'warning' | 'critical'
  description: string
  customerId: string | null
  /** What it is about, as an id of the wire. */
  contextKey: string | null
  details: AlertDetails | null
}

/** What an alert is about in words, as it was when it was last seen. */
export interface AlertDetails {
  contextName?: string
  customerName?: string
  customerInternalId?: string
  lastError?: { message: string; nodeKey?: string; recordId?: string }
  threshold?: { setting: AlertThreshold; value: number }
  /** Nodes that fail: a run that came to none of them says nothing. */
  nodeKeys?: string[]
}

export interface Alert extends Condition {
  id: string
  status: 'ongoing' | 'resolved'
  createdAt: Date
  lastSeenAt: Date
  resolvedAt: Date | null
}

export function alertAnswer(alert: Alert, workspaceUrl: string): z.input<typeof WireAlert> {
  return {
    id: toWire('alrt', alert.id),
    key: alert.key,
    type: alert.type,
    severity: alert.severity,
    description: alert.description,
    status: alert.status,
    workspaceId: toWire('ws', alert.workspaceId),
    workspaceUrl,
    customerId: alert.customerId === null ? undefined : toWire('cus', alert.customerId),
    contextKey: alert.contextKey ?? undefined,
    contextName: alert.details?.contextName,
    customer:
      alert.customerId === null
        ? undefined
        : {
            id: toWire('cus', alert.customerId),
            internalId: alert.details?.customerInternalId,
            name: alert.details?.customerName,
          },
    lastError: alert.details?.lastError,
    threshold: alert.details?.threshold,
    createdAt: alert.createdAt.toISOString(),
    updatedAt: (alert.resolvedAt ?? alert.lastSeenAt).toISOString(),
    lastSeenAt: alert.lastSeenAt.toISOString(),
    resolvedAt: alert.resolvedAt?.toISOString(),
  }
}
