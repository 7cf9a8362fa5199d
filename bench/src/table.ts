interface Goal {
  text: string
  isMet: boolean
}

/** One line of the result. */
export interface Row {
  what: string
  bare?: string
  engine: string
  ratio?: number
  goal?: Goal
}

const HEAD = ['measure', 'bare', 'engine', 'ratio', 'goal', '']

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    row.bare ?? '',
    row.engine,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.goal?.text ?? '',
    row.goal === undefined ? '' : row.goal.isMet ? 'met' : 'short',
  ])
  const widths = HEAD.map((head, column) => Math.max(3, head.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(HEAD), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)].join('\n')
}

/** `1234.5` as `1,235`; small numbers keep one digit after the point. */
export function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })
}

export function atLeast(goal: number, is: number): Goal {
  return { text: `≥ ${goal}`, isMet: is >= goal }
}

export function atMost(goal: number, is: number, unit: string): Goal {
  return { text: `≤ ${goal}${unit}`, isMet: is <= goal }
}
