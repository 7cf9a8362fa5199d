import type { Connection } from '../connections/connection.ts'
import { listConnections } from '../connections/store.ts'
import type { Customers } from '../customers/registry.ts'
import { listCustomers } from '../customers/store.ts'
import { cancelDeliveriesOf } from '../deliveries/store.ts'
import type { Instances } from '../flows/instances.ts'
import { listInstances } from '../flows/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Runs } from '../runs/runs.ts'
import type { Work } from './erasure.ts'
import type { WorkspaceDeletion } from './workspace-deletion.ts'
import { destinationsOf, openRunsOf, registrationsLeftOf } from './workspace-rows.ts'

const PAGE = 50

/** What is in a workspace is ended before it is erased: apps are told, and nothing of it is to be written any more. */
export interface WorkspaceStopping {
  /** Does the next portion of it. `waits`: there is nothing to do but wait. */
  advance(deletion: WorkspaceDeletion): Promise<{
    stopped: WorkspaceDeletion['stopped']
    work: Work
    isDone: boolean
    waits: boolean
  }>
}

export interface WorkspaceStoppingOptions {
  database: Database
  clock: Clock
  customers: Pick<Customers, 'archive'>
  /** Gives a connection up: its registrations are taken back, and the app is told where its connector says how. */
  archiveConnection(connection: Connection): Promise<void>
  instances: Pick<Instances, 'archive'>
  runs: Pick<Runs, 'stop'>
  /** For so long apps are waited for, while none of them answers. */
  patienceMs: number
}

export function createWorkspaceStopping(options: WorkspaceStoppingOptions): WorkspaceStopping {
  const { database, clock } = options
  const { db } = database
  const page = { limit: PAGE, before: null }
  const open = { search: null, includeArchived: false }

  /** What is archived is listed no more: the first page is always the next. */
  const archived = {
    async customers({ workspaceId }: WorkspaceDeletion) {
      const filter = { ...open, workspaceId, isTest: null, activeSince: null, inactiveSince: null }
      const found = await listCustomers(db, filter, page)
      for (const customer of found) await options.customers.archive(customer)
      return found.length
    },
    async connections({ workspaceId }: WorkspaceDeletion) {
      const ofAny = { customerId: null, integrationId: null, connectorId: null, isDisconnected: null, isTest: null }
      const found = await listConnections(db, { ...open, ...ofAny, workspaceId }, page)
      for (const connection of found) await options.archiveConnection(connection)
      return found.length
    },
    async instances({ workspaceId }: WorkspaceDeletion) {
      const ofAny = { customerId: null, flowId: null, universalFlowId: null, integrationId: null, id: null }
      const inAny = { connectionId: null, instanceKey: null, isEnabled: null }
      const found = await listInstances(db, { ...open, ...ofAny, ...inAny, workspaceId }, page)
      for (const instance of found) await options.instances.archive(instance)
      return found.length
    },
  }
  const ARCHIVED = ['customers', 'connections', 'instances'] as const

  const next = (work: Work): Work => ({ ...work, step: work.step + 1, leaf: null })

  return {
    async advance(deletion) {
      const { stopped, work, workspaceId } = deletion
      const again = { isDone: false, waits: false }
      const kind = ARCHIVED[work.step]
      if (kind !== undefined) {
        const count = await archived[kind](deletion)
        const counted = { ...stopped, [kind]: (stopped[kind] ?? 0) + count }
        return { stopped: counted, work: count < PAGE ? next(work) : work, ...again }
      }
      if (work.step === ARCHIVED.length) {
        const ids = await openRunsOf(db, workspaceId, work.leaf, PAGE)
        let runs = stopped.runs ?? 0
        for (const id of ids) if (await options.runs.stop(id)) runs += 1
        const on = ids.length < PAGE ? next(work) : { ...work, leaf: ids.at(-1) ?? null }
        return { stopped: { ...stopped, runs }, work: on, ...again }
      }
      if (work.step === ARCHIVED.length + 1) {
        const ids = await destinationsOf(db, workspaceId, work.leaf, PAGE)
        for (const id of ids) await cancelDeliveriesOf(db, id, clock.now())
        return { stopped, work: ids.length < PAGE ? next(work) : { ...work, leaf: ids.at(-1) ?? null }, ...again }
      }
      const left = await registrationsLeftOf(db, workspaceId)
      const now = clock.now()
      const hasMoved = stopped.leftAt === undefined || left !== stopped.registrationsLeft
      const leftAt = hasMoved ? now.toISOString() : (stopped.leftAt ?? now.toISOString())
      const isLate = now.getTime() - Date.parse(leftAt) >= options.patienceMs
      const isDone = left === 0 || isLate
      return { stopped: { ...stopped, registrationsLeft: left, leftAt }, work, isDone, waits: !isDone }
    },
  }
}
