import type { ErrorData } from '@permea/contract'
import { asObject } from '../connections/apps.ts'
import type { ConnectTexts } from './connect-texts.ts'

/** Which sentence a customer reads of a failure; what developers read is in the request and in the log. */
export function customerTextFor(error: ErrorData): keyof ConnectTexts {
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
