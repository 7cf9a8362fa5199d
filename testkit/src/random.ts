/** Numbers that look random and are the same for the same seed, so that what they caused can be repeated. */
export interface SeededRandom {
  readonly seed: number
  /** Uniform in [0, 1). */
  next(): number
  /** A whole number from `min` up to and including `max`. */
  between(min: number, max: number): number
  pick<T>(from: readonly T[]): T
}

/** The seed is that of the variable `SEED` where it is set, else one that is new each time. */
export function seededRandom(seed = Number(process.env.SEED ?? Date.now() % 1_000_000)): SeededRandom {
  let state = seed >>> 0
  const random: SeededRandom = {
    seed,
    // mulberry32
    next() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
    },
    between: (min, max) => min + Math.floor(random.next() * (max - min + 1)),
    pick(from) {
      const picked = from[random.between(0, from.length - 1)]
      if (picked === undefined) throw new Error('there is nothing to pick from')
      return picked
    },
  }
  return random
}
