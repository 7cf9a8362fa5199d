/** The first place in a stack of the guest that is in its own file. */
export function positionIn(stack: string, fileName: string): { line: number | null; column: number | null } {
  const start = stack.indexOf(`${fileName}:`)
  const found = start < 0 ? null : /^(\d+):(\d+)/.exec(stack.slice(start + fileName.length + 1))
  if (found === null) return { line: null, column: null }
  return { line: Number(found[1]), column: Number(found[2]) }
}
