import type { Database } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import type { Ownership } from '../platform/ownership.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import type { Bus } from './bus.ts'
import { appliedShards, everywhereApplied } from './store.ts'

/** Whoever works this shard removes what all of them have applied. */
const CLEANER_SHARD = 0
const EVERY_MS = 1000
/** Longer than it takes to write all parts of a message, and then the message. */
const NAMED_MS = 300_000
/** The end of the log is looked at for longer than a server that was just chosen works off what it has. */
const LOOKED_AT_MS = 10_000

interface CleaningOptions {
  bus: Pick<Bus, 'identity' | 'span' | 'removeUpTo' | 'lastPart' | 'removePartsUpTo'>
  database: Database
  ownership: Pick<Ownership, 'owns'>
  nowMs: () => number
}

/** Removes from the log what is in the database: everything before the first message that is not. */
export function createCleaner(options: Omit<CleaningOptions, 'nowMs'> & { log: Log }): {
  start(): void
  stop(): Promise<void>
} {
  return forgettingErrors(
    options.log,
    'removing from the intake log',
    EVERY_MS,
    createCleaning({ ...options, nowMs: () => performance.now() }),
  )
}

/** One round of it, again and again. */
export function createCleaning({ bus, database, ownership, nowMs }: CleaningOptions): () => Promise<void> {
  let mark: { part: number; atMs: number; last: number | null } | null = null

  const clean = async () => {
    if (!ownership.owns(CLEANER_SHARD)) return
    // What the rows say was read and applied, in the order of the log: nobody needs to be asked whether there is more.
    const upTo = everywhereApplied(await appliedShards(database.db, bus.identity))
    const { first, last } = await bus.span()
    if (upTo >= first) await bus.removeUpTo(upTo)
    await removeParts(upTo, last)
  }

  /** Parts up to a point go when everything is applied that was in the log when nobody could still name them. */
  async function removeParts(upTo: number, last: number): Promise<void> {
    if (mark === null) mark = { part: await bus.lastPart(), atMs: nowMs(), last: null }
    else if (nowMs() - mark.atMs < NAMED_MS) return
    else if (nowMs() - mark.atMs < NAMED_MS + LOOKED_AT_MS || mark.last === null)
      mark.last = Math.max(mark.last ?? 0, last)
    else if (upTo >= mark.last) {
      if (mark.part > 0) await bus.removePartsUpTo(mark.part)
      mark = null
    }
  }

  return clean
}
