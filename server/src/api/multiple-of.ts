/**
 * Whether a number is a multiple of another as they are written: 19.99 is one of 0.01, though the doubles that stand for
 * them do not divide.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  // What is too large for a double came as infinity.
  if (!Number.isFinite(value)) return false
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0
  const [one, other] = [decimalOf(value), decimalOf(divisor)]
  const places = Math.max(one.places, other.places)
  return scaled(one, places) % scaled(other, places) === 0n
}

/** Digits without the point, and how many of them are behind it. */
interface Decimal {
  digits: bigint
  places: number
}

function decimalOf(number: number): Decimal {
  const [mantissa = '0', exponent = '0'] = String(number).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), places: fraction.length - Number(exponent) }
}

const scaled = ({ digits, places }: Decimal, to: number) => digits * 10n ** BigInt(to - places)
