import { isNumber } from '@permea/contract'
import type { ReceivedHeaders } from '../outbound/outcome.ts'
import { maskedJson } from './masked-json.ts'
import { MASKED, withoutAddresses } from './masked-words.ts'
import { maskedPieces } from './pieces.ts'
import { isPublicAttribute, isPublicName, isSecretName, NAMING_FIELDS } from './secret-names.ts'

export { MASKED } from './masked-words.ts'

const DEPTH_MAX = 20

/** The same value with what stands under names of secrets replaced; what lies too deep to be looked at is too. */
export function maskedValue(value: unknown): unknown {
  return masked(value, false, 0)
}

/** The same with every text and number masked, whatever it is called, but for what says what went wrong. */
export function maskedWhole(value: unknown): unknown {
  return masked(value, true, 0)
}

function masked(value: unknown, isSecret: boolean, depth: number): unknown {
  if (typeof value === 'string') return isSecret ? MASKED : maskedWithin(value)
  if (isNumber(value)) return isSecret ? MASKED : value
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) return MASKED
  if (Array.isArray(value)) return value.map((each) => masked(each, isSecret, depth + 1))
  // `{ name: 'Authorization', value: '…' }`, as lists of headers are often written.
  const named = NAMING_FIELDS.some((field) => {
    const name = (value as Record<string, unknown>)[field]
    return typeof name === 'string' && isSecretName(name, 'address')
  })
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const isHidden = isSecret ? !isPublicAttribute(name) : isSecretName(name) || (named && name === 'value')
      return [name, masked(each, isHidden, depth + 1)]
    }),
  )
}

/** A text within a value: it may be a body itself. */
function maskedWithin(text: string): string {
  return /^\s*[[{]/.test(text) ? maskedText(text) : maskedPieces(text)
}

/** Whether a header may be shown: it is none that proves a sender, and of those that begin with `x-` a known one. */
export function isShownHeader(name: string): boolean {
  if (isSecretName(name, 'address')) return false
  return !/^x-/i.test(name) || isPublicName(name)
}

/** Headers with those masked that may hold secrets. */
export function maskedHeaders(headers: ReceivedHeaders): ReceivedHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      !isShownHeader(name) ? MASKED : Array.isArray(value) ? value.map(withoutAddresses) : withoutAddresses(value),
    ]),
  )
}

const PLAIN_URL = /^https?:\/\/[a-z0-9.:-]+\/[\w/.~-]*$/

/** An address without user, password, the fragment, and the values of parameters that are not known to be harmless. */
export function maskedUrl(text: string): string {
  // As the URL parser wrote it, and with nothing in it that could be a secret.
  if (PLAIN_URL.test(text)) return withoutAddresses(text)
  if (!URL.canParse(text)) return withoutAddresses(text.split('?')[0] ?? '')
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.hash = ''
  const query = url.search.slice(1)
  const shown = maskedQuery(query)
  if (shown !== query) url.search = shown
  return withoutAddresses(url.href)
}

/** A query with the values of such parameters masked; as it came where it has none. */
export function maskedQuery(query: string): string {
  const pairs = [...new URLSearchParams(query)]
  if (pairs.every(([name, value]) => isShownParameter(name, value))) return query
  return String(
    new URLSearchParams(
      pairs.map(([name, value]): [string, string] => [name, isShownParameter(name, value) ? value : MASKED]),
    ),
  )
}

/** Words and small numbers are no secrets, unless they stand under the name of one. */
const HARMLESS = /^(?:true|false|yes|no|asc|desc|null|-?\d{0,4}|)$/i

function isShownParameter(name: string, value: string): boolean {
  return !isSecretName(name, 'address') && (isPublicName(name) || HARMLESS.test(value))
}

const NAMED_IN_FORM = /((?:^|&)([^=&]{1,200})=)[^&]*/g
const NAMED_IN_PART = /(name="([^"\r\n]{1,200})"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)([\s\S]*?)(?=\r?\n--|$)/g
const NAMED_IN_XML = /(<(?:[\w-]+:)?([\w.-]{1,200})(?:\s[^<>]*)?>)[^<]+/g

/** The text of a body with what stands under names of secrets masked, also where the text is cut. */
export function maskedText(text: string): string {
  return withoutAddresses(withoutNamed(text))
}

function withoutNamed(text: string): string {
  const hiding = (named: RegExp, where: 'address' | 'body') =>
    text.replaceAll(named, (whole, start: string, name: string) =>
      isSecretName(decoded(name), where) ? start + MASKED : whole,
    )
  if (/^\s*[[{"]/.test(text)) return maskedJson(text)
  if (/^\s*</.test(text)) return hiding(NAMED_IN_XML, 'body')
  if (/^--[^\r\n]+\r?\n/.test(text)) return hiding(NAMED_IN_PART, 'body')
  return /^[\w.[\]%+-]+=/.test(text) ? hiding(NAMED_IN_FORM, 'address') : text
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
