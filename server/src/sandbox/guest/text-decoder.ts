import { Buffer } from './buffer.ts'
import { performJson } from './host-crypto.ts'
import { bytesBehind, toLower, toText, utf8Text } from './intrinsics.ts'

const UTF8 = ['utf-8', 'utf8', 'unicode-1-1-utf-8']

/** `TextDecoder` of Node, with all its encodings; the engine's own knows UTF-8 alone. */
export class TextDecoder {
  readonly encoding: string
  readonly fatal: boolean
  readonly ignoreBOM: boolean
  /** What was given since a stream began, and how much of its text was given out. */
  #given: Uint8Array = new Uint8Array(0)
  #told = 0

  constructor(
    label: unknown = 'utf-8',
    { fatal = false, ignoreBOM = false }: { fatal?: boolean; ignoreBOM?: boolean } = {},
  ) {
    this.fatal = Boolean(fatal)
    this.ignoreBOM = Boolean(ignoreBOM)
    this.encoding = UTF8.includes(toLower(toText(label)))
      ? 'utf-8'
      : performJson<{ encoding: string }>('decodeText', { label: toText(label) }, new Uint8Array(0)).encoding
  }

  decode(input?: unknown, { stream = false }: { stream?: boolean } = {}): string {
    const bytes = input === undefined ? new Uint8Array(0) : typeof input === 'string' ? null : bytesBehind(input)
    if (bytes === null) throw new TypeError('The "list" argument must be an instance of ArrayBuffer or ArrayBufferView')
    const isPlain = !stream && this.#given.length === 0 && this.encoding === 'utf-8' && !this.fatal && !this.ignoreBOM
    if (isPlain && bytes[0] !== 0xef) return utf8Text(bytes)
    const all = this.#given.length === 0 ? bytes : Buffer.concat([this.#given, bytes])
    const { fatal, ignoreBOM } = this
    const { text } = performJson<{ text: string }>(
      'decodeText',
      { label: this.encoding, fatal, ignoreBOM, stream },
      all,
    )
    const fresh = text.slice(this.#told)
    this.#given = stream ? new Uint8Array(all) : new Uint8Array(0)
    this.#told = stream ? text.length : 0
    return fresh
  }
}
