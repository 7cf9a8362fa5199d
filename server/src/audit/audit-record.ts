import type { AuditRecord as WireRecord } from '@permea/contract'
import type { z } from 'zod'
import type { Happening } from '../notifications/payloads.ts'
import { toWire } from '../platform/ids.ts'
import { type ChainedRecord, detailsOf } from './record.ts'

/** A record as the API answers it. */
export function auditAnswer(record: ChainedRecord): z.input<typeof WireRecord> {
  const details = detailsOf(record.body)
  return {
    id: toWire('aud', record.id),
    sequence: record.sequence,
    createdAt: record.at.toISOString(),
    actor: {
      kind: record.actorKind,
      id: record.actorId ?? undefined,
      name: details?.actorName ?? undefined,
      role: record.actorRole ?? undefined,
    },
    action: record.action,
    outcome: record.outcome,
    elementType: record.elementType,
    elementId: record.elementId ?? undefined,
    elementName: details?.elementName ?? undefined,
    userId: record.customerId === null ? undefined : toWire('cus', record.customerId),
    changed: record.changed,
    before: details?.before ?? undefined,
    after: details?.after ?? undefined,
    address: details?.address ?? undefined,
    userAgent: details?.userAgent ?? undefined,
    requestId: record.requestId ?? undefined,
    ...(details === null ? { isErased: true } : {}),
    hash: record.hash,
    previousHash: record.previousHash,
  }
}

/** What notification endpoints are told: everything but the values. */
export function happeningOf(record: ChainedRecord): Happening {
  const { before: _before, after: _after, ...audit } = auditAnswer(record)
  return {
    workspaceId: record.workspaceId,
    customerId: record.customerId,
    eventType: 'audit.recorded',
    data: { audit },
  }
}
