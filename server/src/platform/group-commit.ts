import { isDatabaseAway } from './database-errors.ts'
import { createGathering } from './gathering.ts'

/** Work that many callers hand in at the same time and that is cheaper done together. */
export interface GroupCommit<Item, Answer> {
  /** Resolves when the group that the item went with is written; null at once where the queue is full. */
  add(item: Item, weight: number): Promise<Answer> | null
  /** Resolves when everything handed in so far has been answered. */
  drained(): Promise<void>
  readonly waiting: number
}

export interface GroupCommitOptions<Item, Answer> {
  /**
   * Writes a group and gives one answer per item, in order. All of it or nothing is stored: where it rejects, the group
   * is taken apart and its parts are written again. An answer that is still to come is waited for by its own caller only.
   */
  write(items: Item[]): Promise<(Answer | Promise<Answer>)[]>
  /** Most items in one group. */
  groupMax: number
  /** Most weight (bytes, say) in one group; a single heavier item goes alone. */
  groupWeightMax: number
  /** Groups written at the same time. */
  writersMax: number
  /** Most items and weight that may wait; beyond it `add` gives null. */
  waitingMax: number
  waitingWeightMax: number
  /** How long the first item of a group may wait for others while they come faster than that; 0 where absent. */
  gatherMs?: number
}

interface Waiting<Item, Answer> {
  item: Item
  weight: number
  resolve(answer: Answer | Promise<Answer>): void
  reject(reason: unknown): void
}

type Settled<Answer> = { answer: Answer | Promise<Answer> } | { error: unknown }

/**
 * Collects what arrives while a group is being written and writes it as the next group: a lone item is written at once,
 * and under load groups grow to what the database can take. With `gatherMs` a group also waits a moment while items come
 * one after the other: a transaction of its own costs each of them more than the rest of its way.
 *
 * An item's answer never depends on its neighbours: a group that is refused is written again in halves, until what
 * cannot be written stands alone. Where the database is away everybody is refused, for then it is nobody's fault, and
 * a group may have been stored although its answer got lost.
 */
export function createGroupCommit<Item, Answer>(options: GroupCommitOptions<Item, Answer>): GroupCommit<Item, Answer> {
  const queue: Waiting<Item, Answer>[] = []
  let head = 0
  let queuedWeight = 0
  let writers = 0
  let isScheduled = false
  let idle: (() => void)[] = []
  const gathering = createGathering(options.gatherMs ?? 0, () => pump())

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
    const settled = await settle(group.map((each) => each.item))
    group.forEach((each, index) => {
      const own = settled[index]
      if (own === undefined) each.reject(new Error('a group was written without an answer for each of its items'))
      else if ('error' in own) each.reject(own.error)
      else each.resolve(own.answer)
    })
    writers -= 1
    schedule()
  }

  async function settle(items: Item[]): Promise<Settled<Answer>[]> {
    try {
      return (await options.write(items)).map((answer) => ({ answer }))
    } catch (error) {
      if (items.length <= 1 || isDatabaseAway(error)) return items.map(() => ({ error }))
      const half = items.length >> 1
      return [...(await settle(items.slice(0, half))), ...(await settle(items.slice(half)))]
    }
  }

  function mayWait(): boolean {
    return queue.length - head < options.groupMax && idle.length === 0
  }

  function pump(): void {
    isScheduled = false
    while (writers < options.writersMax && head < queue.length) {
      if (mayWait() && gathering.isUnderWay()) return
      gathering.ended()
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
        gathering.came()
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
