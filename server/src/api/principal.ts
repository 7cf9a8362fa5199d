/** Whom a valid token speaks for. */
export interface Principal {
  workspaceId: string
  workspaceKey: string
  /** May define things and see every customer's. */
  isAdmin: boolean
  /** The customer (database id); null for a token of the workspace itself. */
  customerId: string | null
}
