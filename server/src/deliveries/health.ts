import { Refusal } from '../api/refusal.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
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

/** What happens to destinations, which their owners want to know. */
export interface DestinationFacts {
  /** Failing for `percent` of the time after which it is paused; null: a delivery was given up. */
  'destination.failing': { destination: Destination; percent: number | null; error: string | null }
  'destination.paused': Destination
  'destination.recovered': Destination
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

export function createHealth(options: { database: Database; clock: Clock; facts: Facts<DestinationFacts> }): Health {
  const { database, clock } = options
  const notedSuccessMs = boundedCache<number>(10_000)

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
      if (hadFailed) await options.facts.record(tx, 'destination.recovered', destination)
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
        await options.facts.record(tx, 'destination.paused', await pause(tx, current.id, reason))
        return
      }
      if (attempt.isExhausted)
        await options.facts.record(tx, 'destination.failing', {
          destination: current,
          percent: null,
          error: attempt.error,
        })
      const percent = WARNINGS.findLast((each) => failingMs >= (PAUSED_AFTER_MS * each) / 100)
      if (percent !== undefined && (await noteWarned(tx, current.id, percent)))
        await options.facts.record(tx, 'destination.failing', { destination: current, percent, error: attempt.error })
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
      await options.facts.record(tx, 'destination.recovered', resumed)
      return resumed
    },
    async archive(tx, id) {
      const current = await lockDestinationWhole(tx, id)
      await updateDestination(tx, { ...current, state: 'archived', updatedAt: clock.now() })
      await options.facts.record(tx, 'destination.recovered', current)
    },
  }
}
