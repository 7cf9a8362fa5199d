import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Customers } from '../customers/registry.ts'
import { customerById, deleteCustomer } from '../customers/store.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, type Prefix, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../platform/queue.ts'
import { AT_THE_BEGINNING, type Erasure } from './erasure.ts'
import type { ErasedSubject, ItemKind } from './place.ts'
import { alertsAbout, erasePortion, gatherItems, gatherVersions, hasRunsLeft, registrationsOf, STEPS } from './rows.ts'
import { counted, GATHER, LATE_MS, type Next, nextPortion, REFERRED_TO, workInSlices } from './slices.ts'
import type { Stopping } from './stopping.ts'
import {
  addItems,
  dropItems,
  dropOldItems,
  endedSince,
  erasureById,
  erasureOfCustomer,
  insertErasure,
  itemsOf,
  lockErasure,
  runningErasures,
  updateErasure,
} from './store.ts'
import type { Tombstones } from './tombstones.ts'

export const ERASE_TASK = 'erase-customer'

/** Places that are looked at in one transaction, as long as nothing is found. */
const LOOK_MS = 50

/** Erasing customers: asked for, looked at, done by a job. */
export interface Erasures {
  /** Begins at once; of a customer that is being erased, or was, gives that erasure. */
  begin(principal: Principal, selector: string, input: { keepCustomer?: boolean | undefined }): Promise<Erasure>
  find(principal: Principal, selector: string): Promise<Erasure>
  /** A slice of the work. What the job does. */
  run(payload: { id: string }): Promise<void>
  /** Sees to it that what is running goes on, and looks once more at what came late. */
  lookAfter(now: Date): Promise<void>
}

export interface ErasuresOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  queue: Queue
  customers: Pick<Customers, 'find' | 'archive'>
  notifications: Pick<Notifications, 'tell'>
  tombstones: Tombstones
  stopping: Stopping
  /** Takes what is of the customer out of messages that were set aside. */
  eraseFromSetAside(tx: Tx, subject: ErasedSubject, addresses: ReadonlySet<string>): Promise<number>
  /** Has every process drop what it has of the customer in memory. */
  forgetEverywhere(erasure: Erasure): Promise<void>
  /** Tells open pages how far it is. */
  changed(erasure: Pick<Erasure, 'id' | 'workspaceId'>): void
  /** After the last that was found it is looked once more, not before this. */
  quietMs: number
}

export function createErasures(options: ErasuresOptions): Erasures {
  return new ErasureKeeper(options)
}

class ErasureKeeper implements Erasures {
  readonly #o: ErasuresOptions

  constructor(options: ErasuresOptions) {
    this.#o = options
  }

  async begin(
    principal: Principal,
    selector: string,
    { keepCustomer: keepsCustomer = false }: { keepCustomer?: boolean | undefined },
  ): Promise<Erasure> {
    const { database, clock, ids, customers, tombstones } = this.#o
    const { workspaceId, actor } = principal
    const customer = await customers.find(principal, selector).catch((error: unknown) => {
      if (error instanceof Refusal && error.key === 'not_found') return null
      throw error
    })
    if (customer === null) {
      const id = fromWire('cus', selector)
      const before = id === null ? null : await erasureOfCustomer(database.db, workspaceId, id)
      if (before === null || before.keepsCustomer) throw notFound('customer', selector)
      return before
    }
    const now = clock.now()
    const erasure: Erasure = {
      id: ids.next(),
      workspaceId,
      customerId: customer.id,
      keepsCustomer,
      nameHashes: keepsCustomer ? [] : tombstones.hashesOf(workspaceId, customer.internalId),
      status: 'running',
      phase: 'stopping',
      askedBy: { kind: actor.kind, id: actor.id },
      work: AT_THE_BEGINNING,
      stopped: keepsCustomer ? {} : { registrations: await registrationsOf(database.db, customer.id) },
      counts: {},
      startedAt: now,
      updatedAt: now,
      finishedAt: null,
    }
    if (!keepsCustomer) await customers.archive(customer)
    const isNew = await database.transaction(async (tx) => {
      if (!(await insertErasure(tx, erasure))) return false
      await this.#goOn(tx, erasure.id)
      return true
    })
    if (isNew) return erasure
    const [running] = await runningErasures(database.db, { customerId: customer.id, keepsCustomer })
    // It ended just now.
    return running ?? this.begin(principal, selector, { keepCustomer: keepsCustomer })
  }

