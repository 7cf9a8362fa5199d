import { isDatabaseAway } from '../platform/database-errors.ts'

/** Whether the database can be asked at all, so that nobody waits for one that is away. */
export interface DatabaseReach {
  /** What the database says; null where it is away, or does not say it soon enough. */
  ask<T>(question: () => Promise<T>): Promise<{ answer: T } | null>
  /** The same where nobody else can say it: it is waited for longer, also where the database was just found away. */
  insist<T>(question: () => Promise<T>): Promise<{ answer: T } | null>
  readonly isAway: boolean
  stop(): void
}

/** Longer is not waited for while somebody wants to be taken in. */
const PATIENCE_MS = 700
/** … unless all that is left otherwise is to refuse. */
const INSISTING_MS = 5000
/** A database that is away for longer is not only slow, and refusals are to come at once. */
const HICCUP_MS = 10_000
const PROBE_MS = 300

/** `probe` is asked, in the background, until it succeeds; only then others ask again. */
export function createDatabaseReach(probe: () => Promise<unknown>): DatabaseReach {
  let awaySinceMs: number | null = null
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function lookAgain(): void {
    if (isStopped) return
    timer = setTimeout(() => {
      probe().then(() => {
        awaySinceMs = null
      }, lookAgain)
    }, PROBE_MS)
  }

  function wentAway(): void {
    if (awaySinceMs !== null) return
    awaySinceMs = performance.now()
    lookAgain()
  }

  async function answerTo<T>(question: () => Promise<T>, withinMs: number): Promise<{ answer: T } | null> {
    const patience = Promise.withResolvers<null>()
    const waiting = setTimeout(() => patience.resolve(null), withinMs)
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
  }

  return {
    ask: async (question) => (awaySinceMs === null ? answerTo(question, PATIENCE_MS) : null),
    async insist(question) {
      const isLong = awaySinceMs !== null && performance.now() - awaySinceMs > HICCUP_MS
      return isLong ? null : answerTo(question, INSISTING_MS)
    },
    get isAway() {
      return awaySinceMs !== null
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
