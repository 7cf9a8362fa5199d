import type { Tx } from './database.ts'

/** What follows from a fact, in the transaction that records it. */
export type Follow<About> = (tx: Tx, about: About) => Promise<void>

/** For each fact, what follows from it, in this order. */
export type FactTable<F> = { readonly [Fact in keyof F]: readonly Follow<F[Fact]>[] }

/** Where a room records what happened to what it owns, for rooms above it that it does not know. */
export interface Facts<F> {
  /** Does what follows, in this transaction: it is kept together with the fact, or neither is. */
  record<Fact extends keyof F>(tx: Tx, fact: Fact, about: F[Fact]): Promise<void>
}

/** Facts whose table is laid down once every room is built; nothing is recorded before. */
export function createFacts<F>(): Facts<F> & { layDown(table: FactTable<F>): void } {
  let table: FactTable<F> | null = null
  return {
    layDown(given) {
      table = given
    },
    async record(tx, fact, about) {
      if (table === null) throw new Error(`${String(fact)} is recorded before it is said what follows from it`)
      for (const follow of table[fact]) await follow(tx, about)
    },
  }
}
