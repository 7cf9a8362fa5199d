import type { Role } from '@permea/contract'

/**
 * Who acts: whoever holds the workspace's secret (or a key that the workspace trusts), a person of the console, an API
 * key, a customer; or the engine by itself, at work on what was asked for before.
 */
export interface Actor {
  kind: 'workspace-secret' | 'user' | 'api-key' | 'customer' | 'engine'
  /** Database id of the person, key or customer; null where there is none. */
  id: string | null
  /** For people to read, in a log say. */
  name: string | null
  /** Null for customers, who see what is their own, and for tokens of nobody. */
  role: Role | null
  /** Of a person: the session of the console (database id). */
  sessionId?: string
}

/** Whom a valid token speaks for. */
export interface Principal {
  workspaceId: string
  workspaceKey: string
  /** May see every customer's; what it may do of that, its role says. */
  isAdmin: boolean
  /** Set where the workspace is the main one of the installation. */
  isOfMain?: boolean
  /** The customer (database id); null for a token of the workspace itself. */
  customerId: string | null
  actor: Actor
}

/** The engine, at work by itself. */
export const ENGINE: Actor = { kind: 'engine', id: null, name: null, role: 'owner' }
