/**
 * The one source of time. Everything that stores or compares a moment takes it from here, so that
 * tests can substitute it; durations of real work are still measured with `performance.now()`.
 */
export interface Clock {
  now(): Date
  /** Calls `action` once when the clock has reached `at` (never early); returns a function that cancels it. */
  wakeAt(at: Date, action: () => void): () => void
}

/** setTimeout cannot wait longer than this, and a laptop that slept wakes within this long. */
const NAP_MS_MAX = 30_000

export const systemClock: Clock = {
  now: () => new Date(),
  wakeAt(at, action) {
    let timer: NodeJS.Timeout
    const nap = () => {
      const leftMs = at.getTime() - Date.now()
      if (leftMs <= 0) action()
      else timer = setTimeout(nap, Math.min(leftMs, NAP_MS_MAX))
    }
    timer = setTimeout(nap, Math.min(Math.max(at.getTime() - Date.now(), 0), NAP_MS_MAX))
    return () => clearTimeout(timer)
  },
}

/** A clock that stands still until told: `advance` moves it and fires what became due, in order. */
export class SettableClock implements Clock {
  #nowMs: number
  readonly #sleepers = new Set<{ atMs: number; action: () => void }>()

  constructor(start: Date) {
    this.#nowMs = start.getTime()
  }

  now(): Date {
    return new Date(this.#nowMs)
  }

  wakeAt(at: Date, action: () => void): () => void {
    const sleeper = { atMs: at.getTime(), action }
    this.#sleepers.add(sleeper)
    if (sleeper.atMs <= this.#nowMs) queueMicrotask(() => this.#fire())
    return () => this.#sleepers.delete(sleeper)
  }

  /** Moves the clock by `ms`, which may be negative (a clock set back), and wakes what is due. */
  advance(ms: number): void {
    this.#nowMs += ms
    this.#fire()
  }

  #fire(): void {
    const due = [...this.#sleepers].filter((each) => each.atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs)
    for (const each of due) {
      if (this.#sleepers.delete(each)) each.action()
    }
  }
}
