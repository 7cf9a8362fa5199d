import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { headOf } from '../audit/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../platform/queue.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import type { Workspace } from '../workspaces/workspace.ts'
import { AT_THE_BEGINNING } from './erasure.ts'
import { counted, GATHER, LATE_MS, type Next, nextPortion, REFERRED_TO, workInSlices } from './slices.ts'
import type { WorkspaceDeletion } from './workspace-deletion.ts'
import {
  deleteWorkspaceRow,
  eraseWorkspacePortion,
  hasRunsLeftOf,
  moveSessions,
  registrationsOfWorkspace,
  type WorkspaceStep,
  workspaceSteps,
} from './workspace-rows.ts'
import type { WorkspaceStopping } from './workspace-stopping.ts'
import {
  deletionById,
  deletionOfWorkspace,
  deletionsToLookAfter,
  insertDeletion,
  lockDeletion,
  updateDeletion,
} from './workspace-store.ts'

export const DELETE_WORKSPACE_TASK = 'delete-workspace'

/** Places that are looked at in one transaction, as long as nothing is found. */
const LOOK_MS = 50

/** Taking workspaces away: asked for, looked at, done by a job. */
export interface WorkspaceDeletions {
  /** Begins at once: from then on nobody gets in. Of one that is being deleted, gives that deletion. */
  begin(principal: Principal, selector: string, confirm: string): Promise<WorkspaceDeletion>
  find(selector: string): Promise<WorkspaceDeletion>
  /** A slice of the work. What the job does. */
  run(payload: { id: string }): Promise<void>
  /** Sees to it that what is running goes on, and looks once more at what came late. */
  lookAfter(now: Date): Promise<void>
  /** How many places there are. */
  stepCount(): Promise<number>
}

export interface WorkspaceDeletionsOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  queue: Queue
  workspaceStore: WorkspaceStore
  directory: WorkspaceDirectory
  stopping: WorkspaceStopping
  /** Takes what is of the workspace out of messages that were set aside. */
  eraseFromSetAside(tx: Tx, workspaceId: string): Promise<number>
  /** Has every process drop what it has of workspaces in memory, tokens too. */
  forgetEverywhere(): Promise<void>
  /** Tells open pages of who asked for it how far it is. */
  changed(deletion: WorkspaceDeletion): void
  /** After the last that was found it is looked once more, not before this. */
  quietMs: number
}

export function createWorkspaceDeletions(options: WorkspaceDeletionsOptions): WorkspaceDeletions {
  const { database, clock, ids, queue } = options
  const { db } = database
  const { steps, advance } = createDeletionWork(options)

  async function goOn(tx: Tx, id: string, waitMs = 0): Promise<void> {
    const runAt = waitMs === 0 ? {} : { runAt: new Date(clock.now().getTime() + waitMs) }
    await queue.add(tx, { task: DELETE_WORKSPACE_TASK, payload: { id }, key: `delete-workspace:${id}`, ...runAt })
  }

  async function workspaceOf(selector: string): Promise<Workspace | null> {
    const id = fromWire('ws', selector)
    const byId = id === null ? null : await options.workspaceStore.byId(db, id)
    return byId ?? (await options.workspaceStore.byKey(db, selector))
  }

  async function tell(id: string): Promise<void> {
    const deletion = await deletionById(db, id)
    if (deletion === null) return
    if (deletion.status === 'completed') await options.forgetEverywhere()
    options.changed(deletion)
  }

  return {
    async begin({ actor, workspaceId: ofAsker }, selector, confirm) {
      const workspace = await workspaceOf(selector)
      if (workspace === null) throw notFound('workspace', selector)
      if (workspace.isMain)
        throw new Refusal('main_workspace', 'the main workspace stays: its owners own the installation')
      if (confirm !== workspace.key)
        throw new Refusal('invalid_input', 'confirm has to be the key of the workspace that is to be deleted', {
          problems: [{ field: 'confirm', message: `it is not ${JSON.stringify(workspace.key)}` }],
        })
      const now = clock.now()
      const deletion: WorkspaceDeletion = {
        id: ids.next(),
        workspaceId: workspace.id,
        key: workspace.key,
        status: 'running',
        phase: 'stopping',
        askedBy: { kind: actor.kind, id: actor.id, workspaceId: ofAsker },
        work: AT_THE_BEGINNING,
        stopped: { registrations: await registrationsOfWorkspace(db, workspace.id) },
        counts: {},
        auditSequence: null,
        auditHash: null,
        startedAt: now,
        updatedAt: now,
        finishedAt: null,
      }
      const isNew = await database.transaction(async (tx) => {
        if (!(await insertDeletion(tx, deletion))) return false
        await options.directory.change(tx, workspace.id, (current) => ({ ...current, archivedAt: now }))
        await goOn(tx, deletion.id)
        return true
      })
      await options.forgetEverywhere()
      if (isNew) return deletion
      const running = await deletionOfWorkspace(db, workspace.id)
      if (running === null) throw notFound('workspace', selector)
      return running
    },
    async find(selector) {
      const id = fromWire('wdl', selector)
      const deletion = id === null ? null : await deletionById(db, id)
      if (deletion === null) throw notFound('deletion', selector)
      return deletion
    },
    run: ({ id }) =>
      workInSlices({
        advance: () => advance(id),
        goOn: (waitMs) => database.transaction((tx) => goOn(tx, id, waitMs)),
        tell: () => tell(id),
      }),
    async lookAfter(now) {
      for (const id of await deletionsToLookAfter(db, new Date(now.getTime() - LATE_MS)))
        await database.transaction((tx) => goOn(tx, id))
    },
    stepCount: async () => (await steps()).length,
  }
}

