import { LongWork } from '../platform/long-work.ts'
import { valueSize } from '../platform/value-size.ts'

/** Values up to this size are handed over in one go: see `valueSize`. */
const SIZE_AT_ONCE = 4096

/**
 * A large value in the order in which it is put together again: lists and objects that are large are opened and closed,
 * what is small in them comes whole.
 */
export type Part =
  | { open: 'list' | 'object'; name: string | null }
  | { items: unknown[] }
  | { members: [name: string, value: unknown][] }
  | { close: true }
  | { value: unknown }

/** Whether handing it over in one go would hold up others. */
export function isLarge(value: unknown): boolean {
  return valueSize(value, SIZE_AT_ONCE) > SIZE_AT_ONCE
}

/** Parts of a value, each of them small but for texts that are long themselves. */
export function* partsOf(value: unknown, name: string | null = null): Generator<Part> {
  const kind = kindOf(value)
  if (kind === null || !isLarge(value)) {
    yield name === null ? { value } : { members: [[name, value]] }
    return
  }
  yield { open: kind, name }
  yield* kind === 'list' ? partsOfList(value as unknown[]) : partsOfObject(value as Record<string, unknown>)
  yield { close: true }
}

function* partsOfList(list: readonly unknown[]): Generator<Part> {
  let items: unknown[] = []
  let size = 0
  for (const item of list) {
    const own = valueSize(item, SIZE_AT_ONCE)
    if (size + own > SIZE_AT_ONCE && items.length > 0) {
      yield { items }
      items = []
      size = 0
    }
    if (own > SIZE_AT_ONCE && kindOf(item) !== null) yield* partsOf(item)
    else {
      items.push(item)
      size += own
    }
  }
  if (items.length > 0) yield { items }
}

function* partsOfObject(object: Readonly<Record<string, unknown>>): Generator<Part> {
  let members: [string, unknown][] = []
  let size = 0
  for (const name of Object.keys(object)) {
    const member = object[name]
    const own = valueSize(name, 0) + valueSize(member, SIZE_AT_ONCE)
    if (size + own > SIZE_AT_ONCE && members.length > 0) {
      yield { members }
      members = []
      size = 0
    }
    if (own > SIZE_AT_ONCE && kindOf(member) !== null) yield* partsOf(member, name)
    else {
      members.push([name, member])
      size += own
    }
  }
  if (members.length > 0) yield { members }
}

/** Null for what is not taken apart: scalars, and objects that are more than what they hold. */
function kindOf(value: unknown): 'list' | 'object' | null {
  if (Array.isArray(value)) return 'list'
  if (typeof value !== 'object' || value === null) return null
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? 'object' : null
}

/** Gives the parts of a value to `send`, a few at a time, so that others have their turn in between. */
export async function inTurns(value: unknown, send: (part: Part) => void): Promise<void> {
  const work = new LongWork()
  for (const part of partsOf(value)) {
    send(part)
    if (work.isDue) await work.turn()
  }
}

/** Puts a value together from its parts. */
export class Assembly {
  readonly #open: { name: string | null; value: unknown[] | Record<string, unknown> }[] = []
  value: unknown

  add(part: Part): void {
    if ('open' in part) this.#open.push({ name: part.name, value: part.open === 'list' ? [] : {} })
    else if ('items' in part) for (const item of part.items) this.#put(null, item)
    else if ('members' in part) for (const [name, member] of part.members) this.#put(name, member)
    else if ('value' in part) this.#put(null, part.value)
    else {
      const closed = this.#open.pop()
      if (closed === undefined) throw new Error('a part closes nothing')
      this.#put(closed.name, closed.value)
    }
  }

  #put(name: string | null, value: unknown): void {
    const into = this.#open.at(-1)?.value
    if (into === undefined) this.value = value
    else if (Array.isArray(into)) into.push(value)
    else if (name === '__proto__')
      Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
    else into[name ?? ''] = value
  }
}
