import { isDatabaseAway } from './database-errors.ts'
import type { Log } from './log.ts'

/**
 * Does something again and again; a failure is logged and the next time comes all the same. While the database is away
 * that is one line when it begins and one when it is over, however often it is tried.
 */
export function forgettingErrors(
  log: Log,
  what: string,
  everyMs: number,
  action: () => Promise<void>,
): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | null = null
  let current: Promise<void> = Promise.resolve()
  let isStopped = false
  let isWaiting = false
  const worked = () => {
    if (isWaiting) log.info({}, `${what} goes on`)
    isWaiting = false
  }
  const failed = (error: Error) => {
    const { message } = error
    if (!isDatabaseAway(error)) return log.warn({ message }, `${what} failed; it is tried again`)
    if (!isWaiting) log.warn({ message }, `${what} waits for the database`)
    isWaiting = true
  }
  const round = () => {
    current = action()
      .then(worked, failed)
      .finally(() => {
        if (!isStopped) timer = setTimeout(round, everyMs)
      })
  }
  return {
    start() {
      timer = setTimeout(round, everyMs)
    },
    async stop() {
      isStopped = true
      if (timer !== null) clearTimeout(timer)
      await current
    },
  }
}
