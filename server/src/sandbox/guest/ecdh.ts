import { type Buffer, inEncoding, needBytes, wrap } from './buffer.ts'
import { perform } from './host-crypto.ts'
import { toText } from './intrinsics.ts'

const NONE = new Uint8Array(0)

/** `ECDH` of node:crypto: points in all three forms that they are written in. */
export class ECDH {
  readonly #curve: string
  #privateKey: Uint8Array = NONE
  #publicKey: Uint8Array = NONE

  constructor(curve: unknown) {
    if (typeof curve !== 'string') throw new TypeError('The "curve" argument must be of type string.')
    perform('ecdh', { curve, do: 'check' })
    this.#curve = curve
  }

  static convertKey(
    key: unknown,
    curve: unknown,
    encoding?: unknown,
    outputEncoding?: unknown,
    format?: unknown,
  ): Buffer | string {
    const spec = { curve: toText(curve), do: 'convert', format: format ?? 'uncompressed' }
    return inEncoding(perform('ecdh', spec, needBytes(key, encoding, 'key')), outputEncoding)
  }

  generateKeys(encoding?: unknown, format?: unknown): Buffer | string {
    this.#privateKey = perform('ecdh', { curve: this.#curve, do: 'generate' })
    this.#publicKey = NONE
    return this.getPublicKey(encoding, format)
  }

  computeSecret(otherPublicKey: unknown, encoding?: unknown, outputEncoding?: unknown): Buffer | string {
    const other = needBytes(otherPublicKey, encoding, 'otherPublicKey')
    return inEncoding(perform('ecdh', { curve: this.#curve, do: 'compute' }, this.#privateKey, other), outputEncoding)
  }

  getPrivateKey(encoding?: unknown): Buffer | string {
    const spec = { curve: this.#curve, do: 'private' }
    return inEncoding(perform('ecdh', spec, this.#privateKey), encoding)
  }

  getPublicKey(encoding?: unknown, format?: unknown): Buffer | string {
    const spec = { curve: this.#curve, do: 'public', format: format ?? 'uncompressed' }
    return inEncoding(perform('ecdh', spec, this.#privateKey, this.#publicKey), encoding)
  }

  setPrivateKey(key: unknown, encoding?: unknown): void {
    const bytes = wrap(needBytes(key, encoding, 'privateKey')).slice()
    perform('ecdh', { curve: this.#curve, do: 'private' }, bytes)
    this.#privateKey = bytes
    this.#publicKey = NONE
  }

  setPublicKey(key: unknown, encoding?: unknown): void {
    const bytes = needBytes(key, encoding, 'publicKey')
    this.#publicKey = perform('ecdh', { curve: this.#curve, do: 'convert', format: 'uncompressed' }, bytes)
  }
}

export function createECDH(curve: unknown): ECDH {
  return new ECDH(curve)
}

export function getCurves(): string[] {
  return JSON.parse(wrap(perform('names', { of: 'curves' })).toString())
}
