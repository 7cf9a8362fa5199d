import type { ErrorType } from '@permea/contract'
import { recordedRequest, recordedResponse } from '../exchanges/recorded.ts'
import type { OutboundOutcome } from '../outbound/outcome.ts'
import { bodyValue, requestFromSpec } from '../outbound/request-spec.ts'
import { retryAfterMs } from '../outbound/retry-after.ts'
import type { AppUser } from '../workspaces/your-app.ts'
import { RETRIED_STATUSES, type StepOutcome, type StepServices } from './step.ts'

/** As much of a step's call as a request needs. */
export interface HttpCall {
  services: Pick<StepServices, 'outbound' | 'yourApp' | 'clock'>
  workspaceId: string
  user: AppUser | null
  errorType: ErrorType
  signal?: AbortSignal | undefined
  log(record: Record<string, unknown>): void
  /** What the run was launched with, which its record has: a body that is this very value is not kept a second time. */
  launchedWith?: unknown
}

/** Stands in a record for the body of a request that was what the run was launched with. */
export const LAUNCHED_WITH = '$launchedWith'

/**
 * Sends one HTTP request `{ uri, method, headers, query, body }` whose formulas are evaluated. The output is the body
 * of the answer, parsed where it is JSON; status and headers are in the record of the exchange. 2xx is success; 408,
 * 425, 429, 5xx and an unreachable receiver are worth another try.
 *
 * Where it may be relative, it is resolved on your application's address, and requests there carry its token.
 */
export async function sendHttpRequest(
  call: HttpCall,
  spec: unknown,
  options: { mayBeRelative: boolean },
): Promise<StepOutcome> {
  const { services, errorType: type } = call
  const baseUri = options.mayBeRelative ? await services.yourApp.baseUri(call.workspaceId) : null
  const built = await requestFromSpec(spec, baseUri)
  if ('problem' in built) return { kind: 'failed', error: { type, key: 'invalid_request', message: built.problem } }
  if (built.isYourApp) {
    if (call.user === null) {
      const message = 'requests to your app are on behalf of a customer, and here is none'
      return { kind: 'failed', error: { type, key: 'no_customer', message } }
    }
    built.request.headers = {
      ...built.request.headers,
      ...(await services.yourApp.headers(call.workspaceId, call.user)),
    }
  }
  const outcome = await services.outbound.send({
    ...built.request,
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  })
  call.log({
    type: 'api-request',
    at: services.clock.now().toISOString(),
    request: isLaunchedWith(call, spec)
      ? { ...recordedRequest({ ...built.request, body: undefined }), body: { [LAUNCHED_WITH]: true } }
      : recordedRequest(built.request),
    response: recordedResponse(outcome),
    ...(outcome.kind === 'answered' ? {} : { error: outcome.message }),
  })
  return stepOutcomeOf(outcome, call)
}

function isLaunchedWith(call: HttpCall, spec: unknown): boolean {
  const { body, headers } = spec as { body?: unknown; headers?: unknown }
  // As JSON, which is what a request without headers of its own is sent as.
  return typeof body === 'object' && body !== null && body === call.launchedWith && headers === undefined
}

function stepOutcomeOf(outcome: OutboundOutcome, { errorType: type, services }: HttpCall): StepOutcome {
  switch (outcome.kind) {
    case 'answered': {
      if (outcome.status >= 200 && outcome.status < 300) return { kind: 'done', output: bodyValue(outcome) }
      const error = {
        type,
        key: outcome.status === 429 ? 'rate_limit_exceeded' : 'request_failed',
        message: `the request was answered with ${outcome.status}`,
        data: recordedResponse(outcome) ?? undefined,
      }
      if (!RETRIED_STATUSES.has(outcome.status)) return { kind: 'failed', error }
      return { kind: 'retry', error, afterMs: retryAfterMs(outcome.headers['retry-after'], services.clock.now()) }
    }
    case 'unreachable':
      return { kind: 'retry', error: { type, key: 'unreachable', message: outcome.message }, afterMs: null }
    case 'forbidden':
      return { kind: 'failed', error: { type, key: 'address_forbidden', message: outcome.message } }
    case 'invalid':
      return { kind: 'failed', error: { type, key: 'invalid_request', message: outcome.message } }
    case 'aborted':
      return { kind: 'failed', error: { type, key: 'stopped', message: 'the run was stopped' } }
  }
}