/** What there is to do, portion by portion. */
function createDeletionWork(options: WorkspaceDeletionsOptions): {
  steps(): Promise<WorkspaceStep[]>
  advance(id: string): Promise<Next>
} {
  const { database, clock, stopping, quietMs } = options
  const { db } = database
  const steps = rememberedSteps(db)

  async function advance(id: string): Promise<Next> {
    const deletion = await deletionById(db, id)
    if (deletion === null) return 'done'
    if (deletion.phase === 'stopping') return stop(deletion)
    try {
      return await erase(id)
    } catch (error) {
      if ((error as { code?: string }).code !== REFERRED_TO) throw error
      await passOver(id)
      return 'on'
    }
  }

  async function stop(seen: WorkspaceDeletion): Promise<Next> {
    const { stopped, work, isDone, waits } = await stopping.advance(seen)
    await database.transaction(async (tx) => {
      const deletion = await lockDeletion(tx, seen.id)
      if (deletion === null || deletion.phase !== 'stopping') return
      const head = isDone ? await headOf(tx, deletion.workspaceId) : null
      await updateDeletion(tx, {
        ...deletion,
        stopped,
        ...(head === null ? {} : { auditSequence: Number(head.sequence), auditHash: head.hash }),
        phase: isDone ? 'erasing' : 'stopping',
        work: isDone ? { ...AT_THE_BEGINNING, step: GATHER } : work,
        updatedAt: clock.now(),
      })
    })
    return waits ? quietMs : 'on'
  }

  /** The next portion, in one transaction with how far it is. */
  async function erase(id: string): Promise<Next> {
    const all = await steps()
    return database.transaction(async (tx): Promise<Next> => {
      const deletion = await lockDeletion(tx, id)
      if (deletion === null) return 'done'
      const { work, workspaceId } = deletion
      if (work.step === GATHER) {
        await moveSessions(tx, workspaceId)
        const rows = await options.eraseFromSetAside(tx, workspaceId)
        const counts = counted(deletion.counts, rows === 0 ? {} : { intake_set_aside: rows })
        const next = { ...AT_THE_BEGINNING, round: work.round + 1, found: rows }
        await updateDeletion(tx, { ...deletion, counts, work: next, updatedAt: clock.now() })
        return 'on'
      }
      const untilMs = performance.now() + LOOK_MS
      let at = deletion
      do {
        const step = all[at.work.step]
        if (step === undefined) return endRound(tx, at)
        const { table } = step.place
        at = {
          ...at,
          ...(await nextPortion(tx, at, table, (where) => eraseWorkspacePortion(tx, step, workspaceId, where))),
        }
      } while (at.work.found === work.found && performance.now() < untilMs)
      await updateDeletion(tx, { ...at, updatedAt: clock.now() })
      return 'on'
    })
  }

  /** Rows that came meanwhile refer to these: the next round has both. */
  async function passOver(id: string): Promise<void> {
    const { length } = await steps()
    await database.transaction(async (tx) => {
      const deletion = await lockDeletion(tx, id)
      if (deletion === null) return
      const { work } = deletion
      // At the end it was the workspace itself.
      const step = work.step >= length ? GATHER : work.step + 1
      await updateDeletion(tx, { ...deletion, work: { ...work, step, leaf: null, block: 0, found: work.found + 1 } })
    })
  }

  async function endRound(tx: Tx, deletion: WorkspaceDeletion): Promise<Next> {
    const { work, workspaceId } = deletion
    const isAgain = { ...work, step: GATHER, leaf: null, block: 0 }
    const now = clock.now()
    if (deletion.status === 'completed') {
      if (work.found > 0)
        options.log.warn(
          { deletion: toWire('wdl', deletion.id), rows: work.found },
          'rows of a deleted workspace came late',
        )
      await updateDeletion(tx, { ...deletion, work: isAgain, updatedAt: now })
      return work.found > 0 ? 'on' : 'done'
    }
    const isLast = work.round > 1 && work.found === 0 && !(await hasRunsLeftOf(tx, workspaceId))
    if (!isLast) {
      await updateDeletion(tx, { ...deletion, work: isAgain, updatedAt: now })
      // What was under way when it was stopped has time to end.
      return quietMs
    }
    await deleteWorkspaceRow(tx, workspaceId)
    const counts = counted(deletion.counts, { workspaces: 1 })
    const ended = { status: 'completed', phase: 'done', work: isAgain, updatedAt: now, finishedAt: now } as const
    await updateDeletion(tx, { ...deletion, counts, ...ended })
    return 'done'
  }

  return { steps, advance }
}

/** Read once: tables change with a new start only. */
function rememberedSteps(db: Tx): () => Promise<WorkspaceStep[]> {
  let known: Promise<WorkspaceStep[]> | null = null
  return () => {
    known ??= workspaceSteps(db).catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
}
