import { ExactNumber } from '@permea/contract'

/** Where a number stands that a double does not hold, and its text. */
export type ExactPlace = readonly [path: readonly (string | number)[], text: string]

/** The same, by what holds it. */
export type ExactTexts = WeakMap<object, Map<string | number, string>>

/** Values that are looked through; numbers behind them are compared as doubles. */
const VALUES_MAX = 200_000

/** All numbers within a value that a double does not hold; null where there are none, as nearly always. */
export function exactPlaces(value: unknown): ExactPlace[] | null {
  const places: ExactPlace[] = []
  let values = 0
  const visit = (part: unknown, path: readonly (string | number)[]): void => {
    if (typeof part !== 'object' || part === null) return
    if (part instanceof ExactNumber) places.push([path, part.toString()])
    else if (Array.isArray(part))
      for (let at = 0; at < part.length && values < VALUES_MAX; at += 1) {
        values += 1
        if (typeof part[at] === 'object') visit(part[at], [...path, at])
      }
    else
      for (const name in part) {
        values += 1
        if (values >= VALUES_MAX) return
        const member = (part as Record<string, unknown>)[name]
        if (typeof member === 'object') visit(member, [...path, name])
      }
  }
  visit(value, [])
  return places.length === 0 ? null : places
}

/** Finds them again in a copy that has doubles in their place. `holder` holds the value under the name `root`. */
export function exactTexts(holder: { root: unknown }, places: readonly ExactPlace[] | null): ExactTexts {
  const found: ExactTexts = new WeakMap()
  for (const [path, text] of places ?? []) {
    const way = ['root', ...path]
    const name = way.pop() ?? ''
    const within = way.reduce<unknown>((part, each) => (part as Record<string, unknown>)[each], holder) as object
    const texts = found.get(within) ?? new Map<string | number, string>()
    found.set(within, texts.set(name, text))
  }
  return found
}

/** The text of a number in an object or list, as exactly as it is known. */
export function numberText(within: object, name: string | number, exact: ExactTexts): string {
  return exact.get(within)?.get(name) ?? String((within as Record<string, unknown>)[name])
}

/** JSON with the names of objects in order and numbers in one form: equal for equal values, and for no others. */
export function canonicalText(within: object, name: string | number, exact: ExactTexts): string {
  const value = (within as Record<string, unknown>)[name]
  if (typeof value === 'number') return formOf(decimalOf(numberText(within, name, exact)))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  if (Array.isArray(value)) return `[${value.map((_, at) => canonicalText(value, at, exact)).join()}]`
  let text = '{'
  for (const each of Object.keys(value).sort()) text += `${JSON.stringify(each)}:${canonicalText(value, each, exact)},`
  return `${text}}`
}

/** Digits without the point, and how many of them are behind it. */
export interface Decimal {
  digits: bigint
  places: number
}

/** A number as it is written; null for what is none. */
export function decimalOf(text: string): Decimal | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,5}))?$/i.exec(text) ?? []
  if (whole === '') return null
  const digits = BigInt(whole + fraction)
  return { digits: sign === '-' ? -digits : digits, places: fraction.length - Number(exponent) }
}

function formOf(decimal: Decimal | null): string {
  if (decimal === null) return 'infinite'
  const digits = String(decimal.digits).replace(/0+$/, '')
  return digits === '' || digits === '-'
    ? '0'
    : `${digits}e${String(decimal.digits).length - digits.length - decimal.places}`
}

/** Below, at or above zero for one that is less, equal or more. */
export function compared(one: Decimal, other: Decimal): number {
  const places = Math.max(one.places, other.places)
  const [left, right] = [scaled(one, places), scaled(other, places)]
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * Whether a number is a multiple of another as they are written: 19.99 is one of 0.01, though the doubles that stand for
 * them do not divide.
 */
export function isMultipleOf(value: Decimal, divisor: Decimal): boolean {
  const places = Math.max(value.places, divisor.places)
  return scaled(value, places) % scaled(divisor, places) === 0n
}

const scaled = ({ digits, places }: Decimal, to: number) => digits * 10n ** BigInt(to - places)
