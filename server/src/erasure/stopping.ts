import type { Connection } from '../connections/connection.ts'
import { listConnections } from '../connections/store.ts'
import { cancelDeliveriesOf, settleActive } from '../deliveries/store.ts'
import type { Instances } from '../flows/instances.ts'
import { listInstances } from '../flows/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Runs } from '../runs/runs.ts'
import type { Erasure, Work } from './erasure.ts'
import type { ItemKind } from './place.ts'
import { registrationsLeft } from './rows.ts'
import { itemsOf } from './store.ts'

const PAGE = 50

/** What is there is ended before it is erased: nothing of it is to be written any more, and apps are told. */
export interface Stopping {
  /** Does the next portion of it. `until`: there is nothing to do but wait. */
  advance(erasure: Erasure): Promise<{ stopped: Erasure['stopped']; work: Work; isDone: boolean; waits: boolean }>
}

export interface StoppingOptions {
  database: Database
  clock: Clock
  /** Gives a connection up: its registrations are taken back, and the app is told where its connector says how. */
  archiveConnection(connection: Connection): Promise<void>
  instances: Pick<Instances, 'archive'>
  runs: Pick<Runs, 'stop'>
  /** For so long apps are waited for. */
  patienceMs: number
}

export function createStopping(options: StoppingOptions): Stopping {
  const { database, clock } = options
  const { db } = database
  const ofAll = { workspaceId: '', search: null, includeArchived: false }

  async function connections({ workspaceId, customerId }: Erasure): Promise<number> {
    const filter = {
      ...ofAll,
      workspaceId,
      customerId,
      integrationId: null,
      connectorId: null,
      isDisconnected: null,
      isTest: null,
    }
    const page = await listConnections(db, filter, { limit: PAGE, before: null })
    for (const connection of page) await options.archiveConnection(connection)
    return page.length
  }

  async function instances({ workspaceId, customerId }: Erasure): Promise<number> {
    const filter = {
      ...{ ...ofAll, workspaceId, customerId, flowId: null, universalFlowId: null, integrationId: null },
      ...{ id: null, connectionId: null, instanceKey: null, isEnabled: null },
    }
    const page = await listInstances(db, filter, { limit: PAGE, before: null })
    for (const instance of page) await options.instances.archive(instance)
    return page.length
  }

  /** Does something with each item of a kind, a page at a time. */
  async function each(
    erasure: Erasure,
    kind: ItemKind,
    end: (item: string) => Promise<boolean>,
  ): Promise<{ ended: number; leaf: string | null; isDone: boolean }> {
    const page = await itemsOf(db, erasure.id, kind, erasure.work.leaf, PAGE)
    let ended = 0
    for (const item of page) if (await end(item)) ended += 1
    return { ended, leaf: page.at(-1) ?? null, isDone: page.length < PAGE }
  }

  const next = (work: Work): Work => ({ ...work, step: work.step + 1, leaf: null })

  return {
    async advance(erasure) {
      const { stopped, work, keepsCustomer } = erasure
      const again = { isDone: false, waits: false }
      if (work.step === 0) {
        const count = keepsCustomer ? 0 : await connections(erasure)
        const counted = { ...stopped, connections: (stopped.connections ?? 0) + count }
        return { stopped: counted, work: count < PAGE ? next(work) : work, ...again }
      }
      if (work.step === 1) {
        const count = keepsCustomer ? 0 : await instances(erasure)
        const counted = { ...stopped, instances: (stopped.instances ?? 0) + count }
        return { stopped: counted, work: count < PAGE ? next(work) : work, ...again }
      }
      if (work.step === 2) {
        const { ended, leaf, isDone } = await each(erasure, 'run', (id) => options.runs.stop(id))
        const counted = { ...stopped, runs: (stopped.runs ?? 0) + ended }
        return { stopped: counted, work: isDone ? next(work) : { ...work, leaf }, ...again }
      }
      if (work.step === 3) {
        const { ended, leaf, isDone } = await each(erasure, 'delivery', (id) =>
          settleActive(db, id, 'cancelled', clock.now()),
        )
        const counted = { ...stopped, deliveries: (stopped.deliveries ?? 0) + ended }
        return { stopped: counted, work: isDone ? next(work) : { ...work, leaf }, ...again }
      }
      if (keepsCustomer) return { stopped, work, isDone: true, waits: false }
      if (work.step === 4) {
        const { leaf, isDone } = await each(erasure, 'destination', async (id) => {
          await cancelDeliveriesOf(db, id, clock.now())
          return true
        })
        return { stopped, work: isDone ? next(work) : { ...work, leaf }, ...again }
      }
      const left = await registrationsLeft(db, erasure.id)
      const isLate = clock.now().getTime() - erasure.startedAt.getTime() >= options.patienceMs
      const isDone = left === 0 || isLate
      return { stopped: { ...stopped, registrationsLeft: left }, work, isDone, waits: !isDone }
    },
  }
}
