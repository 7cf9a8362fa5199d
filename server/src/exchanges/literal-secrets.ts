import { type ExactNumber, isNumber } from '@permea/contract'
import { secretsInCode } from './code-secrets.ts'
import { MASKED, maskedText } from './masked.ts'
import { maskedPieces, overPieces } from './pieces.ts'
import { isPublicAttribute, isSecretName, NAMING_FIELDS } from './secret-names.ts'

type Leaf = string | number | ExactNumber

/** Secrets that were taken out of a configuration, each by its place in it. */
export type LiteralSecrets = Record<string, Leaf>

interface Place {
  /** Names from the root; an item of a list by what names it, else by its index and the length of the list. */
  path: readonly string[]
  isSecret: boolean
  /** Headers and parameters of addresses, where more names are secrets. */
  isAddress: boolean
}

const ROOT: Place = { path: [], isSecret: false, isAddress: false }

/** Operators of formulas whose operand says where a value is, or how to come by it: it is none itself. */
const POINTING: ReadonlySet<string> = new Set([
  '$var',
  '$copy',
  '$record',
  '$jsonata',
  '$eval',
  '$formula',
  '$dataSchemaRef',
])

/** They tell of secrets and hold none. */
const SCHEMAS: ReadonlySet<string> = new Set([
  'inputSchema',
  'outputSchema',
  'customOutputSchema',
  'parametersSchema',
  'schema',
  'fieldsSchema',
])

const OF_ADDRESS: ReadonlySet<string> = new Set(['headers', 'query'])

/**
 * A configuration with the secrets that stand in it literally taken out: by the one rule for names, in its objects, in
 * lists of named values, among the operands of formulas, and in texts that are addresses, forms or JSON. What is shown
 * keeps its shape and its order, and taking it apart once more changes nothing.
 */
export function withoutLiteralSecrets(config: unknown): { shown: unknown; secrets: LiteralSecrets | null } {
  const secrets: LiteralSecrets = Object.create(null) as LiteralSecrets
  const shown = overLeaves(config, ROOT, (leaf, place) => {
    const text = shownLeaf(leaf, place)
    if (text !== leaf) secrets[keyOf(place)] = leaf
    return text
  })
  return { shown, secrets: Object.keys(secrets).length === 0 ? null : secrets }
}

/** The configuration as it was before its secrets were taken out. */
export function withLiteralSecrets(shown: unknown, secrets: LiteralSecrets): unknown {
  return overLeaves(shown, ROOT, (leaf, place) =>
    Object.hasOwn(secrets, keyOf(place)) ? (secrets[keyOf(place)] ?? leaf) : leaf,
  )
}

/** What is given, with the secrets that the stored configuration has wherever they are given as they are shown. */
export function withKeptSecrets(given: unknown, stored: unknown): unknown {
  const { secrets } = withoutLiteralSecrets(stored)
  if (secrets === null) return given
  return overLeaves(given, ROOT, (leaf, place) => {
    const kept = Object.hasOwn(secrets, keyOf(place)) ? secrets[keyOf(place)] : undefined
    if (kept === undefined || typeof leaf !== 'string' || !leaf.includes(MASKED)) return leaf
    if (leaf === shownLeaf(kept, place)) return kept
    return typeof kept === 'string' ? withKeptPieces(leaf, kept) : leaf
  })
}

/** Where a secret is given as it is shown and nothing is kept for it: places as people write them. */
export function missingSecrets(config: unknown): string[] {
  const missing: string[] = []
  overLeaves(config, ROOT, (leaf, place) => {
    if (typeof leaf !== 'string' || !leaf.includes(MASKED)) return leaf
    const isMissing = place.isSecret ? leaf === MASKED : [...piecesOf(leaf)].some(({ value }) => value === MASKED)
    if (isMissing) missing.push(place.path.join('.'))
    return leaf
  })
  return missing
}

/** Every text that is a secret in the configuration. */
export function literalSecretsOf(config: unknown): string[] {
  const found: string[] = []
  overLeaves(config, ROOT, (leaf, place) => {
    if (shownLeaf(leaf, place) === leaf) return leaf
    const pieces = typeof leaf === 'string' && !place.isSecret ? [...piecesOf(leaf)].map(({ value }) => value) : []
    found.push(...(pieces.length > 0 ? pieces : [String(leaf)]))
    return leaf
  })
  return found
}

/** Whether there is anything in a value that nobody should read where it is stored: by its name, or in code. */
export function holdsSecrets(value: unknown): boolean {
  return literalSecretsOf(value).length > 0 || someText(value, (text) => secretsInCode(text).length > 0)
}

/** Secrets that stand in the code of functions and expressions, wherever it is. */
export function codeSecretsOf(value: unknown): string[] {
  const found: string[] = []
  someText(value, (text) => {
    found.push(...secretsInCode(text))
    return false
  })
  return found
}

