import { Buffer, needBytes } from './buffer.ts'
import { bytesBehind, host, NativeMap, NativeUrlSearchParams, toLower, toText, webText } from './intrinsics.ts'

/** `Blob` of the web: its bytes are all there. */
export class Blob {
  readonly type: string
  readonly #bytes: Buffer

  constructor(parts: readonly unknown[] = [], { type = '' }: { type?: string } = {}) {
    if (typeof parts !== 'object' || parts === null || !(Symbol.iterator in parts))
      throw new TypeError('The "sources" argument must be a sequence')
    const bytes: Uint8Array[] = []
    for (const part of parts)
      bytes.push(
        part instanceof Blob ? Blob.bytesOf(part) : needBytes(bytesBehind(part) ?? toText(part), 'utf8', 'parts'),
      )
    this.#bytes = Buffer.concat(bytes)
    this.type = /^[\x20-\x7e]*$/.test(type) ? toLower(type) : ''
  }

  static bytesOf(blob: Blob): Buffer {
    return blob.#bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  async text(): Promise<string> {
    return webText(this.#bytes)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(this.#bytes).buffer
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(this.#bytes)
  }

  slice(start?: number, end?: number, type = ''): Blob {
    return new Blob([this.#bytes.subarray(start, end)], { type })
  }
}

/** `File` of the web. */
export class File extends Blob {
  readonly name: string
  readonly lastModified: number

  constructor(parts: readonly unknown[], name: string, options: { type?: string; lastModified?: number } = {}) {
    super(parts, options)
    this.name = toText(name)
    this.lastModified = options.lastModified ?? Date.now()
  }
}

type Entry = [name: string, value: string | File]

/** `FormData` of the web. */
export class FormData {
  #entries: Entry[] = []

  constructor(form?: unknown) {
    if (form !== undefined) throw new TypeError('FormData constructor: Expected undefined')
  }

  append(name: string, value: unknown, fileName?: string): void {
    this.#entries.push([toText(name), entryValue(value, fileName)])
  }

  set(name: string, value: unknown, fileName?: string): void {
    const at = this.#entries.findIndex(([each]) => each === toText(name))
    this.#entries = this.#entries.filter(([each], index) => each !== toText(name) || index === at)
    if (at === -1) this.append(name, value, fileName)
    else this.#entries[at] = [toText(name), entryValue(value, fileName)]
  }

  delete(name: string): void {
    this.#entries = this.#entries.filter(([each]) => each !== toText(name))
  }

  get(name: string): string | File | null {
    return this.#entries.find(([each]) => each === toText(name))?.[1] ?? null
  }

  getAll(name: string): (string | File)[] {
    return this.#entries.filter(([each]) => each === toText(name)).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.#entries.some(([each]) => each === toText(name))
  }

  forEach(action: (value: string | File, name: string, form: FormData) => void): void {
    for (const [name, value] of this.#entries) action(value, name, this)
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.#entries) yield name
  }

  *values(): IterableIterator<string | File> {
    for (const [, value] of this.#entries) yield value
  }

  *entries(): IterableIterator<Entry> {
    for (const [name, value] of this.#entries) yield [name, value]
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.entries()
  }
}

function entryValue(value: unknown, fileName: string | undefined): string | File {
  if (!(value instanceof Blob)) {
    if (fileName !== undefined) throw new TypeError('FormData: the value of what has a file name must be a Blob')
    return toText(value)
  }
  if (value instanceof File && fileName === undefined) return value
  return new File([value], fileName ?? 'blob', { type: value.type })
}

/** A body that has its own way onto the wire, and what it is called there; null where there is none. */
export interface WrittenBody {
  bytes: Uint8Array
  type: string | null
}

/**
 * What `fetch` of Node sends of these: forms, multipart forms, blobs, bytes.
 *
 * @source Fetch standard, "extract a body"
 */
export function writtenBody(body: unknown): WrittenBody | null {
  if (body instanceof NativeUrlSearchParams)
    return { bytes: needBytes(toText(body), 'utf8', 'body'), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  if (body instanceof FormData) return multipart(body)
  if (body instanceof Blob) return { bytes: Blob.bytesOf(body), type: body.type === '' ? null : body.type }
  const bytes = typeof body === 'string' ? null : bytesBehind(body)
  return bytes === null ? null : { bytes, type: null }
}

/** @source HTML standard, "multipart/form-data encoding algorithm" */
function multipart(form: FormData): WrittenBody {
  const boundary = `----formdata-permea-${host.encode(host.random(12), 'hex')}`
  const parts: Uint8Array[] = []
  const say = (text: string) => parts.push(Buffer.from(text))
  for (const [name, value] of form) {
    say(`--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`)
    if (typeof value === 'string') say(`\r\n\r\n${value.replace(/\r?\n|\r/g, '\r\n')}\r\n`)
    else {
      say(`; filename="${quoted(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`)
      parts.push(Blob.bytesOf(value))
      say('\r\n')
    }
  }
  say(`--${boundary}--\r\n`)
  return { bytes: Buffer.concat(parts), type: `multipart/form-data; boundary=${boundary}` }
}

function quoted(name: string): string {
  return name
    .replace(/\r?\n|\r/g, '\r\n')
    .replace(/\n/g, '%0A')
    .replace(/\r/g, '%0D')
    .replace(/"/g, '%22')
}

/** A `Map` as the object of its entries: as JSON it would be empty, and what it holds lost. */
export function jsonBody(data: unknown): unknown {
  return data instanceof NativeMap ? Object.fromEntries(data as unknown as Iterable<[string, unknown]>) : data
}
