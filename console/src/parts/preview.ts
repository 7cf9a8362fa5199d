const PREVIEW_CHARS = 160

/** The beginning of a value, on one line. */
export function previewOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.slice(0, PREVIEW_CHARS)
}
