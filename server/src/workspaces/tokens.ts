import { createHash } from 'node:crypto'
import * as jose from 'jose'
import { LRUCache } from 'lru-cache'
import type { Actor, Principal } from '../api/principal.ts'
import { asRefusal, Refusal } from '../api/refusal.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Workspace } from './workspace.ts'

/** Verified tokens are remembered this long: what changes about a customer or workspace is seen at once by other means. */
const KEEP_MS = 60_000
const REMEMBERED_MAX = 20_000
/** Keys and people's roles are withdrawn in a hurry: so long they are good where the notice of it is lost. */
const KEEP_HOLDERS_MS = 5000
/** A verified header is remembered as it is, which is quicker than hashing it; a very long one by its hash. */
const SLOT_CHARS_MAX = 2048

/** How long a key set is used; how soon it is asked for again for a key that it lacks; and after a failed fetch. */
const KEEP_KEYS_MS = 600_000
const REFRESH_KEYS_MS = 30_000
const FAILED_KEYS_MS = 10_000

/** The longest id of a customer that a token may name, as in the API. */
const INTERNAL_ID_CHARS_MAX = 500

/** Names the engine's own key in the header of a token. */
const OWN_KEY_ID = 'permea-engine'
/** In tokens of the engine's own: the session of the console that they are for. */
export const SESSION_CLAIM = 'permeaSession'
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512']
const KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** What a customer's token says of the customer. */
export interface CustomerClaims {
  internalId: string
  name: string | undefined
  fields: Record<string, unknown> | undefined
}

/** Whom an API key speaks for. */
export interface KeyHolder {
  workspaceId: string
  actor: Actor
  expiresAtMs: number
}

export interface TokensOptions {
  directory: Pick<WorkspaceDirectory, 'byId' | 'byKey'>
  clock: Clock
  /** Finds or creates the customer and refreshes its name and fields; refuses if it is archived. Gives its database id. */
  ensureCustomer(workspaceId: string, claims: CustomerClaims): Promise<string>
  /** Fetches a JWKS document through the guarded client. */
  fetchJson(url: string): Promise<unknown>
  /** Whom an API key speaks for; null where the text is none that is good. */
  keyHolder?(text: string): Promise<KeyHolder | null>
  /** Whose session of the console it is, and as what that person may look at the workspace; null where it is over. */
  sessionHolder?(sessionId: string, workspaceId: string): Promise<Actor | null>
  /** The engine's own keys for tokens, never shown to anybody; the first signs, all verify. */
  ownKeys: readonly Uint8Array[]
}

export interface Tokens {
  /** Whom the `Authorization` header speaks for. Refuses with `not_authenticated`. */
  authenticate(authorization: string | undefined): Promise<Principal>
  /** Makes a token signed with the workspace secret. */
  sign(
    workspace: Pick<Workspace, 'key' | 'secret'>,
    claims: Record<string, unknown>,
    lifeSeconds: number,
  ): Promise<string>
  /** Makes a token signed with the engine's own key: good also where the workspace takes none signed with its secret. */
  signOwn(workspace: Pick<Workspace, 'key'>, claims: Record<string, unknown>, lifeSeconds: number): Promise<string>
  /** Forgets every verified token: after a secret or a customer changed. */
  forget(): void
}

/**
 * Reads tokens of both styles: `iss`/`id` and `workspaceKey`/`tenantKey`; signed with the workspace secret or
 * with a key that the workspace configured. The algorithm decides which keys may verify it, so a public key
 * can never stand in for the secret.
 *
 * @source RFC 7519, RFC 8725 section 3.1
 */
