import { LongWork } from '../platform/long-work.ts'
import { MASKED, withoutAddresses } from './masked-words.ts'
import { isPublicAttribute, isSecretName } from './secret-names.ts'

/** Takes secrets that are known out of texts. */
export interface Mask {
  text(text: string): string
  /** Every text within a value; the value itself is not changed. */
  value(value: unknown): unknown
}

/** Shorter texts are too likely to be part of something else, and too short to be a secret. */
const SECRET_CHARS_MIN = 6
/** Longer ones are cut before they are looked for, so that the search stays cheap. */
const SECRET_CHARS_MAX = 4_000
const SECRETS_MAX = 200
const DEPTH_MAX = 20

/** Arguments of functions of which every text counts as a secret (wire facts C.1 to C.4), but for those that `isPublicAttribute` excepts. */
const SECRET_ARGUMENTS: ReadonlySet<string> = new Set([
  'credentials',
  'connectorParameters',
  'connectionInput',
  'connectionParameters',
  'accessTokenResponse',
  'refreshTokenResponse',
  'tokenResponse',
  'tokenData',
  'state',
  'webhookUri',
])

/** Whether every text of an argument of a function counts as a secret. */
export function isSecretArgument(name: string): boolean {
  return SECRET_ARGUMENTS.has(name)
}

/** What the sender of a request fills, without end if he likes: looked through last, so that it hides no other secret. */
const SENT_ARGUMENTS: readonly string[] = ['headers', 'query', 'data', 'body']

/** Where the secrets of a call are. */
export interface KnownSecrets {
  /** What the call was given; a function where it costs something to put together. */
  args: Record<string, unknown> | (() => Record<string, unknown>)
  /** Every text in it is a secret. */
  secrets?: unknown
}

/**
 * A mask for the secrets of one call: every text of `secrets`, and those that the argument holds under names that
 * secrets have, as they are and as they look in JSON, in a URL and in base64. The beginning of a secret at the end of a
 * text is masked too, because texts are cut.
 */
export function maskOf(call: KnownSecrets): Mask {
  // Most calls say nothing: the secrets are gathered when there is something to mask.
  let found: { pattern: RegExp | null; forms: string[] } | null = null
  const prepared = () => {
    found ??= prepare(call)
    return found
  }
  const text = (given: string): string => {
    const { pattern, forms } = prepared()
    const shown = withoutAddresses(given)
    if (pattern === null) return shown
    return withoutBegunSecret(shown.replace(pattern, MASKED), forms)
  }
  const value = (given: unknown, depth = 0): unknown => {
    if (typeof given === 'string') return text(given)
    if (typeof given !== 'object' || given === null || given instanceof Number) return given
    if (depth >= DEPTH_MAX) return MASKED
    if (Array.isArray(given)) return given.map((each) => value(each, depth + 1))
    return Object.fromEntries(Object.entries(given).map(([name, each]) => [text(name), value(each, depth + 1)]))
  }
  return { text, value: (given) => value(given) }
}

/** A mask for what either knows. */
export function bothMasks(one: Mask, other: Mask): Mask {
  return { text: (text) => other.text(one.text(text)), value: (value) => other.value(one.value(value)) }
}

function prepare(call: KnownSecrets): { pattern: RegExp | null; forms: string[] } {
  const secrets = new Gathered()
  secrets.take(call.secrets, true)
  const given = Object.entries(typeof call.args === 'function' ? call.args() : call.args)
  given.sort(([one], [other]) => SENT_ARGUMENTS.indexOf(one) - SENT_ARGUMENTS.indexOf(other))
  const taken = new Set<unknown>()
  for (const [name, value] of given) {
    const isSecret = isSecretArgument(name)
    // Names may hold the same value, which may be large.
    if (isSecret || !taken.has(value)) secrets.take(value, isSecret)
    taken.add(value)
  }
  const forms = [...new Set([...secrets.texts].flatMap(formsOf))].sort((one, other) => other.length - one.length)
  if (forms.length === 0) return { pattern: null, forms }
  return { pattern: new RegExp(forms.map(escaped).join('|'), 'g'), forms }
}

/** The texts of values that are secrets: all of them, or those under names that secrets have. */
class Gathered {
  readonly texts = new Set<string>()

  take(value: unknown, isSecret: boolean, depth = 0): void {
    if (this.texts.size >= SECRETS_MAX || depth > DEPTH_MAX) return
    if (typeof value === 'string') {
      if (isSecret && value.length >= SECRET_CHARS_MIN) this.texts.add(value.slice(0, SECRET_CHARS_MAX))
    } else if (Array.isArray(value)) {
      for (const each of value) this.take(each, isSecret, depth + 1)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        if (typeof each === 'string' && isPublicAttribute(name)) continue
        this.take(each, isSecret || isSecretName(name), depth + 1)
      }
    }
  }
}

/** Texts under names of secrets in a value of any size, as a mask gathers them; others have their turn meanwhile. */
export async function secretTexts(value: unknown): Promise<string[]> {
  const texts = new Set<string>()
  const work = new LongWork()
  const open: { value: unknown; isSecret: boolean; depth: number }[] = [{ value, isSecret: false, depth: 0 }]
  for (let next = open.pop(); next !== undefined && texts.size < SECRETS_MAX; next = open.pop()) {
    const { isSecret, depth } = next
    if (typeof next.value === 'string' && isSecret && next.value.length >= SECRET_CHARS_MIN) texts.add(next.value)
    if (typeof next.value !== 'object' || next.value === null || depth > DEPTH_MAX) continue
    for (const name of Object.keys(next.value)) {
      const each = (next.value as Record<string, unknown>)[name]
      if (typeof each === 'string' && isPublicAttribute(name)) continue
      const isOne = isSecret || (!Array.isArray(next.value) && isSecretName(name))
      if (isOne || typeof each === 'object') open.push({ value: each, isSecret: isOne, depth: depth + 1 })
      if (work.isDue) await work.turn()
    }
  }
  return [...texts]
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8')
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    // Not every text can be written into a URL.
    ...(secret.isWellFormed() ? [encodeURIComponent(secret)] : []),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ].filter((form) => form.length >= SECRET_CHARS_MIN)
}

function withoutBegunSecret(text: string, forms: readonly string[]): string {
  const tail = text.slice(-SECRET_CHARS_MAX)
  for (const form of forms) {
    const begin = form.slice(0, SECRET_CHARS_MIN)
    for (let at = tail.indexOf(begin, tail.length - form.length); at >= 0; at = tail.indexOf(begin, at + 1)) {
      if (form.startsWith(tail.slice(at))) return text.slice(0, text.length - (tail.length - at)) + MASKED
    }
  }
  return text
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`)
}
