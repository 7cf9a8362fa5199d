import pg from 'pg'
import type { IntakeTables } from '../../../server/src/events/intake-tables.ts'
import { type AppEvent, type KeptAnswer, slotOf } from '../../../server/src/events/store.ts'
import type { Statement } from '../../../server/src/platform/database.ts'
import { shardOf } from '../../../server/src/platform/ownership.ts'
import type { RunTables } from '../../../server/src/runs/backlog.ts'
import type { NodeRun, RecordedNodeRun } from '../../../server/src/runs/node-run.ts'
import type { RunProgress } from '../../../server/src/runs/record-store.ts'
import { laneOf, type NewRun, type RunItem, runItem, type Waiting } from '../../../server/src/runs/run.ts'
import type { Scene } from './scene.ts'
import type { Dice, Owner, Schedule } from './schedule.ts'

/** Due at once, whatever the clock says: as runs that keep an order are stored. */
const ALWAYS_DUE_MS = 0

/** A run with a row of its own. */
interface ActiveRow {
  id: string
  run: NewRun
  laneId: string
  position: number
  state: 'queued' | 'running'
  startedAt: Date | null
  dueMs: number
  heldUntilMs: number | null
  waiting: Waiting | null
}

interface FlowBatch {
  id: string
  owner: number
  runs: readonly { id: string; run: NewRun }[]
}

/** A part of a transaction of the model: whether it would be refused, and what it changes. */
interface Change {
  refusal(): Error | null
  make(): void
}

/** What the database tells of itself when it cannot be reached. */
export function away(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
}

function refusal(): Error {
  return Object.assign(new pg.DatabaseError('the value cannot be stored', 0, 'error'), { code: '22P05' })
}

/** Nothing can be stored of whose payload says so; a run may also come to something that cannot be. */
export const UNSTORABLE = 'unstorable'
export const UNRECORDABLE = 'unrecordable'

/**
 * The database as far as intake, lanes and recorder know it: what their statements promise, one statement or
 * transaction at a time. A call takes its time to come and its time to be answered; where there are faults it does not
 * come, or its answer does not, and then it may still be carried out seconds later.
 */
export class Tables {
  isFaulty = true
  readonly events = new Map<string, AppEvent>()
  readonly runsOf = new Map<string, string[]>()
  readonly answers = new Map<string, KeptAnswer>()
  readonly batches = new Map<string, FlowBatch>()
  readonly active = new Map<string, ActiveRow>()
  readonly log = new Map<string, { state: string; run: NewRun }>()
  readonly nodeRuns = new Map<string, NodeRun[]>()
  /** Runs that keep an order, as they were stored. */
  readonly orders = new Map<string, string[]>()
  #position = 0
  readonly #schedule: Schedule
  readonly #dice: Dice
  readonly #scene: Scene
  readonly #isAlive: (session: number) => boolean
  readonly #broken: (promise: string) => void

  constructor(given: {
    schedule: Schedule
    dice: Dice
    scene: Scene
    /** Whether a session has this number. */
    isAlive(session: number): boolean
    broken(promise: string): void
  }) {
    this.#schedule = given.schedule
    this.#dice = given.dice
    this.#scene = given.scene
    this.#isAlive = given.isAlive
    this.#broken = given.broken
  }

