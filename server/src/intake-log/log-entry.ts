import type { IngressAnswer } from '@permea/contract'
import type { EventAddress } from '../dispatch/dispatch.ts'
import type { AppEvent } from '../events/store.ts'
import { shardOf } from '../platform/ownership.ts'
import type { TracePlace } from '../platform/tracing.ts'

/** What the intake log holds of one request. */
export type LogEntry = LoggedEvents | LoggedWebhook

/** Events of your application, each with its id and its customer, as they were accepted. */
export interface LoggedEvents {
  kind: 'events'
  /** Of the request; tells a repetition by the sender from a second try of ours. */
  id: string
  urlKey: string
  /** With `urlKey` what makes another request a repetition of this one; null where it came without a key. */
  scope: string | null
  status: number
  /** What was answered, where it is to be answered again. */
  answer: IngressAnswer | null
  /** What its events stand beneath in a trace; absent for nothing. */
  trace?: TracePlace
  events: LoggedEvent[]
}

export interface LoggedEvent {
  event: AppEvent
  address: EventAddress
  /** The customer that is to be found, or made, when the event is applied; null where it was known. */
  pending: PendingCustomer | null
}

/** A customer that could not be looked up when its event came. */
export interface PendingCustomer {
  internalId: string
  /** What its token says of it; null where the event names it, which never makes one. */
  claims: { name: string | undefined; fields: Record<string, unknown> | undefined } | null
}

/** A request of an external app, as it came in. */
export interface LoggedWebhook {
  kind: 'webhook'
  id: string
  url: 'subscription' | 'global'
  webhookUuid: string
  workspaceId: string
  /** What `external-events` is handed, sealed: it may hold what proves its sender. */
  requestSealed: string
}

type Headed<E> = E extends LoggedEvents
  ? Omit<LoggedEvents, 'events'> & {
      events: (Omit<LoggedEvent, 'event'> & { event: Omit<AppEvent, 'payload'>; bytes: number })[]
    }
  : E

/** Who works it: the shard of its customer; where a key holds events of several together, of the first one. */
export function shardOfEvents({ events }: LoggedEvents): number {
  const [first] = events
  if (first === undefined) throw new Error('an entry without events is not written')
  return shardOf(first.event.customerId)
}

const LENGTH_BYTES = 4

/** One message of the log: the length of its head, the head, and the texts of the events as they came. */
export function encodeEntries(entries: readonly LogEntry[]): Buffer {
  const texts: Buffer[] = []
  const head = entries.map((entry): Headed<LogEntry> => {
    if (entry.kind === 'webhook') return entry
    const events = entry.events.map(({ event: { payload, ...event }, ...more }) => {
      const text = Buffer.from(payload, 'utf8')
      texts.push(text)
      return { ...more, event, bytes: text.byteLength }
    })
    return { ...entry, events }
  })
  const headText = Buffer.from(JSON.stringify(head), 'utf8')
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(headText.byteLength)
  return Buffer.concat([length, headText, ...texts])
}

/** Throws where the bytes are no message that `encodeEntries` made. */
export function decodeEntries(data: Uint8Array): LogEntry[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  let at = LENGTH_BYTES + (bytes.byteLength < LENGTH_BYTES ? 0 : bytes.readUInt32BE())
  if (bytes.byteLength < LENGTH_BYTES || at > bytes.byteLength) throw new Error('this is no message of the intake log')
  const head = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, at)) as Headed<LogEntry>[]
  return head.map((entry): LogEntry => {
    if (entry.kind === 'webhook') return entry
    if (entry.kind !== 'events') throw new Error('an entry of the intake log is of no kind that is known here')
    const events = entry.events.map(({ bytes: length, event, ...more }) => {
      const payload = bytes.toString('utf8', at, at + length)
      at += length
      if (at > bytes.byteLength) throw new Error('a message of the intake log is cut off')
      return { ...more, event: { ...event, payload } }
    })
    return { ...entry, events }
  })
}
