import * as jose from 'jose'
import type { Clock } from '../platform/clock.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { Workspace } from '../workspaces/workspace.ts'

/** Who is signed in to the console. */
export interface Session {
  workspace: Workspace
  /** Opened by what only the operator of the installation has: it may go on in any workspace. */
  isOperator: boolean
  expiresAt: Date
}

export interface Sessions {
  /** The text of the cookie that stands for a new session. */
  open(workspace: Workspace, lifeSeconds: number, isOperator: boolean): Promise<string>
  /** The session of a cookie; null where it is missing, forged, expired, or ended by signing out everywhere. */
  read(cookie: string | undefined): Promise<Session | null>
}

/** The setting of a workspace that ends every session opened up to then: a moment in ISO 8601. */
export const SESSIONS_END_SETTING = 'consoleSessionsEndedAt'

const AUDIENCE = 'permea-console'
const MS = 1000

/**
 * Sessions without a table: the cookie is signed, and says which workspace and since when. Signing out everywhere
 * moves a moment in the settings of the workspace, which every process sees at once.
 *
 * @param keys the first signs, all verify, as with sealed values
 */
export function createSessions(options: {
  keys: readonly Uint8Array[]
  directory: WorkspaceDirectory
  clock: Clock
}): Sessions {
  const [signingKey] = options.keys
  if (signingKey === undefined) throw new Error('at least one key is needed')

  async function verified(cookie: string): Promise<jose.JWTPayload | null> {
    for (const key of options.keys) {
      try {
        const checks = { audience: AUDIENCE, algorithms: ['HS256'], currentDate: options.clock.now() }
        return (await jose.jwtVerify(cookie, key, checks)).payload
      } catch (error) {
        if (!(error instanceof jose.errors.JOSEError)) throw error
      }
    }
    return null
  }

  return {
    open(workspace, lifeSeconds, isOperator) {
      const now = options.clock.now()
      return new jose.SignJWT({ workspaceKey: workspace.key, isOperator, openedAtMs: now.getTime() })
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience(AUDIENCE)
        .setExpirationTime(Math.floor(now.getTime() / MS) + lifeSeconds)
        .sign(signingKey)
    },
    async read(cookie) {
      if (cookie === undefined || cookie === '') return null
      const payload = await verified(cookie)
      if (payload === null || payload.exp === undefined) return null
      const workspace = await options.directory.byKey(String(payload.workspaceKey))
      if (workspace === null || workspace.archivedAt !== null) return null
      if (Number(payload.openedAtMs) <= endedAtMs(workspace)) return null
      return { workspace, isOperator: payload.isOperator === true, expiresAt: new Date(payload.exp * MS) }
    },
  }
}

function endedAtMs(workspace: Workspace): number {
  const endedAt = workspace.settings[SESSIONS_END_SETTING]
  const ms = typeof endedAt === 'string' ? Date.parse(endedAt) : Number.NaN
  return Number.isNaN(ms) ? Number.NEGATIVE_INFINITY : ms
}
