import { type Permission, ROLE_PERMISSIONS, type Role, SENDER_PERMISSIONS } from '@permea/contract'
import type { Principal } from './principal.ts'
import { Refusal } from './refusal.ts'

/**
 * Whether a principal may do what needs a permission. A customer's token is held to what is its own by every endpoint
 * itself, and to nothing here; nor is a token of the workspace that names nobody, which sees nothing.
 */
export function may({ actor, isAdmin, isOfMain }: Principal, needs: Permission): boolean {
  if (needs === 'installation') return isAdmin && isOfMain === true && actor.role === 'owner' && actor.kind !== 'engine'
  if (needs === 'none' || actor.kind === 'customer' || actor.kind === 'engine') return true
  if (actor.kind === 'workspace-secret') return true
  if (actor.role === null) return SENDER_PERMISSIONS.includes(needs)
  return isAdmin && ROLE_PERMISSIONS[actor.role].includes(needs)
}

/** Says whose token it is, and that it may do what needs the permission; else refuses. */
export type Authenticate = (authorization: string | undefined, needs: Permission) => Promise<Principal>

/** Holds whoever a token speaks for to its role. */
export function allowing(tokens: {
  authenticate(authorization: string | undefined): Promise<Principal>
}): Authenticate {
  return async (authorization, needs) => {
    const principal = await tokens.authenticate(authorization)
    allow(principal, needs)
    return principal
  }
}

/** Refuses with `access_denied` what the role does not allow: the one place where roles are held to. */
export function allow(principal: Principal, needs: Permission): void {
  if (may(principal, needs)) return
  const { role } = principal.actor
  const who = role === null ? 'this API key' : `the role ${role}`
  const others = needs === 'installation' ? ['an owner of the main workspace'] : rolesThatMay(needs)
  throw new Refusal('access_denied', `${who} may not do this: it needs ${others.join(' or ')}`)
}

/** A text to be looked for in payloads: who may not see them may not ask what is in them either. */
export function payloadSearch(principal: Principal, text: string | undefined): string | null {
  if (text === undefined || text === '') return null
  allow(principal, 'payloads')
  return text
}

function rolesThatMay(needs: Permission): Role[] {
  return (Object.keys(ROLE_PERMISSIONS) as Role[]).filter((role) => ROLE_PERMISSIONS[role].includes(needs))
}
