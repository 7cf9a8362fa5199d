import { isUtf8 } from 'node:buffer'
import { parseExactJson } from '@permea/contract'
import { BodyProblem } from './body-problem.ts'
import { decodeBody } from './content-coding.ts'
import { parseJsonInTurns } from './json.ts'
import { jsonExcess } from './json-bounds.ts'
import { BODY_BYTES_MAX } from './limits.ts'

/** What of a head says how its body is read. Names in lower case; a name that came twice has its values in a list. */
export type BodyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** A body after what was done to it for the way is undone. */
export interface OpenedBody {
  /** Without `content-encoding`. */
  bytes: Buffer
  /** Without a byte order mark; null where the bytes are no text. */
  text: string | null
}

/**
 * Undoes `content-encoding` and decodes the text. Throws a `BodyProblem` for a coding that is unknown, damaged, or
 * unfolds to more than `bytesMax`.
 */
export async function openBody(body: Buffer, headers: BodyHeaders, bytesMax = BODY_BYTES_MAX): Promise<OpenedBody> {
  const coding = headerOf(headers, 'content-encoding')
  const bytes = coding === '' ? body : await decoded(body, coding, bytesMax)
  return { bytes, text: bodyText(bytes, headerOf(headers, 'content-type')) }
}

async function decoded(body: Buffer, coding: string, bytesMax: number): Promise<Buffer> {
  if (body.length === 0) return body
  const opened = await decodeBody(body, coding, { bytesMax })
  if (opened === null || opened === 'over')
    throw new BodyProblem('malformed_body', `the body is not what content-encoding says (${coding.slice(0, 40)})`)
  if (opened.isTruncated) throw new BodyProblem('payload_too_large', 'the body is too large when it is unpacked')
  return opened.body
}

/** Charsets whose text may be valid UTF-8 by accident, since all its bytes are small. */
const DECIDED_BY_NAME = /^(utf-?16|unicode|ucs-2|iso-10646|csunicode|csiso2022|iso-2022|hz-gb)/i

/**
 * The text of bytes: by a byte order mark, else UTF-8 where they are valid UTF-8, else by the declared charset. Nothing is
 * guessed: what is neither valid UTF-8 nor declared is no text.
 *
 * Valid UTF-8 wins over another charset that is declared, because many senders declare one and send UTF-8, and text in
 * another charset is next to never valid UTF-8 by accident.
 */
export function bodyText(bytes: Buffer, contentType: string): string | null {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1] ?? ''
  const marked = markOf(bytes)
  if (marked !== null) return withCharset(bytes, marked)
  if (!DECIDED_BY_NAME.test(charset) && isUtf8(bytes)) return bytes.toString('utf8')
  return charset === '' ? null : withCharset(bytes, charset)
}

/** @source https://encoding.spec.whatwg.org/#bom-sniff */
function markOf(bytes: Buffer): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return isUtf8(bytes) ? 'utf-8' : null
  if (bytes[0] === 0xff && bytes[1] === 0xfe && bytes.length % 2 === 0) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0) return 'utf-16be'
  return null
}

function withCharset(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** What a body is read as; the text decides where the type does not say it or is wrong about it. */
export function formatOf(contentType: string, text: string): 'json' | 'form' | 'text' {
  const type = typeOf(contentType)
  if (/[/+]json$/.test(type)) return 'json'
  if (type === 'application/x-www-form-urlencoded' && !/^\s*[[{]/.test(text)) return 'form'
  return /^\s*[[{"]/.test(text) ? 'json' : 'text'
}

/**
 * A body as a value: JSON, whatever its type says; a form or multipart form as an object; else its text; null for
 * nothing, and for bytes that are no text. A text that should be JSON and is not stays text.
 *
 * Throws a `BodyProblem` for JSON that nests too deep or holds too many values.
 */
export async function bodyAsValue({ bytes, text }: OpenedBody, headers: BodyHeaders): Promise<unknown> {
  const contentType = headerOf(headers, 'content-type')
  if (bytes.length === 0) return null
  if (typeOf(contentType) === 'multipart/form-data') {
    const form = await multipartOf(bytes, contentType)
    if (form !== null) return form
  }
  if (text === null || text === '') return null
  const format = formatOf(contentType, text)
  if (format === 'form') return fromPairs(new URLSearchParams(text))
  if (format === 'text') return text
  const excess = jsonExcess(text)
  if (excess !== null) throw new BodyProblem('malformed_body', `the JSON cannot be used: ${excess}`)
  try {
    return await parseJsonInTurns(text)
  } catch {
    return text
  }
}

/** A name that comes more than once becomes a list. */
export function fromPairs(pairs: URLSearchParams): Record<string, string | string[]> {
  return gathered([...pairs])
}

function gathered<T>(pairs: readonly (readonly [string, T])[]): Record<string, T | T[]> {
  const byName = Map.groupBy(pairs, ([name]) => name)
  return Object.fromEntries(
    [...byName].map(([name, all]) => {
      const values = all.map(([, value]) => value)
      return [name, values.length === 1 ? (values[0] as T) : values]
    }),
  )
}

/** A file of a multipart form, with its bytes in base64. */
interface FormFile {
  filename: string
  contentType: string
  size: number
  base64: string
}

/** The fields and files of a multipart form; null where it is none. The platform's own parser reads it. */
async function multipartOf(bytes: Buffer, contentType: string): Promise<Record<string, unknown> | null> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData()
    const pairs = await Promise.all(
      [...form].map(async ([name, value]): Promise<[string, string | FormFile]> => {
        if (typeof value === 'string') return [name, value]
        const base64 = Buffer.from(await value.arrayBuffer()).toString('base64')
        return [name, { filename: value.name, contentType: value.type, size: value.size, base64 }]
      }),
    )
    return gathered(pairs)
  } catch {
    return null
  }
}

/** Of an answer that is here already: its value, with the same rules, without waiting. Text where it is cut. */
export function answerValue(text: string, contentType: string): unknown {
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  if (clean === '') return null
  const type = typeOf(contentType)
  const isJson =
    /[/+]json$/.test(type) || (['', 'text/plain', 'application/octet-stream'].includes(type) && /^\s*[[{]/.test(clean))
  if (!isJson || jsonExcess(clean) !== null) return clean
  try {
    return parseExactJson(clean)
  } catch {
    return clean
  }
}

function typeOf(contentType: string): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? ''
}

function headerOf(headers: BodyHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.join(', ') ?? '')
}
