import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

/** The password of the console, kept as a hash. */
export interface Password {
  matches(given: string): Promise<boolean>
}

interface Hashed {
  /** KiB */
  memory: number
  passes: number
  parallelism: number
  nonce: Buffer
  tag: Buffer
}

/** @source OWASP Password Storage Cheat Sheet: argon2id with 46 MiB, one pass, one lane */
const COST = { memory: 47_104, passes: 1, parallelism: 1 }
const NONCE_BYTES = 16
const TAG_BYTES = 32
/** Longer passwords are refused unread, so that nobody has us hash megabytes. */
const PASSWORD_CHARS_MAX = 1000

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/**
 * Takes the password as it is, or its argon2id hash in PHC form (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`), so that an
 * operator need not keep the password itself anywhere. Only the hash stays in memory.
 *
 * @source RFC 9106; the PHC string format
 */
export async function createPassword(configured: string): Promise<Password> {
  const hashed = parsePhc(configured) ?? (await hashOf(configured))
  return {
    async matches(given) {
      if (given.length > PASSWORD_CHARS_MAX) return false
      return timingSafeEqual(await digest(given, hashed, hashed.tag.length), hashed.tag)
    },
  }
}

/** The argon2id hash of a password in PHC form: what is kept of it. */
export async function hashPassword(password: string): Promise<string> {
  const { memory, passes, parallelism, nonce, tag } = await hashOf(password)
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`
}

/** Whether a text begins as a PHC string but is not one that can be used. */
export function isBrokenPhc(text: string): boolean {
  return text.startsWith('$') && parsePhc(text) === null
}

function parsePhc(text: string): Hashed | null {
  const match = PHC.exec(text)
  if (match === null) return null
  const [, memory, passes, parallelism, nonce = '', tag = ''] = match
  const hashed = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(nonce, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
  const isUsable =
    hashed.parallelism >= 1 && hashed.passes >= 1 && hashed.memory >= 8 * hashed.parallelism && hashed.nonce.length >= 8
  return isUsable && hashed.tag.length >= 16 ? hashed : null
}

async function hashOf(password: string): Promise<Hashed> {
  const hashed = { ...COST, nonce: randomBytes(NONCE_BYTES), tag: Buffer.alloc(0) }
  return { ...hashed, tag: await digest(password, hashed, TAG_BYTES) }
}

/** Each takes 46 MiB and a thread of the few that files and names are looked up by: the others wait. */
const AT_ONCE_MAX = 2
let atWork = 0
const waiting: (() => void)[] = []

async function digest(message: string, by: Omit<Hashed, 'tag'>, tagLength: number): Promise<Buffer> {
  if (atWork >= AT_ONCE_MAX) await new Promise<void>((resolve) => waiting.push(resolve))
  else atWork += 1
  try {
    return await digestNow(message, by, tagLength)
  } finally {
    // The place is handed on.
    const next = waiting.shift()
    if (next === undefined) atWork -= 1
    else next()
  }
}

function digestNow(message: string, by: Omit<Hashed, 'tag'>, tagLength: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message, nonce: by.nonce, memory: by.memory, passes: by.passes, parallelism: by.parallelism, tagLength },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    )
  })
}
