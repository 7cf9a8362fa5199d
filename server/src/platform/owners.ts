import { boundedCache } from './bounded-cache.ts'

/** A slice of so much CPU time, or a loop that had to be stopped, makes an owner noisy for a while. */
const NOISY_SLICE_MS = 100
const NOISY_FOR_MS = 60_000
const NOISY_FOR_MS_MAX = 3_600_000

/** Owners whose slices take longer than this on average get no more than their share of the children. */
const SLOW_SLICE_MS = 10
const OWNERS_REMEMBERED = 50_000

/** So many slices in a row that were quick make an owner one that is known to be. */
const PROVEN_SLICES = 8

interface Known {
  averageMs: number
  slices: number
  /** Slices since one was slow. */
  quickSlices: number
  noisyUntilMs: number
  /** How often it became noisy again; each time it stays so for longer. */
  strikes: number
}

/** What is known of the owners of functions: how long theirs take, and which are to be kept apart. */
export class Owners {
  readonly #known = boundedCache<Known>(OWNERS_REMEMBERED)

  isNoisy(owner: string): boolean {
    return (this.#known.peek(owner)?.noisyUntilMs ?? 0) > performance.now()
  }

  isSlow(owner: string): boolean {
    return (this.#known.peek(owner)?.averageMs ?? 0) > SLOW_SLICE_MS
  }

  /** Whether enough is known of the owner to say that it is quick. */
  isProven(owner: string): boolean {
    return (this.#known.peek(owner)?.quickSlices ?? 0) >= PROVEN_SLICES
  }

  /** Whether nothing is known of the owner but slices that were quick. */
  isWithoutFault(owner: string): boolean {
    const known = this.#known.peek(owner)
    return known === undefined || (known.strikes === 0 && known.slices === known.quickSlices)
  }

  /** How often the owner became noisy. */
  strikesOf(owner: string): number {
    return this.#known.peek(owner)?.strikes ?? 0
  }

  /** A slice took so long. */
  took(owner: string, cpuMs: number): void {
    const known = this.#of(owner)
    known.slices += 1
    known.quickSlices = cpuMs > SLOW_SLICE_MS ? 0 : known.quickSlices + 1
    known.averageMs += (cpuMs - known.averageMs) / 8
    if (cpuMs >= NOISY_SLICE_MS) this.disturbed(owner)
  }

  /** A function of this owner had to be stopped, or its process was lost while it ran. */
  disturbed(owner: string): void {
    const known = this.#of(owner)
    const nowMs = performance.now()
    known.quickSlices = 0
    if (known.noisyUntilMs < nowMs) known.strikes += 1
    known.noisyUntilMs = nowMs + Math.min(NOISY_FOR_MS_MAX, NOISY_FOR_MS * 2 ** (known.strikes - 1))
  }

  #of(owner: string): Known {
    const known = this.#known.get(owner) ?? { averageMs: 0, slices: 0, quickSlices: 0, noisyUntilMs: 0, strikes: 0 }
    this.#known.set(owner, known)
    return known
  }
}
