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

/**
 * What `JSON.parse` makes of a text, with an `ExactNumber` for each number that a double does not hold. Texts without
 * such numbers cost one look at them.
 */
export function parseExactJson(text: string): unknown {
  return RARE.test(text) || hasLongNumber(text) ? json.parse(text, exact) : JSON.parse(text)
}

/**
 * A number with an exponent of three digits or more, or `-0`. Doubles hold all others of up to 15 digits. What stands
 * before it is looked at last, so that an `e` in a word costs next to nothing.
 */
const RARE = /(?:[eE][-+]?\d{3}|-0(?:\.0+)?(?![\d.]))(?<=(?:^|[[:,\s])-?[\d.]{1,17}(?:[eE][-+]?\d{3})?)/

/** Digits and points in a row, from which on a number may be one that a double does not hold. */
const LONG_CHARS = 16

/** Whether such a row is a number that a double does not hold. One that is so long has a part at each sixteenth place. */
function hasLongNumber(text: string): boolean {
  for (let at = LONG_CHARS - 1; at < text.length; at += LONG_CHARS) {
    if (!isDigitAt(text, at)) continue
    let start = at
    while (isDigitAt(text, start - 1)) start -= 1
    let end = at + 1
    while (isDigitAt(text, end)) end += 1
    if (end - start >= LONG_CHARS && !isHeldAt(text, start, end)) return true
  }
  return false
}

/** Of a row of digits: true too where it is no number. */
function isHeldAt(text: string, digitsStart: number, digitsEnd: number): boolean {
  const start = text.charCodeAt(digitsStart - 1) === MINUS ? digitsStart - 1 : digitsStart
  if (start > 0 && !BEFORE_NUMBER.has(text.charCodeAt(start - 1))) return true
  EXPONENT.lastIndex = digitsEnd
  const number = text.slice(start, digitsEnd) + (EXPONENT.exec(text)?.[0] ?? '')
  return isHeld(number, Number(number))
}

const MINUS = 45
const BEFORE_NUMBER = new Set([...'[:, \n\r\t'].map((char) => char.charCodeAt(0)))
const EXPONENT = /[eE][-+]?\d+/y

/** False beyond either end of the text. */
function isDigitAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return (code >= 48 && code <= 57) || code === 46
}

function exact(_key: string, value: unknown, context?: SourceText): unknown {
  const source = context?.source
  return typeof value !== 'number' || source === undefined || isHeld(source, value) ? value : new ExactNumber(source)
}

function isHeld(text: string, value: number): boolean {
  if (String(value) === text) return true
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
