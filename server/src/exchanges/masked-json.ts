import { MASKED } from './masked-words.ts'
import { maskedPieces } from './pieces.ts'
import { isPublicAttribute, isSecretName, NAMING_FIELDS } from './secret-names.ts'

/** A token of JSON; a text at the end may lack its end. */
const TOKEN = /"((?:[^"\\]|\\[\s\S]?)*)("|$)|[[\]{}:,]|[^\s"[\]{},:]+/g

interface Open {
  isObject: boolean
  /** Everything in it stands under the name of a secret. */
  isSecret: boolean
  key: string | null
  /** A field of it names a secret: `{ "name": "Authorization", "value": … }`. */
  isNamed: boolean
}

/**
 * JSON text with the values under names of secrets masked, whatever they are, also where the text is cut: it is read
 * token by token, and everything else stays as it is written.
 */
export function maskedJson(text: string): string {
  const stack: Open[] = []
  const isSecretNow = () => {
    const top = stack.at(-1)
    if (top === undefined) return false
    const { isObject, isSecret, key, isNamed } = top
    if (!isObject || key === null) return isSecret
    return isSecret ? !isPublicAttribute(key) : isSecretName(key) || (isNamed && key === 'value')
  }
  let isKeyNext = false
  return text.replaceAll(TOKEN, (token: string, inside: string | undefined, end: string | undefined) => {
    const top = stack.at(-1)
    switch (token) {
      case '{':
      case '[':
        stack.push({ isObject: token === '{', isSecret: isSecretNow(), key: null, isNamed: false })
        isKeyNext = token === '{'
        return token
      case '}':
      case ']':
        stack.pop()
        isKeyNext = false
        return token
      case ',':
        isKeyNext = top?.isObject === true
        return token
      case ':':
        isKeyNext = false
        return token
    }
    if (inside !== undefined && isKeyNext && top !== undefined) {
      top.key = plain(inside)
      return token
    }
    if (isSecretNow() && !/^(?:null|true|false)$/.test(token))
      return inside === undefined ? `"${MASKED}"` : `"${MASKED}${end}`
    if (inside === undefined) return token
    const value = plain(inside)
    if (top?.isObject === true && NAMING_FIELDS.includes(top.key ?? '') && isSecretName(value, 'address'))
      top.isNamed = true
    // A text may be JSON itself, an address or a form.
    const shown = /^\s*[[{]/.test(value) ? maskedJson(value) : maskedPieces(value)
    return shown === value ? token : `${JSON.stringify(shown).slice(0, -1)}${end}`
  })
}

/** The longest escape, of which only the beginning may be there. */
const ESCAPE_CHARS_MAX = 6

/** The text that a literal stands for; of one that is cut, what is there. */
function plain(inside: string): string {
  if (!inside.includes('\\')) return inside
  for (let cut = 0; cut < ESCAPE_CHARS_MAX; cut += 1) {
    try {
      return JSON.parse(`"${inside.slice(0, inside.length - cut)}"`) as string
    } catch {
      // It may end within an escape.
    }
  }
  return inside
}
