/** Work that many callers hand in at the same time and that is cheaper done together. */
export interface GroupCommit<Item, Answer> {
  /** Resolves when the group that the item went with is written; null at once where the queue is full. */
  add(item: Item, weight: number): Promise<Answer> | null
  /** Resolves when everything handed in so far has been answered. */
  drained(): Promise<void>
  readonly waiting: number
}

export interface GroupCommitOptions<Item, Answer> {
  /** Writes one group and gives one answer per item, in order. If it rejects, every caller of the group is refused alike. */
  write(items: Item[]): Promise<Answer[]>
  /** Most items in one group. */
  groupMax: number
  /** Most weight (bytes, say) in one group; a single heavier item goes alone. */
  groupWeightMax: number
  /** Groups written at the same time. */
  writersMax: number
  /** Most items and weight that may wait; beyond it `add` gives null. */
  waitingMax: number
  waitingWeightMax: number
}

interface Waiting<Item, Answer> {
  item: Item
  weight: number
  resolve(answer: Answer): void
  reject(reason: unknown): void
}

/**
 * Collects what arrives while a group is being written and writes it as the next group: no timer, so
 * a lone item is written at once, and under load groups grow to what the database can take.
 */
export function createGroupCommit<Item, Answer>(options: GroupCommitOptions<Item, Answer>): GroupCommit<Item, Answer> {
  const queue: Waiting<Item, Answer>[] = []
  let head = 0
  let queuedWeight = 0
  let writers = 0
  let isScheduled = false
  let idle: (() => void)[] = []

  function takeGroup(): Waiting<Item, Answer>[] {
    let weight = 0
    let end = head
    while (end < queue.length && end - head < options.groupMax) {
      const next = queue[end]
      if (next === undefined) break
      if (end > head && weight + next.weight > options.groupWeightMax) break
      weight += next.weight
      end += 1
    }
    const group = queue.slice(head, end)
    head = end
    queuedWeight -= weight
    if (head === queue.length) {
      queue.length = 0
      head = 0
    } else if (head > 4096) {
      queue.splice(0, head)
      head = 0
    }
    return group
  }

  async function writeGroup(group: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await options.write(group.map((each) => each.item))
      group.forEach((each, index) => {
        each.resolve(answers[index] as Answer)
      })
    } catch (error) {
      for (const each of group) each.reject(error)
    } finally {
      writers -= 1
      schedule()
    }
  }

  function pump(): void {
    isScheduled = false
    while (writers < options.writersMax && head < queue.length) {
      writers += 1
      void writeGroup(takeGroup())
    }
    if (writers === 0 && head === queue.length) {
      const waiting = idle
      idle = []
      for (const each of waiting) each()
    }
  }

  // One turn of the event loop gathers what the same batch of sockets brought in.
  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(pump)
  }

  return {
    add(item, weight) {
      if (
        queue.length - head >= options.waitingMax ||
        (queuedWeight > 0 && queuedWeight + weight > options.waitingWeightMax)
      ) {
        return null
      }
      return new Promise<Answer>((resolve, reject) => {
        queue.push({ item, weight, resolve, reject })
        queuedWeight += weight
        schedule()
      })
    },
    drained() {
      return new Promise((resolve) => {
        idle.push(resolve)
        schedule()
      })
    },
    get waiting() {
      return queue.length - head
    },
  }
}
