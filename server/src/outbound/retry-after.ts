/**
 * Milliseconds that a `Retry-After` header asks for; null where it says nothing usable.
 *
 * @source RFC 9110 section 10.2.3: seconds or an HTTP date
 */
export function retryAfterMs(header: string | string[] | undefined, now: Date): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (text === undefined || text === '') return null
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const at = Date.parse(text)
  return Number.isNaN(at) || /^-?\d+$/.test(text) ? null : Math.max(0, at - now.getTime())
}
