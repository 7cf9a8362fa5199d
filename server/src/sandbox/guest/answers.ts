import { parseExactJson } from './exact-number.ts'
import { defineProperty, hasOwn, utf8Text } from './intrinsics.ts'
import type { Answered } from './waiting.ts'

/**
 * The body as a client's caller gets it: parsed JSON where it is JSON, else text.
 * `const { data } = await client.get(…)` and reading the body itself both work: a body that is an object without a
 * property `data` of its own gets one, not enumerable, that is the body; likewise `status` and `headers`.
 */
export function readableBody(answered: Answered, responseType: unknown): unknown {
  const body = parsedBody(answered, responseType)
  if (typeof body !== 'object' || body === null) return body
  addHidden(body, 'data', body)
  addHidden(body, 'status', answered.status)
  addHidden(body, 'headers', answered.headers)
  return body
}

/** The body by itself: an `ArrayBuffer`, a text or what it stands for. The host has made it UTF-8, and forms JSON. */
export function parsedBody({ body, isJson, isSuspect }: Answered, responseType: unknown): unknown {
  if (responseType === 'arraybuffer' || responseType === 'stream')
    return body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength)
  const text = utf8Text(body)
  if (!isJson) return text
  try {
    return parseExactJson(text, isSuspect)
  } catch {
    return text
  }
}

function addHidden(body: object, name: string, value: unknown): void {
  if (!hasOwn(body, name)) defineProperty(body, name, { value, enumerable: false, writable: true, configurable: true })
}
