import { LRUCache } from 'lru-cache'
import { Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Destination } from './delivery.ts'
import {
  lockDestination,
  lockDestinationWhole,
  noteFailure,
  noteSuccess,
  noteWarned,
  updateDestination,
} from './store.ts'

/** A destination that failed this long without one success is paused. */
const PAUSED_AFTER_MS = 5 * 86_400_000
/** Its owner is warned on the way there, in percent. */
const WARNINGS = [50, 70, 90] as const
/** A success is written down this often where nothing had failed. */
const SUCCESS_NOTE_MS = 10_000

/** What the owner of a destination is told; handed over when the engine is built, since owners are above. */
export interface DestinationWatcher {
  /** Failing for `percent` of the time after which it is paused; null: a delivery was given up. */
  failing(tx: Tx, destination: Destination, percent: number | null, error: string | null): Promise<void>
  paused(tx: Tx, destination: Destination): Promise<void>
  recovered(tx: Tx, destination: Destination): Promise<void>
}

/** Keeps count of how destinations do. Only automatic attempts count. */
export interface Health {
  note(
    destination: Destination,
    attempt: { isSuccess: boolean; isGone: boolean; isExhausted: boolean; error: string | null },
  ): Promise<void>
  /** Pauses a destination because somebody wants it; who does it knows, so nobody is alarmed. */
  pauseByHand(tx: Tx, id: string): Promise<Destination>
  resume(tx: Tx, id: string): Promise<Destination>
  /** Ends a destination for good; what it was found to suffer from is over with it. */
  archive(tx: Tx, id: string): Promise<void>
}

export function createHealth(options: { database: Database; clock: Clock; watcher: DestinationWatcher }): Health {
  const { database, clock } = options
  const notedSuccessMs = new LRUCache<string, number>({ max: 10_000 })

  async function succeeded(destination: Destination): Promise<void> {
    const nowMs = performance.now()
    if (
      destination.failingSince === null &&
      nowMs - (notedSuccessMs.get(destination.id) ?? Number.NEGATIVE_INFINITY) < SUCCESS_NOTE_MS
    )
      return
    notedSuccessMs.set(destination.id, nowMs)
    await database.transaction(async (tx) => {
      const { hadFailed } = await noteSuccess(tx, destination.id, clock.now())
      if (hadFailed) await options.watcher.recovered(tx, destination)
    })
  }

  async function failed(
    destination: Destination,
    attempt: { isGone: boolean; isExhausted: boolean; error: string | null },
  ): Promise<void> {
    notedSuccessMs.delete(destination.id)
    await database.transaction(async (tx) => {
      const now = clock.now()
      const current = await noteFailure(tx, destination.id, now)
      // Attempts that were under way when it was paused or archived tell nobody anything new.
      if (current.state !== 'active') return
      const failingMs = now.getTime() - (current.failingSince ?? now).getTime()
      if (attempt.isGone || failingMs >= PAUSED_AFTER_MS) {
        const reason = attempt.isGone ? 'the receiver answered 410 Gone' : 'it failed for five days without one success'
        await options.watcher.paused(tx, await pause(tx, current.id, reason))
        return
      }
      if (attempt.isExhausted) await options.watcher.failing(tx, current, null, attempt.error)
      const percent = WARNINGS.findLast((each) => failingMs >= (PAUSED_AFTER_MS * each) / 100)
      if (percent !== undefined && (await noteWarned(tx, current.id, percent)))
        await options.watcher.failing(tx, current, percent, attempt.error)
    })
  }

  async function lockLiving(tx: Tx, id: string): Promise<Destination> {
    const current = await lockDestination(tx, id)
    if (current.state === 'archived') throw new Refusal('archived', 'the destination is archived')
    return current
  }

  async function pause(tx: Tx, id: string, reason: string): Promise<Destination> {
    const now = clock.now()
    const current = await lockLiving(tx, id)
    const paused: Destination = { ...current, state: 'paused', pausedReason: reason, pausedAt: now, updatedAt: now }
    await updateDestination(tx, paused)
    return paused
  }

  return {
    note: (destination, attempt) => (attempt.isSuccess ? succeeded(destination) : failed(destination, attempt)),
    pauseByHand: (tx, id) => pause(tx, id, 'paused by hand'),
    async resume(tx, id) {
      const current = await lockLiving(tx, id)
      const resumed: Destination = {
        ...current,
        state: 'active',
        pausedReason: null,
        pausedAt: null,
        // Its five days begin anew.
        failingSince: null,
        warnedPercent: 0,
        updatedAt: clock.now(),
      }
      await updateDestination(tx, resumed)
      await options.watcher.recovered(tx, resumed)
      return resumed
    },
    async archive(tx, id) {
      const current = await lockDestinationWhole(tx, id)
      await updateDestination(tx, { ...current, state: 'archived', updatedAt: clock.now() })
      await options.watcher.recovered(tx, current)
    },
  }
}
