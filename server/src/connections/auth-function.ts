import type { ErrorData, FunctionDefinition } from '@permea/contract'
import { type Customer, userVariable } from '../customers/customer.ts'
import type { ApiClient, Functions } from '../functions/function.ts'
import { toWire } from '../platform/ids.ts'
import { asObject, type ConnectedApp } from './apps.ts'
import { connectionError } from './failure.ts'

/** Everything that the functions of a way to connect may be given. Secrets are open. */
export interface AuthContext {
  customer: Customer
  app: ConnectedApp
  /** Database id; null where there is no connection yet. */
  connectionId: string | null
  credentials: unknown
  input: unknown
  /** What this connection's own parameters lay over those of the integration. */
  connectorParameters: unknown
}

/** What a function came to, or why nothing came of it. */
export type Made<T> = { kind: 'made'; value: T } | { kind: 'failed'; error: ErrorData }

/** Calls the functions of a way to connect. */
export type CallAuthFunction = (
  authContext: AuthContext,
  slot: string,
  definition: FunctionDefinition,
  more?: Record<string, unknown>,
  how?: { apiClient?: ApiClient; signal?: AbortSignal | undefined },
) => Promise<Made<unknown>>

/** Parameters as functions see them: the operator's, and the connection's own over them. */
export function parametersOf(authContext: AuthContext): Record<string, unknown> {
  return { ...authContext.app.parameters, ...asObject(authContext.connectorParameters) }
}

/**
 * Every function of a way to connect is given the same names, whatever it is for, so that a mapping may use what it
 * needs. `connectionParameters` is an older word for `connectionInput`.
 *
 * @source wire facts C.4
 */
export function argumentsOf(authContext: AuthContext): Record<string, unknown> {
  const { credentials, customer, connectionId } = authContext
  return {
    credentials: credentials ?? {},
    connectorParameters: parametersOf(authContext),
    connectionInput: authContext.input ?? {},
    connectionParameters: authContext.input ?? {},
    user: userVariable(customer),
    ...(connectionId === null ? {} : { connection: { id: toWire('con', connectionId) } }),
  }
}

export function createAuthFunctions(functions: Functions): CallAuthFunction {
  return async (authContext, slot, definition, more = {}, { apiClient, signal } = {}) => {
    const { app, customer, connectionId } = authContext
    const outcome = await functions.call({
      definition,
      context: {
        workspaceId: customer.workspaceId,
        customerId: customer.id,
        integrationId: app.integration?.id ?? null,
        connectionId,
        ownerId: toWire('cnr', app.connector.id),
        slot,
        sourceId: connectionId === null ? null : toWire('con', connectionId),
      },
      args: { ...argumentsOf(authContext), ...more },
      secrets: [authContext.credentials, authContext.input, parametersOf(authContext)],
      ...(apiClient === undefined ? {} : { clients: { apiClient, externalApiClient: apiClient } }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (outcome.kind === 'returned') return { kind: 'made', value: outcome.value }
    const { error } = outcome
    if (error.type === 'connection') return { kind: 'failed', error }
    return {
      kind: 'failed',
      error: { ...connectionError('connection_failed', `${slot}: ${error.message}`), causedByError: error },
    }
  }
}
