/** A counting semaphore, first come first served. */
export interface Slots {
  isFree(): boolean
  /** Takes a free slot at once; gives what releases it. */
  take(): () => void
  /** Waits for a slot. */
  acquire(): Promise<() => void>
}

export function createSlots(count: number): Slots {
  let free = count
  const queue: (() => void)[] = []
  const release = () => {
    const next = queue.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    isFree: () => free > 0,
    take() {
      free -= 1
      return release
    },
    acquire() {
      if (free > 0) {
        free -= 1
        return Promise.resolve(release)
      }
      return new Promise((resolve) => queue.push(() => resolve(release)))
    },
  }
}
