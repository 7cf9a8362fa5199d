/** A parsed locator: a string steps into a property, a number into an array item. */
export type Locator = readonly (string | number)[]

/**
 * Parses `$`, `$.a.b`, `a[0].b`; null where the text is not a locator.
 *
 * A leading `$.` is optional, `\` takes the next character literally, an empty name is a name. An index is whatever
 * reads as a non-negative number (`[ 0 ]`, `[0x1]`, `[]`), and only `.`, `[` or the end may follow it. Quotes mean
 * nothing, so `["a"]` is not a locator.
 *
 * @source observed on the published client
 */
export function parseLocator(source: unknown): Locator | null {
  if (typeof source !== 'string' || source === '') return null
  if (source === '$') return []
  if (!source.startsWith('$')) return parseSteps(source, 'name')
  if (source.startsWith('$.')) return parseSteps(source.slice(2), 'name')
  if (source.startsWith('$[')) return parseSteps(source.slice(1), 'index')
  return null
}

function parseSteps(text: string, first: 'name' | 'index'): Locator | null {
  const steps: (string | number)[] = []
  let at = 0
  let expected = first
  while (true) {
    if (expected === 'name') {
      const { name, end } = readName(text, at)
      steps.push(name)
      at = end
    } else {
      const end = text.indexOf(']', at)
      const index = end < 0 ? Number.NaN : Number(text.slice(at + 1, end))
      if (!(index >= 0)) return null
      steps.push(index)
      at = end + 1
    }
    if (at === text.length) return steps
    if (text[at] !== '.' && text[at] !== '[') return null
    expected = text[at] === '.' ? 'name' : 'index'
    if (expected === 'name') at += 1
  }
}

function readName(text: string, start: number): { name: string; end: number } {
  let name = ''
  let at = start
  while (at < text.length && text[at] !== '.' && text[at] !== '[') {
    if (text[at] === '\\' && at + 1 < text.length) at += 1
    name += text[at]
    at += 1
  }
  return { name, end: at }
}

/** Writes a locator so that `parseLocator` reads the same steps back. */
export function formatLocator(locator: Locator): string {
  const steps = locator.map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${step.replace(/[.[\]\\]/g, '\\$&')}`,
  )
  return `$${steps.join('')}`
}

/**
 * What a locator finds in the data; undefined where the path leads nowhere. Only own properties are seen, so
 * `constructor` and `__proto__` lead nowhere, as does a property of a string.
 *
 * With `falsyItems: 'missing'`, an item reached through `[i]` counts as missing when it is 0, '', null or false, as
 * `$var` has it; `arr.1` and `$copy` find it.
 *
 * @source observed on the published client
 */
export function readAt(data: unknown, locator: Locator, falsyItems: 'missing' | 'kept'): unknown {
  let value = data
  for (const step of locator) {
    if (typeof value !== 'object' || value === null) return undefined
    if (typeof step === 'string') {
      value = Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined
    } else {
      const item: unknown = Array.isArray(value) ? value[step] : undefined
      value = falsyItems === 'missing' && !item ? undefined : item
    }
  }
  return typeof value === 'function' ? undefined : value
}
