/**
 * Milliseconds that a `Retry-After` header asks for; null where it says nothing usable.
 *
 * @source RFC 9110 section 10.2.3: seconds or an HTTP date
 */
export function retryAfterMs(header: string | string[] | undefined, now: Date): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (text === undefined || text === '') return null
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) || /^-?\d+$/.test(text) ? null : Math.max(0, at - now.getTime())
}
