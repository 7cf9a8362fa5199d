import {
  apply,
  bytesOf,
  freeze,
  host,
  NativeHeaders,
  NativeUint8Array,
  NativeUrlSearchParams,
  parseJson,
  textOf,
  toText,
  toUpper,
} from './intrinsics.ts'
import { type Answered, ask } from './waiting.ts'

interface Init {
  method?: string
  headers?: unknown
  body?: unknown
}

/** `fetch` of the guest. It goes out through the host, under its address policy and its limits. */
export async function guestFetch(input: unknown, init: Init = {}): Promise<object> {
  const headers = new NativeHeaders(init.headers as Record<string, string> | undefined)
  const body = bodyOf(init.body, headers)
  const answered = await ask('fetch', '', {
    method: toUpper(toText(init.method ?? 'GET')),
    uri: toText(input),
    headers: Object.fromEntries(headers),
    responseType: 'arraybuffer',
    ...(body === null ? {} : { dataBase64: host.encode(body, 'base64') }),
  })
  return new Response(answered, toText(input))
}

function bodyOf(body: unknown, headers: Headers): Uint8Array | null {
  if (body === undefined || body === null) return null
  const offer = (type: string) => {
    if (!headers.has('content-type')) headers.set('content-type', type)
  }
  if (body instanceof NativeUrlSearchParams) {
    offer('application/x-www-form-urlencoded;charset=UTF-8')
    return bytesOf(toText(body))
  }
  const bytes = bytesOf(body)
  if (bytes === null || typeof body === 'string') offer('text/plain;charset=UTF-8')
  return bytes ?? bytesOf(toText(body))
}

/** The part of the web's `Response` that functions use. */
class Response {
  readonly status: number
  readonly ok: boolean
  readonly headers: Headers
  readonly url: string
  readonly #body: Uint8Array

  constructor({ status, headers, body }: Answered, url: string) {
    this.status = status
    this.ok = status >= 200 && status < 300
    this.headers = new NativeHeaders(headers)
    this.url = url
    this.#body = body
  }

  async text(): Promise<string> {
    return textOf(this.#body)
  }

  async json(): Promise<unknown> {
    return parseJson(textOf(this.#body))
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return apply(NativeUint8Array.prototype.slice, this.#body, []).buffer
  }

  async bytes(): Promise<Uint8Array> {
    return apply(NativeUint8Array.prototype.slice, this.#body, [])
  }
}

freeze(Response.prototype)
