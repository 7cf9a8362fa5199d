import type { ConnectionFunctionCall } from '../connections/app-calls.ts'
import type { AuthContextOf } from '../connections/auth-context.ts'
import { type AuthContext, argumentsOf, parametersOf } from '../connections/auth-function.ts'
import { type Connection, connectionVariable } from '../connections/connection.ts'
import type { FunctionOutcome, Functions } from '../functions/function.ts'
import { toWire } from '../platform/ids.ts'
import type { Clients } from './clients.ts'

/** Calls functions on a connection's behalf. */
export interface FunctionCalls {
  call(connection: Connection, call: ConnectionFunctionCall): Promise<FunctionOutcome>
  /** Null where the connector has no such operation. */
  runOperation(
    connection: Connection,
    key: string,
    input: unknown,
    context: { sourceId: string | null },
  ): Promise<FunctionOutcome | null>
}

/**
 * Functions are given the connection's API client rather than its credentials. Only the connector's own functions see
 * those, and what the operator gave: a function of an event type or action is handed neither.
 */
export function createFunctionCalls(options: {
  functions: Functions
  authContextOf: AuthContextOf
  clients: Clients
}): FunctionCalls {
  const { functions, authContextOf, clients } = options

  async function call(connection: Connection, wanted: ConnectionFunctionCall): Promise<FunctionOutcome> {
    const authContext = await authContextOf(connection)
    const { sourceId } = wanted
    const client = clients.clientOf(connection, { sourceId })
    const apiClient = wanted.through?.(client) ?? client
    const secrets = authContext.kind === 'made' ? [authContext.value.credentials, parametersOf(authContext.value)] : []
    const connectorId = toWire('cnr', connection.connectorId)
    const isConnectors = wanted.ownerId === undefined || wanted.ownerId === connectorId
    return functions.call({
      definition: wanted.definition,
      context: {
        workspaceId: connection.workspaceId,
        customerId: connection.customerId,
        integrationId: connection.integrationId,
        connectionId: connection.id,
        ownerId: wanted.ownerId ?? connectorId,
        slot: wanted.slot,
        sourceId,
      },
      args: { ...ambient(connection, authContext, isConnectors), ...wanted.args },
      clients: { apiClient, externalApiClient: apiClient },
      runOperation: async (key, input) =>
        (await runOperation(connection, key, input, { sourceId })) ?? noOperation(key),
      secrets,
      ...(wanted.returns === undefined ? {} : { returns: wanted.returns }),
      ...(wanted.limits === undefined ? {} : { limits: wanted.limits }),
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
    })
  }

  async function runOperation(
    connection: Connection,
    key: string,
    input: unknown,
    { sourceId }: { sourceId: string | null },
  ): Promise<FunctionOutcome | null> {
    const authContext = await authContextOf(connection)
    const operations = authContext.kind === 'made' ? authContext.value.app.connector.definition.operations : {}
    const operation = Object.hasOwn(operations, key) ? operations[key] : undefined
    if (operation === undefined) return null
    return call(connection, { definition: operation.run, slot: `operations.${key}`, sourceId, args: { input } })
  }

  return { call, runOperation }
}

function ambient(
  connection: Connection,
  authContext: Awaited<ReturnType<AuthContextOf>>,
  isConnectors: boolean,
): Record<string, unknown> {
  const about = { connection: connectionVariable(connection) }
  if (authContext.kind === 'failed') return about
  const { app } = authContext.value
  const { credentials, connectorParameters, ...rest } = argumentsOf(authContext.value as AuthContext)
  const { connectionInput: _input, connectionParameters: _parameters, ...common } = rest
  const integration =
    app.integration === null
      ? {}
      : { integration: { id: toWire('int', app.integration.id), key: app.integration.key, name: app.integration.name } }
  const secret = isConnectors ? { credentials, connectorParameters } : {}
  return { ...common, ...integration, ...secret, ...about }
}

function noOperation(key: string): FunctionOutcome {
  return {
    callId: '00000000-0000-0000-0000-000000000000',
    logs: [],
    cpuMs: 0,
    durationMs: 0,
    hostCalls: 0,
    kind: 'failed',
    failure: 'thrown',
    error: {
      type: 'configuration',
      key: 'not_found',
      message: `the connector has no operation ${JSON.stringify(key)}`,
    },
  }
}
