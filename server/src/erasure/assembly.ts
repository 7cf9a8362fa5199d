import type { Room } from '../api/room.ts'
import { eraseFromSetAside, eraseWorkspaceFromSetAside } from '../intake-log/without-customer.ts'
import type { Live } from '../live/live.ts'
import { toWire } from '../platform/ids.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { YourApp } from '../workspaces/your-app.ts'
import { createErasures, ERASE_TASK, type Erasures, type ErasuresOptions } from './erasures.ts'
import { erasureRoutes, workspaceDeletionRoutes } from './routes.ts'
import { createStopping, type StoppingOptions } from './stopping.ts'
import {
  createWorkspaceDeletions,
  DELETE_WORKSPACE_TASK,
  type WorkspaceDeletionsOptions,
} from './workspace-deletions.ts'
import { createWorkspaceStopping } from './workspace-stopping.ts'

/** For so long apps are waited for that are to take registrations back. */
const PATIENCE_MS = 60_000
const QUIET_MS = 3000
const TOPIC = 'customer-erased'

export interface ErasureRoomOptions
  extends Omit<ErasuresOptions, 'stopping' | 'eraseFromSetAside' | 'forgetEverywhere' | 'changed' | 'quietMs'>,
    Omit<StoppingOptions, 'patienceMs'>,
    Pick<WorkspaceDeletionsOptions, 'workspaceStore' | 'directory'> {
  ownership: Ownership
  live: Pick<Live, 'changed' | 'endOf'>
  sealing: Pick<Sealing, 'forget'>
  yourApp: Pick<YourApp, 'forget'>
  plans: { forget(): void }
  forgetTokens(): Promise<void>
  tickMs?: number
}

/** Erasing customers, and workspaces with everything that is in them. */
export function createErasureRoom(
  options: ErasureRoomOptions,
): Room<Erasures> & Required<Pick<Room<Erasures>, 'routes' | 'jobs' | 'chores'>> {
  const { ownership, live, sealing, yourApp, plans } = options
  ownership.listen({
    noticed(notice) {
      if (notice.about !== TOPIC) return
      live.endOf(String(notice.customerId))
      sealing.forget()
      yourApp.forget()
      plans.forget()
    },
  })
  const erasures = createErasures({
    ...options,
    stopping: createStopping({ ...options, patienceMs: PATIENCE_MS }),
    eraseFromSetAside: (tx, subject, addresses) => eraseFromSetAside(tx, { ...subject, addresses }),
    async forgetEverywhere({ customerId, keepsCustomer }) {
      if (keepsCustomer) return
      await options.forgetTokens()
      await ownership.notify({ about: TOPIC, customerId })
    },
    changed: ({ id, workspaceId }) =>
      live.changed({ workspaceId, elementType: 'erasure', elementId: toWire('ers', id), audience: 'admins' }),
    quietMs: options.tickMs ?? QUIET_MS,
  })
  const deletions = createWorkspaceDeletions({
    ...options,
    stopping: createWorkspaceStopping({ ...options, patienceMs: PATIENCE_MS }),
    eraseFromSetAside: eraseWorkspaceFromSetAside,
    forgetEverywhere: options.forgetTokens,
    changed: ({ id, askedBy: { workspaceId } }) =>
      live.changed({
        ...{ workspaceId, elementType: 'workspace-deletion', elementId: toWire('wdl', id), audience: 'admins' },
      }),
    quietMs: options.tickMs ?? QUIET_MS,
  })
  return {
    api: erasures,
    routes: [
      erasureRoutes({ database: options.database, erasures }),
      workspaceDeletionRoutes({ database: options.database, deletions }),
    ],
    jobs: {
      [ERASE_TASK]: (payload: { id: string }) => erasures.run(payload),
      [DELETE_WORKSPACE_TASK]: (payload: { id: string }) => deletions.run(payload),
    },
    chores: [(now) => erasures.lookAfter(now), (now) => deletions.lookAfter(now)],
  }
}
