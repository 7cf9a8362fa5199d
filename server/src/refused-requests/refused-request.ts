import type { ErrorKey } from '@permea/contract'

/** A request, or one event of it, that was refused, as it is kept. */
export interface RefusedRequest {
  id: string
  /** Null where nobody can say whose it was. */
  workspaceId: string | null
  /** Where a token or the address proves it. */
  customerId: string | null
  claimedId: string | null
  /** What the address belongs to, as on the wire. */
  elementId: string | null
  reason: ErrorKey
  status: number
  message: string
  method: string
  path: string
  address: string
  excerpt: string | null
  notKept: number
}