  async find({ workspaceId }: Principal, selector: string): Promise<Erasure> {
    const id = fromWire('ers', selector)
    const erasure = id === null ? null : await erasureById(this.#o.database.db, id)
    if (erasure === null || erasure.workspaceId !== workspaceId) throw notFound('erasure', selector)
    return erasure
  }

  run({ id }: { id: string }): Promise<void> {
    return workInSlices({
      advance: () => this.#advance(id),
      goOn: (waitMs) => this.#o.database.transaction((tx) => this.#goOn(tx, id, waitMs)),
      tell: () => this.#tell(id),
    })
  }

  async #tell(id: string): Promise<void> {
    const erasure = await erasureById(this.#o.database.db, id)
    if (erasure !== null) this.#o.changed(erasure)
  }

  async lookAfter(now: Date): Promise<void> {
    const { database } = this.#o
    const since = new Date(now.getTime() - LATE_MS)
    const running = (await runningErasures(database.db, null)).map(({ id }) => id)
    for (const id of [...running, ...(await endedSince(database.db, since))])
      await database.transaction((tx) => this.#goOn(tx, id))
    await dropOldItems(database.db, since)
  }

  async #goOn(tx: Tx, id: string, waitMs = 0): Promise<void> {
    const { queue, clock } = this.#o
    const runAt = waitMs === 0 ? {} : { runAt: new Date(clock.now().getTime() + waitMs) }
    await queue.add(tx, { task: ERASE_TASK, payload: { id }, key: `erase:${id}`, ...runAt })
  }

  async #advance(id: string): Promise<Next> {
    const erasure = await erasureById(this.#o.database.db, id)
    if (erasure === null) return 'done'
    if (erasure.phase === 'stopping') return this.#stop(erasure)
    try {
      return await this.#erase(id)
    } catch (error) {
      if ((error as { code?: string }).code !== REFERRED_TO) throw error
      await this.#passOver(id)
      return 'on'
    }
  }

  async #stop(seen: Erasure): Promise<Next> {
    const { database, clock } = this.#o
    if (seen.work.step === 0 && seen.work.round === 0) await this.#prepare(seen)
    const { stopped, work, isDone, waits } = await this.#o.stopping.advance(seen)
    await database.transaction(async (tx) => {
      const erasure = await lockErasure(tx, seen.id)
      if (erasure === null || erasure.phase !== 'stopping') return
      await updateErasure(tx, {
        ...erasure,
        stopped,
        phase: isDone ? 'erasing' : 'stopping',
        work: isDone ? { ...AT_THE_BEGINNING, step: GATHER } : work,
        updatedAt: clock.now(),
      })
    })
    return waits ? this.#o.quietMs : 'on'
  }

