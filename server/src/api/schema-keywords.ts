import { type Ajv, str } from 'ajv'
import {
  canonicalText,
  compared,
  type Decimal,
  decimalOf,
  type ExactTexts,
  isMultipleOf,
  numberText,
} from './exact-numbers.ts'
import { EXACT } from './schema-reading.ts'

type Words = Record<string, unknown>
type Place = { parentData: object; parentDataProperty: string | number }

/** Where the numbers of the value stand that a double does not hold, while it is checked. */
export interface BeingChecked {
  exact: ExactTexts
}

/**
 * Words that the validator would decide by doubles, or by looking into prototypes: numbers are compared as they are
 * written, values by what is in them. `type` alone sees doubles.
 */
export function addExactWords(ajv: Ajv, isDraft4: boolean, now: BeingChecked): void {
  for (const [keyword, fits, sign] of LIMITS) {
    if (isDraft4 && keyword.startsWith('exclusive')) continue
    ajv.removeKeyword(keyword)
    ajv.addKeyword({
      keyword,
      type: 'number',
      schemaType: 'number',
      errors: false,
      validate(limit: number, value: number, parent?: Words, place?: Place) {
        const isStrict = isDraft4 && parent?.[`exclusive${keyword === 'minimum' ? 'Minimum' : 'Maximum'}`] === true
        const [one, other] = [writtenAs(value, place, now), decimalOf(String(parent?.[EXACT + keyword] ?? limit))]
        if (one === null || other === null) return fits(Math.sign(value - limit))
        const order = compared(one, other)
        return fits(order) && !(isStrict && order === 0)
      },
      error: { message: ({ schema }) => str`must be ${sign} ${schema}` },
    })
  }
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    errors: false,
    validate(divisor: number, value: number, parent?: Words, place?: Place) {
      if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0
      const [one, other] = [writtenAs(value, place, now), decimalOf(String(parent?.[`${EXACT}multipleOf`] ?? divisor))]
      // What is too large for a double came as infinity where nobody knows its text.
      return one !== null && other !== null && isMultipleOf(one, other)
    },
    error: { message: ({ schema }) => str`must be multiple of ${schema}` },
  })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    validate: (isWanted: boolean, items: unknown[]) => !isWanted || areUnique(items, now.exact),
    error: { message: 'must NOT have duplicate items' },
  })
  ajv.removeKeyword('enum')
  ajv.addKeyword({
    keyword: 'enum',
    schemaType: 'array',
    errors: false,
    validate(allowed: unknown[], value: unknown, parent?: Words, place?: Place) {
      const texts = (parent?.[`${EXACT}enum`] ?? allowed.map((_, at) => canonicalText(allowed, at, NONE))) as string[]
      return texts.includes(placeText(value, place, now))
    },
    error: { message: 'must be equal to one of the allowed values' },
  })
  if (isDraft4) return
  ajv.removeKeyword('const')
  ajv.addKeyword({
    keyword: 'const',
    errors: false,
    validate: (wanted: unknown, value: unknown, parent?: Words, place?: Place) =>
      placeText(value, place, now) === (parent?.[`${EXACT}const`] ?? canonicalText({ wanted }, 'wanted', NONE)),
    error: { message: 'must be equal to constant' },
  })
}

const NONE: ExactTexts = new WeakMap()

const LIMITS: readonly [keyword: string, fits: (order: number) => boolean, sign: string][] = [
  ['minimum', (order) => order >= 0, '>='],
  ['maximum', (order) => order <= 0, '<='],
  ['exclusiveMinimum', (order) => order > 0, '>'],
  ['exclusiveMaximum', (order) => order < 0, '<'],
]

function writtenAs(value: number, place: Place | undefined, { exact }: BeingChecked): Decimal | null {
  return decimalOf(place === undefined ? String(value) : numberText(place.parentData, place.parentDataProperty, exact))
}

function placeText(value: unknown, place: Place | undefined, { exact }: BeingChecked): string {
  return place === undefined
    ? canonicalText({ value }, 'value', exact)
    : canonicalText(place.parentData, place.parentDataProperty, exact)
}

/** Each item is written out once and looked up, rather than compared with all others. */
function areUnique(items: readonly unknown[], exact: ExactTexts): boolean {
  return new Set(items.map((_, at) => canonicalText(items, at, exact))).size === items.length
}
