import type { ReplayInput, Replay as WireReplay } from '@permea/contract'
import type { z } from 'zod'
import { Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, NO_ID, toWire } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import type { Deliveries } from './deliveries.ts'
import {
  cancelReplay,
  countSettled,
  insertReplay,
  type Replay,
  type ReplayFilter,
  replayById,
  saveReplayProgress,
  settledPage,
} from './replay-store.ts'

export const REPLAY_TASK = 'delivery-replay'

const RATE_PER_SECOND = 10
/** Sent between two looks at whether the replay was cancelled: at most this many, and about this long. */
const PAGE_MAX = 100
const PAGE_SECONDS = 2
/** Attempts of one replay under way at the same time: a slow receiver does not hold up the rate by itself. */
const AT_ONCE = 20

/** Sends settled deliveries again, many by a filter, at a rate of their own, in the background. */
export interface Replays {
  create(workspaceId: string, input: z.output<typeof ReplayInput>): Promise<Replay>
  cancel(replay: Replay): Promise<Replay>
  /** What the job does: goes on from where the replay stands. */
  run(payload: { id: string }): Promise<void>
}

export function createReplays(options: {
  database: Database
  clock: Clock
  ids: Ids
  queue: Queue
  deliveries: Deliveries
}): Replays {
  const { database, clock } = options

  /** Sends one page; gives the replay as it stands then, or null where it was cancelled meanwhile. */
  async function sendPage(replay: Replay, ids: readonly string[]): Promise<Replay | null> {
    const everyMs = 1000 / replay.ratePerSecond
    let { succeeded, failed } = replay
    const underWay = new Set<Promise<void>>()
    const faults: unknown[] = []
    let slotMs = clock.now().getTime()
    for (const id of ids) {
      slotMs += everyMs
      await until(slotMs)
      if (underWay.size >= AT_ONCE) await Promise.race(underWay)
      if (faults.length > 0) break
      const sending = sendOne(replay, id)
        .then((isSuccess) => {
          if (isSuccess) succeeded += 1
          else failed += 1
        })
        // Thrown below, once nobody is on the way any more.
        .catch((error: unknown) => void faults.push(error))
        .finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
    await Promise.all(underWay)
    if (faults.length > 0) throw faults[0]
    const moved = { ...replay, succeeded, failed, doneUntil: ids.at(-1) ?? replay.doneUntil }
    return (await saveReplayProgress(database.db, moved)) ? moved : null
  }

  async function sendOne(replay: Replay, id: string): Promise<boolean> {
    const row = await options.deliveries.byId(replay.workspaceId, id)
    if (row === null) return false
    try {
      return (await options.deliveries.send(row, 'bulk', replay.id)).outcome === 'acknowledged'
    } catch (error) {
      if (error instanceof Refusal) return false
      throw error
    }
  }

  function until(atMs: number): Promise<void> {
    if (atMs <= clock.now().getTime()) return Promise.resolve()
    return new Promise((resolve) => {
      clock.wakeAt(new Date(atMs), resolve)
    })
  }

  return {
    async create(workspaceId, input) {
      const filter = filterOf(input)
      const id = options.ids.next()
      const replay: Replay = {
        id,
        workspaceId,
        filter: recordedFilter(input),
        ratePerSecond: input.ratePerSecond ?? RATE_PER_SECOND,
        state: 'running',
        total: await countSettled(database.db, workspaceId, filter, id),
        succeeded: 0,
        failed: 0,
        doneUntil: null,
        createdAt: clock.now(),
        endedAt: null,
      }
      await database.transaction(async (tx) => {
        await insertReplay(tx, replay)
        await options.queue.add(tx, { task: REPLAY_TASK, payload: { id }, key: `replay:${id}` })
      })
      return replay
    },
    async cancel(replay) {
      await cancelReplay(database.db, replay.id, clock.now())
      return (await replayById(database.db, replay.id)) ?? replay
    },
    async run({ id }) {
      for (let replay = await replayById(database.db, id); replay !== null && replay.state === 'running'; ) {
        const ids: string[] = await settledPage(
          database.db,
          replay.workspaceId,
          filterFromRecord(replay.filter),
          replay.doneUntil,
          replay.id,
          Math.max(1, Math.min(PAGE_MAX, Math.ceil(replay.ratePerSecond * PAGE_SECONDS))),
        )
        if (ids.length === 0) {
          await saveReplayProgress(database.db, { ...replay, state: 'completed', endedAt: clock.now() })
          return
        }
        replay = await sendPage(replay, ids)
      }
    },
  }
}

/** The deliveries a filter means: by default those that were given up. */
function filterOf(input: z.output<typeof ReplayInput>): ReplayFilter {
  return filterFromRecord(recordedFilter(input))
}

function recordedFilter(input: z.output<typeof ReplayInput>): Record<string, unknown> {
  const from = input.failedSince ?? input.from
  return {
    ...(input.destinationId === undefined ? {} : { destinationId: input.destinationId }),
    state: input.failedSince === undefined ? (input.state ?? 'exhausted') : 'exhausted',
    ...(input.eventType === undefined ? {} : { eventType: input.eventType }),
    ...(from === undefined ? {} : { from: from.toISOString() }),
    ...(input.to === undefined ? {} : { to: input.to.toISOString() }),
  }
}

function filterFromRecord(record: Record<string, unknown>): ReplayFilter {
  const text = (name: string) => (typeof record[name] === 'string' ? record[name] : null)
  const destinationId = text('destinationId')
  const from = text('from')
  const to = text('to')
  return {
    destinationId: destinationId === null ? null : (fromWire(['ne', 'ees'], destinationId) ?? NO_ID),
    state: text('state') as ReplayFilter['state'],
    eventType: text('eventType'),
    from: from === null ? null : new Date(from),
    to: to === null ? null : new Date(to),
  }
}

export function replayAnswer(replay: Replay): z.input<typeof WireReplay> {
  return {
    id: toWire('rpl', replay.id),
    filter: replay.filter,
    ratePerSecond: replay.ratePerSecond,
    state: replay.state,
    total: replay.total,
    done: replay.succeeded + replay.failed,
    succeeded: replay.succeeded,
    failed: replay.failed,
    createdAt: replay.createdAt.toISOString(),
    endedAt: replay.endedAt?.toISOString(),
  }
}
