/** TypeScript taken apart far enough for rules that read it as text. Every part keeps its place in the file. */
export interface SourceText {
  /** The file with comments and the insides of strings, templates and regular expressions blanked out. */
  code: string
  imports: ImportedFrom[]
  /** Strings and templates; `?` stands for what a template puts in. */
  literals: Literal[]
}

export interface ImportedFrom {
  specifier: string
  isTypeOnly: boolean
  offset: number
}

interface Literal {
  quote: "'" | '"' | '`'
  text: string
  offset: number
}

/**
 * Takes a file apart. Whether a slash begins a regular expression is told from what stands before it, which is right
 * for formatted code; nothing else about the language is known here.
 */
export function sourceText(text: string): SourceText {
  const scan = new Scan(text)
  scan.code(0, null)
  const code = scan.blanked()
  return { code, imports: importsIn(code, text), literals: scan.literals }
}

const IMPORT = /\b(import|export)\b([^'"`;]*?)\bfrom\s*['"]|\bimport\s*['"]|\bimport\(\s*['"]/g

function importsIn(code: string, text: string): ImportedFrom[] {
  return [...code.matchAll(IMPORT)].map((match) => {
    const offset = match.index + match[0].length
    const quote = match[0].at(-1) ?? "'"
    return {
      specifier: text.slice(offset, text.indexOf(quote, offset)),
      isTypeOnly: /^\s*type\b/.test(match[2] ?? ''),
      offset,
    }
  })
}

/** After these a slash divides; after anything else it begins a regular expression. */
const VALUE_END = /[\w$)\]}'"`]$/
const KEYWORD_END = /\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield)$/

class Scan {
  readonly literals: Literal[] = []
  readonly #text: string
  readonly #blanks: [from: number, to: number][] = []

  constructor(text: string) {
    this.#text = text
  }

  /** Reads code until the closing brace of a template's expression, or to the end; gives the offset after it. */
  code(from: number, closing: '}' | null): number {
    let depth = 0
    let offset = from
    while (offset < this.#text.length) {
      const char = this.#text[offset]
      const pair = this.#text.slice(offset, offset + 2)
      if (closing !== null && char === '}' && depth === 0) return offset + 1
      if (char === '{') depth += 1
      if (char === '}') depth -= 1
      if (pair === '//') offset = this.#blankTo(offset, this.#find('\n', offset))
      else if (pair === '/*') offset = this.#blankTo(offset, this.#find('*/', offset + 2) + 2)
      else if (char === "'" || char === '"') offset = this.#string(offset, char)
      else if (char === '`') offset = this.#template(offset)
      else if (char === '/' && this.#beginsPattern(offset)) offset = this.#pattern(offset)
      else offset += 1
    }
    return offset
  }

  blanked(): string {
    let code = ''
    let done = 0
    for (const [from, to] of this.#blanks) {
      code += this.#text.slice(done, from) + this.#text.slice(from, to).replaceAll(/[^\n]/g, ' ')
      done = to
    }
    return code + this.#text.slice(done)
  }

  #blankTo(from: number, to: number): number {
    this.#blanks.push([from, to])
    return to
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from)
    return found === -1 ? this.#text.length : found
  }

  #string(from: number, quote: "'" | '"'): number {
    let end = from + 1
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== '\n')
      end += this.#text[end] === '\\' ? 2 : 1
    this.literals.push({ quote, text: this.#text.slice(from + 1, end), offset: from })
    this.#blankTo(from + 1, end)
    return end + 1
  }

  #template(from: number): number {
    const literal: Literal = { quote: '`', text: '', offset: from }
    this.literals.push(literal)
    let start = from + 1
    let end = start
    while (end < this.#text.length && this.#text[end] !== '`') {
      if (this.#text.startsWith('${', end)) {
        literal.text += `${this.#text.slice(start, end)}?`
        this.#blankTo(start, end)
        start = this.code(end + 2, '}')
        end = start
      } else {
        end += this.#text[end] === '\\' ? 2 : 1
      }
    }
    literal.text += this.#text.slice(start, end)
    this.#blankTo(start, end)
    return end + 1
  }

  #beginsPattern(offset: number): boolean {
    // Of markup: `</a>` and `<a />`.
    if (this.#text[offset - 1] === '<') return false
    if (this.#text[offset + 1] === '>' && /\s/.test(this.#text[offset - 1] ?? '')) return false
    const before = this.#text.slice(Math.max(0, offset - 200), offset).trimEnd()
    return !VALUE_END.test(before) || KEYWORD_END.test(before)
  }

  #pattern(from: number): number {
    let end = from + 1
    let isInClass = false
    while (end < this.#text.length && this.#text[end] !== '\n' && (isInClass || this.#text[end] !== '/')) {
      if (this.#text[end] === '[') isInClass = true
      if (this.#text[end] === ']') isInClass = false
      end += this.#text[end] === '\\' ? 2 : 1
    }
    this.#blankTo(from + 1, end)
    return end + 1
  }
}
