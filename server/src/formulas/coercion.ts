import { isNumber } from '@permea/contract'
import type { Budget } from './bounds.ts'

/** An object with members: not null, not an array, not a date, not a number. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Number)
  )
}

/** The object's own member; undefined for anything inherited or missing. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
}

/** Sets a member, except `__proto__`, which would change the object's kind instead. */
export function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value
}

/** JavaScript's `String(value)` for JSON data, without calling a `toString` the data brought along. */
export function textOf(value: unknown, budget: Budget): string {
  return textAt(value, budget, 1)
}

function textAt(value: unknown, budget: Budget, depth: number): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) {
    budget.assertDepth(depth)
    budget.spendNodes(value.length)
    const texts = value.map((item) => (item === null || item === undefined ? '' : textAt(item, budget, depth + 1)))
    return joined(texts, ',', budget)
  }
  if (value instanceof Date || value instanceof Number) return value.toString()
  return typeof value === 'object' && value !== null ? '[object Object]' : String(value)
}

/** Joins texts, charging the budget before the text is built. */
export function joined(texts: readonly string[], delimiter: string, budget: Budget): string {
  budget.spendChars(texts.reduce((sum, text) => sum + text.length + delimiter.length, 0))
  return texts.join(delimiter)
}

/** JavaScript's `==` for JSON data: `5` is `'5'`, undefined is null, and an object equals its text. */
export function looselyEqual(a: unknown, b: unknown, budget: Budget): boolean {
  if (a instanceof Number || b instanceof Number) return numbersEqual(a, b)
  const isObjectA = typeof a === 'object' && a !== null
  const isObjectB = typeof b === 'object' && b !== null
  if (isObjectA === isObjectB) return isObjectA ? a === b : primitivesEqual(a, b)
  if (a === null || a === undefined || b === null || b === undefined) return false
  return primitivesEqual(isObjectA ? textOf(a, budget) : a, isObjectB ? textOf(b, budget) : b)
}

/** With a number whose text counts: equal where the texts are, and where either is a double, by their values. */
function numbersEqual(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' || typeof b === 'number') return Number(a) === Number(b)
  return !isList(a) && !isList(b) && String(a) === String(b)
}

function isList(value: unknown): boolean {
  return typeof value === 'object' && !(value instanceof Number)
}

function primitivesEqual(a: unknown, b: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: loose equality is what the language promises
  return a == b
}

/** Whether two JSON values are the same all the way down; the order of members does not matter. */
export function deeplyEqual(a: unknown, b: unknown, budget: Budget, depth = 1): boolean {
  if (Object.is(a, b) || a === b) return true
  if (a instanceof Number || b instanceof Number) return isNumber(a) && isNumber(b) && numbersEqual(a, b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && +a === +b
  budget.assertDepth(depth)
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  budget.spendNodes(keys.length)
  return keys.every((key) => Object.hasOwn(b, key) && deeplyEqual(member(a, key), member(b, key), budget, depth + 1))
}

/** Missing, null, '', or without members; 0 and false are something. */
export function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true
  if (value instanceof Number) return false
  return typeof value === 'object' && Object.keys(value).length === 0
}
