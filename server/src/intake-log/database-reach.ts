import { isDatabaseAway } from '../platform/database-errors.ts'

/** Whether the database can be asked at all, so that nobody waits for one that is away. */
export interface DatabaseReach {
  /** What the database says; null where it is away, or does not say it soon enough. */
  ask<T>(question: () => Promise<T>): Promise<{ answer: T } | null>
  readonly isAway: boolean
  stop(): void
}

/** Longer is not waited for while somebody wants to be taken in. */
const PATIENCE_MS = 700
const PROBE_MS = 300

/** `probe` is asked, in the background, until it succeeds; only then others ask again. */
export function createDatabaseReach(probe: () => Promise<unknown>): DatabaseReach {
  let isAway = false
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function lookAgain(): void {
    if (isStopped) return
    timer = setTimeout(() => {
      probe().then(() => {
        isAway = false
      }, lookAgain)
    }, PROBE_MS)
  }

  function wentAway(): void {
    if (isAway) return
    isAway = true
    lookAgain()
  }

  return {
    async ask(question) {
      if (isAway) return null
      const patience = Promise.withResolvers<null>()
      const waiting = setTimeout(() => patience.resolve(null), PATIENCE_MS)
      try {
        const said = await Promise.race([question().then((answer) => ({ answer })), patience.promise])
        if (said === null) wentAway()
        return said
      } catch (error) {
        if (!isDatabaseAway(error)) throw error
        wentAway()
        return null
      } finally {
        clearTimeout(waiting)
      }
    },
    get isAway() {
      return isAway
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
