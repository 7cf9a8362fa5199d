import type { Allowance } from '../bodies/allowance.ts'

/** So many bytes stay free for each that an owner holds: a single owner gets a quarter, and many leave room for others. */
const FREE_PER_HELD = 3

/**
 * Memory that the calls of all owners share. An owner may hold a third of what nobody holds: alone a quarter of all,
 * beside three others that take what they can a seventh each. So there is something left for who comes later.
 */
export class ByteBudget {
  readonly #bytesMax: number
  readonly #byOwner = new Map<string, number>()
  #held = 0
  #heldMost = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** What all hold now. */
  get held(): number {
    return this.#held
  }

  /** What all held at the same time, at most, since the start. */
  get heldMost(): number {
    return this.#heldMost
  }

  /** An account for one owner's use; it holds nothing yet. */
  open(owner: string): Holding {
    return new Holding(this, owner)
  }

  /** Whether the owner may hold so many bytes more; if so, they count. */
  take(owner: string, bytes: number): boolean {
    const own = (this.#byOwner.get(owner) ?? 0) + bytes
    const all = this.#held + bytes
    if (own * FREE_PER_HELD > this.#bytesMax - all) return false
    this.#byOwner.set(owner, own)
    this.#held = all
    if (all > this.#heldMost) this.#heldMost = all
    return true
  }

  give(owner: string, bytes: number): void {
    const left = (this.#byOwner.get(owner) ?? 0) - bytes
    if (left > 0) this.#byOwner.set(owner, left)
    else this.#byOwner.delete(owner)
    this.#held -= bytes
  }
}

/** What is held of a budget for one purpose. Whatever was taken with it goes back with `release`, once. */
export class Holding implements Allowance {
  readonly #budget: ByteBudget
  readonly #owner: string
  #bytes = 0
  #isReleased = false
  /** Whether it was ever refused anything. */
  isOver = false

  constructor(budget: ByteBudget, owner: string) {
    this.#budget = budget
    this.#owner = owner
  }

  take(bytes: number): boolean {
    if (bytes <= 0) return true
    // Also for who has not noticed that nobody waits any more.
    if (this.#isReleased || !this.#budget.take(this.#owner, bytes)) {
      this.isOver = true
      return false
    }
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#bytes)
    if (given <= 0) return
    this.#bytes -= given
    this.#budget.give(this.#owner, given)
  }

  /** Holds so many bytes from now on, whatever it held before. False where that is more than there is; then nothing changes. */
  holdExactly(bytes: number): boolean {
    this.give(this.#bytes - bytes)
    return this.take(bytes - this.#bytes)
  }

  /** Gives everything back, for good. */
  release(): void {
    this.give(this.#bytes)
    this.#isReleased = true
  }
}
