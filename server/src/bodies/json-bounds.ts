import { JSON_DEPTH_MAX, JSON_VALUES_MAX } from './limits.ts'

const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const OPEN_LIST = 91
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/**
 * Why JSON of this text may not be parsed, or null: it nests deeper than `JSON_DEPTH_MAX`, or holds more than
 * `valuesMax` values. Looks at brackets and commas only, so text that is no JSON may be let through; the parser
 * refuses it.
 */
export function jsonExcess(text: string, valuesMax = JSON_VALUES_MAX): string | null {
  const { length } = text
  // Too short for either.
  if (length <= JSON_DEPTH_MAX) return null
  if (length <= valuesMax && hasFewOpenings(text)) return null
  let depth = 0
  let values = 1
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
      if (at < 0) return null
    } else if (code === COMMA) values += 1
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      depth += 1
      values += 1
      if (depth > JSON_DEPTH_MAX) return TOO_DEEP
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) depth -= 1
  }
  return values > valuesMax ? tooMany(valuesMax) : null
}

/** Whether it has no more brackets that open, in strings too, than it may nest: searched for as engines search text. */
function hasFewOpenings(text: string): boolean {
  let left = JSON_DEPTH_MAX
  for (const opening of ['{', '[']) {
    for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
      left -= 1
      if (left < 0) return false
    }
  }
  return true
}

export const TOO_DEEP = `it is nested deeper than ${JSON_DEPTH_MAX} levels`
export const tooMany = (valuesMax: number) => `it holds more than ${valuesMax} values`

/** Where the string that begins at `start` ends; -1 where it does not. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1
    if (escapes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

/** The same of a value that was made in another way. */
export function valueExcess(value: unknown): string | null {
  let values = 0
  const visit = (part: unknown, depth: number): string | null => {
    values += 1
    if (values > JSON_VALUES_MAX) return tooMany(JSON_VALUES_MAX)
    if (typeof part !== 'object' || part === null) return null
    if (depth > JSON_DEPTH_MAX) return TOO_DEEP
    for (const member of Array.isArray(part) ? part : Object.values(part)) {
      const excess = visit(member, depth + 1)
      if (excess !== null) return excess
    }
    return null
  }
  return visit(value, 1)
}
