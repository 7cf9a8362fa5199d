import { ErrorData, type ErrorType, IngressAnswer } from '@permea/contract'

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
  const error = ErrorData.safeParse(answer)
  if (!error.success)
    return new PermeaError({ status, message: `${what} was answered with ${status}: ${text.slice(0, 200)}` })
  const { type, key, message, data } = error.data
  const ingress = IngressAnswer.safeParse(answer)
  return new PermeaError({
    status,
    type,
    key,
    message,
    data,
    results: ingress.success ? ingress.data.results : undefined,
  })
}

/** Undefined for what is not JSON: then it is not in the error format either. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
