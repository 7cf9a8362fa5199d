/** What waits, taken from its owners in turn: how much one has waiting does not delay the others. */
export class FairQueue<Item extends { owner: string }> {
  readonly #byOwner = new Map<string, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  countOf(owner: string): number {
    return this.#byOwner.get(owner)?.length ?? 0
  }

  /** Whether anything waits of an owner of this kind. */
  some(isOfKind: (owner: string) => boolean): boolean {
    for (const owner of this.#byOwner.keys()) if (isOfKind(owner)) return true
    return false
  }

  push(item: Item): void {
    this.#add(item, (items) => items.push(item))
  }

  /** Puts an item before the others of its owner. */
  unshift(item: Item): void {
    this.#add(item, (items) => items.unshift(item))
  }

  /** The next item of the first owner whose turn it may be; that owner's turn comes again after the others'. */
  take(isAllowed: (owner: string) => boolean): Item | null {
    for (const [owner, items] of this.#byOwner) {
      if (!isAllowed(owner)) continue
      const item = items.shift()
      this.#byOwner.delete(owner)
      if (items.length > 0) this.#byOwner.set(owner, items)
      if (item === undefined) continue
      this.#size -= 1
      return item
    }
    return null
  }

  remove(item: Item): boolean {
    const items = this.#byOwner.get(item.owner)
    const index = items?.indexOf(item) ?? -1
    if (items === undefined || index < 0) return false
    items.splice(index, 1)
    if (items.length === 0) this.#byOwner.delete(item.owner)
    this.#size -= 1
    return true
  }

  #add(item: Item, put: (items: Item[]) => void): void {
    const items = this.#byOwner.get(item.owner) ?? []
    put(items)
    this.#byOwner.set(item.owner, items)
    this.#size += 1
  }
}
