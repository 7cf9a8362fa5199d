import { parseExactJson } from '@permea/contract'
import { LongWork } from '../platform/long-work.ts'
import { BodyProblem } from './body-problem.ts'
import { endOfString, jsonExcess, TOO_DEEP, tooMany } from './json-bounds.ts'
import { JSON_CHARS_AT_ONCE, JSON_DEPTH_MAX, JSON_VALUES_MAX } from './limits.ts'

const CHUNK_CHARS = 32 * 1024

/** What JSON stands for. Throws a `BodyProblem` for what is none, and for what is nested too deep or holds too much. */
export function parseJson(text: string): unknown {
  assertBounded(text)
  return parsed(text)
}

/** The same for texts of any length: long ones are parsed in slices, between which others have their turn. */
export function parseJsonInTurns(text: string, valuesMax = JSON_VALUES_MAX): unknown | Promise<unknown> {
  if (text.length > JSON_CHARS_AT_ONCE) return new SlicedParser(text, valuesMax).parse()
  assertBounded(text, valuesMax)
  return parsed(text)
}

/** JSON whose bounds were looked at when it came in. */
export function parseKnownJson(text: string): unknown | Promise<unknown> {
  return text.length <= JSON_CHARS_AT_ONCE ? parseExactJson(text) : new SlicedParser(text).parse()
}

/**
 * The elements of a JSON list, each with its own text, in turns. Null where the text is no list.
 * Throws as `parseJsonInTurns` does.
 */
export async function parseJsonList(text: string): Promise<{ value: unknown; text: string }[] | null> {
  return new SlicedParser(text).elements()
}

function assertBounded(text: string, valuesMax = JSON_VALUES_MAX): void {
  const excess = jsonExcess(text, valuesMax)
  if (excess !== null) throw tooMuch(excess)
}

function tooMuch(excess: string): BodyProblem {
  return new BodyProblem('malformed_body', `the JSON cannot be used: ${excess}`)
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch (error) {
    throw notJson(error)
  }
}

function notJson(error: unknown): Error {
  if (error instanceof BodyProblem) return error
  return new BodyProblem('malformed_body', `the body is not valid JSON: ${(error as Error).message.slice(0, 200)}`)
}

let last: Promise<unknown> = Promise.resolve()

/**
 * Parses one long text after the other: side by side they would take as long, and all that is half done would be held,
 * and moved about by the garbage collector, meanwhile.
 */
function afterOthers<Parsed>(parse: () => Promise<Parsed>): Promise<Parsed> {
  const parsing = last.then(parse).catch((error: unknown) => {
    throw notJson(error)
  })
  // Without the value, which others need not hold.
  last = parsing.then(
    () => {},
    () => {},
  )
  return parsing
}

interface Span {
  start: number
  end: number
}

/**
 * Parses a long text piece by piece. A first walk over the brackets looks at the bounds and notes which objects and lists
 * are long; those are put together from their members, everything shorter is left to `JSON.parse`. What is wrong is found by `JSON.parse`,
 * too: of a text that its pieces do not make sense of, the whole is parsed for the error.
 */
class SlicedParser {
  readonly #text: string
  readonly #valuesMax: number
  /** End of each long object and list, by its start. */
  readonly #long = new Map<number, number>()
  readonly #work = new LongWork()

  constructor(text: string, valuesMax = JSON_VALUES_MAX) {
    this.#text = text
    this.#valuesMax = valuesMax
  }

  parse(): Promise<unknown> {
    return afterOthers(async () => {
      await this.#findLong()
      return await this.#value({ start: 0, end: this.#text.length })
    })
  }

