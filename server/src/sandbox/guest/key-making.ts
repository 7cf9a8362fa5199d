import { toText } from './intrinsics.ts'
import { createSecretKey, generateKeyPairSync, type KeyObject } from './keys.ts'
import { later } from './signing.ts'
import { getRandomValues } from './subtle.ts'

type PairCallback = (error: Error | null, publicKey?: unknown, privateKey?: unknown) => void

export function generateKeyPair(type: string, options: unknown, callback?: PairCallback): void {
  const tell = (typeof options === 'function' ? options : callback) as PairCallback
  const given = typeof options === 'function' ? {} : (options as Record<string, unknown>)
  later(
    () => generateKeyPairSync(type, given),
    (error, made) => (error === null ? tell(null, made?.publicKey, made?.privateKey) : tell(error)),
  )
}

/** A secret: of `hmac` so many bits, of `aes` 128, 192 or 256. */
export function generateKeySync(type: string, { length }: { length: number }): KeyObject {
  const most = type === 'hmac' ? SECRET_BITS_MAX : 256
  if (type !== 'hmac' && !(type === 'aes' && [128, 192, 256].includes(length)))
    throw new TypeError(`there is no key of the type ${toText(type)} with ${toText(length)} bits`)
  if (!(length >= 8 && length <= most)) throw new RangeError(`a secret has from 8 to ${most} bits here`)
  return createSecretKey(getRandomValues(new Uint8Array(Math.floor(length / 8))))
}

const SECRET_BITS_MAX = 65_536

export function generateKey(
  type: string,
  options: { length: number },
  callback: (error: Error | null, key?: KeyObject) => void,
): void {
  later(() => generateKeySync(type, options), callback)
}
