import { Role } from '@permea/contract'
import * as oidc from 'openid-client'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Entrance, Opened, Visitor } from './entrance.ts'
import type { User } from './person.ts'
import {
  insertUser,
  invitationsFor,
  lockOwners,
  membershipsOf,
  putMembership,
  takeInvitation,
  updateUser,
  userByEmail,
  userById,
  userBySubject,
} from './store.ts'

/** What the operator says of the provider. */
export interface SingleSignOnOptions {
  issuer: string
  clientId: string
  clientSecret: string
  /** What the button says. */
  name: string
  /** Ends of addresses that may come in; empty: any that the provider confirms, who was invited or has a role by claim. */
  domains: readonly string[]
  /** Of who comes for the first time without an invitation; null: such people are refused. */
  defaultRole: Role | null
  /** Which claim says what somebody is, and as what; its roles are given anew at each sign-in. */
  roleClaim: string | null
  roles: Readonly<Record<string, Role>>
}

export interface SingleSignOn {
  readonly name: string
  /** Where to send the browser, and what to keep in it meanwhile, sealed. */
  begin(): Promise<{ url: string; kept: string }>
  /** @param search the query that the provider sent the browser back with */
  finish(kept: string | undefined, search: string, workspaceId: string, visitor: Visitor): Promise<Opened>
  /** Where the browser signs out of the provider too; null where that is not known. */
  signOutUrl(): Promise<string | null>
}

/** What came of it that a person has to know: `reason` stands in the address of the sign-in page. */
export class SignOnProblem extends Error {
  readonly reason: 'unavailable' | 'refused' | 'over' | 'no-role' | 'domain' | 'unconfirmed'

  constructor(reason: SignOnProblem['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

class ProviderAway extends Error {}

const KEPT_MS = 600_000
const TIMEOUT_MS = 10_000
const ANSWER_BYTES_MAX = 1024 * 1024
const ROLE_ORDER = Role.options

interface Parts extends SingleSignOnOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  outbound: Outbound
  publicUrl: string
  entrance: Entrance
  announceChange(): Promise<void>
}

/**
 * OpenID Connect: the code flow with PKCE, state and nonce. Whom the provider names is known by its subject, and the first
 * time by a confirmed e-mail address. Requests to the provider go out as all others do, under the same address policy.
 *
 * @source OpenID Connect Core 1.0 section 3.1; RFC 7636; RFC 9700
 */
export function createSingleSignOn(options: Parts): SingleSignOn {
  const { database, clock, sealing } = options
  const redirectUri = `${options.publicUrl}/console/session/sso/callback`
  let discovered: Promise<oidc.Configuration> | null = null

  /** Asked for once; a provider that was away is asked again. */
  function provider(): Promise<oidc.Configuration> {
    discovered ??= discover(options).catch((error: Error) => {
      discovered = null
      throw new SignOnProblem('unavailable', `the provider of single sign-on cannot be asked: ${error.message}`)
    })
    return discovered
  }

  return {
    name: options.name,
    async begin() {
      const configuration = await provider()
      const verifier = oidc.randomPKCECodeVerifier()
      const state = oidc.randomState()
      const nonce = oidc.randomNonce()
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      })
      const kept = JSON.stringify({ verifier, state, nonce, atMs: clock.now().getTime() })
      return { url: url.href, kept: sealing.seal(kept) }
    },
    async finish(kept, search, workspaceId, visitor) {
      const { verifier, state, nonce } = openKept(kept, { sealing, clock })
      const configuration = await provider()
      const claims = await oidc
        .authorizationCodeGrant(configuration, new URL(`${redirectUri}${search}`), {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        })
        .then(async (tokens) => {
          const said = tokens.claims()
          if (said === undefined) throw new Error('no ID token')
          // Some providers tell the address only when asked for it.
          const isToldAll = [said.email, options.roleClaim === null ? true : said[options.roleClaim]].every(
            (each) => each !== undefined,
          )
          if (isToldAll) return said
          return { ...said, ...(await oidc.fetchUserInfo(configuration, tokens.access_token, said.sub)) }
        })
        .catch((error: Error) => {
          const isAway = error instanceof ProviderAway || error.cause instanceof ProviderAway
          throw new SignOnProblem(isAway ? 'unavailable' : 'refused', `single sign-on failed: ${error.message}`)
        })
      const opened = await database.transaction(async (tx) => {
        const user = await userOf(tx, options, claims)
        await settleRoles(tx, options, { user, claimed: roleOf(options, claims), workspaceId })
        const memberships = await membershipsOf(tx, user.id)
        const [first] = memberships
        if (first === undefined) throw new SignOnProblem('no-role', 'nobody gave this person a role here')
        const isHere = memberships.some((each) => each.workspaceId === workspaceId)
        return options.entrance.open(
          tx,
          user,
          { isSso: true, workspaceId: isHere ? workspaceId : first.workspaceId },
          visitor,
        )
      })
      await options.announceChange()
      return opened
    },
    async signOutUrl() {
      const configuration = await provider().catch(() => null)
      if (configuration?.serverMetadata().end_session_endpoint === undefined) return null
      return oidc.buildEndSessionUrl(configuration, {
        client_id: options.clientId,
        post_logout_redirect_uri: `${options.publicUrl}/console/sign-in`,
      }).href
    },
  }
}

