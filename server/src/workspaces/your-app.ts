import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Tokens } from './tokens.ts'
import type { Workspace } from './workspace.ts'

const LIFE_SECONDS = 3600
/** A signed token is used again until it has this long left. */
const FRESH_SECONDS = 600

/** Whose data a request to your application is about. */
export interface AppUser {
  internalId: string
  name: string
  fields: Record<string, unknown>
}

/** How requests reach the workspace's own application. */
export interface YourApp {
  baseUri(workspaceId: string): Promise<string | null>
  /** Headers that prove to your application who calls and for which customer. */
  headers(workspaceId: string, user: AppUser): Promise<Record<string, string>>
  /** Drops tokens that were signed: they hold what is known of their customers. */
  forget(): void
}

/**
 * Requests to your application carry a JWT signed with the workspace secret, under both of its names.
 *
 * @source the published documentation of "your app" authentication: `X-Membrane-Token`, `X-Integration-App-Token`
 */
export function createYourApp(options: { directory: WorkspaceDirectory; tokens: Tokens; clock: Clock }): YourApp {
  // What reads users hands out one object for many runs: with it in hand nothing needs to be looked up by value.
  const latest = new WeakMap<AppUser, { workspace: Workspace; headers: Record<string, string>; untilMs: number }>()
  const signed = boundedCache<{ token: string; untilMs: number }>(10_000)
  return {
    forget: () => signed.clear(),
    async baseUri(workspaceId) {
      return (await options.directory.byId(workspaceId)).appBaseUri
    },
    async headers(workspaceId, user) {
      const workspace = await options.directory.byId(workspaceId)
      const nowMs = options.clock.now().getTime()
      const last = latest.get(user)
      if (last !== undefined && last.workspace === workspace && last.untilMs > nowMs) return last.headers
      const slot = JSON.stringify([workspace.id, workspace.secret, user])
      let known = signed.get(slot)
      if (known === undefined || known.untilMs <= nowMs) {
        const claims = { id: user.internalId, sub: user.internalId, name: user.name, fields: user.fields }
        known = {
          token: await options.tokens.sign(workspace, claims, LIFE_SECONDS),
          untilMs: nowMs + (LIFE_SECONDS - FRESH_SECONDS) * 1000,
        }
        signed.set(slot, known)
      }
      const headers = { 'x-membrane-token': known.token, 'x-integration-app-token': known.token }
      latest.set(user, { workspace, headers, untilMs: known.untilMs })
      return headers
    },
  }
}
