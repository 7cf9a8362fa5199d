import { ERRORS, type ErrorData, type ErrorKey } from '@permea/contract'
import { reachedQuota } from '../platform/database-errors.ts'

/** The caller is wrong: answered in the error format with the status of its key, not logged as an error. */
export class Refusal extends Error {
  readonly key: ErrorKey
  readonly data: unknown
  /** Fields of the answer beside the error itself. */
  readonly beside: Record<string, unknown> | undefined

  constructor(key: ErrorKey, message: string, data?: unknown, beside?: Record<string, unknown>) {
    super(message)
    this.key = key
    this.data = data
    this.beside = beside
  }

  get status(): number {
    return ERRORS[this.key].status
  }
}

/** Too many requests: answered with when to try again. */
export class RateLimited extends Refusal {
  readonly retryAfterSeconds: number

  constructor(message: string, retryAfterSeconds: number, key: ErrorKey = 'rate_limit_exceeded', data?: unknown) {
    super(key, message, data)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The body that stands for an error key. */
export function errorData(key: ErrorKey, message: string, data?: unknown): ErrorData {
  return { type: ERRORS[key].type, key, message, ...(data === undefined ? {} : { data }) }
}

/** What is not there, or may not be seen, answers in these words. */
export function notFound(what: string, selector: string): Refusal {
  return new Refusal('not_found', `there is no ${what} ${JSON.stringify(selector.slice(0, 200))}`)
}

/** What is wrong with one field of the input. */
export function wrongField(field: string, message: string): Refusal {
  return new Refusal('invalid_input', `${field}: ${message}`, { problems: [{ field, message }] })
}

/** What was sent with it is gone: it cannot be sent, or done, again. */
export function refuseCut(what: string, payloadCutAt: Date | null): void {
  if (payloadCutAt === null) return
  throw new Refusal(
    'payload_not_kept',
    `the payload of the ${what} is no longer kept since ${payloadCutAt.toISOString()}`,
  )
}

/** What a quota of the workspace does not allow is the caller's to hear of, whoever found it. */
export function asRefusal(error: unknown): unknown {
  const reached = reachedQuota(error)
  return reached === null ? error : quotaReached(reached)
}

export function quotaReached(reached: { quota: string; limit: number }): Refusal {
  const { quota, limit } = reached
  const most = limit.toLocaleString('en')
  return new Refusal('quota_reached', `the workspace may have ${most} ${quota}, and has them (quota ${quota})`, reached)
}
