import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { WorkspaceStore } from './store.ts'
import type { Workspace } from './workspace.ts'

/** Longest time that a change made by another process may go unseen if its notice is lost. */
const KEEP_MS = 5000

/** Workspaces by key and id, remembered: every token and every request to your app needs one. */
export interface WorkspaceDirectory {
  byKey(key: string): Promise<Workspace | null>
  byId(id: string): Promise<Workspace>
  /** As `byId`; null where there is none any more. */
  find(id: string): Promise<Workspace | null>
  /** As `byId`, where it is remembered; null where it has to be read. */
  peek(id: string): Workspace | null
  /** What stands behind `/console` for pages of the workspace; asked within a transaction. */
  consolePath(tx: Tx, id: string): Promise<string>
  /**
   * Changes the workspace as it is now, whatever is remembered, and forgets that here; the caller tells the other
   * processes after the commit.
   */
  change(tx: Tx, id: string, change: (current: Workspace) => Workspace): Promise<Workspace>
  forget(): void
}

export function createWorkspaceDirectory(options: {
  database: Database
  store: WorkspaceStore
  clock: Clock
}): WorkspaceDirectory {
  let remembered = new Map<string, { workspace: Workspace; untilMs: number }>()

  async function lookUp(slot: string, read: () => Promise<Workspace | null>): Promise<Workspace | null> {
    const known = remembered.get(slot)
    if (known !== undefined && known.untilMs > performance.now()) return known.workspace
    const into = remembered
    const workspace = await read()
    if (workspace !== null) into.set(slot, { workspace, untilMs: performance.now() + KEEP_MS })
    return workspace
  }

  const byId = (id: string) => lookUp(id, () => options.store.byId(options.database.db, id))

  return {
    byKey: (key) => lookUp(`key:${key}`, () => options.store.byKey(options.database.db, key)),
    find: byId,
    async byId(id) {
      const workspace = await byId(id)
      if (workspace === null) throw new Error(`no workspace ${id}`)
      return workspace
    },
    peek(id) {
      const known = remembered.get(id)
      return known !== undefined && known.untilMs > performance.now() ? known.workspace : null
    },
    async consolePath(tx, id) {
      const known = remembered.get(id)?.workspace ?? (await options.store.byId(tx, id))
      return known === null || known.isMain ? '' : `/~${known.key}`
    },
    async change(tx, id, change) {
      const changed = { ...change(await options.store.lock(tx, id)), updatedAt: options.clock.now() }
      await options.store.update(tx, changed)
      remembered = new Map()
      return changed
    },
    forget() {
      remembered = new Map()
    },
  }
}
