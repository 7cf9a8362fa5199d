import { randomBytes } from 'node:crypto'
import type { Live } from '../live/live.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { happeningOf } from './audit-record.ts'
import { BEGINNING, type ChainedRecord, chained, type NewRecord, sealOf } from './record.ts'
import { deleteIntents, insertIntents, insertRecords, lockHeads, moveHead, takeOldIntents } from './store.ts'

/** Records changes, each in the chain of its workspace. */
export interface Trail {
  /** Says that a change is about to be made; resolves when that is durable. What nobody comes back to becomes a record. */
  intend(record: NewRecord): Promise<Intended>
  /** The same for many, in one go. */
  intendAll(records: readonly NewRecord[]): Promise<Intended[]>
  /** Records what needs no announcement, because it is over. Resolves when it is durable. */
  add(record: NewRecord): Promise<void>
  /** Makes records of changes whose process died. */
  recover(): Promise<void>
  /** Resolves when nothing is on its way into the log. */
  settled(): Promise<void>
}

export interface Intended {
  /** How it came out. Resolves when that is durable; where it cannot be, the announcement stays. */
  record(outcome: NewRecord): Promise<void>
  /** Nothing was changed. */
  drop(): Promise<void>
}

export interface TrailOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  notifications: Notifications
  live: Pick<Live, 'changed'>
  /** The first seals. */
  keys: readonly Uint8Array[]
}

const GROUP_MAX = 200
const GROUP_CHARS_MAX = 4 * 1024 * 1024
const WAITING_MAX = 100_000
const WAITING_CHARS_MAX = 256 * 1024 * 1024
/** A change that takes longer is taken for one whose process died; its own record follows all the same. */
const FORGOTTEN_AFTER_MS = 15 * 60_000
const RECOVERED_AT_ONCE = 200

interface Entry {
  record: NewRecord | null
  intentId: string | null
}

export function createTrail(options: TrailOptions): Trail {
  const { database, clock, ids, log } = options
  const [key] = options.keys
  if (key === undefined) throw new Error('at least one key is needed')

  const announcing = createGroupCommit<NewRecord, true>({
    async write(records) {
      await insertIntents(
        database.db,
        records.map((record) => ({
          id: record.id,
          workspaceId: record.workspaceId,
          at: record.at,
          record: JSON.stringify(record),
        })),
      )
      return records.map(() => true)
    },
    ...BOUNDS,
  })
  const recording = createGroupCommit<Entry, true>({
    async write(entries) {
      await append(entries)
      return entries.map(() => true)
    },
    ...BOUNDS,
    // One after the other: two would only wait for each other's hold of the chain.
    writersMax: 1,
  })

  /** Adds records to their chains, which are held only for this: the changes themselves run beside each other. */
  async function append(entries: readonly Entry[]): Promise<void> {
    const records = entries.flatMap(({ record }) => (record === null ? [] : [record]))
    const intentIds = entries.flatMap(({ intentId }) => (intentId === null ? [] : [intentId]))
    await database.transaction(async (tx) => {
      if (intentIds.length > 0) await deleteIntents(tx, intentIds)
      await appendTo(tx, records)
    })
    tellPages(options.live, records)
  }

  async function appendTo(tx: Database['db'], records: readonly NewRecord[]): Promise<void> {
    if (records.length === 0) return
    const byWorkspace = Map.groupBy(records, (record) => record.workspaceId)
    const heads = await lockHeads(tx, [...byWorkspace.keys()].sort(), { ...BEGINNING, seal: '' })
    const placed: ChainedRecord[] = []
    for (const [workspaceId, own] of byWorkspace) {
      let head = heads.get(workspaceId) ?? BEGINNING
      for (const record of own) {
        const next = chained(record, head, randomBytes(16).toString('base64url'))
        placed.push(next)
        head = next
      }
      const { sequence, hash } = head
      await moveHead(tx, workspaceId, {
        sequence,
        hash,
        seal: sealOf(workspaceId, { sequence, hash }, key as Uint8Array),
      })
    }
    await insertRecords(tx, placed)
    await options.notifications.tell(tx, placed.map(happeningOf))
  }

  /** Waits for its turn; there is room for more than can ever be under way. */
  async function handedTo<Item>(
    queue: { add(item: Item, weight: number): Promise<true> | null },
    item: Item,
    of: NewRecord | null,
  ) {
    const waiting = queue.add(item, of === null ? 100 : JSON.stringify(of).length)
    if (waiting === null) throw new Error('more changes are under way than can be recorded')
    await waiting
  }

  const intendedAs = ({ id: intentId }: NewRecord): Intended => ({
    record: (record) => handedTo(recording, { record, intentId }, record),
    drop: () => handedTo(recording, { record: null, intentId }, null),
  })

  return {
    async intend(record) {
      await handedTo(announcing, record, record)
      return intendedAs(record)
    },
    async intendAll(records) {
      await Promise.all(records.map((record) => handedTo(announcing, record, record)))
      return records.map(intendedAs)
    },
    add: (record) => handedTo(recording, { record, intentId: null }, record),
    async recover() {
      for (;;) {
        const before = new Date(clock.now().getTime() - FORGOTTEN_AFTER_MS)
        const found = await database.transaction(async (tx) => {
          const intents = await takeOldIntents(tx, before, RECOVERED_AT_ONCE)
          const records = intents.map((intent): NewRecord => {
            const record = JSON.parse(intent.record) as NewRecord
            return { ...record, id: ids.next(), at: intent.at, outcome: 'unknown' }
          })
          await appendTo(tx, records)
          return intents.length
        })
        if (found > 0) log.warn({ changes: found }, 'changes whose process died are in the audit log without their end')
        if (found < RECOVERED_AT_ONCE) return
      }
    },
    async settled() {
      await announcing.drained()
      await recording.drained()
    },
  }
}

function tellPages(live: TrailOptions['live'], records: readonly NewRecord[]): void {
  for (const { workspaceId, id } of records)
    live.changed({ workspaceId, elementType: 'audit-record', elementId: toWire('aud', id), audience: 'admins' })
}

const BOUNDS = {
  groupMax: GROUP_MAX,
  groupWeightMax: GROUP_CHARS_MAX,
  writersMax: 2,
  waitingMax: WAITING_MAX,
  waitingWeightMax: WAITING_CHARS_MAX,
}
