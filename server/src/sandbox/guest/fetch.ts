import { Blob, writtenBody } from './bodies.ts'
import { parseExactJson } from './exact-number.ts'
import {
  apply,
  bytesBehind,
  freeze,
  host,
  NativeHeaders,
  NativeUint8Array,
  toText,
  toUpper,
  utf8Text,
} from './intrinsics.ts'
import { type Answered, ask } from './waiting.ts'

interface Init {
  method?: string
  headers?: unknown
  body?: unknown
  /** `force-cache` takes an answer that is kept, `reload` asks anew and keeps what comes; see `functions/kept-answers.ts`. */
  cache?: string
}

/** `fetch` of the guest. It goes out through the host, under its address policy and its limits. */
export async function guestFetch(input: unknown, init: Init = {}): Promise<Response> {
  const headers = new NativeHeaders(init.headers as Record<string, string> | undefined)
  const body = bodyOf(init.body, headers)
  const answered = await ask('fetch', '', {
    method: toUpper(toText(init.method ?? 'GET')),
    uri: toText(input),
    headers: Object.fromEntries(headers),
    responseType: 'arraybuffer',
    cache: init.cache,
    ...(body === null ? {} : { dataBase64: host.encode(body, 'base64') }),
  })
  return new Response(answered, toText(input))
}

function bodyOf(body: unknown, headers: Headers): Uint8Array | null {
  if (body === undefined || body === null) return null
  const written = writtenBody(body) ?? { bytes: bytesBehind(toText(body)), type: 'text/plain;charset=UTF-8' }
  if (written.type !== null && !headers.has('content-type')) headers.set('content-type', written.type)
  return written.bytes
}

/** The part of the web's `Response` that functions use. */
class Response {
  readonly status: number
  readonly ok: boolean
  readonly headers: Headers
  readonly url: string
  readonly #body: Uint8Array
  readonly #isSuspect: boolean

  constructor({ status, headers, body, isSuspect }: Answered, url: string) {
    this.status = status
    this.ok = status >= 200 && status < 300
    this.headers = new NativeHeaders(headers)
    this.url = url
    this.#body = body
    this.#isSuspect = isSuspect
  }

  async text(): Promise<string> {
    return utf8Text(this.#body)
  }

  async json(): Promise<unknown> {
    return parseExactJson(utf8Text(this.#body), this.#isSuspect)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return apply(NativeUint8Array.prototype.slice, this.#body, []).buffer
  }

  async bytes(): Promise<Uint8Array> {
    return apply(NativeUint8Array.prototype.slice, this.#body, [])
  }

  async blob(): Promise<Blob> {
    return new Blob([this.#body], { type: this.headers.get('content-type') ?? '' })
  }
}

freeze(Response.prototype)
