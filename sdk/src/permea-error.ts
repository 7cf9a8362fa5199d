import type { ErrorType, IngressAnswer } from '@permea/contract'
import { isErrorData, isIngressAnswer } from './answers.ts'

interface Refused {
  status: number
  message: string
  type?: ErrorType | undefined
  key?: string | undefined
  data?: unknown
  results?: IngressAnswer['results'] | undefined
  cause?: unknown
}

/** The engine, or something in front of it, answered and refused. */
export class PermeaError extends Error {
  override readonly name = 'PermeaError'
  /** The HTTP status. */
  readonly status: number
  /** The class of the error; undefined where the answer was not in the error format, as from a proxy. */
  readonly type: ErrorType | undefined
  /** Which error it is, as listed in `docs/use/errors.md`. */
  readonly key: string | undefined
  readonly data: unknown
  /** Only of `sendEvents`: why each event was refused, in the order they were given. */
  readonly results: IngressAnswer['results'] | undefined

  constructor({ status, message, type, key, data, results, cause }: Refused) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.type = type
    this.key = key
    this.data = data
    this.results = results
  }
}

/** The error that an answer stands for; `what` says which request it was, for answers that have no message. */
export function errorFrom(what: string, status: number, text: string): PermeaError {
  const answer = jsonOf(text)
  if (!isErrorData(answer))
    return new PermeaError({ status, message: `${what} was answered with ${status}: ${text.slice(0, 200)}` })
  const { type, key, message, data } = answer
  return new PermeaError({
    status,
    type,
    key: typeof key === 'string' ? key : undefined,
    message,
    data,
    results: isIngressAnswer(answer) ? answer.results : undefined,
  })
}

/** Undefined for what is not JSON: then it is not in the error format either. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
