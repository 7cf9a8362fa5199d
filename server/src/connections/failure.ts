import type { ErrorData } from '@permea/contract'
import { Refusal } from '../api/refusal.ts'
import type { GuestAnswer } from '../sandbox/call.ts'

/** Why a connection's request, or the connection itself, failed. Clients tell them apart by the key (wire facts C.4, H). */
export type ConnectionFailureKey =
  | 'connection_failed'
  /** The app takes the credentials no longer. */
  | 'access_token_expired'
  /** It never will again. */
  | 'connection_is_defunct'
  | 'rate_limit_exceeded'
  /** Nothing was sent: the connection waits to be renewed. */
  | 'connection_disconnected'

export function connectionError(key: ConnectionFailureKey, message: string, data?: unknown): ErrorData {
  return { type: 'connection', key, message, ...(data === undefined ? {} : { data }) }
}

/** The answer to a caller whose request to the app failed: the error as it is, under the status of such failures. */
export function failedConnection(error: ErrorData, beside: Record<string, unknown> = {}): Refusal {
  const { message, data, ...rest } = error
  return new Refusal('connection_failed', message, data, { ...rest, ...beside })
}

/** A failure as functions are given it. */
export type GuestFailure = Extract<GuestAnswer, { kind: 'failed' }>

export function guestFailure({ type, key, message, data }: ErrorData): GuestFailure {
  return {
    kind: 'failed',
    error: { type, message, ...(key === undefined ? {} : { key }), ...(data === undefined ? {} : { data }) },
  }
}

/** A failure that functions were given, as it is kept. */
export function keptFailure({ error }: GuestFailure): ErrorData {
  const { key, message, data } = error
  return { type: 'connection', message, ...(key === undefined ? {} : { key }), ...(data === undefined ? {} : { data }) }
}
