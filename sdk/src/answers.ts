import type { ErrorData, IngressAnswer } from '@permea/contract'

// The two shapes that a client looks at while it runs. The contract has them too, but not without everything else in it.

/** Whether an answer is in the error format; what a proxy says is not. */
export function isErrorData(value: unknown): value is ErrorData {
  return isObject(value) && typeof value.type === 'string' && typeof value.message === 'string'
}

/** Whether an answer is that of a webhook URL. */
export function isIngressAnswer(value: unknown): value is IngressAnswer {
  return isObject(value) && Array.isArray(value.results) && value.results.every(isEventResult)
}

function isEventResult(value: unknown): boolean {
  return isObject(value) && (typeof value.id === 'string' || isErrorData(value.error))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
