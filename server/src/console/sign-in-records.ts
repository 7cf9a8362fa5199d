import type { FastifyRequest } from 'fastify'
import type { Actor } from '../api/principal.ts'
import { RateLimited, Refusal } from '../api/refusal.ts'
import { type Audit, callOrigin, type Noted } from '../audit/assembly.ts'
import type { User } from '../people/person.ts'
import { membershipsOf, userByEmail, userById } from '../people/store.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'

/** By what somebody proves who they are. */
export type SignInMethod =
  | 'password'
  | 'second-factor'
  | 'invitation'
  | 'password-link'
  | 'link'
  | 'single-sign-on'
  | 'one-time-code'
  | 'admin-password'
  | 'token'

/** Where it is known, whose account is meant: by id, or by an address as it was typed. */
export interface Claimed {
  userId?: string
  email?: string
}

/**
 * Who comes in, who leaves and who is refused, in the audit log. Of a person it is told in every workspace that the person
 * is one of; of whom nobody knows, in the one that the console serves. What was typed as a proof is never written.
 */
export interface SignInRecords {
  /** Of a person. Rejects where it cannot be recorded: then the session must not be handed out. */
  person(request: FastifyRequest, userId: string, method: SignInMethod, isPending: boolean): Promise<void>
  /** Of whoever holds what opens a workspace. */
  holder(request: FastifyRequest, of: { workspaceId: string; actor: Actor; method: SignInMethod }): Promise<void>
  /** Does what lets somebody in, and records that it refused to. */
  watched<T>(request: FastifyRequest, method: SignInMethod, claimed: Claimed, admit: () => Promise<T>): Promise<T>
  refused(request: FastifyRequest, method: SignInMethod, claimed: Claimed, reason?: string): Promise<void>
  personLeaves(request: FastifyRequest, userId: string, where: 'here' | 'everywhere'): Promise<void>
  holderLeaves(request: FastifyRequest, workspaceId: string, where: 'here' | 'everywhere'): Promise<void>
}

/** Whoever holds the workspace’s secret, or what stands for it. */
export const HOLDER: Actor = { kind: 'workspace-secret', id: null, name: null, role: 'owner' }

const SIGN_OUTS = { here: 'console.signOut', everywhere: 'console.signOutEverywhere' } as const

export function createSignInRecords(options: {
  audit: Pick<Audit, 'note'>
  database: Database
  directory: WorkspaceDirectory
  servedKey(): string | null
}): SignInRecords {
  const { audit, database, directory } = options

  /** The same of a person in each of its workspaces, with the role that it has there. */
  async function noteOfPerson(request: FastifyRequest, userId: string, what: Pick<Noted, 'action' | 'after'>) {
    const user = await userById(database.db, userId)
    if (user === null) return
    const origin = callOrigin(request)
    await Promise.all(
      (await membershipsOf(database.db, userId)).map(({ workspaceId, role }) =>
        audit.note({
          ...{ ...what, workspaceId, origin },
          actor: { kind: 'user', id: user.id, name: user.name, role },
          ...elementOf(user),
        }),
      ),
    )
  }

  const noteOfHolder = (request: FastifyRequest, noted: Pick<Noted, 'workspaceId' | 'actor' | 'action' | 'after'>) =>
    audit.note({ ...noted, elementType: 'workspace', origin: callOrigin(request) })

  async function servedId(): Promise<string[]> {
    const key = options.servedKey()
    const workspace = key === null ? null : await directory.byKey(key)
    return workspace === null ? [] : [workspace.id]
  }

  async function refused(request: FastifyRequest, method: SignInMethod, claimed: Claimed, reason?: string) {
    const user = await userOf(database, claimed)
    const own = user === null ? [] : (await membershipsOf(database.db, user.id)).map((each) => each.workspaceId)
    const workspaceIds = own.length === 0 ? await servedId() : own
    await Promise.all(
      workspaceIds.map((workspaceId) =>
        audit.note({
          ...{ workspaceId, isNobody: true, action: 'console.signIn', outcome: 'refused', origin: callOrigin(request) },
          ...(user === null ? { elementType: 'workspace' } : elementOf(user)),
          after: { method, ...(reason === undefined ? {} : { reason }) },
        }),
      ),
    )
  }

  return {
    refused,
    person: (request, userId, method, isPending) =>
      noteOfPerson(request, userId, {
        action: isPending ? 'console.awaitSecondFactor' : 'console.signIn',
        after: { method },
      }),
    holder: (request, { workspaceId, actor, method }) =>
      noteOfHolder(request, { workspaceId, actor, action: 'console.signIn', after: { method } }),
    async watched(request, method, claimed, admit) {
      try {
        return await admit()
      } catch (error) {
        // What cannot be read was no try.
        if (error instanceof Refusal && error.key !== 'invalid_input')
          await refused(request, method, claimed, error instanceof RateLimited ? 'too-often' : undefined)
        throw error
      }
    },
    personLeaves: (request, userId, where) => noteOfPerson(request, userId, { action: SIGN_OUTS[where] }),
    holderLeaves: (request, workspaceId, where) =>
      noteOfHolder(request, { workspaceId, actor: HOLDER, action: SIGN_OUTS[where] }),
  }
}

function elementOf(user: User): Pick<Noted, 'elementType' | 'elementId' | 'elementName'> {
  return { elementType: 'people', elementId: toWire('usr', user.id), elementName: user.email }
}

/** Only of accounts that are there is the address written: into that field, too, people type passwords. */
async function userOf({ db }: Database, { userId, email }: Claimed): Promise<User | null> {
  if (userId !== undefined) return userById(db, userId)
  return email === undefined ? null : userByEmail(db, email.trim().toLowerCase())
}
