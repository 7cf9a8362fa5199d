import { isUtf8 } from 'node:buffer'
import { parseExactJson } from '@permea/contract'
import { BodyProblem } from './body-problem.ts'
import { decodeBody, unknownCodings } from './content-coding.ts'
import { fromForm, fromFormInTurns } from './form-text.ts'
import { parseJsonInTurns } from './json.ts'
import { jsonExcess } from './json-bounds.ts'
import { BODY_BYTES_MAX, FORM_CHARS_AT_ONCE, FORM_FIELDS_MAX } from './limits.ts'
import { multipartOf } from './multipart.ts'

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
 * Undoes `content-encoding` and decodes the text. Throws a `BodyProblem` for a coding that is damaged, or unfolds to more
 * than `bytesMax`. What is named there and is no coding (`utf-8`, `none`) changes nothing where the body can be read as
 * text without it; bytes that cannot be may be packed in a way that nobody here knows, and are refused.
 */
export async function openBody(body: Buffer, headers: BodyHeaders, bytesMax = BODY_BYTES_MAX): Promise<OpenedBody> {
  const coding = headerOf(headers, 'content-encoding')
  const contentType = headerOf(headers, 'content-type')
  const bytes = coding === '' ? body : await decoded(body, coding, bytesMax)
  const text = bodyText(bytes, contentType)
  const [unknown] = unknownCodings(coding)
  if (unknown !== undefined && text === null && typeOf(contentType) !== 'multipart/form-data')
    throw new BodyProblem('malformed_body', `content-encoding is ${shown(unknown)}, which nobody here can undo`)
  return { bytes, text }
}

const shown = (coding: string) => JSON.stringify(coding.slice(0, 40))

async function decoded(body: Buffer, coding: string, bytesMax: number): Promise<Buffer> {
  if (body.length === 0) return body
  const opened = await decodeBody(body, coding, { bytesMax })
  if (opened === null || opened === 'over')
    throw new BodyProblem('malformed_body', `the body is not what content-encoding says (${coding.slice(0, 40)})`)
  if (opened.isTruncated) throw new BodyProblem('payload_too_large', 'the body is too large when it is unpacked')
  return opened.body
}

/** Charsets whose text may be valid UTF-8 by accident, since all its bytes are small. */
const DECIDED_BY_NAME = /^(?:csiso2022|iso-2022|hz-gb)/i
const UTF16 = /^(?:utf-?16|unicode|ucs-2|iso-10646|csunicode)/i

/**
 * The text of bytes: by a byte order mark, else UTF-8 where they are valid UTF-8, else by the declared charset. Nothing is
 * guessed: what is neither valid UTF-8 nor declared is no text.
 *
 * Valid UTF-8 wins over another charset that is declared, because many senders declare one and send UTF-8, and text in
 * another charset is next to never valid UTF-8 by accident.
 */
export function bodyText(bytes: Buffer, contentType: string): string | null {
  const charset = parameterOf(contentType, 'charset') ?? ''
  const marked = markOf(bytes)
  if (marked !== null) return withCharset(bytes, marked)
  if (UTF16.test(charset) && isTwoBytesEach(bytes)) return withCharset(bytes, orderOf(bytes, charset))
  if (!DECIDED_BY_NAME.test(charset) && isUtf8(bytes)) return bytes.toString('utf8')
  return charset === '' ? null : withCharset(bytes, charset)
}

