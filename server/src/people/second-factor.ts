import { createHash, randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import type { Sealing } from '../platform/sealing.ts'
import type { User } from './person.ts'

const STEP_SECONDS = 30
/** A clock that is a step off, either way, is a clock of a phone. @source RFC 6238 section 5.2 */
const WINDOW = 1
const SECRET_BYTES = 20
const RECOVERY_CODES = 10
/** Of 32 letters and digits each: 80 bits, so a quick hash will do. */
const RECOVERY_CHARS = 16
/** Without those that are mistaken for others. @source Crockford's base 32 */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new secret, and the address that apps read from a picture. */
export function drawTotp(email: string): { secret: string; uri: string } {
  const secret = new Secret({ buffer: new Uint8Array(randomBytes(SECRET_BYTES)).buffer })
  return { secret: secret.base32, uri: totpOf(secret.base32, email).toString() }
}

/**
 * The step that a code is of; null where it is wrong, or of a step that a code was taken of before, so that a code that
 * somebody looked at over a shoulder is no use.
 *
 * @source RFC 6238 section 5.2
 */
export function stepOfCode(given: string, of: { secret: string; lastStep: number | null; now: Date }): number | null {
  const code = given.replaceAll(/\s/g, '')
  if (!/^\d{6}$/.test(code)) return null
  const timestamp = of.now.getTime()
  const delta = totpOf(of.secret, '').validate({ token: code, timestamp, window: WINDOW })
  if (delta === null) return null
  const step = Math.floor(timestamp / 1000 / STEP_SECONDS) + delta
  return of.lastStep !== null && step <= of.lastStep ? null : step
}

/** The user as it is once a code, or a recovery code, was taken; null where it is not good. */
export function afterCode(user: User, given: string, by: { sealing: Sealing; now: Date }): User | null {
  if (user.totpSealed === null) return null
  const secret = by.sealing.open(user.totpSealed)
  const step = stepOfCode(given, { secret, lastStep: user.totpStep, now: by.now })
  if (step !== null) return { ...user, totpStep: step }
  const hash = hashOfRecoveryCode(given)
  if (!user.recoveryHashes.includes(hash)) return null
  return { ...user, recoveryHashes: user.recoveryHashes.filter((each) => each !== hash) }
}

export function drawRecoveryCodes(): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: RECOVERY_CODES }, () => {
    const letters = Array.from(randomBytes(RECOVERY_CHARS), (byte) => LETTERS[byte % LETTERS.length] ?? '')
    return letters.join('').replaceAll(/(.{4})(?=.)/g, '$1-')
  })
  return { codes, hashes: codes.map(hashOfRecoveryCode) }
}

function hashOfRecoveryCode(code: string): string {
  const bare = code.toUpperCase().replaceAll(/[^0-9A-Z]/g, '')
  return createHash('sha256').update(`recovery ${bare}`).digest('base64')
}

function totpOf(secret: string, label: string): TOTP {
  return new TOTP({ issuer: 'Permea', label, algorithm: 'SHA1', digits: 6, period: STEP_SECONDS, secret })
}
