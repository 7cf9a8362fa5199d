import type { ApiClient } from '../functions/function.ts'
import type { Outbound } from '../outbound/client.ts'
import { requestFromSpec } from '../outbound/request-spec.ts'
import type { GuestAnswer, GuestError } from '../sandbox/call.ts'
import type { AppUser, YourApp } from './your-app.ts'

/**
 * Your application's API, called by a function as `internalApiClient`: paths are relative to the workspace's
 * `appBaseUri`, and requests carry the token that proves who calls and for which customer. An answer that is not 2xx
 * is a failure. Nothing but your application is reached with it.
 *
 * @source wire facts C.7
 */
export function yourAppClient(options: {
  yourApp: YourApp
  outbound: Outbound
  workspaceId: string
  user: AppUser
}): ApiClient {
  const { yourApp, outbound, workspaceId, user } = options
  return {
    async request(request, how = {}) {
      const baseUri = await yourApp.baseUri(workspaceId)
      const { uri, method, headers, query, data } = request
      const built = await requestFromSpec({ uri, method, headers, query, body: data }, baseUri)
      if ('problem' in built) return failed({ key: 'invalid_request', message: built.problem })
      if (!built.isYourApp)
        return failed({ key: 'invalid_request', message: 'the address leads out of your app; use fetch instead' })
      const outcome = await outbound.send({
        ...built.request,
        ...(request.dataBase64 === undefined ? {} : { body: Buffer.from(request.dataBase64, 'base64') }),
        headers: { ...built.request.headers, ...(await yourApp.headers(workspaceId, user)) },
        ...how,
      })
      if (outcome.kind !== 'answered') return failed({ key: 'request_failed', message: outcome.message })
      if (outcome.bodyTruncated)
        return failed({ key: 'limit_exceeded', message: 'the answer of your app is longer than 10 MB' })
      const { status } = outcome
      if (status >= 200 && status < 300) {
        const flat = Object.entries(outcome.headers).map(([name, value]) => [name, String(value)])
        return {
          kind: 'answered',
          status,
          headers: Object.fromEntries(flat),
          body: outcome.body,
        }
      }
      const body = outcome.body.toString('utf8').slice(0, BODY_CHARS_MAX)
      return failed({ key: 'request_failed', message: `your app answered ${status}`, data: { status, body } })
    },
  }
}

/** Of a refused answer, what an error carries. */
const BODY_CHARS_MAX = 4000

function failed(error: GuestError): GuestAnswer {
  return { kind: 'failed', error: { type: 'custom_code', ...error } }
}
