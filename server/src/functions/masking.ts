import { argumentOf } from './argument.ts'
import type { FunctionCall } from './function.ts'

/** Takes secrets out of what a function said. */
export interface Mask {
  text(text: string): string
  /** Every text within a value; the value itself is not changed. */
  value(value: unknown): unknown
}

const MASKED = '***'

/** Shorter texts are too likely to be part of something else, and too short to be a secret. */
const SECRET_CHARS_MIN = 6
/** Longer ones are cut before they are looked for, so that the search stays cheap. */
const SECRET_CHARS_MAX = 4_000
const SECRETS_MAX = 200
const DEPTH_MAX = 20

/** Arguments of functions of which every text counts as a secret (wire facts C.1 to C.4), but for `PUBLIC_NAME`. */
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
])

/** What the sender of a request fills, without end if he likes: looked through last, so that it hides no other secret. */
const SENT_ARGUMENTS: readonly string[] = ['headers', 'query', 'data', 'body']

const SECRET_NAME =
  /authorization|cookie|token|secret|passw|credential|(?:api|private|master|webhook|signing|access|encryption)[-_]?key/i

/** What is no secret although it stands among some, and is needed to understand what went wrong. */
const PUBLIC_NAME =
  /^(?:error|error_\w+|token_type|tokenType|scopes?|expires\w*|type|name|id|\w+(?:_id|Id|_name|Name|_type|Type))$/

/**
 * A mask for the secrets of one call: every text of `secrets`, and those that the argument holds under names that
 * secrets have, as they are and as they look in JSON, in a URL and in base64. The beginning of a secret at the end of a
 * text is masked too, because texts are cut.
 */
export function maskOf(call: Pick<FunctionCall, 'args' | 'text' | 'secrets'>): Mask {
  // Most calls say nothing: the secrets are gathered when there is something to mask.
  let found: { pattern: RegExp | null; forms: string[] } | null = null
  const prepared = () => {
    found ??= prepare(call)
    return found
  }
  const text = (given: string): string => {
    const { pattern, forms } = prepared()
    if (pattern === null) return given
    return withoutBegunSecret(given.replace(pattern, MASKED), forms)
  }
  const value = (given: unknown, depth = 0): unknown => {
    if (typeof given === 'string') return text(given)
    if (typeof given !== 'object' || given === null) return given
    if (depth >= DEPTH_MAX) return MASKED
    if (Array.isArray(given)) return given.map((each) => value(each, depth + 1))
    return Object.fromEntries(Object.entries(given).map(([name, each]) => [text(name), value(each, depth + 1)]))
  }
  return { text, value: (given) => value(given) }
}

function prepare(call: Parameters<typeof maskOf>[0]): { pattern: RegExp | null; forms: string[] } {
  const texts = new Set<string>()
  gather(call.secrets, true, texts, 0)
  const given = Object.entries(argumentOf(call))
  given.sort(([one], [other]) => SENT_ARGUMENTS.indexOf(one) - SENT_ARGUMENTS.indexOf(other))
  for (const [name, value] of given) gather(value, SECRET_ARGUMENTS.has(name), texts, 0)
  const forms = [...new Set([...texts].flatMap(formsOf))].sort((one, other) => other.length - one.length)
  if (forms.length === 0) return { pattern: null, forms }
  return { pattern: new RegExp(forms.map(escaped).join('|'), 'g'), forms }
}

function gather(value: unknown, isSecret: boolean, into: Set<string>, depth: number): void {
  if (into.size >= SECRETS_MAX || depth > DEPTH_MAX) return
  if (typeof value === 'string') {
    if (isSecret && value.length >= SECRET_CHARS_MIN) into.add(value.slice(0, SECRET_CHARS_MAX))
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, each] of Object.entries(value)) {
    if (typeof each === 'string' && PUBLIC_NAME.test(name)) continue
    gather(each, isSecret || SECRET_NAME.test(name), into, depth + 1)
  }
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
    for (let at = tail.indexOf(form.slice(0, SECRET_CHARS_MIN)); at >= 0; ) {
      if (form.startsWith(tail.slice(at))) return text.slice(0, text.length - (tail.length - at)) + MASKED
      at = tail.indexOf(form.slice(0, SECRET_CHARS_MIN), at + 1)
    }
  }
  return text
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`)
}
