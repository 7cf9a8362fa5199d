import TinyQueue from 'tinyqueue'
import type { Clock } from './clock.ts'

/** When lanes are to be looked at again: one alarm for however many. */
export interface Wakeups {
  /** A lane may be told of more than once; whoever is woken checks whether it was for nothing. */
  add(laneId: string, atMs: number): void
  stop(): void
}

/** @param onWoken told of the lanes whose time has come, by the given clock */
export function createWakeups(clock: Clock, onWoken: (laneIds: readonly string[], nowMs: number) => void): Wakeups {
  const queue = new TinyQueue<{ atMs: number; laneId: string }>([], (a, b) => a.atMs - b.atMs)
  let cancel: (() => void) | null = null
  let setForMs = Number.POSITIVE_INFINITY
  let isStopped = false

  function set(): void {
    const next = queue.peek()
    if (next === undefined || next.atMs >= setForMs || isStopped) return
    cancel?.()
    setForMs = next.atMs
    cancel = clock.wakeAt(new Date(next.atMs), wake)
  }

  function wake(): void {
    setForMs = Number.POSITIVE_INFINITY
    const nowMs = clock.now().getTime()
    const due: string[] = []
    for (let next = queue.peek(); next !== undefined && next.atMs <= nowMs; next = queue.peek()) {
      queue.pop()
      due.push(next.laneId)
    }
    set()
    onWoken(due, nowMs)
  }

  return {
    add(laneId, atMs) {
      queue.push({ atMs, laneId })
      set()
    },
    stop() {
      isStopped = true
      cancel?.()
    },
  }
}
