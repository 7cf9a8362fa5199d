import type { FunctionDefinition } from '@permea/contract'
import type { ApiClient, FunctionOutcome } from '../../server/src/functions/function.ts'
import type { House } from './house.ts'

/** A function of a ready-made connector, called in the real sandbox. */
export interface ConnectorCall {
  connector: string
  /** As in `events.topic.subscribe`. */
  slot: string
  args?: Record<string, unknown>
  /** Where a server behaves as the app's API; requests of `apiClient` go there. */
  apiUrl?: string
}

/** Calls a function of a connector with an API client that sends real requests to `apiUrl`. */
export async function callConnector(house: House, call: ConnectorCall): Promise<FunctionOutcome> {
  const connector = await house.engine.connectors.find({ workspaceId: house.workspace.id }, call.connector)
  const client = clientTo(call.apiUrl ?? 'http://127.0.0.1:1')
  return house.engine.functions.call({
    definition: definitionAt(connector.definition, call.slot),
    args: call.args ?? {},
    clients: { apiClient: client },
    context: {
      workspaceId: house.workspace.id,
      customerId: null,
      integrationId: null,
      connectionId: null,
      ownerId: `cnr_${call.connector}`,
      slot: call.slot,
      sourceId: null,
    },
  })
}

/** The value of a call that must succeed. */
export async function valueOfConnector(house: House, call: ConnectorCall): Promise<unknown> {
  const outcome = await callConnector(house, call)
  if (outcome.kind === 'failed') throw new Error(`${call.connector} ${call.slot}: ${outcome.error.message}`)
  return outcome.value
}

/** The error of a call that must fail. */
export async function errorOfConnector(house: House, call: ConnectorCall): Promise<string> {
  const outcome = await callConnector(house, call)
  if (outcome.kind === 'returned') throw new Error(`${call.connector} ${call.slot} did not fail`)
  return outcome.error.message
}

function definitionAt(definition: object, slot: string): FunctionDefinition {
  let at: unknown = definition
  for (const name of slot.split('.')) at = (at as Record<string, unknown> | undefined)?.[name]
  if (at === undefined) throw new Error(`the connector has no ${slot}`)
  return at as FunctionDefinition
}

function clientTo(apiUrl: string): ApiClient {
  return {
    async request({ method, uri, query = {}, headers = {}, data }) {
      const url = new URL(`${apiUrl}${uri}`)
      for (const [name, value] of Object.entries(query))
        if (value !== undefined && value !== null) url.searchParams.append(name, String(value))
      const isText = typeof data === 'string'
      const answer = await fetch(url, {
        method,
        headers: { ...(data === undefined || isText ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(data === undefined ? {} : { body: isText ? data : JSON.stringify(data) }),
      })
      const body = Buffer.from(await answer.arrayBuffer())
      const { status } = answer
      if (status >= 300) {
        const message = `the app answered ${status}`
        return { kind: 'failed', error: { type: 'connection', key: 'connection_failed', message, data: { status } } }
      }
      return {
        kind: 'answered',
        status,
        headers: Object.fromEntries(answer.headers),
        body,
      }
    },
  }
}
