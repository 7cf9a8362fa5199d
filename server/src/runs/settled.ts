import type { ErrorData } from '@permea/contract'
import { jsonText } from '../bodies/json-text.ts'
import type { NodeOutcome } from '../flows/node-type.ts'
import type { Visit } from './visit.ts'

/** An outcome that is not tried again. */
export type Settled = Extract<NodeOutcome, { kind: 'outputs' | 'skipped' | 'failed' }>

/** What of an outcome goes on, with its JSON text where it is not just what the node was fed, and what went wrong. */
export async function settled(
  visit: Visit,
  outcome: Settled,
  charsMax: number,
): Promise<{ outputs: unknown[] | null; text: string | null; error: ErrorData | null; isContinued: boolean }> {
  const outputs = outcome.kind === 'outputs' ? outcome.outputs.map((each) => (each === undefined ? null : each)) : null
  const isPassedOn = outputs?.length === 1 && outputs[0] === visit.fed
  const text = outputs === null || isPassedOn ? null : await jsonText(outputs)
  const isTooLarge = text !== null && text.length > charsMax
  const error = isTooLarge ? tooLarge(charsMax) : outcome.kind === 'failed' ? outcome.error : null
  if (error === null) return { outputs, text, error, isContinued: false }
  if (visit.node.node.onError !== 'continue') return { outputs: null, text: null, error, isContinued: false }
  const told = [{ error }]
  return { outputs: told, text: JSON.stringify(told), error, isContinued: true }
}

function tooLarge(charsMax: number): ErrorData {
  return {
    type: 'flow_run',
    key: 'output_too_large',
    message: `the output is longer than ${charsMax} characters`,
  }
}
