/** So many characters count as one value. */
const CHARS_PER_ONE = 16

/** What objects that were found to be large hold at least: only to begin with the names of a very large one takes long. */
const known = new WeakMap<object, number>()
const KNOWN_FROM = 4096

/**
 * How much a value holds: each value within counts one, and so do sixteen characters of its texts and names. Looks no
 * further once it is more than `max`.
 */
export function valueSize(value: unknown, max: number): number {
  if (typeof value === 'string') return 1 + value.length / CHARS_PER_ONE
  if (typeof value !== 'object' || value === null) return 1
  if (Array.isArray(value)) {
    let size = 1
    for (const item of value) {
      size += valueSize(item, max - size)
      if (size > max) return size
    }
    return size
  }
  const least = known.get(value)
  return least !== undefined && least > max ? least : objectSize(value as Record<string, unknown>, max)
}

function objectSize(object: Readonly<Record<string, unknown>>, max: number): number {
  let size = 1
  for (const name in object) {
    size += 1 + name.length / CHARS_PER_ONE + valueSize(object[name], max - size)
    if (size <= max) continue
    if (size >= KNOWN_FROM) known.set(object, size)
    return size
  }
  return size
}
