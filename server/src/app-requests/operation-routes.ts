import { connections as table } from '@permea/contract'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { failedConnection, keptFailure } from '../connections/failure.ts'
import { valueOfAnswer } from '../functions/mapping-call.ts'
import { operationAnswer } from '../integrations/connector-answers.ts'

const { executeRequest, listOperations, getOperation, runOperation } = table

/** What a connection's app can be asked for: operations of the connector, and requests. */
export function operationRoutes(options: {
  connections: Pick<ConnectionParts, 'appOf' | 'registry'>
  calls: Pick<AppCalls, 'apiClient' | 'runOperation'>
}): RouteSet {
  const { connections, calls } = options
  const { registry } = connections

  async function operationsOf(connection: Connection) {
    const app = await connections.appOf(connection)
    return app === null ? {} : app.connector.definition.operations
  }

  return routeSet(
    { executeRequest, listOperations, getOperation, runOperation },
    {
      async executeRequest(call) {
        const connection = await registry.living(call.principal, call.params.selector ?? '', call.query)
        const { key, payload } = call.body
        const context = { sourceId: null }
        const outcome = await calls.runOperation(connection, key, payload, context)
        if (outcome?.kind === 'returned') return outcome.value ?? null
        if (outcome?.kind === 'failed') throw failedConnection(outcome.error, { logs: outcome.logs })
        const data = payload === undefined ? {} : { data: payload }
        const answer = await calls.apiClient(connection, context).request({ method: 'POST', uri: key, ...data })
        if (answer.kind === 'failed') throw failedConnection(keptFailure(answer))
        return valueOfAnswer(answer)
      },
      async listOperations(call) {
        const operations = await operationsOf(
          await registry.find(call.principal, call.params.selector ?? '', call.query),
        )
        return Object.entries(operations).map(([key, operation]) => operationAnswer(key, operation))
      },
      async getOperation(call) {
        const operations = await operationsOf(
          await registry.find(call.principal, call.params.selector ?? '', call.query),
        )
        const key = call.params.key ?? ''
        const operation = Object.hasOwn(operations, key) ? operations[key] : undefined
        if (operation === undefined) throw notFound('operation', key)
        return operationAnswer(key, operation)
      },
      async runOperation(call) {
        const connection = await registry.living(call.principal, call.params.selector ?? '', call.query)
        const key = call.params.key ?? ''
        const outcome = await calls.runOperation(connection, key, call.body.input, { sourceId: null })
        if (outcome === null) throw notFound('operation', key)
        const { logs } = outcome
        if (outcome.kind === 'failed') throw failedConnection(outcome.error, { logs })
        return { output: outcome.value, executionLogs: logs, logs }
      },
    },
  )
}
