import type { LogMessage } from './follower.ts'
import { decodeEntries, type LogEntry, shardOfEvents } from './log-entry.ts'
import type { LogReading } from './log-reading.ts'

/** What one message of the log has for one shard. */
export interface Piece {
  sequence: number
  atMs: number
  bytes: number
  entries: LogEntry[]
  /** The message, where it could not be read. */
  unreadable: Uint8Array | null
}

/** A shard that this process works. */
export interface Shard {
  number: number
  applied: number
  /** Up to here nothing is taken: it is applied, or it waits. */
  taken: number
  waiting: Piece[]
  waitingBytes: number
  tries: number
  notBeforeMs: number
  /** Its first message is under way. */
  isBusy: boolean
  isLeft: boolean
  /** Reads for this shard alone, which does not keep up; null where it is read with the others. */
  own: LogReading | null
}

export function standingAt(number: number, applied: number): Shard {
  return {
    ...{ number, applied, taken: applied, waiting: [], waitingBytes: 0, tries: 0, notBeforeMs: 0 },
    ...{ isBusy: false, isLeft: false, own: null },
  }
}

/** What an entry takes beside its payloads. */
const ENTRY_BYTES = 400

/** Whether it may go with what others have: events, and nothing else. */
export function isPlain({ entries, unreadable }: Piece): boolean {
  return unreadable === null && entries.every((entry) => entry.kind === 'events')
}

interface Read {
  entries: LogEntry[]
  /** The whole message, where it cannot be read. */
  unreadable: Uint8Array | null
}

/** What a message has for each of its shards; one that cannot be read is for the first of them. */
export function piecesOf({ shards }: LogMessage, data: Uint8Array): Map<number, Read> {
  const [first = 0] = shards
  try {
    const entries = decodeEntries(data)
    // Only events stand beside those of other shards.
    const shardOf = (entry: LogEntry) =>
      shards.length === 1 || entry.kind === 'webhook' ? first : shardOfEvents(entry)
    const parts = [...Map.groupBy(entries, shardOf)]
    return new Map(parts.map(([shard, own]) => [shard, { entries: own, unreadable: null }]))
  } catch {
    return new Map([[first, { entries: [], unreadable: data }]])
  }
}

export function bytesOf(entry: LogEntry): number {
  const texts = entry.kind === 'webhook' ? [entry.requestSealed] : entry.events.map((each) => each.event.payload)
  return texts.reduce((sum, text) => sum + text.length, ENTRY_BYTES)
}
