/** Uniform in [0, 1), the same for the same seed. */
export type Dice = () => number

/** @source mulberry32 by Tommy Ettinger, public domain */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Whose timers these are: once it is dead they never come. */
export interface Owner {
  isDead: boolean
  /** When a call of it last did not come, or was not answered. */
  faultAtMs: number
}

interface Task {
  atMs: number
  order: number
  owner: Owner | null
  isCancelled: boolean
  action(): void
}

const realImmediate = globalThis.setImmediate
const nextTurn = () => new Promise<void>((resolve) => void realImmediate(resolve))

/**
 * Time as the simulation has it: it stands still while something is done, and jumps to what comes next. Whatever code
 * asks for a timer while a task of a process is being done gets one that belongs to this process.
 */
export class Schedule {
  nowMs = 0
  done = 0
  #order = 0
  #current: Owner | null = null
  /** The last is the next. */
  readonly #tasks: Task[] = []

  /** Does something after so many ms; gives what cancels it. */
  after(ms: number, action: () => void, owner: Owner | null = this.#current): () => void {
    this.#order += 1
    const task: Task = { atMs: this.nowMs + Math.max(0, ms), order: this.#order, owner, isCancelled: false, action }
    let place = this.#tasks.length
    while (place > 0 && (this.#tasks[place - 1]?.atMs ?? 0) <= task.atMs) place -= 1
    this.#tasks.splice(place, 0, task)
    return () => {
      task.isCancelled = true
    }
  }

  /** Goes on until so many ms have passed or `isOver` says so; after each task everything that follows at once is done. */
  async run(untilMs: number, isOver: () => boolean, afterEach: () => void): Promise<void> {
    for (let next = this.#tasks.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#tasks.at(-1)) {
      this.#tasks.pop()
      if (next.isCancelled || next.owner?.isDead === true) continue
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.#current = next.owner
      this.done += 1
      next.action()
      await nextTurn()
      this.#current = null
      afterEach()
      if (isOver()) return
    }
    this.nowMs = untilMs
  }

  /** What is done now is done by this process. */
  async as(owner: Owner, action: () => void): Promise<void> {
    this.#current = owner
    action()
    await nextTurn()
    this.#current = null
  }
}

let timesOf: Schedule | null = null

/** From now on timers, immediates and `performance.now()` are those of the schedule, in the whole process. */
export function takeOverTime(schedule: Schedule): void {
  const isFirst = timesOf === null
  timesOf = schedule
  if (!isFirst) return
  const timer = (action: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const cancel = (timesOf ?? schedule).after(ms, () => action(...given))
    const handle = { cancel, ref: () => handle, unref: () => handle, hasRef: () => true, refresh: () => handle }
    return handle
  }
  const clear = (handle?: { cancel?(): void } | null) => handle?.cancel?.()
  Object.assign(globalThis, {
    setTimeout: timer,
    setImmediate: (action: (...given: unknown[]) => void, ...given: unknown[]) => timer(action, 0, ...given),
    clearTimeout: clear,
    clearImmediate: clear,
  })
  performance.now = () => timesOf?.nowMs ?? 0
}