function someText(value: unknown, is: (text: string) => boolean): boolean {
  if (typeof value === 'string') return is(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((each) => someText(each, is))
}

/**
 * Of literal secrets those that are looked for wherever texts are shown, with the part behind a scheme, which a receiver
 * may repeat alone. Words and small numbers stand in too many other places, and masking them there hides more than it
 * keeps: they are masked only where they were given.
 */
export function tellingSecrets(secrets: readonly string[]): string[] {
  return secrets.flatMap((secret) => [secret, ...secret.split(/\s+/).slice(1)]).filter((each) => !isWord(each))
}

const WORD_CHARS_MAX = 12
const NUMBER_CHARS_MAX = 7

function isWord(text: string): boolean {
  if (text.length <= NUMBER_CHARS_MAX && /^[\d.:-]+$/.test(text)) return true
  return text.length <= WORD_CHARS_MAX && /^\p{L}?[\p{Ll}_-]*$/u.test(text)
}

function overLeaves(value: unknown, place: Place, at: (leaf: Leaf, place: Place) => unknown): unknown {
  if (typeof value === 'string' || isNumber(value)) return at(value, place)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const seen = new Map<string, number>()
    return value.map((each: unknown, index) => {
      const name = namesIn(each)[0] ?? null
      const count = seen.get(name ?? '') ?? 0
      seen.set(name ?? '', count + 1)
      const step = name === null ? `${index}/${value.length}` : count === 0 ? name : `${name}#${count}`
      return overLeaves(each, { ...place, path: [...place.path, step] }, at)
    })
  }
  const entries = Object.entries(value)
  const [operator = ''] = entries[0] ?? []
  if (POINTING.has(operator) || (place.isSecret && isSchema(value))) return value
  // `getCredentials: { type: 'javascript', code: '…' }` says how to come by secrets.
  if (place.isSecret && isFunction(value)) return overLeaves(value, { ...place, isSecret: false }, at)
  const isNamed = namesIn(value).some((name) => isSecretName(name, 'address'))
  return Object.fromEntries(
    entries.map(([name, each]) => {
      if (SCHEMAS.has(name)) return [name, each]
      const isSecret = place.isSecret
        ? operator.startsWith('$') || !isPublicAttribute(name)
        : isSecretName(name, place.isAddress ? 'address' : 'body') || (isNamed && name === 'value')
      const inside = { path: [...place.path, name], isSecret, isAddress: OF_ADDRESS.has(name) }
      return [name, overLeaves(each, inside, at)]
    }),
  )
}

/** `Authorization` of `{ name: 'Authorization', value: '…' }`. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || !('value' in value)) return []
  const fields = value as Record<string, unknown>
  return NAMING_FIELDS.flatMap((field) => (typeof fields[field] === 'string' ? [fields[field]] : []))
}

/** `password: { type: 'string', title: 'Password' }` */
function isSchema(value: object): boolean {
  const { type } = value as { type?: unknown }
  return /^(?:string|number|integer|boolean|object|array)$/.test(String(type)) && !('value' in value)
}

function isFunction({ type }: { type?: unknown }): boolean {
  return type === 'javascript' || type === 'mapping' || String(type).endsWith('-mapping')
}

function keyOf({ path }: Place): string {
  return JSON.stringify(path)
}

function shownLeaf(leaf: Leaf, { isSecret, path }: Place): Leaf {
  if (typeof leaf !== 'string') return isSecret ? MASKED : leaf
  // `{name}` in a template is put in later.
  const literal = path.at(-1) === 'template' ? leaf.replaceAll(/\{[^{}]*\}/g, '') : leaf
  if (isSecret) return saysNothing(literal) ? leaf : MASKED
  if (isJson(leaf)) return maskedText(leaf)
  return maskedPieces(leaf)
}

/** Words that come before a secret, and what joins texts in formulas. */
function saysNothing(text: string): boolean {
  const rest = text.replace(/^\s*(?:basic|bearer|digest|key|oauth|token|api-?key)\b/i, '')
  return !/[\p{L}\p{N}*]/u.test(rest)
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function piecesOf(text: string): { name: string | null; value: string }[] {
  const pieces: { name: string | null; value: string }[] = []
  overPieces(text, (value, name) => {
    if (name === null || isSecretName(name, 'address')) pieces.push({ name, value })
    return value
  })
  return pieces
}

/** An address that was changed around its secrets. */
function withKeptPieces(given: string, stored: string): string {
  const kept = new Map(piecesOf(stored).map(({ name, value }) => [name, value]))
  return overPieces(given, (value, name) => (value === MASKED ? (kept.get(name) ?? value) : value))
}
