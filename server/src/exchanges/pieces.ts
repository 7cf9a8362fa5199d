import { MASKED, withoutAddresses } from './masked-words.ts'
import { isSecretName } from './secret-names.ts'

const ADDRESS = /^(?:[a-z][a-z\d+.-]*:\/\/|\/|\?)[^\s]*$/i
const FORM = /^[^\s=&?{}]+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)*(?:&[^\s=&]*)?$/
const USER = /^([a-z][a-z\d+.-]*:\/\/)([^/?#@\s]+)(?=@)/i
/** The same where the text was cut before the `@`: no host has such a port. */
const CUT_USER = /^([a-z][a-z\d+.-]*:\/\/)([^/?#@\s:[]+:(?!\d{0,5}$)[^/?#@\s]*)$/i
const PARAMETER = /((?:^|[?&])([^=&?#\s]{1,200})=)([^&#\s]+)/g

/**
 * An address or a form with another word for who is named before the host (of the name null), and for parameters; any
 * other text as it is. The end of it may be missing.
 */
export function overPieces(text: string, other: (value: string, name: string | null) => string): string {
  if (!text.includes('=') && !text.includes('://')) return text
  const isAddress = ADDRESS.test(text)
  if (!isAddress && !FORM.test(text)) return text
  const anonymous = isAddress
    ? text.replace(
        text.includes('@') ? USER : CUT_USER,
        (_whole, scheme: string, user: string) => scheme + other(user, null),
      )
    : text
  const query = isAddress ? anonymous.indexOf('?') : 0
  if (query < 0) return anonymous
  const replaced = anonymous
    .slice(query)
    .replaceAll(PARAMETER, (_whole, start: string, name: string, value: string) => {
      return start + other(value, decoded(name))
    })
  return anonymous.slice(0, query) + replaced
}

/** A text within something else: where it is an address or a form, what stands under names of secrets is masked. */
export function maskedPieces(text: string): string {
  return withoutAddresses(
    overPieces(text, (value, name) => (name === null || isSecretName(name, 'address') ? MASKED : value)),
  )
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
