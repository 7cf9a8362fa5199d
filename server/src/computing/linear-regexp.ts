import { RE2JS } from 're2js'

/**
 * A regular expression that is matched in time linear in the subject: no subject makes it backtrack. Patterns that such
 * matching cannot do (what looks ahead or behind, or back at a group) are left to JavaScript's own engine; so this is
 * for processes that can be killed. In the mode of many lines only \n ends a line.
 *
 * @source docs/decisions/0020-computing-apart.md
 */
export class LinearRegExp {
  readonly source: string
  readonly flags: string
  lastIndex = 0
  readonly #linear: RE2JS | null
  readonly #own: RegExp

  /** Throws a `SyntaxError` where JavaScript would. */
  constructor(pattern: string | RegExp, flags = typeof pattern === 'string' ? '' : pattern.flags) {
    const source = typeof pattern === 'string' ? pattern : pattern.source
    this.source = source
    this.flags = flags
    this.#own = ownRegExp(source, flags)
    this.#linear = linearOf(source, flags)
  }

  /** Ajv tells patterns apart by it. */
  toString(): string {
    return `/${this.source}/${this.flags}`
  }

  /** Whether it is matched in linear time. */
  get isLinear(): boolean {
    return this.#linear !== null
  }

  test(subject: string): boolean {
    if (this.#linear === null) return this.exec(subject) !== null
    return this.#linear.matcher(subject).find()
  }

  exec(subject: string): RegExpExecArray | null {
    const isGlobal = this.flags.includes('g')
    const from = isGlobal ? this.lastIndex : 0
    if (this.#linear === null) {
      this.#own.lastIndex = from
      const match = this.#own.exec(subject)
      this.lastIndex = this.#own.lastIndex
      return match
    }
    const matcher = this.#linear.matcher(subject)
    if (from > subject.length || !matcher.find(from)) {
      this.lastIndex = 0
      return null
    }
    if (isGlobal) this.lastIndex = matcher.end()
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined)
    return Object.assign(groups, { index: matcher.start(), input: subject }) as unknown as RegExpExecArray
  }
}

/** Escapes that only the Unicode mode refuses are taken as what they escape. */
function ownRegExp(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch (error) {
    if (!flags.includes('u')) throw error
    return new RegExp(source, flags.replace('u', ''))
  }
}

function linearOf(source: string, flags: string): RE2JS | null {
  const translated = translate(source)
  if (translated === null || /[yv]/.test(flags)) return null
  let options = 0
  if (flags.includes('i')) options |= RE2JS.CASE_INSENSITIVE
  if (flags.includes('m')) options |= RE2JS.MULTILINE
  if (flags.includes('s')) options |= RE2JS.DOTALL
  try {
    return RE2JS.compile(flags.includes('s') ? translated.replaceAll(ANY, '(?s:.)') : translated, options)
  } catch {
    return null
  }
}

/** What JavaScript counts as space, and as the end of a line, in a class of RE2. */
const SPACE =
  '\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}'
const ANY = '[^\\n\\r\\x{2028}\\x{2029}]'

/** The pattern in RE2's words; null where it has none for it. */
function translate(source: string): string | null {
  let out = ''
  let isInClass = false
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? ''
    if (char === '\\') {
      const escaped = escapeAt(source, at, isInClass)
      if (escaped === null) return null
      out += escaped.text
      at = escaped.end - 1
    } else if (isInClass) {
      if (char === ']') isInClass = false
      // RE2 has names within brackets for classes.
      out += char === '[' ? '\\[' : char
    } else if (char === '[') {
      if (source[at + 1] === ']' || source.startsWith('[^]', at)) return null
      isInClass = true
      out += char
      if (source[at + 1] === '^') {
        out += '^'
        at += 1
      }
    } else if (char === '(' && source[at + 1] === '?') {
      if (!/^\(\?(?::|<[A-Za-z_]\w*>)/.test(source.slice(at, at + 60))) return null
      out += char
    } else out += char === '.' ? ANY : char
  }
  return out
}

function escapeAt(source: string, at: number, isInClass: boolean): { text: string; end: number } | null {
  const next = source[at + 1] ?? ''
  const end = at + 2
  if (next === 's') return { text: isInClass ? SPACE : `[${SPACE}]`, end }
  if (next === 'S') return isInClass ? null : { text: `[^${SPACE}]`, end }
  if (next === 'u' || next === 'x') {
    const digits = new RegExp(next === 'u' ? /^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{4}))/i : /^()([0-9a-f]{2})/i).exec(
      source.slice(end, end + 10),
    )
    if (digits === null) return null
    const code = Number.parseInt(digits[1] || digits[2] || '', 16)
    if (code >= 0xd800 && code <= 0xdfff) return null
    return { text: `\\x{${code.toString(16)}}`, end: end + digits[0].length }
  }
  if (next === 'b' && isInClass) return { text: '\\x08', end }
  if (next === '0' && !/\d/.test(source[end] ?? '')) return { text: '\\x00', end }
  if (/[dDwWbBntrfvpP]/.test(next)) return { text: `\\${next}`, end }
  // A sign stands for itself; digits look back at groups, other letters mean something else in each engine.
  return /[A-Za-z0-9]/.test(next) || next === '' ? null : { text: `\\${next}`, end }
}