  elements(): Promise<{ value: unknown; text: string }[] | null> {
    return afterOthers(async () => {
      await this.#findLong()
      const { start, end } = this.#trimmed({ start: 0, end: this.#text.length })
      if (this.#text[start] !== '[') return null
      const elements: { value: unknown; text: string }[] = []
      for (const member of this.#members(start, end)) {
        const text = this.#text.slice(member.start, member.end).trim()
        elements.push({ value: text.length <= CHUNK_CHARS ? parseExactJson(text) : await this.#value(member), text })
        if (this.#work.isDue) await this.#work.turn()
      }
      return elements
    })
  }

  async #value(span: Span): Promise<unknown> {
    const { start, end } = this.#trimmed(span)
    if (this.#long.get(start) !== end - 1) return parseExactJson(this.#text.slice(start, end))
    return this.#text[start] === '[' ? this.#list(start, end) : this.#object(start, end)
  }

  async #list(start: number, end: number): Promise<unknown[]> {
    const list: unknown[] = []
    for (const chunk of this.#chunks(start, end)) {
      if (chunk.long !== null) list.push(await this.#value(chunk.long))
      else
        for (const value of parseExactJson(`[${this.#text.slice(chunk.start, chunk.end)}]`) as unknown[])
          list.push(value)
      if (this.#work.isDue) await this.#work.turn()
    }
    return list
  }

  async #object(start: number, end: number): Promise<Record<string, unknown>> {
    const object: Record<string, unknown> = {}
    const put = (key: string, value: unknown) => {
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      else object[key] = value
    }
    for (const chunk of this.#chunks(start, end)) {
      if (chunk.long === null) {
        const part = parseExactJson(`{${this.#text.slice(chunk.start, chunk.end)}}`) as Record<string, unknown>
        for (const key of Object.keys(part)) put(key, part[key])
      } else {
        const nameEnd = endOfString(this.#text, this.#skipSpace(chunk.start)) + 1
        const name = parseExactJson(this.#text.slice(chunk.start, nameEnd)) as unknown
        const colon = this.#skipSpace(nameEnd)
        if (typeof name !== 'string' || this.#text[colon] !== ':') throw new SyntaxError('a member has no name')
        put(name, await this.#value({ start: colon + 1, end: chunk.end }))
      }
      if (this.#work.isDue) await this.#work.turn()
    }
    return object
  }

  /** Members of an object or list, short ones together; `long` is the value of a member that is long itself. */
  *#chunks(start: number, end: number): Generator<Span & { long: Span | null }> {
    let open: Span | null = null
    for (const member of this.#members(start, end)) {
      if (member.long !== null) {
        if (open !== null) yield { ...open, long: null }
        open = null
        yield { start: member.start, end: member.end, long: { start: member.long, end: member.end } }
      } else if (open === null) open = { start: member.start, end: member.end }
      else open.end = member.end
      if (open !== null && open.end - open.start >= CHUNK_CHARS) {
        yield { ...open, long: null }
        open = null
      }
    }
    if (open !== null) yield { ...open, long: null }
  }

  /** The members between the brackets at `start` and before `end`; `long` is where a long value of one begins. */
  *#members(start: number, end: number): Generator<Span & { long: number | null }> {
    const text = this.#text
    const last = end - 1
    let depth = 0
    let from = start + 1
    let long: number | null = null
    for (let at = start + 1; at < last; at += 1) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) at = this.#endOfString(at)
      else if (char === OPEN_OBJECT || char === OPEN_LIST) {
        const closes = this.#long.get(at)
        if (closes === undefined) depth += 1
        else {
          if (depth === 0) long = at
          at = closes
        }
      } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) depth -= 1
      else if (char === COMMA && depth === 0) {
        if (this.#skipSpace(from) >= at) throw new SyntaxError('a member is missing')
        yield { start: from, end: at, long }
        from = at + 1
        long = null
      }
    }
    if (this.#skipSpace(from) < last) yield { start: from, end: last, long }
    else if (from > start + 1) throw new SyntaxError('a member is missing')
  }

  async #findLong(): Promise<void> {
    const text = this.#text
    const open: number[] = []
    let lookAt = CHUNK_CHARS
    let values = 1
    for (let at = 0; at < text.length; at += 1) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) at = this.#endOfString(at)
      else if (char === COMMA) values += 1
      else if (char === OPEN_OBJECT || char === OPEN_LIST) {
        values += 1
        open.push(at)
        if (open.length > JSON_DEPTH_MAX) throw tooMuch(TOO_DEEP)
      } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
        const start = open.pop()
        // A closing bracket comes two after the one that opens it, in ASCII.
        if (start === undefined || text.charCodeAt(start) + 2 !== char)
          throw new SyntaxError('a bracket closes nothing')
        if (at - start > CHUNK_CHARS) this.#long.set(start, at)
      }
      if (at >= lookAt) {
        lookAt = at + CHUNK_CHARS
        if (values > this.#valuesMax) break
        if (this.#work.isDue) await this.#work.turn()
      }
    }
    if (values > this.#valuesMax) throw tooMuch(tooMany(this.#valuesMax))
    if (open.length > 0) throw new SyntaxError('a bracket is not closed')
  }

  #endOfString(start: number): number {
    const end = endOfString(this.#text, start)
    if (end < 0) throw new SyntaxError('a string is not closed')
    return end
  }

  #trimmed({ start, end }: Span): Span {
    let last = end
    while (last > start && isSpace(this.#text.charCodeAt(last - 1))) last -= 1
    return { start: this.#skipSpace(start), end: last }
  }

  #skipSpace(from: number): number {
    let at = from
    while (isSpace(this.#text.charCodeAt(at))) at += 1
    return at
  }
}

const QUOTE = 34
const COMMA = 44
const OPEN_LIST = 91
const CLOSE_LIST = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9
}