  /** Has something done to the tables on behalf of a process. */
  call<T>(owner: Owner, work: () => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const [reachMs, answerMs, fate] = [this.#latencyMs(), this.#latencyMs(), this.#dice()]
    if (this.isFaulty && fate < 0.012) {
      owner.faultAtMs = this.#schedule.nowMs
      this.#schedule.after(reachMs, () => reject(away()), owner)
      return promise
    }
    const isUnheard = this.isFaulty && fate < 0.03
    const lateMs = isUnheard && this.#dice() < 0.5 ? this.#dice() * 8000 : 0
    this.#schedule.after(
      reachMs + lateMs,
      () =>
        void settled(work).then((outcome) => {
          if (isUnheard) return
          const answer = () => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value))
          this.#schedule.after(answerMs, answer, owner)
        }),
      null,
    )
    if (isUnheard) owner.faultAtMs = this.#schedule.nowMs
    if (isUnheard) this.#schedule.after(reachMs + this.#dice() * 500, () => reject(away()), owner)
    return promise
  }

  #latencyMs(): number {
    return this.#dice() < 0.05 ? this.#dice() * 60 : 0.2 + this.#dice() * 3
  }

  /** Where a run is: in the log, in a row of its own, or still in its batch. */
  isKept(id: string): boolean {
    if (this.log.has(id) || this.active.has(id)) return true
    for (const { runs } of this.batches.values()) if (runs.some((each) => each.id === id)) return true
    return false
  }

  get open(): string[] {
    return [
      ...this.active.keys(),
      ...[...this.batches.values()].flatMap((batch) => this.#openIn(batch).map(({ id }) => id)),
    ]
  }

  // ── intake ──

  intakeFor(owner: Owner): IntakeTables {
    return {
      urls: () => this.call(owner, () => ({ sources: this.#scene.sources, types: new Map() })),
      wishes: (addresses) =>
        this.call(owner, () => {
          const wanted = [...addresses.keys()].flatMap((key) => {
            const wish = this.#scene.wishes.get(key)
            return wish === undefined ? [] : [[key, wish] as const]
          })
          return new Map(wanted)
        }),
      customers: async () => new Map(),
      inserting: (events) =>
        statement({
          refusal: () => (events.some(({ payload }) => payload.includes(UNSTORABLE)) ? refusal() : null),
          make: () => {
            for (const event of events) this.events.set(event.id, event)
          },
        }),
      store: (statements) => this.call(owner, () => this.#carryOut(statements)),
      together: (work) =>
        this.call(owner, async () => {
          if (owner.isDead) throw away()
          const statements: Statement[] = []
          const kept: KeptAnswer[] = []
          const value = await work({
            keep: async (answers) => {
              const free = answers.filter((each) => !this.answers.has(slotOf(each)))
              kept.push(...free)
              return new Set(free.map(slotOf))
            },
            kept: async (slots) => {
              const all = new Map([...this.answers, ...kept.map((each) => [slotOf(each), each] as const)])
              return new Map(slots.flatMap((slot) => [...all].filter(([key]) => key === slotOf(slot))))
            },
            run: async (one) => void statements.push(one),
          })
          this.#carryOut(statements)
          for (const each of kept) this.answers.set(slotOf(each), each)
          return value
        }),
    }
  }

  #carryOut(statements: readonly Statement[]): void {
    const changes = statements.map(({ values: [change] }) => change as Change)
    for (const change of changes) {
      const error = change.refusal()
      if (error !== null) throw error
    }
    for (const change of changes) change.make()
  }

  #noteRuns(runs: readonly { id: string; run: NewRun }[]): void {
    for (const { id, run } of runs) {
      const eventId = run.eventId ?? ''
      this.runsOf.set(eventId, [...(this.runsOf.get(eventId) ?? []), id])
      if (run.isOrdered) this.orders.set(laneOf(run), [...(this.orders.get(laneOf(run)) ?? []), id])
    }
  }

  // ── runs ──

  runsFor(owner: Owner): RunTables {
    return {
      batches: {
        inserting: (id, session, runs) =>
          statement({
            refusal: () => null,
            make: () => {
              this.batches.set(id, { id, owner: session, runs: [...runs] })
              this.#noteRuns(runs)
            },
          }),
        activate: (runs, now) => this.call(owner, () => this.#activate(runs, now)),
        runsOf: (session, { ids, known }) =>
          this.call(owner, () =>
            [...this.batches.values()]
              .filter(
                (batch) =>
                  batch.owner === session && (ids === null ? !known.includes(batch.id) : ids.includes(batch.id)),
              )
              .flatMap((batch) =>
                this.#openIn(batch).map((each) => ({ ...each, batchId: batch.id, input: this.#inputOf(each.run) })),
              ),
          ),
        delete: (ids) => this.call(owner, () => this.#deleteBatches(ids)),
        takeOver: (own, known, now) => this.#takeOver(owner, { own, known, now }),
      },
      inserting: (runs, now) =>
        statement({
          refusal: () => null,
          make: () => {
            for (const { id, run } of runs) this.#insert(id, run, run.isOrdered ? ALWAYS_DUE_MS : now.getTime())
            this.#noteRuns(runs)
          },
        }),
      record: (progress, doneBatches, now) => this.call(owner, () => this.#record(progress, doneBatches, now)),
      lanesOf: (shards) => this.call(owner, () => this.#lanesOf(shards)),
      fetch: (laneIds, limit, except, now) =>
        this.call(owner, () => laneIds.flatMap((laneId) => this.#fetch(laneId, limit, except, now.getTime()))),
      countOf: async () => this.active.size,
      stop: (id, now) => this.call(owner, () => this.#stop(id, now)),
    }
  }

  /** What of a run is recorded beside it. */
  recorded(owner: Owner, runId: string): Promise<RecordedNodeRun[]> {
    return this.call(owner, () => (this.nodeRuns.get(runId) ?? []).map((each) => ({ ...each, isLong: false })))
  }

  #inputOf(run: NewRun): string {
    return this.events.get(run.eventId ?? '')?.payload ?? 'null'
  }

  #openIn({ runs }: FlowBatch): readonly { id: string; run: NewRun }[] {
    return runs.filter(({ id }) => !this.log.has(id) && !this.active.has(id))
  }

  #insert(id: string, run: NewRun, dueMs: number): void {
    this.#position += 1
    const started = { state: 'queued', startedAt: null, heldUntilMs: null, waiting: null } as const
    this.active.set(id, { id, run, laneId: laneOf(run), position: this.#position, dueMs, ...started })
  }

  #activate(runs: readonly { id: string; run: NewRun }[], now: Date): void {
    for (const { id, run } of runs) if (!this.log.has(id) && !this.active.has(id)) this.#insert(id, run, now.getTime())
  }

  #deleteBatches(ids: readonly string[]): void {
    for (const id of ids) {
      const batch = this.batches.get(id)
      if (batch !== undefined && this.#openIn(batch).length > 0)
        this.#broken('a batch goes only when all of its runs are in the log or have rows')
      this.batches.delete(id)
    }
  }

  async #takeOver(
    owner: Owner,
    { own, known, now }: { own: number | null; known: readonly string[]; now: Date },
  ): Promise<number[]> {
    const found = await this.call(owner, () =>
      [...this.batches.values()]
        .filter((batch) => (batch.owner === own ? !known.includes(batch.id) : !this.#isAlive(batch.owner)))
        .map(({ id }) => id),
    )
    if (found.length === 0) return []
    return this.call(owner, () => {
      const taken = found.flatMap((id) => this.batches.get(id) ?? [])
      const open = taken.flatMap((batch) => this.#openIn(batch))
      for (const { id } of taken) this.batches.delete(id)
      this.#activate(open, now)
      return [...new Set(open.map(({ run }) => shardOf(laneOf(run))))]
    })
  }

  #record(
    progress: readonly RunProgress[],
    doneBatches: readonly string[],
    now: Date,
  ): { ended: Set<string>; hasNews: boolean } {
    for (const { item, nodeRuns } of progress)
      if (nodeRuns.length > 0 && item.input.includes(UNRECORDABLE)) throw refusal()
    const ended = new Set<string>()
    for (const each of progress) {
      const { item, finish, nodeRuns, isAll, waits, isStopped, startedAt } = each
      if (finish === null && !isStopped && item.batch !== null) this.#activate([item], now)
      if (finish === null || !isAll) this.#keepNodeRuns(item.id, nodeRuns)
      const row = this.active.get(item.id)
      if (finish === null && !isStopped && row !== undefined) {
        const waiting = waits === null ? {} : waitingOf(waits)
        this.active.set(item.id, { ...row, state: 'running', startedAt, ...waiting })
      }
      if (finish === null) continue
      this.active.delete(item.id)
      if (this.log.has(item.id)) continue
      this.log.set(item.id, { state: finish.state, run: item.run })
      ended.add(item.id)
    }
    this.#deleteBatches(doneBatches)
    return { ended, hasNews: false }
  }

  #keepNodeRuns(runId: string, nodeRuns: readonly NodeRun[]): void {
    const kept = this.nodeRuns.get(runId) ?? []
    this.nodeRuns.set(runId, [...kept, ...nodeRuns.filter(({ id }) => !kept.some((each) => each.id === id))])
  }

  #lanesOf(shards: readonly number[]): { laneId: string; dueAt: Date }[] {
    const firsts = new Map<string, ActiveRow>()
    for (const row of this.active.values()) {
      if (!shards.includes(shardOf(row.laneId))) continue
      const first = firsts.get(row.laneId)
      if (first === undefined || row.dueMs < first.dueMs) firsts.set(row.laneId, row)
    }
    return [...firsts.values()].map((row) => ({ laneId: row.laneId, dueAt: new Date(row.heldUntilMs ?? row.dueMs) }))
  }

  #fetch(laneId: string, limit: number, except: readonly string[], nowMs: number): { item: RunItem; dueAt: Date }[] {
    const own = [...this.active.values()]
      .filter((row) => row.laneId === laneId)
      .sort((a, b) => a.dueMs - b.dueMs || a.position - b.position)
    const due = own.filter((row) => row.dueMs <= nowMs && !except.includes(row.id)).slice(0, limit)
    const next = own.filter((row) => row.dueMs > nowMs).slice(0, 1)
    return [...due, ...next].map((row) => ({
      item: {
        ...runItem(row.id, row.run, this.#inputOf(row.run), row.state === 'queued'),
        laneId,
        startedAt: row.startedAt,
        waiting: row.waiting,
      },
      dueAt: new Date(row.heldUntilMs ?? row.dueMs),
    }))
  }

  #stop(id: string, _now: Date): { hasNews: boolean } | null {
    const row = this.active.get(id)
    const batched = [...this.batches.values()].flatMap((batch) => this.#openIn(batch)).find((each) => each.id === id)
    const run = row?.run ?? batched?.run
    if (run === undefined || this.log.has(id)) return null
    this.active.delete(id)
    this.log.set(id, { state: 'stopped', run })
    return { hasNews: false }
  }
}

function waitingOf({ until, isOrdered, waiting }: NonNullable<RunProgress['waits']>): Partial<ActiveRow> {
  return isOrdered
    ? { dueMs: ALWAYS_DUE_MS, heldUntilMs: until.getTime(), waiting }
    : { dueMs: until.getTime(), heldUntilMs: null, waiting }
}

function statement(change: Change): Statement {
  return { name: 'model', text: '', values: [change] }
}

async function settled<T>(work: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}
