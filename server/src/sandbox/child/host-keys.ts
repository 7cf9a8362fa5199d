import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** A key as it was written, in one of the forms that Node reads. */
export interface WrittenKey {
  kind: 'public' | 'private'
  format: 'pem' | 'der' | 'jwk'
  type?: 'spki' | 'pkcs1' | 'pkcs8' | 'sec1' | undefined
  passphraseBase64?: string | undefined
  /** The text of a PEM or JWK, or DER. */
  bytes: Uint8Array
}

/** An operation with a longer key would take a good part of the time that a function has. */
const RSA_BITS_MAX = 8192

/** The key, whatever it is written in. A public key may be given as its certificate or as the private key. */
export function keyOf({ kind, format, type, passphraseBase64, bytes }: WrittenKey): KeyObject {
  const key = Buffer.from(bytes)
  const passphrase = passphraseBase64 === undefined ? {} : { passphrase: Buffer.from(passphraseBase64, 'base64') }
  if (format === 'jwk') {
    const jwk = { key: JSON.parse(key.toString()), format: 'jwk' as const }
    return bounded(kind === 'private' ? createPrivateKey(jwk) : createPublicKey(jwk))
  }
  const written =
    format === 'pem' ? { key: key.toString(), format } : { key, format, ...(type === undefined ? {} : { type }) }
  const made =
    kind === 'private'
      ? createPrivateKey({ ...written, ...passphrase } as Parameters<typeof createPrivateKey>[0])
      : createPublicKey({ ...written, ...passphrase } as Parameters<typeof createPublicKey>[0])
  return bounded(made)
}

function bounded(key: KeyObject): KeyObject {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits > RSA_BITS_MAX) throw new RangeError(`a key of ${bits} bits is longer than ${RSA_BITS_MAX}`)
  return key
}

/** What the guest keeps of a key. Its DER is what every operation is given again: nothing is kept here. */
export function describedKey(key: KeyObject) {
  const der =
    key.type === 'private' ? key.export({ type: 'pkcs8', format: 'der' }) : key.export({ type: 'spki', format: 'der' })
  const { publicExponent, ...details } = key.asymmetricKeyDetails ?? {}
  return {
    type: key.type,
    asymmetricKeyType: key.asymmetricKeyType,
    asymmetricKeyDetails:
      publicExponent === undefined ? details : { ...details, publicExponent: String(publicExponent) },
    derBase64: der.toString('base64'),
  }
}

/** `KeyObject.export` of Node: a text for PEM, bytes for DER, JSON for JWK. */
export function exportedKey(spec: Record<string, unknown>, der: Uint8Array): Uint8Array {
  const kind = spec.kind === 'private' ? ('private' as const) : ('public' as const)
  const key = keyOf({ kind, format: 'der', type: kind === 'private' ? 'pkcs8' : 'spki', bytes: der })
  if (spec.format === 'jwk') return Buffer.from(JSON.stringify(key.export({ format: 'jwk' })))
  const { type, format, cipher, passphrase } = spec
  const asked = { type, format, ...(cipher === undefined ? {} : { cipher, passphrase }) }
  return Buffer.from(key.export(asked as unknown as { format: 'der'; type: 'spki' }))
}
