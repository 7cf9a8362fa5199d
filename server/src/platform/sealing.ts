import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  type Decipheriv,
  hkdfSync,
} from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { LongWork } from './long-work.ts'
import { blockOfRandomBytes } from './random-bytes.ts'

/** Keeps secrets unreadable at rest. */
export interface Sealing {
  seal(plain: string): string
  open(sealed: string): string
  /** The same for what may be large; others get their turn between the parts of it. */
  sealBytes(plain: Uint8Array): Promise<Uint8Array>
  /** Gives bytes that were never sealed as they are. */
  openBytes(sealed: Uint8Array): Promise<Uint8Array>
  /** The same for the same text, and nothing to find out the text by without the key; another one with a new key. */
  fingerprint(text: string): string
  /** Drops what was opened and is kept in memory. */
  forget(): void
}

export interface SealingKey {
  id: string
  /** 32 bytes */
  key: Buffer
}

/** Secrets that are opened again and again (one for every message that is signed) are opened once. */
const OPENED_MAX = 5000
const OPENED_CHARS_MAX = 2048

/** All of it: a shorter tag would be easier to forge. */
const TAG_BYTES = 16
const NONCE_BYTES = 12

/** How sealed bytes begin, before the id of their key: as no archive does. */
const SEALED_BYTES = 'permea.v1.'
const STEP_BYTES = 256 * 1024

async function inSteps(cipher: Cipheriv | Decipheriv, bytes: Uint8Array): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  const work = new LongWork()
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    parts.push(cipher.update(bytes.subarray(at, at + STEP_BYTES)))
    if (work.isDue) await work.turn()
  }
  return [...parts, cipher.final()]
}

/**
 * Seals with AES-256-GCM under the first key and opens with whichever key the text names, so that
 * keys can be rotated: put the new one first, keep the old one until everything is re-sealed.
 * Sealed text is `v1.<key id>.<nonce>.<tag>.<ciphertext>`, the last three in base64url.
 *
 * @source NIST SP 800-38D
 */
export function createSealing(keys: readonly SealingKey[]): Sealing {
  const current = keys[0]
  if (current === undefined) throw new Error('at least one encryption key is needed')
  // As objects of the crypto library once: of bytes it would make one with every call, which costs as much as the rest.
  const byId = new Map(keys.map((each) => [each.id, createSecretKey(each.key)]))
  const currentKey = createSecretKey(current.key)
  const fingerprintKey = derivedKey(current, 'fingerprints')
  const opened = new LRUCache<string, string>({ max: OPENED_MAX })
  return {
    forget: () => opened.clear(),
    fingerprint: (text) => createHmac('sha256', fingerprintKey).update(text, 'utf8').digest('hex'),
    async sealBytes(plain) {
      const nonce = blockOfRandomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', currentKey, nonce)
      const parts = await inSteps(cipher, plain)
      return Buffer.concat([Buffer.from(`${SEALED_BYTES}${current.id}.`), nonce, ...parts, cipher.getAuthTag()])
    },
    async openBytes(given) {
      const sealed = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
      if (!sealed.subarray(0, SEALED_BYTES.length).equals(Buffer.from(SEALED_BYTES))) return sealed
      const [, , id = ''] = sealed.subarray(0, 64).toString('latin1').split('.')
      const key = byId.get(id)
      if (key === undefined) throw new Error(`no encryption key ${JSON.stringify(id)} to open a secret with`)
      const begin = SEALED_BYTES.length + id.length + 1
      const body = sealed.subarray(begin + NONCE_BYTES, -TAG_BYTES)
      const nonce = sealed.subarray(begin, begin + NONCE_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      return Buffer.concat(await inSteps(decipher, body))
    },
    seal(plain) {
      const nonce = blockOfRandomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', currentKey, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return ['v1', current.id, nonce, cipher.getAuthTag(), body]
        .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
        .join('.')
    },
    open(sealed) {
      const known = opened.get(sealed)
      if (known !== undefined) return known
      const [version, id = '', nonce = '', tag = '', body = ''] = sealed.split('.')
      const key = byId.get(id)
      if (version !== 'v1' || key === undefined)
        throw new Error(`no encryption key ${JSON.stringify(id)} to open a secret with`)
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAuthTag(Buffer.from(tag, 'base64url'))
      const plain = Buffer.concat([decipher.update(Buffer.from(body, 'base64url')), decipher.final()]).toString('utf8')
      if (sealed.length <= OPENED_CHARS_MAX) opened.set(sealed, plain)
      return plain
    },
  }
}

/** Makes a key of any text the operator gives; the id is the start of its hash, so it need not be named. */
export function sealingKey(text: string): SealingKey {
  const key = createHash('sha256').update(text, 'utf8').digest()
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key }
}

/**
 * A key for something other than sealing, so that no two uses share one.
 *
 * @source RFC 5869
 */
export function derivedKey({ key }: SealingKey, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', purpose, 32))
}
