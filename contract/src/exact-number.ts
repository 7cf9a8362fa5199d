/**
 * A number whose text says more than a double holds: `12345678901234567890`, `0.1000000000000000055`, `1e400`, `-0`.
 * It reckons as the double next to it, and is written, as text and as JSON, as it came.
 */
export class ExactNumber extends Number {
  readonly #text: string

  constructor(text: string) {
    super(text)
    this.#text = text
  }

  override toString(): string {
    return this.#text
  }

  toJSON(): unknown {
    return json.rawJSON(this.#text)
  }
}

/** What TypeScript does not know yet of JSON. */
interface SourceText {
  /** Absent in browsers that do not tell the text of what they parse: there every number is a double. */
  source?: string
}

const json = JSON as typeof JSON & {
  rawJSON(text: string): unknown
  parse(text: string, reviver: (key: string, value: unknown, context?: SourceText) => unknown): unknown
}

/** Longer numbers are doubles: nobody means them, and PostgreSQL does not hold all of them. */
const CHARS_MAX = 1_000
const EXPONENT_MAX = 9_999

/** Where a number may stand that a double does not hold: 16 characters or more, an exponent, or a minus before 0. */
const SUSPECT = /(?:^|[[{:,\s])(?:-?\d(?:[\d.]{15}|[\d.]{0,15}[eE])|-0)/

/**
 * What `JSON.parse` makes of a text, with an `ExactNumber` for each number that a double does not hold. Texts without
 * such numbers cost one look at them.
 */
export function parseExactJson(text: string): unknown {
  return SUSPECT.test(text) ? json.parse(text, exact) : JSON.parse(text)
}

function exact(_key: string, value: unknown, context?: SourceText): unknown {
  const source = context?.source
  return typeof value !== 'number' || source === undefined || isHeld(source, value) ? value : new ExactNumber(source)
}

function isHeld(text: string, value: number): boolean {
  const wanted = digitsOf(text)
  if (wanted === null || text.length > CHARS_MAX || Math.abs(wanted.exponent) > EXPONENT_MAX) return true
  const held = digitsOf(String(value))
  return (
    held !== null &&
    held.digits === wanted.digits &&
    (wanted.digits === '' ? !text.startsWith('-') : held.exponent === wanted.exponent)
  )
}

/** The digits of a number without zeros at either end, and the power of ten of the last one. */
function digitsOf(text: string): { digits: string; exponent: number } | null {
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return null
  const [, whole = '', fraction = '', power = '0'] = parts
  const all = whole + fraction
  let end = all.length
  while (end > 0 && all[end - 1] === '0') end -= 1
  let start = 0
  while (start < end && all[start] === '0') start += 1
  return { digits: all.slice(start, end), exponent: Number(power) - fraction.length + all.length - end }
}

/** Whether it is a number, exact or a double. */
export function isNumber(value: unknown): value is number | ExactNumber {
  return typeof value === 'number' || value instanceof Number
}