export function createTokens(options: TokensOptions): Tokens {
  let remembered = newMemory()
  const verify = createVerifier(options)

  function unsigned(
    workspace: Pick<Workspace, 'key'>,
    claims: Record<string, unknown>,
    lifeSeconds: number,
  ): jose.SignJWT {
    const nowSeconds = Math.floor(options.clock.now().getTime() / 1000)
    return new jose.SignJWT(claims)
      .setIssuer(workspace.key)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + lifeSeconds)
  }

  /** Whoever has a key that is none, or a session that is over, is told so in the words of any bad token. */
  async function holderOf(
    workspaceId: string,
    actor: Actor,
    expiresAtMs: number,
  ): Promise<{ principal: Principal; expiresAtMs: number; keepMs: number }> {
    const workspace = await options.directory.byId(workspaceId)
    if (workspace.archivedAt !== null) throw new Refusal('not_authenticated', 'the workspace is archived')
    const isAdmin = actor.role !== null
    const { key: workspaceKey, isMain: isOfMain } = workspace
    const principal = { workspaceId, workspaceKey, isOfMain, isAdmin, customerId: null, actor }
    return { principal, expiresAtMs, keepMs: KEEP_HOLDERS_MS }
  }

  async function principalOf(token: string): Promise<{ principal: Principal; expiresAtMs: number; keepMs: number }> {
    const key = (await options.keyHolder?.(token)) ?? null
    if (key !== null) return holderOf(key.workspaceId, key.actor, key.expiresAtMs)
    let verified: Awaited<ReturnType<typeof verify>>
    try {
      verified = await verify(token)
    } catch (error) {
      // That the workspace cannot be read now says nothing of the token.
      if (isDatabaseAway(error) || error instanceof Refusal) throw error
      throw new Refusal('not_authenticated', `the token was refused: ${reasonOf(error)}`)
    }
    const { workspace, payload } = verified
    const expiresAtMs = payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000
    const sessionId = verified.isOwn === true ? textOf(payload[SESSION_CLAIM]) : null
    if (sessionId !== null) {
      const person = (await options.sessionHolder?.(sessionId, workspace.id)) ?? null
      if (person === null) throw new Refusal('not_authenticated', 'the token was refused: its session is over')
      return holderOf(workspace.id, person, expiresAtMs)
    }
    const tenantKey = textOf(payload.tenantKey) ?? textOf(payload.id) ?? textOf(payload.sub)
    if (tenantKey !== null && (tenantKey.length > INTERNAL_ID_CHARS_MAX || !isStorable(tenantKey)))
      throw new Refusal('not_authenticated', 'the token was refused: the id of the customer is too long or no text')
    const customerId =
      tenantKey === null
        ? null
        : await options.ensureCustomer(workspace.id, claimsOf(tenantKey, payload)).catch((error: unknown) => {
            throw asRefusal(error)
          })
    const isAdmin = isTruthyClaim(payload.isAdmin)
    const principal = {
      workspaceId: workspace.id,
      workspaceKey: workspace.key,
      isOfMain: workspace.isMain,
      isAdmin,
      customerId,
      actor: actorOf({ isAdmin, customerId, name: textOf(payload.name) ?? tenantKey }),
    }
    return { principal, expiresAtMs, keepMs: KEEP_MS }
  }

  return {
    async authenticate(authorization) {
      const header = authorization ?? ''
      const slot = header.length <= SLOT_CHARS_MAX ? header : createHash('sha256').update(header).digest('base64')
      const nowMs = options.clock.now().getTime()
      const known = remembered.get(slot)
      if (known !== undefined && known.expiresAtMs > nowMs && known.untilMs > performance.now()) return known.principal
      const token = /^Bearer\s+(\S+)\s*$/i.exec(header)?.[1]
      if (token === undefined) throw new Refusal('not_authenticated', 'a token is needed: Authorization: Bearer …')
      const into = remembered
      const { principal, expiresAtMs, keepMs } = await principalOf(token)
      into.set(slot, { principal, expiresAtMs, untilMs: performance.now() + keepMs })
      return principal
    },
    sign(workspace, claims, lifeSeconds) {
      const key = new TextEncoder().encode(workspace.secret)
      return unsigned(workspace, claims, lifeSeconds).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key)
    },
    signOwn(workspace, claims, lifeSeconds) {
      const [key] = options.ownKeys
      if (key === undefined) throw new Error('there is no key of the engine’s own to sign with')
      const header = { alg: 'HS256', typ: 'JWT', kid: OWN_KEY_ID }
      return unsigned(workspace, claims, lifeSeconds).setProtectedHeader(header).sign(key)
    },
    forget() {
      remembered = newMemory()
    },
  }
}

