/** Digits and points in a row, from which on a number may be one that a double does not hold. */
const LONG_BYTES = 16

/** An exponent of three digits or more, in a number. */
const RARE = /[eE][-+]?\d{3}(?<=(?:^|[[:,\s])-?[\d.]{1,17}[eE][-+]?\d{3})/

/**
 * Whether JSON may have a number that a double does not hold, `-0` apart: it is a double in functions. Looked for here,
 * since the guest's engine takes longer for that than for parsing.
 */
export function isSuspect(json: Uint8Array): boolean {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength)
  for (let at = LONG_BYTES - 1; at < bytes.length; at += LONG_BYTES) {
    if (!isDigit(bytes[at])) continue
    let start = at
    while (isDigit(bytes[start - 1])) start -= 1
    let end = at + 1
    while (isDigit(bytes[end])) end += 1
    if (end - start < LONG_BYTES || !isBeforeNumber(bytes[start - 1])) continue
    const number = bytes.toString('latin1', start, end)
    // What JavaScript wrote comes back as it was written: coordinates and averages, most of the time.
    if (isExponent(bytes[end]) || String(Number(number)) !== number) return true
  }
  return RARE.test(bytes.toString('latin1'))
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 48 && byte <= 57) || byte === 46)
}

const isExponent = (byte: number | undefined) => byte === 69 || byte === 101

/** A minus counts: who looks for it in a text that is no number loses time only. */
const BEFORE_NUMBER: ReadonlySet<number | undefined> = new Set([
  undefined,
  ...[...'[:, \n\r\t-'].map((char) => char.charCodeAt(0)),
])

const isBeforeNumber = (byte: number | undefined) => BEFORE_NUMBER.has(byte)
