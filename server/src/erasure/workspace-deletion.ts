import type { WorkspaceDeletion as WireDeletion } from '@permea/contract'
import type { z } from 'zod'
import type { Actor } from '../api/principal.ts'
import { toWire } from '../platform/ids.ts'
import { courseOf, type Work } from './erasure.ts'

/** What was ended before anything was erased. */
export interface StoppedInWorkspace {
  customers?: number
  connections?: number
  instances?: number
  runs?: number
  /** Registrations at apps that were to be taken back, those that are not yet, and since when none was. */
  registrations?: number
  registrationsLeft?: number
  leftAt?: string
}

/** That a workspace is taken away with everything that is in it, how far it is, and what was erased. */
export interface WorkspaceDeletion {
  id: string
  workspaceId: string
  key: string
  status: 'running' | 'completed'
  phase: 'stopping' | 'erasing' | 'done'
  askedBy: Pick<Actor, 'kind' | 'id'> & { workspaceId: string }
  work: Work
  stopped: StoppedInWorkspace
  /** Rows by table. */
  counts: Record<string, number>
  auditSequence: number | null
  auditHash: string | null
  startedAt: Date
  updatedAt: Date
  finishedAt: Date | null
}

export function deletionAnswer(deletion: WorkspaceDeletion, steps: number): z.input<typeof WireDeletion> {
  const { stopped, askedBy, auditSequence, auditHash } = deletion
  return {
    id: toWire('wdl', deletion.id),
    workspaceId: toWire('ws', deletion.workspaceId),
    workspaceKey: deletion.key,
    status: deletion.status,
    phase: deletion.phase,
    ...courseOf(deletion, steps),
    stopped: {
      customers: stopped.customers ?? 0,
      connections: stopped.connections ?? 0,
      flowInstances: stopped.instances ?? 0,
      runs: stopped.runs ?? 0,
      registrations: stopped.registrations ?? 0,
      registrationsLeft: stopped.registrationsLeft ?? 0,
    },
    ...(auditSequence === null || auditHash === null ? {} : { auditLog: { sequence: auditSequence, hash: auditHash } }),
    askedBy: { kind: askedBy.kind, id: askedBy.id ?? undefined },
    startedAt: deletion.startedAt.toISOString(),
    updatedAt: deletion.updatedAt.toISOString(),
    finishedAt: deletion.finishedAt?.toISOString(),
  }
}
