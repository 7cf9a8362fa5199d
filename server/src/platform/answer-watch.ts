import type { Socket } from 'node:net'
import type pg from 'pg'

const TICK_MS = 1000

/** Ends connections to the database on which an answer does not come. */
export interface AnswerWatch {
  /** From now on until the connection ends: nothing may be silent for longer than `answerMs` while it is asked. */
  watch(client: pg.Client, answerMs: number): void
  stop(): void
}

/** What of the driver's client has no type: whether it waits for nothing, and what it reads from. */
interface Waiting {
  readonly readyForQuery?: boolean
  readonly connection: { readonly stream: Socket }
}

interface Watched {
  readonly waiting: Waiting
  readonly answerMs: number
  bytesRead: number
  silentSinceMs: number | null
}

/**
 * A link that stops forwarding without being closed would hold every request that waits for it until the kernel gives
 * up, a quarter of an hour later. One timer looks at all connections, because a timer for every statement costs the hot
 * path more than the statement's own bookkeeping; the driver's `query_timeout` is such a timer.
 */
export function createAnswerWatch(nowMs: () => number = () => performance.now()): AnswerWatch {
  const watched = new Set<Watched>()
  const timer = setInterval(() => {
    const now = nowMs()
    for (const each of watched) {
      const { bytesRead } = each.waiting.connection.stream
      if (each.waiting.readyForQuery !== false || bytesRead !== each.bytesRead) {
        each.bytesRead = bytesRead
        each.silentSinceMs = null
        continue
      }
      each.silentSinceMs ??= now
      if (now - each.silentSinceMs < each.answerMs) continue
      watched.delete(each)
      each.waiting.connection.stream.destroy(new Error('Connection terminated: no answer came'))
    }
  }, TICK_MS)
  timer.unref()
  return {
    watch(client, answerMs) {
      const waiting = client as unknown as Waiting
      const each: Watched = { waiting, answerMs, bytesRead: 0, silentSinceMs: null }
      watched.add(each)
      client.on('end', () => watched.delete(each))
    },
    stop() {
      clearInterval(timer)
      watched.clear()
    },
  }
}