/** Verifies a token with what its workspace takes, or with the engine’s own keys. */
function createVerifier(options: TokensOptions) {
  const verifyWithKeys = createKeyVerifier(options.fetchJson)

  return async function verify(
    token: string,
  ): Promise<{ workspace: Workspace; payload: jose.JWTPayload; isOwn?: boolean }> {
    const header = jose.decodeProtectedHeader(token)
    const claimed = jose.decodeJwt(token)
    const workspaceKey = textOf(claimed.workspaceKey) ?? textOf(claimed.iss)
    if (workspaceKey === null) throw new Error('it names no workspace (`iss` or `workspaceKey`)')
    const workspace = await options.directory.byKey(workspaceKey)
    if (workspace === null || workspace.archivedAt !== null) throw new Error('it is for an unknown workspace')
    const alg = header.alg ?? 'none'
    const checks = { currentDate: options.clock.now() }
    if (header.kid === OWN_KEY_ID)
      return { workspace, payload: await verifyWithOwn(token, options.ownKeys, checks), isOwn: true }
    if (SECRET_ALGORITHMS.includes(alg)) {
      if (workspace.settings.disableSecretKeyAuth === true)
        throw new Error('the workspace does not take tokens signed with its secret')
      const key = new TextEncoder().encode(workspace.secret)
      return {
        workspace,
        payload: (await jose.jwtVerify(token, key, { ...checks, algorithms: SECRET_ALGORITHMS })).payload,
      }
    }
    if (!KEY_ALGORITHMS.includes(alg)) throw new Error('its algorithm is not accepted')
    return {
      workspace,
      payload: await verifyWithKeys(token, workspace, alg, { ...checks, algorithms: KEY_ALGORITHMS }),
    }
  }
}

