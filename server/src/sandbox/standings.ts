import { boundedCache } from '../platform/bounded-cache.ts'
import { Owners } from '../platform/owners.ts'

/**
 * Where calls of a function may run: anywhere once it was quick often enough, apart from all others after it had to be
 * stopped, and until either is known where nobody who is known waits behind it.
 */
export type Standing = 'proven' | 'new' | 'noisy'

/** One source as one payer calls it. */
export interface Called {
  payer: string
  /** Tells it from other sources. */
  source: string
  /** Tells it from other sources, and from the same as others call it. */
  use: string
}

/** A payer whose functions had to be stopped twice within this time has its new ones run apart for a while. */
const CULPRITS_WITHIN_MS = 60_000
const PAYERS_REMEMBERED = 10_000

/**
 * What is known of functions by how their calls went. It is known of a source as one payer calls it, since it may loop on
 * what only one of them sends; that it is quick for some is believed of the others until they show otherwise. A source
 * that was changed is another.
 */
export class Standings {
  readonly #calls = new Owners()
  readonly #sources = new Owners()
  readonly #payers = new Owners()
  /** When a function of a payer was stopped last, that was not known to need it. */
  readonly #stoppedAtMs = boundedCache<number>(PAYERS_REMEMBERED)

  of(called: Called): Standing {
    const { payer, source, use } = called
    if (this.#calls.isNoisy(use)) return 'noisy'
    if (this.#calls.isProven(use)) return 'proven'
    if (this.#sources.isProven(source) && this.#calls.isWithoutFault(use)) return 'proven'
    return this.#payers.isNoisy(payer) ? 'noisy' : 'new'
  }

  /** A slice took so long. */
  took({ source, use }: Called, cpuMs: number): void {
    this.#calls.took(use, cpuMs)
    // Once it is known to be quick, what is slow is what one of them sends.
    if (!this.#sources.isProven(source)) this.#sources.took(source, cpuMs)
  }

  /** It had to be stopped, or its process was lost while it ran. */
  stopped({ payer, use }: Called): void {
    const nowMs = performance.now()
    if (this.#calls.strikesOf(use) === 0) {
      const before = this.#stoppedAtMs.get(payer) ?? Number.NEGATIVE_INFINITY
      if (nowMs - before < CULPRITS_WITHIN_MS) this.#payers.disturbed(payer)
      this.#stoppedAtMs.set(payer, nowMs)
    }
    this.#calls.disturbed(use)
  }
}