/** Roles that the provider gives; null where it says nothing of any. */
function roleOf(options: SingleSignOnOptions, claims: Record<string, unknown>): Role | null {
  if (options.roleClaim === null) return null
  const said = [claims[options.roleClaim]].flat().map(String)
  const given = said.flatMap((each) => options.roles[each] ?? [])
  return ROLE_ORDER.find((role) => given.includes(role)) ?? null
}

function emailOf(options: SingleSignOnOptions, claims: Record<string, unknown>): string {
  const email = typeof claims.email === 'string' ? claims.email.trim().toLowerCase() : ''
  if (email === '') throw new SignOnProblem('unconfirmed', 'the provider tells no e-mail address')
  // Providers of one company's own say nothing of it; whoever says that it is not confirmed is believed.
  if (claims.email_verified === false || (claims.email_verified === undefined && options.domains.length === 0))
    throw new SignOnProblem('unconfirmed', 'the provider has not confirmed the e-mail address')
  const domain = email.slice(email.lastIndexOf('@') + 1)
  if (options.domains.length > 0 && !options.domains.includes(domain))
    throw new SignOnProblem('domain', `addresses at ${domain} may not sign in here`)
  return email
}

async function userOf(tx: Tx, options: Parts, claims: Record<string, unknown> & { sub: string }): Promise<User> {
  const { clock, ids } = options
  const { issuer } = options
  const email = emailOf(options, claims)
  const known = await userBySubject(tx, issuer, claims.sub)
  if (known !== null) return known
  const byEmail = await userByEmail(tx, email)
  if (byEmail !== null) {
    if (byEmail.ssoSubject !== null) throw new SignOnProblem('refused', 'this address belongs to another person there')
    const linked = { ...byEmail, ssoIssuer: issuer, ssoSubject: claims.sub }
    await updateUser(tx, linked, clock.now())
    return linked
  }
  const id = ids.next()
  const name = typeof claims.name === 'string' && claims.name.trim() !== '' ? claims.name.trim().slice(0, 200) : email
  const createdAt = clock.now()
  await insertUser(tx, { id, email, name, passwordHash: null, ssoIssuer: issuer, ssoSubject: claims.sub, createdAt })
  const made = await userById(tx, id)
  if (made === null) throw new Error('a user that was just added is not there')
  return made
}

/** What somebody may comes from the claim, else it stays; else from invitations; else it is the default. */
async function settleRoles(
  tx: Tx,
  { clock, defaultRole }: Parts,
  { user, claimed, workspaceId }: { user: User; claimed: Role | null; workspaceId: string },
): Promise<void> {
  const now = clock.now()
  const before = await membershipsOf(tx, user.id)
  for (const { id, workspaceId: to, role } of await invitationsFor(tx, user.email, now)) {
    if (role === null || !(await takeInvitation(tx, to, id)) || before.some((each) => each.workspaceId === to)) continue
    await putMembership(tx, { workspaceId: to, userId: user.id, role, now })
  }
  const here = (await membershipsOf(tx, user.id)).find((each) => each.workspaceId === workspaceId)
  const role = claimed ?? here?.role ?? (before.length === 0 && here === undefined ? defaultRole : null)
  if (role === null || role === here?.role) return
  const owners = await lockOwners(tx, workspaceId)
  const isLastOwner = owners.length === 1 && owners[0] === user.id
  if (!isLastOwner) await putMembership(tx, { workspaceId, userId: user.id, role, now })
}

async function discover(options: SingleSignOnOptions & { outbound: Outbound }): Promise<oidc.Configuration> {
  const issuer = new URL(options.issuer)
  const configuration = await oidc.discovery(issuer, options.clientId, options.clientSecret, undefined, {
    [oidc.customFetch]: (url, init) => fetchBy(options.outbound, url, init),
    timeout: TIMEOUT_MS / 1000,
    // Only where the operator wrote it so.
    execute: issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
  })
  oidc.enableNonRepudiationChecks(configuration)
  return configuration
}

/** A request of the library as one of the engine's own: one way out, one address policy. */
async function fetchBy(outbound: Outbound, url: string, init: oidc.CustomFetchOptions): Promise<Response> {
  const body = init.body === undefined || init.body === null ? undefined : Buffer.from(String(init.body))
  const outcome = await outbound.send({
    url,
    method: init.method,
    headers: init.headers,
    ...(body === undefined ? {} : { body }),
    timeoutMs: TIMEOUT_MS,
    responseBytesMax: ANSWER_BYTES_MAX,
  })
  if (outcome.kind !== 'answered') throw new ProviderAway(`${new URL(url).host} was not reached: ${outcome.kind}`)
  const headers = Object.entries(outcome.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  )
  const isEmpty = outcome.status === 204 || outcome.status === 304
  return new Response(isEmpty ? null : new Uint8Array(outcome.body), { status: outcome.status, headers })
}

function openKept(
  kept: string | undefined,
  { sealing, clock }: { sealing: Sealing; clock: Clock },
): { verifier: string; state: string; nonce: string } {
  const over = new SignOnProblem('over', 'signing in took too long, or began in another browser')
  if (kept === undefined) throw over
  try {
    const opened = JSON.parse(sealing.open(kept)) as { verifier: string; state: string; nonce: string; atMs: number }
    if (Math.abs(clock.now().getTime() - opened.atMs) > KEPT_MS) throw over
    return opened
  } catch {
    throw over
  }
}
