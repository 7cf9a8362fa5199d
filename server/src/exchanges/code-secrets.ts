import { maskedPieces } from './pieces.ts'
import { isSecretName } from './secret-names.ts'

const NAME_CHARS_MAX = 80
/** So many texts of one piece of code are looked at; where there are more, one is taken for a secret. */
const TEXTS_MAX = 5_000
/** Nobody has secrets that are longer, but for private keys, which have lines. */
const TEXT_CHARS_MAX = 8_000

/** `apiKey: `, `const apiKey = `, `$apiKey := `, `['Authorization'] = `, `secret === `, `set('Authorization', ` */
const NAMED = /([$\w-]+)(?:['"`]?\]?\s*(?::\s*[\w<>[\]| ]{0,40}=|:?=|[!=]==?|:)\s*|['"`]\s*,\s*)$/
const ADDRESS = /\b[a-z][a-z\d+.-]{1,20}:\/\/[^\s'"`<>]{1,4000}/gi

/**
 * Texts that stand in code under names that secrets have, and in addresses in it: of JavaScript and JSONata alike, by
 * looking at what stands before each quote. What is put together (`'Bearer ' + token`) says nothing.
 */
export function secretsInCode(code: string): string[] {
  const found: string[] = []
  let seen = 0
  // Each quote is looked at by itself: which of them begin a text is not known without the grammar.
  for (let at = nextQuote(code, 0); at >= 0 && seen <= TEXTS_MAX; at = nextQuote(code, at + 1)) {
    if (!isAfterName(code, at)) continue
    seen += 1
    const text = seen > TEXTS_MAX ? code : textAt(code, at)
    if (text !== null && (seen > TEXTS_MAX || (isNamedSecret(code, at) && saysSomething(text)))) found.push(text)
  }
  if (!code.includes('://')) return found
  for (const [address] of code.matchAll(ADDRESS)) if (maskedPieces(address) !== address) found.push(address)
  return found
}

const QUOTE = /['"`]/g

function nextQuote(code: string, from: number): number {
  QUOTE.lastIndex = from
  return QUOTE.exec(code)?.index ?? -1
}

/** The text that begins here; null where it does not end on its line, as after an apostrophe in a comment. */
function textAt(code: string, begin: number): string | null {
  const quote = code[begin]
  for (let at = begin + 1; at < code.length && at - begin < TEXT_CHARS_MAX; at += 1) {
    const each = code[at]
    if (each === quote) return code.slice(begin + 1, at)
    if (each === '\\') at += 1
    else if (each === '\n' && quote !== '`') return null
  }
  return null
}

/** Most texts are arguments of something else, or stand in a list. */
function isAfterName(code: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && code.charCodeAt(before) <= 32 && at - before < 40) before -= 1
  return before >= 0 && ':=,'.includes(code.charAt(before))
}

function isNamedSecret(code: string, at: number): boolean {
  const [, name] = NAMED.exec(code.slice(Math.max(0, at - NAME_CHARS_MAX), at)) ?? []
  return name !== undefined && isSecretName(name, 'address')
}

const SCHEME = /^\s*(?:basic|bearer|digest|key|oauth|token|api-?key)\b/i

/** Whether there is something beside a scheme and what is put in later. */
function saysSomething(text: string): boolean {
  const rest = text.replaceAll(/\$\{[^{}]*\}/g, '').replace(SCHEME, '')
  return /[\p{L}\p{N}]/u.test(rest)
}
