import { LongWork } from '../platform/long-work.ts'

/** Characters that are decoded at once: a few milliseconds. */
const PIECE_CHARS = 64 * 1024

/**
 * A form (or a query) as an object; a name that comes more than once has its values in a list. Escapes stand for bytes of a
 * charset: of UTF-8 where all of them together are that, else of the one that is declared, by the type or by the form
 * itself. Where nobody declares one, bytes that are no UTF-8 become U+FFFD: nothing is guessed.
 *
 * @source URL standard, "application/x-www-form-urlencoded parsing"; HTML standard, `_charset_`. PayPal names the charset
 *   of its notifications in the field `charset`.
 */
export function fromForm(text: string, charset: string | null): Form {
  const steps = formSteps(text, charset)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same of a long text, between whose pieces others have their turns. */
export async function fromFormInTurns(text: string, charset: string | null): Promise<Form> {
  const work = new LongWork()
  const steps = formSteps(text, charset)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (work.isDue) await work.turn()
  }
}

type Form = Record<string, string | string[]>
type Steps<T> = Generator<undefined, T>

function* formSteps(text: string, charset: string | null): Steps<Form> {
  const raw = rawPairs(text)
  const pairs = yield* decodedPairs(raw, utf8Piece)
  if (!text.includes('%') || pairs.every((pair) => pair.every((each) => !each.includes('\ufffd'))))
    return gathered(pairs)
  const named = ['_charset_', 'charset'].map((name) => raw.find(([each]) => each === name)?.[1])
  const decoder = [charset, ...named].map(decoderOf).find((each) => each !== null)
  if (decoder === undefined) return gathered(pairs)
  return gathered(yield* decodedPairs(raw, (piece) => charsetPiece(piece, decoder)))
}

/** Names and values as they stand there. */
function rawPairs(text: string): [string, string][] {
  return text.split('&').flatMap((part): [string, string][] => {
    if (part === '') return []
    const mark = part.indexOf('=')
    return [mark === -1 ? [part, ''] : [part.slice(0, mark), part.slice(mark + 1)]]
  })
}

function* decodedPairs(
  raw: readonly [string, string][],
  decodePiece: (piece: string) => string,
): Steps<[string, string][]> {
  const pairs: [string, string][] = []
  for (const [name, value] of raw) pairs.push([yield* decoded(name, decodePiece), yield* decoded(value, decodePiece)])
  return pairs
}

function* decoded(text: string, decodePiece: (piece: string) => string): Steps<string> {
  let whole = ''
  for (let at = 0; at < text.length; ) {
    const end = endOfPiece(text, at + PIECE_CHARS)
    whole += decodePiece(text.slice(at, end))
    at = end
    yield
  }
  return whole
}

/** Characters that may be looked back over for a place to cut. */
const LOOK_BACK = 200

/**
 * Where a piece may end, at `most` or a little before: where no character is cut in two. Escapes and letters may be bytes
 * of one character in some charsets, so it is before or after a space or a control character; else where no escape is
 * cut, and before none that goes on with a character of UTF-8.
 */
function endOfPiece(text: string, most: number): number {
  if (most >= text.length) return text.length
  for (let at = most; at > most - LOOK_BACK; at -= 1) if (SPACES.has(text.charCodeAt(at))) return at
  const isInEscape = (at: number) => text[at - 1] === '%' || text[at - 2] === '%'
  for (let at = most; at > most - LOOK_BACK; at -= 1)
    if (!isInEscape(at) && !GOES_ON.test(text.slice(at, at + 3))) return at
  // So many bytes that go on are none of a character.
  return [most, most - 1, most - 2].find((at) => !isInEscape(at)) ?? most
}

const SPACES = new Set(['+', ' ', '\n', '\r', '\t'].map((each) => each.charCodeAt(0)))
/** An escaped byte within a character of UTF-8, or the second half of a character of two UTF-16 units. */
const GOES_ON = /^(?:%[89ab]|[\udc00-\udfff])/i

function utf8Piece(piece: string): string {
  if (!ESCAPED.test(piece)) return piece
  return new URLSearchParams(`=${piece}`).get('') ?? ''
}

const ESCAPED = /[%+]/

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
function charsetPiece(text: string, decoder: Decoder): string {
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
