import type { Actor } from '../api/principal.ts'
import type { Room } from '../api/room.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Mailer } from '../outbound/mail.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { accountRoutes } from './account-routes.ts'
import { createEntrance, type Entrance } from './entrance.ts'
import { invitationRoutes, peopleRoutes } from './routes.ts'
import { createSingleSignOn, type SingleSignOn, type SingleSignOnOptions } from './single-sign-on.ts'
import { holderOfSession, putMembership } from './store.ts'

export interface PeopleOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  outbound: Outbound
  directory: WorkspaceDirectory
  /** Null where the operator set no mail server. */
  mailer: Mailer | null
  publicUrl: string
  /** Null where the operator set none. */
  singleSignOn: SingleSignOnOptions | null
  /** Tells every process to ask anew who people are and what they may. */
  announceChange(): Promise<void>
}

export interface People {
  entrance: Entrance
  singleSignOn: SingleSignOn | null
}

/** Users of the console. */
export function createPeopleRoom(options: PeopleOptions): Room<People> {
  const entrance = createEntrance(options)
  const singleSignOn =
    options.singleSignOn === null ? null : createSingleSignOn({ ...options, ...options.singleSignOn, entrance })
  return {
    api: { entrance, singleSignOn },
    routes: [peopleRoutes(options), invitationRoutes(options), accountRoutes(options)],
  }
}

/** Whoever makes a workspace with an account is its first owner. */
export async function joinAsOwner(
  tx: Tx,
  { workspace, by }: { workspace: { id: string }; by: Actor },
  now: Date,
): Promise<void> {
  if (by.kind !== 'user' || by.id === null) return
  await putMembership(tx, { workspaceId: workspace.id, userId: by.id, role: 'owner', now })
}

/** Says who a session of the console is of, for tokens made for it. */
export function sessionHolders({ database, clock }: { database: Database; clock: Clock }) {
  return async function sessionHolder(sessionId: string, workspaceId: string): Promise<Actor | null> {
    const holder = await holderOfSession(database.db, { sessionId, workspaceId, now: clock.now() })
    if (holder === null) return null
    return { kind: 'user', id: holder.userId, name: holder.name, role: holder.role, sessionId }
  }
}