  /** What processes have of the customer in memory is dropped before its runs and messages are looked for. */
  async #prepare(erasure: Erasure): Promise<void> {
    await this.#o.forgetEverywhere(erasure)
    await this.#o.database.transaction(async (tx) => this.#gather(tx, erasure, await this.#subjectOf(tx, erasure)))
  }

  async #subjectOf(tx: Tx, { id, workspaceId, customerId, keepsCustomer }: Erasure): Promise<ErasedSubject> {
    const customer = await customerById(tx, workspaceId, customerId)
    return {
      erasureId: id,
      workspaceId,
      customerId,
      internalId: customer?.internalId ?? '',
      // Ids sort by the time they were made.
      before: keepsCustomer ? id : null,
    }
  }

  async #gather(tx: Tx, erasure: Erasure, subject: ErasedSubject): Promise<void> {
    await gatherItems(tx, subject)
    if (!erasure.keepsCustomer) await gatherVersions(tx, subject, erasure.id)
    for (const { kind, prefixes } of ON_THE_WIRE) await this.#toWire(tx, erasure.id, kind, prefixes)
    const alerts = await alertsAbout(tx, subject)
    await addItems(tx, erasure.id, 'alert', alerts)
    await this.#toWire(tx, erasure.id, 'alert', ['alrt'])
  }

  async #toWire(tx: Tx, erasureId: string, kind: ItemKind, prefixes: readonly Prefix[]): Promise<void> {
    for (let after: string | null = null; ; ) {
      const page: string[] = await itemsOf(tx, erasureId, kind, after, 1000)
      const wire = page.flatMap((id) => prefixes.map((prefix) => toWire(prefix, id)))
      await addItems(tx, erasureId, 'wire', wire)
      after = page.at(-1) ?? null
      if (page.length < 1000) return
    }
  }

  /** The next portion, in one transaction with how far it is. */
  #erase(id: string): Promise<Next> {
    const { database, clock } = this.#o
    return database.transaction(async (tx): Promise<Next> => {
      const erasure = await lockErasure(tx, id)
      if (erasure === null) return 'done'
      const subject = await this.#subjectOf(tx, erasure)
      const { work } = erasure
      const keep = (change: Partial<Erasure>) => updateErasure(tx, { ...erasure, ...change, updatedAt: clock.now() })
      if (work.step === GATHER) {
        await this.#gather(tx, erasure, subject)
        const rows = await this.#o.eraseFromSetAside(
          tx,
          subject,
          new Set(await itemsOf(tx, id, 'address', null, 100_000)),
        )
        const counts = counted(erasure.counts, rows === 0 ? {} : { intake_set_aside: rows })
        await keep({ counts, work: { ...AT_THE_BEGINNING, round: work.round + 1, found: rows } })
        return 'on'
      }
      // Where nothing is found it is gone on at once: most places are empty.
      const untilMs = performance.now() + LOOK_MS
      let at = erasure
      do {
        if (STEPS[at.work.step] === undefined) return this.#endRound(tx, at, subject)
        at = { ...at, ...(await this.#erasePortion(tx, at, subject)) }
      } while (at.work.found === work.found && performance.now() < untilMs)
      await updateErasure(tx, { ...at, updatedAt: clock.now() })
      return 'on'
    })
  }

  /** Erases the next portion, and says how far it is then. */
  async #erasePortion(tx: Tx, erasure: Erasure, subject: ErasedSubject): Promise<Pick<Erasure, 'counts' | 'work'>> {
    const { id, work, counts } = erasure
    const step = STEPS[work.step]
    const isLeftOut = step === undefined || (erasure.keepsCustomer && step.erasing.isHistory !== true)
    if (isLeftOut) return { counts, work: { ...work, step: work.step + 1, leaf: null, block: 0 } }
    return nextPortion(tx, erasure, step.table, async (at) => {
      const portion = await erasePortion(tx, step, subject, at)
      const { how, remembered } = step.erasing
      if (typeof how === 'object' && 'noted' in how) await addItems(tx, id, how.noted, portion.ids)
      else if (remembered !== undefined) {
        const wire = portion.ids.map((each) => toWire(remembered, each))
        await addItems(tx, id, 'wire', wire)
      }
      return portion
    })
  }

  /** Rows that came meanwhile refer to these: the next round has both. */
  async #passOver(id: string): Promise<void> {
    await this.#o.database.transaction(async (tx) => {
      const erasure = await lockErasure(tx, id)
      if (erasure === null) return
      const { work } = erasure
      const step = Math.min(work.step + 1, STEPS.length)
      await updateErasure(tx, { ...erasure, work: { ...work, step, leaf: null, block: 0, found: work.found + 1 } })
    })
  }

  async #endRound(tx: Tx, erasure: Erasure, subject: ErasedSubject): Promise<Next> {
    const { clock, quietMs } = this.#o
    const { work } = erasure
    const isAgain = { ...work, step: GATHER, leaf: null, block: 0 }
    const now = clock.now()
    if (erasure.status === 'completed') {
      // Looked at once more, long after.
      if (work.found > 0)
        this.#o.log.warn(
          { erasure: toWire('ers', erasure.id), rows: work.found },
          'rows of an erased customer came late',
        )
      await updateErasure(tx, { ...erasure, work: isAgain, updatedAt: now })
      return work.found > 0 ? 'on' : 'done'
    }
    const isLast = work.round > 1 && work.found === 0 && !(await hasRunsLeft(tx, subject))
    if (!isLast) {
      await updateErasure(tx, { ...erasure, work: isAgain, updatedAt: now })
      // What was under way when it was stopped has time to end.
      return quietMs
    }
    const isGone = !erasure.keepsCustomer
    if (isGone) await deleteCustomer(tx, erasure.customerId)
    for (const kind of NAMING) await dropItems(tx, erasure.id, kind)
    const counts = counted(erasure.counts, isGone ? { customers: 1 } : {})
    const ended: Erasure = {
      ...erasure,
      counts,
      status: 'completed',
      phase: 'done',
      work: isAgain,
      updatedAt: now,
      finishedAt: now,
    }
    await updateErasure(tx, ended)
    await this.#o.notifications.tell(tx, [
      {
        workspaceId: erasure.workspaceId,
        // To the workspace alone, and kept as any other message of it.
        customerId: null,
        eventType: 'customer.erased',
        data: {
          erasure: {
            id: toWire('ers', erasure.id),
            customerId: toWire('cus', erasure.customerId),
            keepsCustomer: erasure.keepsCustomer,
            rows: Object.values(counts).reduce((sum, rows) => sum + rows, 0),
            startedAt: erasure.startedAt.toISOString(),
            finishedAt: now.toISOString(),
          },
        },
      },
    ])
    await this.#o.forgetEverywhere(ended)
    return 'done'
  }
}

/** Kinds that name somebody, or open something. */
const NAMING: readonly ItemKind[] = ['selector', 'address']

const ON_THE_WIRE: readonly { kind: ItemKind; prefixes: readonly Prefix[] }[] = [
  { kind: 'connection', prefixes: ['con'] },
  { kind: 'subscription', prefixes: ['aes'] },
  { kind: 'external-subscription', prefixes: ['ees'] },
  { kind: 'destination', prefixes: ['ne'] },
  { kind: 'instance', prefixes: ['cf'] },
  { kind: 'run', prefixes: ['fr'] },
  { kind: 'alert', prefixes: ['alrt'] },
]
