/** How long a piece of long work goes on before others have their turns, in milliseconds. */
const SLICE_MS = 5

/**
 * Turns of the event loop that everything else has between two slices of long work, all long work together. An answer
 * takes about ten turns (bytes come, rows are asked for, rows come, a group is written …): with a slice in each of them
 * one body of a few megabytes would make everybody's answers ten slices late, and several at once ten times as many.
 * Where there is nothing else, such turns cost microseconds.
 */
const TURNS_BETWEEN = 16

const waiting: (() => void)[] = []
let isPumping = false

function pump(turnsLeft: number): void {
  setImmediate(() => {
    if (turnsLeft > 1) {
      pump(turnsLeft - 1)
      return
    }
    // It works in the microtasks that follow, before the next turn.
    waiting.shift()?.()
    if (waiting.length > 0) pump(TURNS_BETWEEN)
    else isPumping = false
  })
}

/** Waits until a slice of long work may begin. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (isPumping) return
    isPumping = true
    pump(TURNS_BETWEEN)
  })
}

/**
 * Work in the engine's own loop that may take long: a slice of it at a time, of all such work one after the other.
 * `if (work.isDue) await work.turn()` stands where it can be interrupted.
 */
export class LongWork {
  #sinceMs = performance.now()

  /** Whether its slice is over. */
  get isDue(): boolean {
    return performance.now() - this.#sinceMs >= SLICE_MS
  }

  /** Waits for the next slice. */
  async turn(): Promise<void> {
    await turn()
    this.#sinceMs = performance.now()
  }
}
