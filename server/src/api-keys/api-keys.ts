import { createHash, randomBytes } from 'node:crypto'
import { Role } from '@permea/contract'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { KeyHolder } from '../workspaces/tokens.ts'
import { apiKeyByHash, noteUse } from './store.ts'

const BEGINNING = 'permea_'
const SECRET_BYTES = 32
/** Of what follows the beginning: enough to tell keys apart, and far from enough to guess the rest. */
const SHOWN_CHARS = 6
const LONGEST = BEGINNING.length + Math.ceil((SECRET_BYTES * 4) / 3)
const NOTE_USE_MS = 60_000

/** A new key, and what is kept of it. */
export function drawApiKey(): { key: string; prefix: string; hash: Buffer } {
  const key = `${BEGINNING}${randomBytes(SECRET_BYTES).toString('base64url')}`
  return { key, prefix: key.slice(0, BEGINNING.length + SHOWN_CHARS), hash: hashOf(key) }
}

/** Says whom an API key speaks for; null where the text is no key that is good. */
export function keyHolders({ database, clock }: { database: Database; clock: Clock }) {
  return async function keyHolder(text: string): Promise<KeyHolder | null> {
    if (!isApiKey(text) || text.length > LONGEST) return null
    // Looked up by its hash: what is compared tells nothing of the key, however long comparing takes.
    const row = await apiKeyByHash(database.db, hashOf(text))
    const now = clock.now()
    if (row === null || (row.expiresAt !== null && row.expiresAt <= now)) return null
    if (row.lastUsedAt === null || now.getTime() - row.lastUsedAt.getTime() > NOTE_USE_MS)
      // For people to look at: where it cannot be noted now, the next use is.
      noteUse(database.db, row.id, now).catch(() => {})
    const role = Role.safeParse(row.scope).data ?? null
    return {
      workspaceId: row.workspaceId,
      actor: { kind: 'api-key', id: row.id, name: row.name, role },
      expiresAtMs: row.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    }
  }
}

/** Told by how it begins; no JWT begins so. */
function isApiKey(text: string): boolean {
  return text.startsWith(BEGINNING)
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
