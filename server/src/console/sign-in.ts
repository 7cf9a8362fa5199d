import { createHash } from 'node:crypto'
import * as jose from 'jose'
import type { Actor } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import { secretUuid } from '../platform/ids.ts'
import type { Password } from '../platform/password.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Tokens } from '../workspaces/tokens.ts'
import type { Workspace } from '../workspaces/workspace.ts'
import { HOLDER } from './sign-in-records.ts'

/** What a person shows to be let in: exactly one of them. */
export interface Proof {
  code?: string | undefined
  password?: string | undefined
  token?: string | undefined
}

/** Whom a proof lets in, and for how long at most. */
export interface Admission {
  workspace: Workspace
  lifeSeconds: number
  actor: Actor
  /** Let in by what only the operator of the installation has. */
  isOperator: boolean
}

export interface SignIn {
  /** The workspace that links and the password open; called once it is known. */
  serve(workspaceKey: string): void
  /** A code that lets in once, within an hour. */
  oneTimeCode(): string
  readonly hasPassword: boolean
  /** Refuses with `not_authenticated`, in the same words whatever was wrong with a code or password. */
  admit(proof: Proof): Promise<Admission>
}

const SESSION_SECONDS = 7 * 86_400
/** A session that a token opened does not outlive the token, nor this. */
const TOKEN_SESSION_SECONDS = 12 * 3600
const CODE_LIFE_MS = 3_600_000
const CODES_MAX = 100

export function createSignIn(options: {
  password: Promise<Password> | null
  tokens: Tokens
  directory: WorkspaceDirectory
  clock: Clock
}): SignIn {
  const { clock, directory } = options
  /** Hashes of codes that were not used yet, with the moment they end. */
  const codes = new Map<string, number>()
  let workspaceKey: string | null = null

  async function ownWorkspace(): Promise<Workspace> {
    const workspace = workspaceKey === null ? null : await directory.byKey(workspaceKey)
    if (workspace === null) throw new Refusal('not_authenticated', 'there is no workspace to sign in to yet')
    return workspace
  }

  function isGoodCode(code: string): boolean {
    const hash = hashOf(code)
    const endsAtMs = codes.get(hash)
    codes.delete(hash)
    return endsAtMs !== undefined && endsAtMs > clock.now().getTime()
  }

  async function admitByToken(token: string): Promise<Admission> {
    const principal = await options.tokens.authenticate(`Bearer ${token.trim()}`)
    if (!principal.isAdmin || principal.customerId !== null)
      throw new Refusal('not_authenticated', 'this is the token of a customer; the console needs an admin token')
    const { exp } = jose.decodeJwt(token.trim())
    const leftSeconds = exp === undefined ? TOKEN_SESSION_SECONDS : exp - Math.floor(clock.now().getTime() / 1000)
    return {
      workspace: await directory.byId(principal.workspaceId),
      lifeSeconds: Math.max(1, Math.min(leftSeconds, TOKEN_SESSION_SECONDS)),
      actor: principal.actor,
      isOperator: false,
    }
  }

  async function asOperator(): Promise<Admission> {
    return { workspace: await ownWorkspace(), lifeSeconds: SESSION_SECONDS, actor: HOLDER, isOperator: true }
  }

  return {
    serve(key) {
      workspaceKey = key
    },
    oneTimeCode() {
      if (codes.size >= CODES_MAX) codes.delete(codes.keys().next().value ?? '')
      const code = `${secretUuid()}${secretUuid()}`.replaceAll('-', '')
      codes.set(hashOf(code), clock.now().getTime() + CODE_LIFE_MS)
      return code
    },
    hasPassword: options.password !== null,
    async admit({ code, password, token }) {
      if (token !== undefined) return admitByToken(token)
      if (code !== undefined) {
        if (!isGoodCode(code))
          throw new Refusal('not_authenticated', 'this link was used already or is too old; each lets in once')
        return asOperator()
      }
      const isRight = password !== undefined && (await (await options.password)?.matches(password)) === true
      if (!isRight) throw new Refusal('not_authenticated', 'the password is not right')
      return asOperator()
    },
  }
}

/** A code is looked up by its hash, so that comparing takes no longer the more of it is right. */
function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64')
}
