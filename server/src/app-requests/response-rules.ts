import type { ErrorData } from '@permea/contract'
import { answerValue } from '../bodies/body-value.ts'
import { asObject } from '../connections/apps.ts'
import { type ConnectionFailureKey, connectionError } from '../connections/failure.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { ReceivedHeaders } from '../outbound/outcome.ts'
import { retryAfterMs } from '../outbound/retry-after.ts'
import type { ClientConfig } from './client-config.ts'

/** An app's answer, as rules look at it. */
export interface AppAnswer {
  status: number
  headers: ReceivedHeaders
  /** The beginning of the body as text; parsed where it is JSON and whole. */
  text: string
  isWhole: boolean
}

/** What an answer means: good as it is, good with other data, or a failure. */
export type Verdict = { kind: 'good' } | { kind: 'replaced'; data: unknown } | { kind: 'failed'; error: ErrorData }

/** Most of an app's answer that goes into an error, in characters. */
const ERROR_BODY_CHARS_MAX = 16_384
const MESSAGE_CHARS_MAX = 1_000

const KEYS: ReadonlySet<string> = new Set(['access_token_expired', 'connection_is_defunct', 'rate_limit_exceeded'])

/**
 * What an answer means, by the connector's own rules first (the first that matches counts, its values are formulas over
 * `response` and `request`), else by its status: 401 says that the credentials are good no longer, 429 to wait, and
 * from 300 on it is a failure. Errors hold no secrets.
 *
 * @source wire facts C.4 and C.5
 */
export async function verdictOn(
  config: ClientConfig,
  answer: AppAnswer,
  request: { method: string; uri: string },
  now: Date,
): Promise<Verdict> {
  const { status, headers } = answer
  // A long answer takes many times its size when it is parsed, which is of use to rules only.
  const data = config.responseHandlers.length === 0 ? undefined : dataOf(answer)
  const scope = { response: { statusCode: status, status, headers: flat(headers), data }, request }
  for (const handler of config.responseHandlers) {
    const { match, isSuccess, data: mapped, error } = asObject(handler)
    if ((await evaluateFormula(match, scope)) !== true) continue
    const isGood = isSuccess === undefined ? error === undefined : (await evaluateFormula(isSuccess, scope)) === true
    if (isGood)
      return mapped === undefined ? { kind: 'good' } : { kind: 'replaced', data: await evaluateFormula(mapped, scope) }
    const said = asObject(await evaluateFormula(error, scope))
    const key = typeof said.key === 'string' && KEYS.has(said.key) ? (said.key as ConnectionFailureKey) : keyOf(status)
    const message = typeof said.message === 'string' ? said.message : messageFor(status)
    const details = { ...detailsOf(answer, config, now), ...asObject(config.mask.value(said.data)) }
    const shown = config.mask.text(message).slice(0, MESSAGE_CHARS_MAX)
    return { kind: 'failed', error: connectionError(key, shown, details) }
  }
  if (status < 300) return { kind: 'good' }
  return { kind: 'failed', error: connectionError(keyOf(status), messageFor(status), detailsOf(answer, config, now)) }
}

function keyOf(status: number): ConnectionFailureKey {
  if (status === 401) return 'access_token_expired'
  return status === 429 ? 'rate_limit_exceeded' : 'connection_failed'
}

function messageFor(status: number): string {
  if (status === 401) return 'the app takes the credentials no longer (401)'
  return status === 429 ? 'the app wants fewer requests (429)' : `the app answered ${status}`
}

function detailsOf(answer: AppAnswer, config: ClientConfig, now: Date): Record<string, unknown> {
  const waitMs = retryAfterMs(answer.headers['retry-after'], now)
  const isShort = answer.isWhole && answer.text.length <= ERROR_BODY_CHARS_MAX
  return {
    status: answer.status,
    headers: config.mask.value(shownHeaders(answer.headers)),
    body: isShort ? config.mask.value(dataOf(answer)) : config.mask.text(answer.text.slice(0, ERROR_BODY_CHARS_MAX)),
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
  }
}

/** Without what could open a session at the app. */
function shownHeaders(headers: ReceivedHeaders): Record<string, string> {
  const { 'set-cookie': _cookies, ...others } = flat(headers)
  return others
}

function dataOf({ text, headers, isWhole }: AppAnswer): unknown {
  if (text === '') return null
  return isWhole ? answerValue(text, String(headers['content-type'] ?? '')) : text
}

/** One text for each name, as functions see headers. */
export function flat(headers: ReceivedHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
