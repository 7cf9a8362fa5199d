import { AbortSignal, orAborted } from './abort.ts'
import { Blob, FormData, writtenBody } from './bodies.ts'
import { parseExactJson } from './exact-number.ts'
import { Headers } from './headers.ts'
import {
  apply,
  bytesBehind,
  freeze,
  host,
  NativeUint8Array,
  NativeUrlSearchParams,
  startsWith,
  toLower,
  toText,
  toUpper,
  webText,
} from './intrinsics.ts'
import { type Answered, ask } from './waiting.ts'

interface Init {
  method?: string
  headers?: unknown
  body?: unknown
  /** `force-cache` takes an answer that is kept, `reload` asks anew and keeps what comes; see `functions/kept-answers.ts`. */
  cache?: string
  signal?: unknown
}

/** `fetch` of the guest. It goes out through the host, under its address policy and its limits. */
export async function guestFetch(input: unknown, init: Init = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  const method = toUpper(toText(init.method ?? 'GET'))
  const signal = signalOf(init.signal)
  const body = bodyOf(init.body, headers)
  if (body !== null && (method === 'GET' || method === 'HEAD'))
    throw new TypeError('Request with GET/HEAD method cannot have body.')
  const request = {
    method,
    uri: toText(input),
    headers: Object.fromEntries(headers),
    responseType: 'arraybuffer',
    cache: init.cache,
    ...(body === null ? {} : { dataBase64: host.encode(body, 'base64') }),
  }
  return new Response(await orAborted(() => ask('fetch', '', request), signal), toText(input))
}

function signalOf(signal: unknown): AbortSignal | null {
  if (signal === undefined || signal === null) return null
  if (signal instanceof AbortSignal) return signal
  throw new TypeError('RequestInit: Expected signal to be an instance of AbortSignal.')
}

function bodyOf(body: unknown, headers: Headers): Uint8Array | null {
  if (body === undefined || body === null) return null
  const written = writtenBody(body) ?? { bytes: bytesBehind(toText(body)), type: 'text/plain;charset=UTF-8' }
  if (written.type !== null && !headers.has('content-type')) headers.set('content-type', written.type)
  return written.bytes
}

/**
 * The part of the web's `Response` that functions use. Its text is UTF-8 whatever the answer declares, as the Fetch standard
 * has it; an API client reads the declared charset. A body is read once.
 */
class Response {
  readonly status: number
  readonly statusText: string
  readonly ok: boolean
  readonly redirected = false
  readonly type = 'basic'
  readonly headers: Headers
  readonly url: string
  readonly #answered: Answered
  #isRead = false

  constructor(answered: Answered, url: string) {
    const { status, statusText, headers } = answered
    this.status = status
    this.statusText = statusText
    this.ok = status >= 200 && status < 300
    this.headers = new Headers(headers)
    this.url = url
    this.#answered = answered
  }

  get body(): never {
    throw new TypeError('there are no streams here: use text(), json(), bytes(), arrayBuffer(), blob() or formData()')
  }

  get bodyUsed(): boolean {
    return this.#isRead
  }

  clone(): Response {
    if (this.#isRead) throw new TypeError('Response.clone: Body has already been consumed.')
    return new Response(this.#answered, this.url)
  }

  async text(): Promise<string> {
    return webText(this.#read())
  }

  async json(): Promise<unknown> {
    return parseExactJson(webText(this.#read()), this.#answered.isSuspect)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return apply(NativeUint8Array.prototype.slice, this.#read(), []).buffer
  }

  async bytes(): Promise<Uint8Array> {
    return apply(NativeUint8Array.prototype.slice, this.#read(), [])
  }

  async blob(): Promise<Blob> {
    return new Blob([this.#read()], { type: shortType(this.headers.get('content-type') ?? '') })
  }

  async formData(): Promise<FormData> {
    const bytes = this.#read()
    if (!startsWith(toLower(this.headers.get('content-type') ?? ''), 'application/x-www-form-urlencoded'))
      throw new TypeError('Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".')
    const form = new FormData()
    for (const [name, value] of new NativeUrlSearchParams(webText(bytes))) form.append(name, value)
    return form
  }

  /** An answer that cannot have a body may be read as often as one likes. */
  #read(): Uint8Array {
    if (this.#isRead) throw new TypeError('Body is unusable: Body has already been read')
    this.#isRead = this.status !== 204 && this.status !== 205 && this.status !== 304
    return this.#answered.body
  }
}

/** A type as the MIME Sniffing standard writes it again: without blanks, and without quotes that are not needed. */
function shortType(type: string): string {
  return type.replace(/\s*;\s*/g, ';').replace(/="([\w!#$%&'*+.^`|~-]+)"/g, '=$1')
}

freeze(Response.prototype)
