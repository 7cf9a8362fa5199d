import { stripTypeScriptTypes } from 'node:module'
import type { Refused } from '../messages.ts'

/**
 * A source as it can be run: types replaced by spaces, so that lines and columns stay. Plain JavaScript comes back as
 * it is. Refused where it is neither, with the place.
 */
export function withoutTypes(source: string): { kind: 'stripped'; code: string } | Refused {
  try {
    return { kind: 'stripped', code: stripTypeScriptTypes(source) }
  } catch (thrown) {
    const { message, stack } = thrown as Error
    return { kind: 'refused', message: `SyntaxError: ${message.slice(0, 1000)}`, ...placeInSnippet(stack ?? '') }
  }
}

/** Node puts the line's number, the line and a mark under the place before the message. */
function placeInSnippet(stack: string): { line: number | null; column: number | null } {
  const found = /^[^\n]*:(\d+)\n[^\n]*\n( *)\^/.exec(stack)
  if (found === null) return { line: null, column: null }
  return { line: Number(found[1]), column: (found[2] ?? '').length + 1 }
}

/** The first place in a stack of the guest that is in its own file. */
export function placeIn(stack: string, fileName: string): { line: number | null; column: number | null } {
  const start = stack.indexOf(`${fileName}:`)
  const found = start < 0 ? null : /^(\d+):(\d+)/.exec(stack.slice(start + fileName.length + 1))
  if (found === null) return { line: null, column: null }
  return { line: Number(found[1]), column: Number(found[2]) }
}
