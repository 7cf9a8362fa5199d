import { LongWork } from '../platform/long-work.ts'
import { valueSize } from '../platform/value-size.ts'

/** What holds no more is written in one go. */
const SIZE_AT_ONCE = 16_384

/** The JSON text of a value; of a large one it is put together in slices, between which others have their turn. */
export function jsonText(value: unknown): string | Promise<string> {
  if (valueSize(value, SIZE_AT_ONCE) <= SIZE_AT_ONCE) return JSON.stringify(value) ?? 'null'
  return new LongText().of(value)
}

class LongText {
  readonly #work = new LongWork()
  readonly #parts: string[] = []

  async of(value: unknown): Promise<string> {
    // That it is large took a slice to find out: a value of very many names is slow to begin with.
    await this.#work.turn()
    await this.#write(value)
    return this.#parts.join('')
  }

  async #write(value: unknown): Promise<void> {
    if (this.#work.isDue) await this.#work.turn()
    const kind = kindOf(value)
    if (kind === null || valueSize(value, SIZE_AT_ONCE) <= SIZE_AT_ONCE)
      this.#parts.push(JSON.stringify(value) ?? 'null')
    else if (kind === 'list') await this.#writeList(value as unknown[])
    else await this.#writeObject(value as Record<string, unknown>)
  }

  async #writeList(list: readonly unknown[]): Promise<void> {
    const close = this.#open('[')
    let small: unknown[] = []
    let size = 0
    const flush = () => {
      if (small.length > 0) this.#member(JSON.stringify(small).slice(1, -1))
      small = []
      size = 0
    }
    for (const item of list) {
      const own = valueSize(item, SIZE_AT_ONCE)
      if (own > SIZE_AT_ONCE) {
        flush()
        this.#member('')
        await this.#write(item)
        continue
      }
      small.push(item)
      size += own
      if (size <= SIZE_AT_ONCE) continue
      flush()
      if (this.#work.isDue) await this.#work.turn()
    }
    flush()
    close(']')
  }

  async #writeObject(object: Readonly<Record<string, unknown>>): Promise<void> {
    const close = this.#open('{')
    let small: [string, unknown][] = []
    let size = 0
    const flush = () => {
      // Empty where none of its members is anything that JSON knows.
      const text = JSON.stringify(Object.fromEntries(small)).slice(1, -1)
      if (text !== '') this.#member(text)
      small = []
      size = 0
    }
    for (const name of Object.keys(object)) {
      const member = object[name]
      const own = 1 + valueSize(member, SIZE_AT_ONCE)
      if (own > SIZE_AT_ONCE) {
        flush()
        this.#member(`${JSON.stringify(name)}:`)
        await this.#write(member)
        continue
      }
      small.push([name, member])
      size += own
      if (size <= SIZE_AT_ONCE) continue
      flush()
      if (this.#work.isDue) await this.#work.turn()
    }
    flush()
    close('}')
  }

  /** Whether the open list or object has a member yet. */
  #isBegun = false

  #open(bracket: string): (bracket: string) => void {
    this.#parts.push(bracket)
    this.#isBegun = false
    return (closing) => {
      this.#parts.push(closing)
      this.#isBegun = true
    }
  }

  #member(text: string): void {
    this.#parts.push(this.#isBegun ? `,${text}` : text)
    this.#isBegun = true
  }
}

/** Null for what is not taken apart: scalars, and objects that say themselves what their JSON is. */
function kindOf(value: unknown): 'list' | 'object' | null {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return null
  return Array.isArray(value) ? 'list' : 'object'
}
