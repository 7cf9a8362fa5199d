import { workspaceFiles } from '@permea/contract'
import type { Room } from '../api/room.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Audit } from '../audit/assembly.ts'
import { createElementCalls, type Unmasked } from './current-elements.ts'
import { createTransfers, TRANSFER_TASK, type TransfersOptions } from './jobs.ts'
import { type MountOptions, mountArchives } from './mount.ts'

/**
 * The workspace as files: export and import. What is imported goes through the endpoints of the API, which are handed
 * over as `routes`, so that it is checked and kept as everything else is.
 */
export function createWorkspaceFilesRoom(
  options: Omit<TransfersOptions, 'endpoints'> &
    Omit<MountOptions, 'transfers'> & {
      routes(): readonly RouteSet[]
      audit: Audit
      unmasked: Unmasked
    },
): Room<null> & Required<Pick<Room<null>, 'routes'>> {
  const transfers = createTransfers({
    ...options,
    endpoints: (askedBy) =>
      createElementCalls(
        options.routes(),
        options.unmasked,
        askedBy === undefined ? null : { ...askedBy, audit: options.audit },
      ),
  })
  options.queue.handle({ [TRANSFER_TASK]: (payload: { id: string }) => transfers.run(payload) })
  return {
    api: null,
    routes: [
      routeSet(workspaceFiles, {
        export: ({ principal }) => transfers.begin(principal, 'export', {}, null),
        backgroundJob: ({ principal, params }) => transfers.find(principal, params.job ?? ''),
      }),
    ],
    mounts: [(app) => mountArchives(app, { ...options, transfers })],
  }
}
