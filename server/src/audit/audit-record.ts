import type { AuditRecord as WireRecord } from '@permea/contract'
import type { z } from 'zod'
import type { Happening } from '../notifications/payloads.ts'
import { fromWire, toWire } from '../platform/ids.ts'
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
      id: actorIdOf(record) ?? undefined,
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

const PREFIXES = { user: 'usr', 'api-key': 'key' } as const

/** Of people and keys the chain has the id of the database. */
function actorIdOf({ actorKind, actorId }: ChainedRecord): string | null {
  const prefix = PREFIXES[actorKind as keyof typeof PREFIXES]
  return actorId === null || prefix === undefined || !UUID.test(actorId) ? actorId : toWire(prefix, actorId)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** An id of an actor as it is asked for, as records have it. */
export function storedActorId(id: string): string {
  return fromWire(Object.values(PREFIXES), id) ?? id
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
