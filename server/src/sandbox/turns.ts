import { FairQueue } from '../platform/fair-queue.ts'

interface Waiting {
  payer: string
  owner: string
  bytes: number
}

/** What waits, taken from its payers in turn, and from the owners of each in turn. */
export class Turns<Item extends Waiting> {
  readonly #byPayer = new Map<string, { queue: FairQueue<Item>; bytes: number }>()
  #size = 0

  get size(): number {
    return this.#size
  }

  countOf(payer: string): number {
    return this.#byPayer.get(payer)?.queue.size ?? 0
  }

  bytesOf(payer: string): number {
    return this.#byPayer.get(payer)?.bytes ?? 0
  }

  /** Whether anything waits of a payer of this kind. */
  some(isOfKind: (payer: string) => boolean): boolean {
    for (const payer of this.#byPayer.keys()) if (isOfKind(payer)) return true
    return false
  }

  push(item: Item): void {
    this.#of(item, item.bytes).push(item)
  }

  /** Puts an item before the others of its owner. */
  unshift(item: Item): void {
    this.#of(item, item.bytes).unshift(item)
  }

  /** The next item of the first payer whose turn it may be; that payer's turn comes again after the others'. */
  take(isAllowed: (payer: string) => boolean): Item | null {
    for (const [payer, waiting] of this.#byPayer) {
      if (!isAllowed(payer)) continue
      const item = waiting.queue.take(() => true)
      if (item === null) continue
      this.#size -= 1
      waiting.bytes -= item.bytes
      this.#byPayer.delete(payer)
      if (waiting.queue.size > 0) this.#byPayer.set(payer, waiting)
      return item
    }
    return null
  }

  remove(item: Item): boolean {
    const waiting = this.#byPayer.get(item.payer)
    if (waiting === undefined || !waiting.queue.remove(item)) return false
    this.#size -= 1
    waiting.bytes -= item.bytes
    if (waiting.queue.size === 0) this.#byPayer.delete(item.payer)
    return true
  }

  #of({ payer }: Item, bytes: number): FairQueue<Item> {
    const waiting = this.#byPayer.get(payer) ?? { queue: new FairQueue<Item>(), bytes: 0 }
    this.#byPayer.set(payer, waiting)
    waiting.bytes += bytes
    this.#size += 1
    return waiting.queue
  }
}
