import { parseJson, toText } from './intrinsics.ts'

/** What TypeScript does not know yet of JSON. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): unknown }

/**
 * A number whose text says more than a double holds. In a function it reckons as the double next to it; as text and as
 * JSON it is as it came. `-0` is a double here. Otherwise as `contract/src/exact-number.ts`, which cannot be loaded here.
 */
class ExactNumber extends Number {
  readonly #text: string

  constructor(text: string) {
    super(text)
    this.#text = text
  }

  override toString(): string {
    return this.#text
  }

  toJSON(): unknown {
    return rawJson(this.#text)
  }
}

const CHARS_MAX = 1_000
const EXPONENT_MAX = 9_999
const { abs } = Math
const execute = Function.prototype.call.bind(RegExp.prototype.exec) as (
  pattern: RegExp,
  text: string,
) => RegExpExecArray | null

const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
/** Digits between the zeros at either end. */
const SIGNIFICANT = /^0*(\d*?)(0*)$/

/**
 * What `JSON.parse` makes of a text, with numbers that a double does not hold as they came. The host has looked whether
 * there may be any.
 */
export function parseExactJson(text: string, isSuspect: boolean): ReturnType<typeof parseJson> {
  return isSuspect ? (parseJson as Parse)(text, exact) : parseJson(text)
}

type Parse = (text: string, reviver: (key: string, value: unknown, context?: { source?: string }) => unknown) => unknown

function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value !== 'number' || source === undefined || isHeld(source, value) ? value : new ExactNumber(source)
}

function isHeld(text: string, value: number): boolean {
  const wanted = digitsOf(text)
  if (wanted === null || text.length > CHARS_MAX || abs(wanted.exponent) > EXPONENT_MAX) return true
  const held = digitsOf(toText(value))
  // -0 is the double of that name, as in Node.
  return held !== null && held.digits === wanted.digits && (wanted.digits === '' || held.exponent === wanted.exponent)
}

function digitsOf(text: string): { digits: string; exponent: number } | null {
  const [, whole = '', fraction = '', power = '0'] = execute(NUMBER, text) ?? []
  if (whole === '') return null
  const [, digits = '', zeros = ''] = execute(SIGNIFICANT, whole + fraction) ?? []
  return { digits, exponent: +power - fraction.length + zeros.length }
}
