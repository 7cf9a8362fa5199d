import { randomUUID } from 'node:crypto'
import { parseExactJson } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import { JSON_CHARS_AT_ONCE } from '../bodies/limits.ts'

/** What stands in the place of a value that is stored and cannot be read any more. */
const BROKEN = { error: { type: 'internal', key: 'internal', message: 'what is stored here cannot be read' } }

/** A stored value, for people to look at: one that is broken says so, and leaves the list that it is in whole. */
export function shownJson(text: string): unknown {
  try {
    return parseExactJson(text) as unknown
  } catch {
    return BROKEN
  }
}

/** Shorter ones are made values of: that costs nothing worth sparing. */
const VERBATIM_CHARS_MIN = 16_384

/**
 * The same for an answer that has no use for the value: a long text goes into it as it stands, since to make a value of it
 * and a text again takes many times as long, and the event loop with it.
 */
export function storedJson(text: string): unknown {
  if (text.length < VERBATIM_CHARS_MIN) return shownJson(text)
  // Looked at where the answer is written, in turns.
  if (text.length > JSON_CHARS_AT_ONCE) return new Verbatim(text)
  try {
    JSON.parse(text)
    return new Verbatim(text)
  } catch {
    return BROKEN
  }
}

/** No text of a sender can be it. */
const MARK = randomUUID()
const MARKED = new RegExp(`"${MARK} (\\d+)"`, 'g')
let standingIn: string[] | null = null

class Verbatim {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toJSON(): unknown {
    if (standingIn === null) return shownJson(this.#text)
    standingIn.push(this.#text)
    return `${MARK} ${standingIn.length - 1}`
  }
}

/** The JSON text of an answer. What is long in it holds nobody up. */
export function answerText(answer: unknown): string | Promise<string> {
  const texts: string[] = []
  standingIn = texts
  let text: string
  try {
    text = JSON.stringify(answer)
  } finally {
    standingIn = null
  }
  const whole = (): string =>
    texts.length === 0 ? text : text.replace(MARKED, (_, at: string) => texts[Number(at)] ?? 'null')
  if (!texts.some((each) => each.length > JSON_CHARS_AT_ONCE)) return whole()
  return withoutBroken(texts).then(whole)
}

async function withoutBroken(texts: string[]): Promise<void> {
  for (const [index, each] of texts.entries()) {
    if (each.length <= JSON_CHARS_AT_ONCE) continue
    try {
      await parseKnownJson(each)
    } catch {
      texts[index] = JSON.stringify(BROKEN)
    }
  }
}
