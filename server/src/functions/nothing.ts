import { isNumber } from '@permea/contract'

/** Nothing, or made of nothing: what functions and apps write in the place of an error where there is none. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  if (isNumber(value)) return Number(value) === 0
  return typeof value === 'object' && Object.values(value).every(isNothing)
}
