/** A moment as a field of a form has it: `2026-11-29T21:00`. */
export function fieldOf(moment: string, isUtc: boolean): string {
  const date = new Date(moment)
  if (Number.isNaN(date.getTime())) return ''
  const shifted = new Date(date.getTime() - (isUtc ? 0 : date.getTimezoneOffset() * 60_000))
  return shifted.toISOString().slice(0, 16)
}
