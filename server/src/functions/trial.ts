import type { FunctionTrialInput } from '@permea/contract'
import type { z } from 'zod'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'
import type { ApiClient, CallContext, FunctionOutcome, Functions } from './function.ts'
import { RETURNED_BY } from './returned-names.ts'

/** A request that a function made while it was tried out. */
export interface TrialRequest {
  client: string
  method: string
  uri: string
  status?: number
}

type Answers = NonNullable<z.output<typeof FunctionTrialInput>['answers']>

/** Names under which the function finds the client. */
const CLIENTS = ['apiClient', 'externalApiClient'] as const

/** Calls a draft with given arguments and notes what it requests. */
export async function tryOut(
  functions: Functions,
  given: {
    definition: z.output<typeof FunctionTrialInput>['function']
    args: Record<string, unknown>
    client: ApiClient
    context: CallContext
  },
): Promise<{ outcome: FunctionOutcome; requests: TrialRequest[] }> {
  const requests: TrialRequest[] = []
  const clients = Object.fromEntries(CLIENTS.map((name) => [name, noting(name, given.client, requests)]))
  const known = RETURNED_BY.get(given.context.slot)
  const outcome = await functions.call({
    definition: given.definition,
    context: given.context,
    args: given.args,
    clients,
    ...(known === undefined ? {} : { returns: { known, areOthersTold: false } }),
  })
  return { outcome, requests }
}

function noting(name: string, client: ApiClient, into: TrialRequest[]): ApiClient {
  return {
    async request(request, how) {
      const noted: TrialRequest = { client: name, method: request.method, uri: withoutQuery(request.uri) }
      into.push(noted)
      const answer = await client.request(request, how)
      const status = statusOf(answer)
      if (status !== null) noted.status = status
      return answer
    },
  }
}

/** A refused answer has its status in the data of the error. */
function statusOf(answer: GuestAnswer): number | null {
  if (answer.kind === 'answered') return answer.status
  const data = answer.error.data as { status?: unknown } | null | undefined
  return typeof data?.status === 'number' ? data.status : null
}

/**
 * A client that sends nothing and gives recorded answers, each once, the first that fits. Refused ones fail as those of
 * a connection do (wire facts C.5).
 */
export function recordedClient(answers: Answers): ApiClient {
  const left = [...answers]
  return {
    async request(request) {
      const index = left.findIndex((answer) => fits(answer, request))
      const answer = left[index]
      if (answer === undefined) {
        const message = `no recorded answer is left for ${request.method} ${withoutQuery(request.uri)}`
        return { kind: 'failed', error: { type: 'connection', key: 'no_recorded_answer', message } }
      }
      left.splice(index, 1)
      const { status = 200, body, headers = {} } = answer
      if (status >= 300) {
        const message = `the recorded answer was ${status}`
        return { kind: 'failed', error: { type: 'connection', key: keyOf(status), message, data: { status, body } } }
      }
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
      const json = typeof body === 'string' ? {} : { 'content-type': 'application/json' }
      return { kind: 'answered', status, headers: { ...json, ...headers }, body: Buffer.from(text) }
    },
  }
}

function fits(answer: Answers[number], request: GuestRequest): boolean {
  if (answer.method !== undefined && answer.method.toUpperCase() !== request.method) return false
  return answer.uri === undefined || answer.uri === request.uri || answer.uri === withoutQuery(request.uri)
}

function keyOf(status: number): string {
  if (status === 401) return 'access_token_expired'
  return status === 429 ? 'rate_limit_exceeded' : 'connection_failed'
}

/** A query may hold secrets, and is not needed to tell requests apart. */
function withoutQuery(uri: string): string {
  return uri.split('?')[0] ?? uri
}
