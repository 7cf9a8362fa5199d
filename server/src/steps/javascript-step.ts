import { type FunctionDefinition, FunctionInput } from '@permea/contract'
import { connectionVariable } from '../connections/connection.ts'
import { userVariable } from '../customers/customer.ts'
import type { ApiClient, FunctionOutcome } from '../functions/function.ts'
import { yourAppClient } from '../workspaces/your-app-client.ts'
import { laterOrNever } from './external-app-step.ts'
import type { StepCall, StepOutcome } from './step.ts'

/** Log lines of one call that are kept in the record of a run. */
const LINES_MAX = 200

/** The code of a configuration `{ code }` or `{ function }`; what is wrong with it where there is none. */
export function javascriptOf(
  config: Record<string, unknown>,
): Extract<FunctionDefinition, { type: 'javascript' }> | { problem: string; path: string } {
  const path = config.function === undefined ? 'code' : 'function'
  if (isCodeMissing(config)) return { path, problem: 'JavaScript with a default export is needed' }
  const read = FunctionInput.safeParse(config[path])
  if (!read.success || read.data.type !== 'javascript')
    return { path, problem: 'JavaScript with a default export is needed' }
  return read.data
}

/** Whether there is nothing yet where the code of a configuration stands. */
export function isCodeMissing(config: Record<string, unknown>): boolean {
  const given = config.function ?? config.code
  return given === undefined || given === null || (typeof given === 'string' && given.trim() === '')
}

/**
 * Calls users' code. Its argument holds `input`, what is given `beside` it, `user`, `connection`, and API clients:
 * `externalApiClient` (the app of the connection), `internalApiClient` (your application), `membrane` and
 * `engineApiClient` (this API as the customer). What is not there fails when it is used, and says why.
 *
 * @source wire facts C.7
 */
export async function callJavascript(
  call: StepCall,
  definition: FunctionDefinition,
  input: unknown,
  beside: Record<string, unknown>,
): Promise<StepOutcome> {
  const { services, user, connection } = call
  const outcome = await services.functions.call({
    definition,
    context: {
      workspaceId: call.workspaceId,
      customerId: user?.id ?? null,
      integrationId: call.integrationId,
      connectionId: connection?.id ?? null,
      ownerId: call.ownerId,
      slot: call.slot,
      sourceId: call.sourceId,
    },
    args: {
      ...beside,
      input: input ?? null,
      ...(user === null ? {} : { user: userVariable(user) }),
      ...(connection === null ? {} : { connection: connectionVariable(connection) }),
    },
    clients: clientsOf(call),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  })
  keepLines(call, outcome)
  return outcomeOfFunction(outcome)
}

/**
 * What a function came to, as what the step came to. Where the one request that it made was refused for now, the call
 * is worth another try; where it made others before, they would be repeated.
 */
export function outcomeOfFunction(outcome: FunctionOutcome): StepOutcome {
  if (outcome.kind === 'returned') return { kind: 'done', output: outcome.value ?? null }
  return outcome.hostCalls === 1 ? laterOrNever(outcome.error) : { kind: 'failed', error: outcome.error }
}

export function keepLines(call: StepCall, outcome: FunctionOutcome): void {
  const at = call.services.clock.now().toISOString()
  for (const { level, message } of outcome.logs.slice(0, LINES_MAX)) call.log({ type: 'message', at, level, message })
}

function clientsOf(call: StepCall): Record<string, ApiClient> {
  const { services, user, connection, workspaceId } = call
  const external =
    connection === null
      ? refusing('no_connection', 'there is no connection here')
      : services.appCalls.apiClient(connection, { sourceId: call.sourceId })
  const internal =
    user === null
      ? refusing('no_customer', 'requests to your app are on behalf of a customer, and here is none')
      : yourAppClient({ yourApp: services.yourApp, outbound: services.outbound, workspaceId, user })
  const own =
    user === null
      ? refusing('no_customer', 'requests to this API are on behalf of a customer, and here is none')
      : services.ownApi.clientFor(workspaceId, user)
  return {
    apiClient: external,
    externalApiClient: external,
    internalApiClient: internal,
    engineApiClient: own,
    membrane: own,
  }
}

function refusing(key: string, message: string): ApiClient {
  const error = { type: 'custom_code', key, message }
  return { request: () => Promise.resolve({ kind: 'failed', error }) }
}
