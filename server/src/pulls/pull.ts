import { hash } from 'node:crypto'
import type { DataRecord, ErrorData } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { ExternalSubscription } from '../external-subscriptions/subscription.ts'
import type { Tx } from '../platform/database.ts'

type Json = Record<string, unknown>

/** What may be kept of what a pull found, and of what it says. */
const KEPT_EVENTS_MAX = 1000
const NOTES_MAX = 200

/** One look at an app, while it is under way. */
export interface PullRun {
  pullId: string
  subscription: ExternalSubscription
  connection: Connection
  /** What the last commit left behind; null before the first. */
  state: Json | null
  signal: AbortSignal
  journal: PullJournal
  /**
   * Writes what was read, the events that follow from it, what the pull tells of them and the state from which it goes on,
   * in one transaction.
   * Throws `PullInterrupted` where the state is not the one that it began with any more.
   */
  commit(state: Json, write: (tx: Tx) => Promise<readonly RecordChange[]>): Promise<void>
  /** Whether this process should stop. */
  stopIfAborted(): void
}

/** What became of a record; of connectors' own events, any payload. */
export type RecordChange = { type: string; record: DataRecord } | { payload: unknown }

/** The app, or a function that speaks to it, does not do what is asked of it. */
export class PullFailed extends Error {
  readonly error: ErrorData
  /** Whether what was read so far is of no use for going on. */
  readonly isFinal: boolean

  constructor(error: ErrorData, isFinal = false) {
    super(error.message)
    this.error = error
    this.isFinal = isFinal
  }
}

/** Ends it where it stands: it goes on later, here or elsewhere. */
export class PullInterrupted extends Error {}

/** A line of what a pull says of itself. */
export interface PullNote {
  level: 'info' | 'error'
  message: string
}

/** What a pull tells of itself: bounded, whatever it finds. Tries after the first go on with what those before them told. */
export class PullJournal {
  readonly telemetry: Json = {}
  readonly notes: PullNote[] = []
  readonly events: { type: string; recordId?: string }[] = []
  readonly found: Record<string, number> = {}
  readonly eventIds: string[] = []

  constructor(before?: { telemetry: string | null; logs: string | null; eventIds: readonly string[] } | null) {
    if (before?.telemetry === undefined || before.telemetry === null) return
    const { found, emittedEvents } = JSON.parse(before.telemetry) as Json
    Object.assign(this.found, found)
    this.events.push(...(emittedEvents as PullJournal['events']))
    this.notes.push(...(JSON.parse(before.logs ?? '[]') as PullNote[]))
    this.eventIds.push(...before.eventIds)
  }

  note(message: string, level: PullNote['level'] = 'info'): void {
    if (this.notes.length < NOTES_MAX) this.notes.push({ level, message: message.slice(0, 1000) })
  }

  count(what: string, by = 1): void {
    this.found[what] = (this.found[what] ?? 0) + by
  }

  emitted(changes: readonly RecordChange[], ids: readonly string[]): void {
    for (const change of changes) {
      const event = 'record' in change ? { type: change.type, recordId: change.record.id } : { type: 'event' }
      this.count(event.type)
      if (this.events.length < KEPT_EVENTS_MAX) this.events.push(event)
    }
    this.eventIds.push(...ids.slice(0, KEPT_EVENTS_MAX - this.eventIds.length))
  }
}

/** Tells one version of a record from another by its fields, whatever order they come in; those that are ignored aside. */
export function recordHash(record: DataRecord, ignored: ReadonlySet<string>): Buffer {
  const { fields, ...head } = record
  const read = fields ?? head
  const kept =
    ignored.size === 0 ? read : Object.fromEntries(Object.entries(read).filter(([name]) => !ignored.has(name)))
  // At once, and into the pool of small buffers: a hash in the making and a digest of its own are memory outside of the heap.
  return Buffer.from(hash('sha256', sortedJson(kept) ?? '').slice(0, 2 * HASH_BYTES), 'hex')
}

const HASH_BYTES = 16

/**
 * A value as JSON, names in the order of their characters. Written as it is gone through: a record in that order first, and
 * then its text, would leave twice as much behind of every record that is looked at. Names that are numbers come first, as
 * they do in every object.
 */
export function sortedJson(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) {
    let text = '['
    for (let at = 0; at < value.length; at += 1) text += `${at === 0 ? '' : ','}${sortedJson(value[at]) ?? 'null'}`
    return `${text}]`
  }
  const names = Object.keys(value).sort()
  if (names.some(isIndex)) names.sort(byIndexFirst)
  let text = ''
  for (const name of names) {
    const own = sortedJson((value as Record<string, unknown>)[name])
    if (own !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${own}`
  }
  return `{${text}}`
}

/** @source ECMA-262, OrdinaryOwnPropertyKeys */
const isIndex = (name: string) => /^(?:0|[1-9]\d{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1

function byIndexFirst(one: string, other: string): number {
  const [isOne, isOther] = [isIndex(one), isIndex(other)]
  return isOne && isOther ? Number(one) - Number(other) : Number(isOther) - Number(isOne)
}