async function verifyWithOwn(
  token: string,
  keys: readonly Uint8Array[],
  checks: jose.JWTVerifyOptions,
): Promise<jose.JWTPayload> {
  for (const key of keys) {
    try {
      return (await jose.jwtVerify(token, key, { ...checks, algorithms: ['HS256'] })).payload
    } catch (error) {
      if (!(error instanceof jose.errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new jose.errors.JWSSignatureVerificationFailed()
}

type VerifyWithKeys = (
  token: string,
  workspace: Workspace,
  alg: string,
  checks: jose.JWTVerifyOptions,
) => Promise<jose.JWTPayload>

/** Verifies with the keys that a workspace configured: its public keys, then its key set. */
function createKeyVerifier(fetchJson: TokensOptions['fetchJson']): VerifyWithKeys {
  type KeySet = ReturnType<typeof jose.createLocalJWKSet>
  // A fetch that failed is remembered, too: forged tokens must not make one request each.
  const keySets = new LRUCache<string, { keys: Promise<KeySet>; isFailed: boolean; atMs: number }>({ max: 1000 })

  async function keySetOf(uri: string, isRefresh: boolean): Promise<KeySet> {
    const known = keySets.get(uri)
    const ageMs = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.atMs
    const keptMs = known?.isFailed === true ? FAILED_KEYS_MS : isRefresh ? REFRESH_KEYS_MS : KEEP_KEYS_MS
    if (known !== undefined && ageMs < keptMs) return known.keys
    const keys = fetchJson(uri).then((set) => jose.createLocalJWKSet(set as jose.JSONWebKeySet))
    const entry = { keys, isFailed: false, atMs: performance.now() }
    keySets.set(uri, entry)
    keys.catch(() => {
      entry.isFailed = true
      entry.atMs = performance.now()
    })
    return keys
  }

  return async function verifyWithKeys(
    token: string,
    workspace: Workspace,
    alg: string,
    checks: jose.JWTVerifyOptions,
  ): Promise<jose.JWTPayload> {
    for (const { publicKey } of workspace.publicKeys) {
      try {
        return (await jose.jwtVerify(token, await jose.importSPKI(publicKey, alg), checks)).payload
      } catch (error) {
        if (error instanceof jose.errors.JWTExpired || error instanceof jose.errors.JWTClaimValidationFailed)
          throw error
      }
    }
    if (workspace.jwksUri === null) throw new Error('no configured key verifies it')
    const uri = workspace.jwksUri
    try {
      return await verifyWithSet(token, await keySetOf(uri, false), checks)
    } catch (error) {
      // A key that was added since: asked for again, but not more often than every 30 s.
      if (!(error instanceof jose.errors.JWKSNoMatchingKey)) throw error
      return await verifyWithSet(token, await keySetOf(uri, true), checks)
    }
  }
}

/** A token that does not name its key is tried with each that fits, as while keys are rotated. */
async function verifyWithSet(
  token: string,
  keys: ReturnType<typeof jose.createLocalJWKSet>,
  checks: jose.JWTVerifyOptions,
): Promise<jose.JWTPayload> {
  try {
    return (await jose.jwtVerify(token, keys, checks)).payload
  } catch (several) {
    if (!(several instanceof jose.errors.JWKSMultipleMatchingKeys)) throw several
    for await (const key of several) {
      try {
        return (await jose.jwtVerify(token, key, checks)).payload
      } catch (error) {
        if (!(error instanceof jose.errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw new jose.errors.JWSSignatureVerificationFailed()
  }
}

function newMemory(): LRUCache<string, { principal: Principal; expiresAtMs: number; untilMs: number }> {
  return boundedCache(REMEMBERED_MAX)
}

/** Who has the workspace's secret may everything; a customer has no role. */
function actorOf({
  isAdmin,
  customerId,
  name,
}: {
  isAdmin: boolean
  customerId: string | null
  name: string | null
}): Actor {
  if (isAdmin || customerId === null)
    return { kind: 'workspace-secret', id: null, name: null, role: isAdmin ? 'owner' : null }
  return { kind: 'customer', id: customerId, name, role: null }
}

function claimsOf(internalId: string, payload: jose.JWTPayload): CustomerClaims {
  const fields = payload.fields
  return {
    internalId,
    name: textOf(payload.name) ?? undefined,
    fields:
      typeof fields === 'object' && fields !== null && !Array.isArray(fields)
        ? (fields as Record<string, unknown>)
        : undefined,
  }
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function textOf(claim: unknown): string | null {
  if (typeof claim === 'number') return String(claim)
  return typeof claim === 'string' && claim !== '' ? claim : null
}

/** Any value that is not empty makes an admin; the words "false" and "0" count as empty. */
function isTruthyClaim(claim: unknown): boolean {
  return (
    claim === true ||
    (typeof claim === 'number' && claim !== 0) ||
    (typeof claim === 'string' && !['', 'false', '0'].includes(claim))
  )
}

/** What can be said of a refused token without saying anything of keys. */
function reasonOf(error: unknown): string {
  if (error instanceof jose.errors.JWTExpired) return 'it is expired'
  if (error instanceof jose.errors.JWTClaimValidationFailed) return `its claim "${error.claim}" is not valid`
  if (error instanceof jose.errors.JWSSignatureVerificationFailed) return 'its signature does not fit'
  if (error instanceof jose.errors.JOSEError) return 'it is not a valid JWT of an accepted kind'
  return error instanceof TypeError ? 'it is not a valid JWT' : (error as Error).message
}
