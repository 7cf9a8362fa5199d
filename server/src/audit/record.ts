import { createHash, createHmac } from 'node:crypto'
import type { AuditActorKind, AuditOutcome } from '@permea/contract'
import type { z } from 'zod'

export type ActorKind = z.output<typeof AuditActorKind>
export type Outcome = z.output<typeof AuditOutcome>

/** What is said of a change, before it has its place in the chain. */
export interface NewRecord {
  id: string
  workspaceId: string
  at: Date
  actorKind: ActorKind
  /** As on the wire. */
  actorId: string | null
  actorRole: string | null
  action: string
  outcome: Outcome
  elementType: string
  /** As on the wire, or the selector where no more is known. */
  elementId: string | null
  /** Database id of the customer that it is about. */
  customerId: string | null
  requestId: string | null
  changed: string[]
  details: Details
}

/** What may be about a person, kept apart so that it can be erased. Secrets are masked in it. */
export interface Details {
  actorName: string | null
  elementName: string | null
  address: string | null
  userAgent: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

/** A record in its place. */
export interface ChainedRecord extends Omit<NewRecord, 'details'> {
  sequence: number
  /** Text of the details with their salt; null where they were erased. */
  body: string | null
  detailsHash: string
  previousHash: string
  hash: string
}

/** Where a chain stands. */
export interface Head {
  sequence: number
  hash: string
}

/** What a chain begins with. */
export const BEGINNING: Head = { sequence: 0, hash: '0'.repeat(64) }

/** The next record of a chain. */
export function chained({ details, ...record }: NewRecord, head: Head, salt: string): ChainedRecord {
  const body = JSON.stringify({ salt, ...details })
  const placed = { ...record, sequence: head.sequence + 1, detailsHash: sha256(body), previousHash: head.hash }
  return { ...placed, body, hash: chainHash(placed) }
}

/**
 * The hash of a record: SHA-256 over a JSON list of its fields, in this order. Whoever has an export can work it out; a
 * change of the order is a new word at the beginning.
 */
export function chainHash(record: Omit<ChainedRecord, 'hash' | 'body'>): string {
  return sha256(
    JSON.stringify([
      'permea-audit-1',
      record.previousHash,
      record.workspaceId,
      record.sequence,
      record.id,
      record.at.toISOString(),
      record.actorKind,
      record.actorId,
      record.actorRole,
      record.action,
      record.outcome,
      record.elementType,
      record.elementId,
      record.customerId,
      record.requestId,
      record.changed,
      record.detailsHash,
    ]),
  )
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** Proves a head to who has the key: one that can write into the database could work out every hash anew. */
export function sealOf(workspaceId: string, head: Head, key: Uint8Array): string {
  return createHmac('sha256', key).update(`${workspaceId} ${head.sequence} ${head.hash}`).digest('hex')
}

export function detailsOf(body: string | null): Details | null {
  if (body === null) return null
  const { salt: _, ...details } = JSON.parse(body) as Details & { salt: string }
  return details
}
