import type { IngressAnswer } from '@permea/contract'
import { isIngressAnswer } from './answers.ts'
import type { FetchFunction } from './client.ts'
import { errorFrom, jsonOf, PermeaError } from './permea-error.ts'

export interface SendEventsOptions {
  /** The customer's token; only the webhook of an event type reads it, and only where it has no tenant id formula. */
  token?: string | undefined
  /** A request with a key used within the last 24 hours is answered as the first one was and stores nothing. */
  idempotencyKey?: string | undefined
  signal?: AbortSignal | undefined
  /** Takes the place of the global `fetch`. */
  fetch?: FetchFunction | undefined
}

/**
 * Sends one event, or several as one batch, to a webhook URL of the engine.
 *
 * Resolves where at least one was accepted: `results` then has an id or an error for each, in the order given.
 * Rejects with `PermeaError` where none was; its `results` say why, if the engine looked at them at all.
 */
export async function sendEvents(
  webhookUri: string,
  events: object | readonly object[],
  options: SendEventsOptions = {},
): Promise<IngressAnswer> {
  const post = options.fetch ?? ((url, init) => fetch(url, init))
  const response = await post(webhookUri, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
    },
    body: JSON.stringify(events),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const text = await response.text()
  if (response.status !== 200 && response.status !== 207)
    throw errorFrom('POST to the webhook URL', response.status, text)
  const answer = jsonOf(text)
  if (isIngressAnswer(answer)) return answer
  const message = `the webhook URL answered with ${response.status}, but not as an engine does`
  throw new PermeaError({ status: response.status, message })
}
