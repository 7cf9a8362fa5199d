import type { ErrorData } from '@permea/contract'
import { asObject } from '../connections/apps.ts'
import { saidToPeople } from '../connections/oauth2.ts'
import type { ConnectTexts } from './connect-texts.ts'

/** Which sentence a customer reads of a failure; what developers read is in the request and in the log. */
export function customerTextFor(error: ErrorData): keyof ConnectTexts {
  if (error.key === 'quota_reached') return 'noRoom'
  const data = asObject(error.data)
  const words = `${error.key ?? ''} ${error.message}`
  const status = [data.status, asObject(data.response).status, /answered (?:with )?(\d{3})/.exec(words)?.[1]]
    .map(Number)
    .find((each) => each >= 300 && each <= 599)
  if (data.error === 'access_denied' || /access was not given/.test(words)) return 'notGiven'
  if (status === 429 || error.key === 'rate_limit_exceeded') return 'tooMany'
  if (status !== undefined && status >= 500) return 'notReached'
  if (status !== undefined && status < 500) return 'notAccepted'
  if (/\b(?:401|403)\b|unauthor|forbidden|invalid_(?:grant|client)|credential|denied|not valid/i.test(words))
    return 'notAccepted'
  if (
    /reach|timed? ?out|time-out|connect(?:ion)? (?:was )?(?:refused|reset)|ENOTFOUND|ECONN|name did not resolve/i.test(
      words,
    )
  )
    return 'notReached'
  return 'unknown'
}

/**
 * What the app itself said to people, wherever it stands in an answer: customers read it beside the sentence, as the app's.
 * Null where it said nothing, or a code.
 */
export function appSaid(error: ErrorData): string | null {
  let at: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && at !== undefined && at !== null; depth += 1) {
    const data = asObject(asObject(at).data)
    if (typeof data.said === 'string') return data.said
    const said = saidToPeople(asObject(asObject(data.response).data))
    if (said !== null) return said
    at = asObject(at).causedByError
  }
  return null
}

const CAUSES_MAX = 5
