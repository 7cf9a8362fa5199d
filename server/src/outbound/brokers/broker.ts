import type { LookupFunction, Socket } from 'node:net'
import type { UnreachableReason } from '../outcome.ts'
import type { BrokerPlace } from './address.ts'

/** A message for a broker, as it is to be handed over. */
export interface BrokerMessage {
  /** Where to: what `brokerAddress` reads. */
  url: string
  /** What proves the sender, as an HTTP header says it: `Basic …` or `Bearer …`; null for nothing. */
  authorization: string | null
  /** The same for each try, so that brokers that can know it again do. */
  id: string
  /** What kind of event it tells of. */
  type: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: string
  /** From connecting to the acknowledgement. */
  timeoutMs: number
  signal?: AbortSignal | undefined
}

/**
 * What handing a message over came to. Messages name hosts, ports and what stands in the address; no credentials.
 *
 * - `accepted`: the broker says that it has the message; `receipt` is what it said.
 * - `refused`: the broker was reached and did not take it.
 * - `unreachable`: no answer that says what became of it.
 * - `forbidden`, `invalid`, `aborted`: as with `OutboundOutcome`.
 */
export type BrokerOutcome =
  | { kind: 'accepted'; receipt: Receipt; durationMs: number }
  | { kind: 'refused'; reason: RefusalReason; message: string; durationMs: number; retryAfter?: string | undefined }
  | { kind: 'unreachable'; reason: UnreachableReason; message: string; durationMs: number }
  | { kind: 'forbidden'; message: string; durationMs: number }
  | { kind: 'invalid'; message: string }
  | { kind: 'aborted'; message: string; durationMs: number }

/** What a broker said of a message that it took. */
export type Receipt = Record<string, string | number | boolean>

export type RefusalReason =
  /** it does not know who sends, or not let them */
  | 'unauthorized'
  /** there is no such stream, exchange or queue, or nothing that would keep the message */
  | 'no_such_target'
  | 'too_large'
  /** it has no room, or too much to do */
  | 'busy'
  | 'refused'

/** A connection to a broker, for messages to one address. */
export interface BrokerClient {
  /** Hands a message over; resolves with the broker's acknowledgement, rejects with a `BrokerFailure` or another error. */
  publish(message: Pick<BrokerMessage, 'id' | 'headers' | 'body' | 'timeoutMs'>): Promise<Receipt>
  /** Resolves when the connection is over, for whatever reason; never rejects. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** How an address of one kind is connected to; rejects with a `BrokerFailure`, a `DialFailure` or another error. */
export type ConnectBroker<Address> = (
  address: Address,
  login: Login | null,
  ground: BrokerGround,
) => Promise<BrokerClient>

export interface BrokerGround {
  /** Connects to a checked address, with TLS already verified where it is asked for. */
  dial(place: BrokerPlace, isTls: boolean): Promise<Socket>
  /** For clients that make their own sockets: a lookup that answers the checked addresses of a place and nothing else. */
  pinned(place: BrokerPlace): Promise<LookupFunction>
  /** For clients that must have a socket at once: it connects to a checked address, or ends with a `DialFailure`. */
  open(place: BrokerPlace, isTls: boolean): Socket
  /** Who signs certificates that are believed, as PEM; null: those that the system believes. */
  trusted: readonly string[] | null
  timeoutMs: number
}

/** What proves the sender. */
export type Login = { user: string; password: string } | { token: string }

/** Why a broker did not take a message; becomes an outcome. */
export class BrokerFailure extends Error {
  readonly verdict:
    | { kind: 'refused'; reason: RefusalReason; retryAfter?: string | undefined }
    | { kind: 'unreachable'; reason: UnreachableReason }
    | { kind: 'forbidden' }

  constructor(verdict: BrokerFailure['verdict'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrokerFailure'
    this.verdict = verdict
  }
}

export function refusedFailure(reason: RefusalReason, message: string, cause?: unknown): BrokerFailure {
  return new BrokerFailure({ kind: 'refused', reason }, message, { cause })
}

/** Reads what proves the sender; a text where it cannot be used. */
export function loginOf(authorization: string | null): Login | string | null {
  if (authorization === null) return null
  const [, scheme, value] = /^\s*(\S+)\s+(\S+)\s*$/.exec(authorization) ?? []
  if (scheme === undefined || value === undefined) return 'authorization is Basic or Bearer with one value'
  if (scheme.toLowerCase() === 'bearer') return { token: value }
  if (scheme.toLowerCase() !== 'basic') return 'authorization is Basic (user and password) or Bearer (a token)'
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) return 'authorization: Basic has user and password with a colon between them, in base64'
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

/** Tries the places in turn, beginning with any of them; rejects with what the last one said. */
export async function anyOf<T>(
  places: readonly BrokerPlace[],
  first: number,
  connect: (place: BrokerPlace) => Promise<T>,
): Promise<T> {
  let failure: unknown = new Error('there is no place to connect to')
  for (let index = 0; index < places.length; index += 1) {
    const place = places[(first + index) % places.length]
    if (place === undefined) continue
    try {
      return await connect(place)
    } catch (error) {
      failure = error
      if (error instanceof BrokerFailure && error.verdict.kind === 'refused') throw error
    }
  }
  throw failure
}

/** A URL with its user and password taken out, and these as an `authorization` header says them; null where it has none. */
export function withoutLogin(text: string): { url: string; authorization: string | null } {
  const url = new URL(text)
  if (url.username === '' && url.password === '') return { url: text, authorization: null }
  const pair = `${decoded(url.username)}:${decoded(url.password)}`
  url.username = ''
  url.password = ''
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
