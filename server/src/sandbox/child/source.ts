import { stripTypeScriptTypes } from 'node:module'
import type { Refused } from '../messages.ts'

/**
 * A source as it can be run: types replaced by spaces, so that lines and columns stay. Plain JavaScript comes back as
 * it is. Refused where it is neither, with the place. Node's parser is of no more use in this process after a source
 * that is nested too deeply for it (`isBroken`), which is why sources are never parsed in the engine's own process.
 */
export function withoutTypes(
  source: string,
): { kind: 'stripped'; code: string } | { kind: 'refused'; refused: Refused; isBroken: boolean } {
  try {
    return { kind: 'stripped', code: stripTypeScriptTypes(source) }
  } catch (thrown) {
    const { message, stack, name } = thrown as Error
    if (name !== 'SyntaxError') {
      const refused: Refused = { kind: 'refused', message: 'the source is nested too deeply', line: null, column: null }
      return { kind: 'refused', refused, isBroken: true }
    }
    const place = positionInSnippet(stack ?? '')
    const refused: Refused = { kind: 'refused', message: `SyntaxError: ${message.slice(0, 1000)}`, ...place }
    return { kind: 'refused', refused, isBroken: false }
  }
}

/**
 * Node puts the line's number, the lines up to it and a mark under the place before the message. Where the place is the
 * end of the source there is no mark.
 */
function positionInSnippet(stack: string): { line: number | null; column: number | null } {
  const [first = '', ...rest] = stack.split('\n')
  const number = /:(\d+)$/.exec(first)?.[1]
  if (number === undefined) return { line: null, column: null }
  const snippet = rest.slice(0, rest.indexOf(''))
  const mark = snippet.find((text) => /^ *\^+ *$/.test(text))
  const column = mark === undefined ? (snippet.at(-1) ?? '').length : mark.indexOf('^')
  return { line: Number(number), column: column + 1 }
}
