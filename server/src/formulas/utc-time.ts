/**
 * The date as `YYYY-MM-DD` and the time as `HH:MM:SS`, both in UTC, of anything `Date.parse` reads; null otherwise.
 *
 * A text that names no zone is taken as UTC, whatever the zone of this process.
 *
 * @source observed on the published client, which sets the zone of its process to UTC for the same effect
 */
export function utcDateAndTime(text: string): { date: string; time: string } | null {
  const instant = new Date(parseAsUtc(text))
  if (Number.isNaN(instant.getTime())) return null
  const iso = instant.toISOString()
  return { date: iso.slice(0, 10), time: iso.slice(11, 19) }
}

const UTC_BY_DEFINITION = /^(?:\d{4}|[+-]\d{6})(?:-\d\d){0,2}$/
const ISO_DATE_TIME = /^(?:\d{4}|[+-]\d{6})(?:-\d\d){0,2}T[\d:.]+$/
const NAMES_ZONE = /(?:^|[^a-z])(?:z|ut|utc|gmt|[ecmp][sd]t)(?:[^a-z]|$)|:\d.*[+-]\s*\d/i
const TEXT_CHARS_MAX = 1_000

function parseAsUtc(text: string): number {
  const asWritten = text.length > TEXT_CHARS_MAX ? Number.NaN : Date.parse(text)
  if (Number.isNaN(asWritten) || UTC_BY_DEFINITION.test(text)) return asWritten
  if (ISO_DATE_TIME.test(text)) return Date.parse(`${text}Z`)
  if (NAMES_ZONE.test(text.replace(/\([^)]*\)/g, ''))) return asWritten
  const inUtc = Date.parse(`${text} UTC`)
  return Number.isNaN(inUtc) ? localFieldsAsUtc(new Date(asWritten)) : inUtc
}

/** The instant at which a clock in UTC shows what the local clock shows at the given one. */
function localFieldsAsUtc(local: Date): number {
  const shifted = new Date(0)
  shifted.setUTCFullYear(local.getFullYear(), local.getMonth(), local.getDate())
  return shifted.setUTCHours(local.getHours(), local.getMinutes(), local.getSeconds(), local.getMilliseconds())
}
