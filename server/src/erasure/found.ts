import { sql } from '../platform/database.ts'
import type { Erasing, Found, ItemKind } from './place.ts'

/** Rows of the customer, by their column `customer_id`. */
export const CUSTOMER: Found = { column: 'customer_id', is: 'customer' }

/** Rows whose column is one of the ids that were gathered. */
export const among = (column: string, kind: ItemKind): Found => ({ column, among: kind })

export const deleted = (found: readonly Found[], more: Partial<Erasing> = {}): Erasing => ({
  found,
  how: 'deleted',
  ...more,
})

/** The same for what happened: it goes when the customer is kept, too. */
export const history = (found: readonly Found[], more: Partial<Erasing> = {}): Erasing =>
  deleted(found, { isHistory: true, ...more })

/** Tables of other rooms, which the places are about. */
export const table = (name: string) => sql.table(name)
