import { COMPUTE_MS } from '../computing/limits.ts'

/** How deep a formula may nest, in objects and arrays. */
const FORMULA_DEPTH_MAX = 100

/** How many values (objects, arrays and scalars) a formula may consist of. */
const FORMULA_NODES_MAX = 10_000

/** How many steps one evaluation may take, and how many values its result may hold. */
const RESULT_NODES_MAX = 1_000_000

/** How many UTF-16 units of text one evaluation may produce, and how many its result may hold. */
export const RESULT_CHARS_MAX = 20_000_000

const DATA_DEPTH_MAX = 1_000
const REFERENCES_UNMEASURED_MAX = 64
const LONG_TEXT_CHARS = 1_000

/** A formula, or what it would produce, exceeds the bounds of this file; the message says which. */
export class FormulaTooLarge extends Error {
  override readonly name: string = 'FormulaTooLarge'
}

export const TOO_SLOW = `evaluating it takes more than ${COMPUTE_MS} ms`

/** Evaluating it takes more time than there is; the message names the part of the formula. */
export class FormulaTooSlow extends FormulaTooLarge {
  override readonly name = 'FormulaTooSlow'
}

/**
 * Why the formula is beyond FORMULA_DEPTH_MAX or FORMULA_NODES_MAX, or null where it is within both.
 * Stops looking as soon as one is exceeded.
 */
export function formulaExcess(formula: unknown): string | null {
  let nodes = 0
  const visit = (value: unknown, depth: number): string | null => {
    nodes += 1
    if (nodes > FORMULA_NODES_MAX) return `the formula has more than ${FORMULA_NODES_MAX} values`
    if (typeof value !== 'object' || value === null) return null
    if (depth > FORMULA_DEPTH_MAX) return `the formula is nested deeper than ${FORMULA_DEPTH_MAX} levels`
    for (const key of Object.keys(value)) {
      const excess = visit((value as Record<string, unknown>)[key], depth + 1)
      if (excess !== null) return excess
    }
    return null
  }
  return visit(formula, 1)
}

/** What one evaluation may still spend. Every `spend…` throws `FormulaTooLarge` once the bound is passed. */
export class Budget {
  #nodesLeft = RESULT_NODES_MAX
  #charsLeft = RESULT_CHARS_MAX
  #references = 0
  #isMeasured = false
  readonly #sizes = new Map<object, Size>()
  readonly #startedAtMs = performance.now()

  /** Throws `FormulaTooSlow` where the time of the evaluation is spent. */
  assertTime(): void {
    if (performance.now() - this.#startedAtMs > COMPUTE_MS) throw new FormulaTooSlow(TOO_SLOW)
  }

  spendNodes(count: number): void {
    this.#nodesLeft -= count
    if (this.#nodesLeft < 0) throw new FormulaTooLarge(`the formula takes more than ${RESULT_NODES_MAX} steps`)
  }

  spendChars(count: number): void {
    this.#charsLeft -= count
    if (this.#charsLeft < 0) throw new FormulaTooLarge(`the formula produces more than ${RESULT_CHARS_MAX} characters`)
  }

  /** Charges one step per thousand characters that an operator has to look through. */
  spendScan(text: string): void {
    this.spendNodes(1 + Math.floor(text.length / LONG_TEXT_CHARS))
  }

  assertDepth(depth: number): void {
    if (depth > DATA_DEPTH_MAX) throw new FormulaTooLarge(`the data is nested deeper than ${DATA_DEPTH_MAX} levels`)
  }

  /** Notes that a piece of the scope went into the result by reference, where it may be large. */
  refer(value: unknown): void {
    if (typeof value === 'object' || (typeof value === 'string' && value.length > LONG_TEXT_CHARS))
      this.#references += 1
  }

  /** Notes that the evaluation iterates, so that a few nested references can multiply what they refer to. */
  iterates(): void {
    this.#isMeasured = true
  }

  /**
   * Refuses a value that would be too large once written out.
   *
   * Nothing is measured before the evaluation iterates or makes more than REFERENCES_UNMEASURED_MAX references, since
   * until then the value is at most that many times the scope. What is shared is walked once per budget.
   */
  assertBounded(value: unknown): void {
    if (!this.#isMeasured && this.#references <= REFERENCES_UNMEASURED_MAX) return
    const { nodes, chars } = this.#sizeOf(value, 1)
    if (nodes > RESULT_NODES_MAX) throw new FormulaTooLarge(`the result has more than ${RESULT_NODES_MAX} values`)
    if (chars > RESULT_CHARS_MAX) throw new FormulaTooLarge(`the result has more than ${RESULT_CHARS_MAX} characters`)
  }

  #sizeOf(value: unknown, depth: number): Size {
    if (typeof value === 'string') return { nodes: 1, chars: value.length }
    if (typeof value !== 'object' || value === null) return { nodes: 1, chars: 0 }
    const known = this.#sizes.get(value)
    if (known !== undefined) return known
    this.assertDepth(depth)
    const size = { nodes: 1, chars: 0 }
    for (const [key, member] of Object.entries(value)) {
      const { nodes, chars } = this.#sizeOf(member, depth + 1)
      size.nodes += nodes
      size.chars += chars + (Array.isArray(value) ? 0 : key.length)
    }
    this.#sizes.set(value, size)
    return size
  }
}

interface Size {
  nodes: number
  chars: number
}
