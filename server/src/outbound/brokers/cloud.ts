import type { OutboundOutcome } from '../outcome.ts'
import type { OutboundRequest } from '../request-check.ts'
import type { BrokerPlace, CloudAddress } from './address.ts'
import {
  BrokerFailure,
  type BrokerMessage,
  type Login,
  type Receipt,
  type RefusalReason,
  refusedFailure,
} from './broker.ts'

/** A message to an API of a cloud: one request over HTTP. */
export type CloudMessage = Pick<BrokerMessage, 'id' | 'type' | 'headers' | 'body' | 'timeoutMs' | 'signal'>

/** The parts of a request that say what is to be done; where to and how long is the same for all. */
export type CloudRequest = Pick<OutboundRequest, 'url' | 'headers' | 'body'>

/** How one kind of API is spoken to. */
export interface CloudKind<Address> {
  request(address: Address, login: Login | null, message: CloudMessage): Promise<CloudRequest>
  /** What a successful answer says; throws a `BrokerFailure` where it says that the message was not taken. */
  receipt(answer: string): Receipt
  /** What an unsuccessful answer says: a code and words. */
  problem(answer: string): { code: string; words: string }
}

const ANSWER_BYTES_MAX = 65_536

/** Sends a message with one request; rejects with a `BrokerFailure`. */
export async function publishToCloud<Address extends CloudAddress>(
  send: (request: OutboundRequest) => Promise<OutboundOutcome>,
  given: { kind: CloudKind<Address>; address: Address; login: Login | null; message: CloudMessage },
): Promise<Receipt | 'aborted'> {
  const { kind, address, login, message } = given
  const request = await kind.request(address, login, message)
  const { timeoutMs, signal } = message
  const outcome = await send({ ...request, method: 'POST', timeoutMs, responseBytesMax: ANSWER_BYTES_MAX, signal })
  if (outcome.kind === 'aborted') return 'aborted'
  if (outcome.kind === 'invalid') throw refusedFailure('refused', outcome.message)
  if (outcome.kind === 'forbidden') throw new BrokerFailure({ kind: 'forbidden' }, outcome.message)
  if (outcome.kind === 'unreachable')
    throw new BrokerFailure({ kind: 'unreachable', reason: outcome.reason }, outcome.message)
  const answer = outcome.body.toString('utf8')
  if (outcome.status >= 200 && outcome.status < 300) return kind.receipt(answer)
  const { code, words } = kind.problem(answer)
  const said = [code, words].filter((each) => each !== '').join(': ')
  const asked = outcome.headers['retry-after']
  throw new BrokerFailure(
    { kind: 'refused', reason: reasonOf(outcome.status, code), retryAfter: Array.isArray(asked) ? asked[0] : asked },
    `${peerOf(address)} answered ${outcome.status}${said === '' ? '' : `: ${said.slice(0, 300)}`}`,
  )
}

function reasonOf(status: number, code: string): RefusalReason {
  if (/NonExistent|NotFound|NoSuch|DoesNotExist/i.test(code) || status === 404) return 'no_such_target'
  if (/Throttl|TooManyRequests|RESOURCE_EXHAUSTED|LimitExceeded/i.test(code) || status === 429 || status >= 500)
    return 'busy'
  if (/TooLong|TooLarge|SizeExceed/i.test(code) || status === 413) return 'too_large'
  if (
    /Denied|Signature|Credential|InvalidClientToken|UnrecognizedClient|Unauthor|Forbidden|Expired/i.test(code) ||
    [401, 403].includes(status)
  )
    return 'unauthorized'
  return 'refused'
}

/** The API's own URL. */
export function baseOf({ places: [place], isTls }: CloudAddress): string {
  return `${isTls ? 'https' : 'http'}://${hostOf(place)}`
}

function peerOf({ places: [place] }: CloudAddress): string {
  return hostOf(place)
}

function hostOf(place: BrokerPlace | undefined): string {
  const { hostname = '', port = 0 } = place ?? {}
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}

/** An answer in JSON; an empty object where it is none. */
export function jsonOf(answer: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(answer)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const wordOf = (value: unknown): string => (typeof value === 'string' ? value : '')
