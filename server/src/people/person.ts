import { createHash, randomBytes } from 'node:crypto'
import type { Role } from '@permea/contract'

/** Somebody with an account of this installation. */
export interface User {
  id: string
  email: string
  name: string
  passwordHash: string | null
  ssoIssuer: string | null
  ssoSubject: string | null
  totpSealed: string | null
  totpPendingSealed: string | null
  totpStep: number | null
  recoveryHashes: string[]
  createdAt: Date
}

/** A user as one of a workspace. */
export interface Member extends User {
  role: Role
  joinedAt: Date
  seenAt: Date | null
}

export interface UserSession {
  id: string
  userId: string
  workspaceId: string
  isPending: boolean
  isSso: boolean
  tries: number
  address: string
  browser: string
  createdAt: Date
  seenAt: Date
  expiresAt: Date
}

export interface OpenInvitation {
  id: string
  kind: 'invitation' | 'password'
  workspaceId: string
  email: string
  role: Role | null
  invitedBy: string
  createdAt: Date
  expiresAt: Date
}

const SECRET_BYTES = 32

/** What only its holder knows, of 256 bits, and what is kept of it: nobody guesses it, so a quick hash will do. */
export function drawSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return { secret, hash: hashOfSecret(secret) }
}

export function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
