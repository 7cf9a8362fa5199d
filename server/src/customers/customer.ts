import type { Customer as WireCustomer } from '@permea/contract'
import type { z } from 'zod'
import { toWire } from '../platform/ids.ts'

/** A tenant of a workspace. */
export interface Customer {
  id: string
  workspaceId: string
  /** Its id in your application, as tokens carry it. */
  internalId: string
  name: string
  fields: Record<string, unknown>
  meta: Record<string, unknown> | null
  isTest: boolean
  createdAt: Date
  updatedAt: Date
  lastActiveAt: Date | null
  archivedAt: Date | null
}

const ACTIVE_WITHIN_MS = 30 * 86_400_000

export function customerAnswer(customer: Customer, now: Date): z.input<typeof WireCustomer> {
  return {
    id: toWire('cus', customer.id),
    internalId: customer.internalId,
    name: customer.name,
    fields: customer.fields,
    meta: customer.meta ?? undefined,
    isTest: customer.isTest,
    isActive: customer.lastActiveAt !== null && now.getTime() - customer.lastActiveAt.getTime() < ACTIVE_WITHIN_MS,
    lastActiveAt: customer.lastActiveAt?.toISOString(),
    createdAt: customer.createdAt.toISOString(),
    updatedAt: customer.updatedAt.toISOString(),
    archivedAt: customer.archivedAt?.toISOString(),
  }
}

/** What formulas see as `user`. */
export function userVariable(customer: Customer): Record<string, unknown> {
  return {
    id: toWire('cus', customer.id),
    internalId: customer.internalId,
    name: customer.name,
    fields: customer.fields,
  }
}