/** Whether it can be UTF-16: text that begins as JSON in one byte for each character is not, whatever is declared. */
function isTwoBytesEach(bytes: Buffer): boolean {
  const isJsonInBytes = /^[\t\n\r ]*[[{"][^\0]/.test(bytes.toString('latin1', 0, 100))
  return bytes.length % 2 === 0 && !isJsonInBytes
}

/** `utf-16` by itself says nothing of the order; in JSON and most texts the first character has a zero beside it. */
function orderOf(bytes: Buffer, charset: string): string {
  if (/(?:le|be)$/i.test(charset)) return charset
  return bytes[0] === 0 && bytes[1] !== 0 ? 'utf-16be' : 'utf-16le'
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

/** What an opened body is read as, by its head and its text; null where it is no text. */
export function bodyFormat({ text }: OpenedBody, headers: BodyHeaders): 'json' | 'form' | 'multipart' | 'text' | null {
  const contentType = headerOf(headers, 'content-type')
  if (typeOf(contentType) === 'multipart/form-data') return 'multipart'
  return text === null ? null : formatOf(contentType, text)
}

/**
 * A body as a value: JSON, whatever its type says; a form or multipart form as an object; else its text; null for
 * nothing, and for bytes that are no text. A text that should be JSON and is not stays text.
 *
 * Throws a `BodyProblem` for JSON that nests too deep or holds too many values, and for forms of too many fields.
 */
export async function bodyAsValue({ bytes, text }: OpenedBody, headers: BodyHeaders): Promise<unknown> {
  const contentType = headerOf(headers, 'content-type')
  if (bytes.length === 0) return null
  if (typeOf(contentType) === 'multipart/form-data') {
    const boundary = parameterOf(contentType, 'boundary')
    if (boundary !== null && hasMany(bytes, `--${boundary}`)) throw tooManyFields()
    const form = await multipartOf(bytes, contentType, {
      boundary,
      textOf: (part, type) => bodyText(part, parameterOf(type, 'charset') === null ? contentType : type),
    })
    if (form !== null) return form
  }
  if (text === null || text === '') return null
  const format = formatOf(contentType, text)
  if (format === 'form' && hasMany(text, '&')) throw tooManyFields()
  if (format === 'form') return fromFormInTurns(text, parameterOf(contentType, 'charset'))
  if (format === 'text') return text
  const excess = jsonExcess(text)
  if (excess !== null) throw new BodyProblem('malformed_body', `the JSON cannot be used: ${excess}`)
  try {
    return await parseJsonInTurns(text)
  } catch {
    return text
  }
}

/** A query as an object: a name that comes more than once becomes a list. */
export function queryValue(query: string): Record<string, string | string[]> {
  return fromForm(query, null)
}

/** Of an answer that is here already: its value by the same rules, multipart forms apart, without waiting. */
export function answerValue(text: string, contentType: string): unknown {
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  if (clean === '') return null
  const format = formatOf(contentType, clean)
  if (format === 'form' && isLongForm(clean)) return clean
  if (format === 'form') return fromForm(clean, parameterOf(contentType, 'charset'))
  if (format === 'text' || jsonExcess(clean) !== null) return clean
  try {
    return parseExactJson(clean)
  } catch {
    return clean
  }
}

/**
 * An answer for whoever reads it in another engine: as UTF-8, and whether that is to be read as JSON. A form is the JSON
 * of its fields, unless only the text is wanted. Bytes that are text in no way known stay what they are.
 */
export function answerInUtf8(
  body: Buffer,
  contentType: string,
  isTextWanted: boolean,
): { body: Buffer; isJson: boolean } {
  const text = bodyText(body, contentType)
  if (text === null) return { body, isJson: false }
  const isAsItIs = body[0] !== 0xef && isUtf8(body) && Buffer.byteLength(text) === body.length
  const given = isTextWanted ? 'text' : formatOf(contentType, text)
  const format = given === 'form' && isLongForm(text) ? 'text' : given
  if (format === 'form')
    return { body: Buffer.from(JSON.stringify(fromForm(text, parameterOf(contentType, 'charset')))), isJson: true }
  return { body: isAsItIs ? body : Buffer.from(text), isJson: format === 'json' }
}

/** Of an answer, which is read in one go: a form stays text where that would take long. */
function isLongForm(text: string): boolean {
  return text.length > FORM_CHARS_AT_ONCE || hasMany(text, '&')
}

/** Whether a form has more fields than may be, by what stands between them. */
function hasMany(body: string | Buffer, between: string): boolean {
  let count = 0
  for (let at = body.indexOf(between); at >= 0; at = body.indexOf(between, at + between.length)) {
    count += 1
    if (count > FORM_FIELDS_MAX) return true
  }
  return false
}

/** The fields of a form, each with the value that came last. Throws a `BodyProblem` for more than may be. */
export async function fieldsOfForm(text: string): Promise<Record<string, string>> {
  if (hasMany(text, '&')) throw tooManyFields()
  const fields = Object.entries(await fromFormInTurns(text, null))
  return Object.fromEntries(fields.map(([name, value]) => [name, typeof value === 'string' ? value : last(value)]))
}

const last = (values: readonly string[]) => values.at(-1) ?? ''

function tooManyFields(): BodyProblem {
  return new BodyProblem('malformed_body', `the form cannot be used: it has more than ${FORM_FIELDS_MAX} fields`)
}

function typeOf(contentType: string): string {
  return contentType.split(';')[0]?.trim().toLowerCase() ?? ''
}

/** One parameter of a type, in quotes of either kind or none; null where it is not there. */
function parameterOf(contentType: string, name: string): string | null {
  for (const [, each = '', quoted, plain = ''] of contentType.matchAll(PARAMETER))
    if (each.toLowerCase() === name) return (quoted?.replace(/\\(.)/g, '$1') ?? plain.trim()).replace(/^'(.*)'$/, '$1')
  return null
}

const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g

/** The value of a header, or its values; empty where there is none. */
export function headerOf(headers: BodyHeaders, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.join(', ') ?? '')
}
