import { keepLines, outcomeOfFunction } from './javascript-step.ts'
import type { StepCall, StepOutcome } from './step.ts'

type Json = Record<string, unknown>

/** The operation that a configuration names: `operationKey`, or `operation` as a key or `{ key }`. */
export function operationKeyOf(config: Json): string | null {
  const { operation } = config
  const named = typeof operation === 'object' && operation !== null ? (operation as Json).key : operation
  const key = config.operationKey ?? named
  return typeof key === 'string' && key !== '' ? key : null
}

/** What an operation is given: `inputMapping`, else what the step itself was given. */
export function operationInputOf(config: Json, otherwise: unknown): unknown {
  return config.inputMapping === undefined ? otherwise : config.inputMapping
}

/** Runs an operation of the connection's connector. */
export async function runConnectorOperation(call: StepCall, key: string, input: unknown): Promise<StepOutcome> {
  if (call.connection === null) {
    const message = 'an operation of an app is run on a connection, and there is none'
    return { kind: 'failed', error: { type: 'configuration', key: 'not_supported', message } }
  }
  const { sourceId } = call
  const outcome = await call.services.appCalls.runOperation(call.connection, key, input, { sourceId })
  if (outcome === null) {
    const message = `the connector has no operation ${JSON.stringify(key)}`
    return { kind: 'failed', error: { type: 'configuration', key: 'not_supported', message } }
  }
  keepLines(call, outcome)
  return outcomeOfFunction(outcome)
}
