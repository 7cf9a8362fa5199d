/** A file to which rows are added. */
export interface GrowingFile {
  add(items: readonly unknown[]): void
  blob(): Blob
}

/** A list of all rows. */
export function jsonFile(): GrowingFile {
  const parts: string[] = []
  return {
    add(items) {
      for (const item of items) parts.push(`${parts.length === 0 ? '\n' : ',\n'}${JSON.stringify(item)}`)
    },
    blob: () => new Blob(['[', ...parts, '\n]\n'], { type: 'application/json' }),
  }
}

/** What the first rows do not have becomes a column when a row has it; the rows before are empty there. */
export function csvFile(): GrowingFile {
  const columns = new Set<string>()
  const pages: { lines: string[]; width: number }[] = []
  return {
    add(items) {
      const flat = items.map(flattened)
      for (const each of flat) for (const name of Object.keys(each)) columns.add(name)
      const lines = flat.map((each) => [...columns].map((column) => csvCell(each[column])).join(','))
      pages.push({ lines, width: columns.size })
    },
    blob() {
      const parts = columns.size === 0 ? [] : [`${[...columns].map(csvCell).join(',')}\r\n`]
      for (const { lines, width } of pages) {
        const missing = `${','.repeat(columns.size - width)}\r\n`
        for (const line of lines) parts.push(line + missing)
      }
      return new Blob(parts, { type: 'text/csv;charset=utf-8' })
    },
  }
}

/** Objects one level down become columns of their own; what is deeper stays JSON. */
function flattened(item: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item as object).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value as object).map(([inner, each]) => [`${name}.${inner}`, each])
        : [[name, value]],
    ),
  )
}

/**
 * A cell as RFC 4180 wants it. A text that a spreadsheet would take for a formula gets an apostrophe in front.
 * @source RFC 4180; OWASP on CSV injection
 */
function csvCell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
