import type { Erasure as WireErasure } from '@permea/contract'
import type { z } from 'zod'
import type { Actor } from '../api/principal.ts'
import { toWire } from '../platform/ids.ts'

/** How far the work is: written with what was done, so that whoever takes it up goes on there. */
export interface Work {
  /** Rounds through all places: the last one finds nothing. */
  round: number
  /** Which way of erasing is at work, of all in order. */
  step: number
  /** The physical table of it that is at work, and the block that is next, where it is walked. */
  leaf: string | null
  block: number
  /** Rows that this round found. */
  found: number
}

export const AT_THE_BEGINNING: Work = { round: 0, step: 0, leaf: null, block: 0, found: 0 }

/** What was ended before anything was erased. */
export interface Stopped {
  connections?: number
  instances?: number
  runs?: number
  deliveries?: number
  /** Registrations at apps that were to be taken back, and those that were not within the time. */
  registrations?: number
  registrationsLeft?: number
}

/** That everything of a customer is to be erased, how far it is, and what was erased. */
export interface Erasure {
  id: string
  workspaceId: string
  customerId: string
  keepsCustomer: boolean
  nameHashes: string[]
  status: 'running' | 'completed'
  phase: 'stopping' | 'erasing' | 'done'
  askedBy: Pick<Actor, 'kind' | 'id'>
  work: Work
  stopped: Stopped
  /** Rows by table. */
  counts: Record<string, number>
  startedAt: Date
  updatedAt: Date
  finishedAt: Date | null
}

/** What anybody is told of how far it is and what was erased. */
export function courseOf({ work, counts, status }: Pick<Erasure, 'work' | 'counts' | 'status'>, steps: number) {
  const done = status === 'completed' ? steps : Math.max(0, work.step)
  return {
    progress: { round: work.round, done, of: steps },
    erased: Object.entries(counts)
      .map(([place, rows]) => ({ place, rows }))
      .toSorted((one, other) => (one.place < other.place ? -1 : 1)),
    rows: Object.values(counts).reduce((sum, rows) => sum + rows, 0),
  }
}

export function erasureAnswer(erasure: Erasure, steps: number): z.input<typeof WireErasure> {
  const { stopped, askedBy } = erasure
  return {
    id: toWire('ers', erasure.id),
    customerId: toWire('cus', erasure.customerId),
    keepsCustomer: erasure.keepsCustomer,
    status: erasure.status,
    phase: erasure.phase,
    ...courseOf(erasure, steps),
    stopped: {
      connections: stopped.connections ?? 0,
      flowInstances: stopped.instances ?? 0,
      runs: stopped.runs ?? 0,
      deliveries: stopped.deliveries ?? 0,
      registrations: stopped.registrations ?? 0,
      registrationsLeft: stopped.registrationsLeft ?? 0,
    },
    askedBy: { kind: askedBy.kind, id: askedBy.id ?? undefined },
    startedAt: erasure.startedAt.toISOString(),
    updatedAt: erasure.updatedAt.toISOString(),
    finishedAt: erasure.finishedAt?.toISOString(),
  }
}
