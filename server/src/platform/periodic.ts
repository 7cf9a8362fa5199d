import type { Log } from './log.ts'

/** Does something again and again; a failure is logged and the next time comes all the same. */
export function forgettingErrors(
  log: Log,
  what: string,
  everyMs: number,
  action: () => Promise<void>,
): { start(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | null = null
  let current: Promise<void> = Promise.resolve()
  let isStopped = false
  const round = () => {
    current = action()
      .catch((error: Error) => log.warn({ message: error.message }, `${what} failed; it is tried again`))
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
