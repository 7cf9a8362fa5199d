import { isDatabaseAway } from '../platform/database-errors.ts'
import type { Log } from '../platform/log.ts'

const AGAIN_MS = 200

/** Waits for a database that is away, so that what was sent is not forgotten while this process lives. */
export interface Patience {
  /** Does the work again and again while the database is away, and gives what it gave. Other failures pass. */
  insist<T>(what: string, work: () => Promise<T>): Promise<T>
  /** Resolves a little later; rejects with the cause once `stop` was called. */
  pauseAfter(cause: unknown): Promise<void>
  /** From now on a database that is away is not waited for. */
  stop(): void
}

export function createPatience(log: Log): Patience {
  let isStopped = false
  async function pauseAfter(cause: unknown): Promise<void> {
    if (isStopped) throw cause
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
  return {
    async insist(what, work) {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          if (!isDatabaseAway(error)) throw error
          log.warn({ message: (error as Error).message }, `${what} cannot be recorded yet; it is tried again`)
          await pauseAfter(error)
        }
      }
    },
    pauseAfter,
    stop() {
      isStopped = true
    },
  }
}
