import { NativeHeaders, toText } from './intrinsics.ts'

/** The engine's own, said so that methods can be put in the place of its. */
const EngineHeaders = NativeHeaders as unknown as new () => {
  append(name: string, value: string): void
  set(name: string, value: string): void
  get(name: string): string | null
  has(name: string): boolean
  entries(): IterableIterator<[string, string]>
  [Symbol.iterator](): IterableIterator<[string, string]>
}

/** `Headers` of the web: the engine's own takes values that no header can have. */
export class Headers extends EngineHeaders {
  constructor(init?: unknown) {
    super()
    if (init === undefined) return
    if (typeof init !== 'object' || init === null) throw new TypeError('Headers constructor: the init cannot be read')
    const pairs = Symbol.iterator in init ? (init as Iterable<Iterable<unknown>>) : Object.entries(init)
    for (const pair of pairs) {
      const [name, value, ...more] = pair
      if (more.length > 0 || [...pair].length < 2) throw new TypeError('Headers constructor: expected name and value')
      this.append(toText(name), toText(value))
    }
  }

  override append(name: string, value: string): void {
    super.append(name, bytesOnly(value))
  }

  override set(name: string, value: string): void {
    super.set(name, bytesOnly(value))
  }
}

/** Each character of a header is one byte. */
function bytesOnly(value: unknown): string {
  const text = toText(value)
  for (let at = 0; at < text.length; at += 1)
    if (text.charCodeAt(at) > 255)
      throw new TypeError('Cannot convert argument to a ByteString: a character is above 255')
  return text
}
