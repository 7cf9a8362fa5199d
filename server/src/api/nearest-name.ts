/**
 * The name of these that somebody may have meant: one that differs in case or in a letter or two, left out, too many,
 * another, or in the wrong order; `most` says how many letters. Null where none is near.
 *
 * @source optimal string alignment, as in Damerau 1964
 */
export function nearestName(
  written: string,
  names: readonly string[],
  most = written.length < 6 ? 1 : 2,
): string | null {
  if (written.length > LENGTH_MAX) return null
  const low = written.toLowerCase()
  let nearest: { name: string; steps: number } | null = null
  for (const name of names) {
    const steps = stepsBetween(low, name.toLowerCase())
    const isNear = steps === 0 || (steps <= most && Math.min(written.length, name.length) > steps + 1)
    if (isNear && (nearest === null || steps < nearest.steps)) nearest = { name, steps }
  }
  return nearest?.name ?? null
}

const LENGTH_MAX = 60

function stepsBetween(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return Number.POSITIVE_INFINITY
  const width = other.length + 1
  const table = Array.from({ length: (one.length + 1) * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width]
    return row === 0 ? column : column === 0 ? row : 0
  })
  const at = (row: number, column: number) => table[row * width + column] ?? 0
  for (let row = 1; row <= one.length; row += 1)
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1]
      const steps = [at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + (isSame ? 0 : 1)]
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1])
        steps.push(at(row - 2, column - 2) + 1)
      table[row * width + column] = Math.min(...steps)
    }
  return at(one.length, other.length)
}
