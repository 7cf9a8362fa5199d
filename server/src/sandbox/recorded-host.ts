import type { GuestAnswer, GuestRequest, SandboxHost } from './call.ts'

/** A request that a function made, and of which client; null where it called `fetch`. */
export interface RecordedRequest {
  client: string | null
  request: GuestRequest
}

/** A host that keeps what it is asked for and answers from what is at hand: functions are tried with it without an app. */
export function recordedHost(
  answer: (asked: RecordedRequest, signal?: AbortSignal) => GuestAnswer | Promise<GuestAnswer> = () => answeredJson({}),
): { host: SandboxHost; requests: RecordedRequest[] } {
  const requests: RecordedRequest[] = []
  async function take(asked: RecordedRequest, signal?: AbortSignal): Promise<GuestAnswer> {
    requests.push(asked)
    return answer(asked, signal)
  }
  return {
    requests,
    host: {
      request: (client, request) => take({ client, request }),
      fetch: (request, _allowance, signal) => take({ client: null, request }, signal),
    },
  }
}

/** An answer with a JSON body. */
export function answeredJson(body: unknown, status = 200): GuestAnswer {
  return {
    kind: 'answered',
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
  }
}
