import { createHash } from 'node:crypto'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { PendingCustomer } from './log-entry.ts'

/**
 * Customers that cannot be looked up now, under ids that stand for their names: the same for the same name in every
 * process, so that their events keep their order, and never those of rows.
 */
export interface PendingCustomers {
  /** Gives the id that stands for the customer until it is found. */
  note(workspaceId: string, customer: PendingCustomer): string
  of(id: string): PendingCustomer | null
}

/** More than the requests that can be in hand, with the tokens that are remembered. */
const REMEMBERED_MAX = 100_000

export function createPendingCustomers(): PendingCustomers {
  const known = boundedCache<PendingCustomer>(REMEMBERED_MAX)
  return {
    note(workspaceId, customer) {
      const digits = createHash('sha256').update(`${workspaceId} ${customer.internalId}`).digest('hex')
      // Version 8, which rows do not have.
      const id = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18, 30)}`
      const before = known.get(id)
      known.set(id, customer.claims === null && before !== undefined ? before : customer)
      return id
    },
    of: (id) => known.get(id) ?? null,
  }
}
