/**
 * A form (or a query) as an object; a name that comes more than once has its values in a list. Escapes stand for bytes of a
 * charset: of UTF-8 where all of them together are that, else of the one that is declared, by the type or by the form
 * itself. Where nobody declares one, bytes that are no UTF-8 become U+FFFD: nothing is guessed.
 *
 * @source URL standard, "application/x-www-form-urlencoded parsing"; HTML standard, `_charset_`. PayPal names the charset
 *   of its notifications in the field `charset`.
 */
export function fromForm(text: string, charset: string | null): Record<string, string | string[]> {
  // What begins with a question mark would lose it.
  const pairs = [...new URLSearchParams(text.startsWith('?') ? `&${text}` : text)]
  if (!text.includes('%') || pairs.every((pair) => !pair.join('').includes('\ufffd'))) return gathered(pairs)
  const raw = text.split('&').flatMap((part): [string, string][] => {
    if (part === '') return []
    const mark = part.indexOf('=')
    return [mark === -1 ? [part, ''] : [part.slice(0, mark), part.slice(mark + 1)]]
  })
  const named = ['_charset_', 'charset'].map((name) => raw.find(([each]) => each === name)?.[1])
  const decoder = [charset, ...named].map(decoderOf).find((each) => each !== null)
  if (decoder === undefined) return gathered(pairs)
  return gathered(raw.map(([name, value]) => [unescaped(name, decoder), unescaped(value, decoder)]))
}

type Decoder = InstanceType<typeof TextDecoder>

function decoderOf(charset: string | null | undefined): Decoder | null {
  if (charset === null || charset === undefined) return null
  try {
    const decoder = new TextDecoder(charset)
    // The escapes of these are UTF-8, and it is none.
    return /^utf-/.test(decoder.encoding) ? null : decoder
  } catch {
    return null
  }
}

/** Letters between escapes may be the second half of a character, so all of ASCII is decoded together. */
function unescaped(text: string, decoder: Decoder): string {
  return text.replaceAll('+', ' ').replace(ASCII, (run) => {
    const bytes = Buffer.from(
      run.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    )
    return decoder.decode(bytes)
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const ASCII = /[\x00-\x7f]+/g
const ESCAPE = /%([0-9a-f]{2})/gi

/** A name that comes more than once becomes a list. */
export function gathered<T>(pairs: readonly (readonly [string, T])[]): Record<string, T | T[]> {
  const byName = Map.groupBy(pairs, ([name]) => name)
  return Object.fromEntries(
    [...byName].map(([name, all]) => {
      const values = all.map(([, value]) => value)
      return [name, values.length === 1 ? (values[0] as T) : values]
    }),
  )
}
