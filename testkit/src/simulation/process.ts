import { createAccept, type EventAnswer } from '../../../server/src/events/accept.ts'
import type { EventRequest, IntakeRefusal } from '../../../server/src/events/stages.ts'
import type { NodeCall, NodeOutcome, NodeServices, NodeType } from '../../../server/src/flows/node-type.ts'
import type { FlowPlan, PlannedNode } from '../../../server/src/flows/plan.ts'
import type { Clock } from '../../../server/src/platform/clock.ts'
import { createGroupCommit, type GroupCommit } from '../../../server/src/platform/group-commit.ts'
import type { Ids } from '../../../server/src/platform/ids.ts'
import type { LaneOutcome } from '../../../server/src/platform/lane.ts'
import { type Log, silentLog } from '../../../server/src/platform/log.ts'
import { createMetrics } from '../../../server/src/platform/metrics.ts'
import { type Ownership, ownershipBy } from '../../../server/src/platform/ownership.ts'
import { type Backlog, createBacklog } from '../../../server/src/runs/backlog.ts'
import { Execution } from '../../../server/src/runs/execution.ts'
import { LIMITS } from '../../../server/src/runs/limits.ts'
import type { RunItem } from '../../../server/src/runs/run.ts'
import { traceRun } from '../../../server/src/runs/run-trace.ts'
import type { Locks } from './locks.ts'
import type { Dice, Owner, Schedule } from './schedule.ts'
import type { Tables } from './tables.ts'

/** 2026-11-02, when every simulation begins. */
const BEGIN_MS = 1_793_577_600_000
/** As the system's clock: it looks again after so long, in case it was set. */
const NAP_MS = 30_000

/** A call that is not answered is given up after so long at most. */
const FAULT_HEARD_MS = 600

/** One for all: nothing that is simulated depends on them. */
const metrics = createMetrics()

/** What surrounds a process, and is told what it does. */
export interface Surroundings {
  schedule: Schedule
  dice: Dice
  tables: Tables
  locks: Locks
  nextId(nowMs: number): string
  /** A step with an effect outside; what it comes to. */
  effect(process: SimulatedProcess, call: NodeCall): Promise<NodeOutcome>
  /** The end of a run was told to whoever counts them. */
  ended(runId: string, state: string): void
  broken(promise: string): void
}

/**
 * One process of the engine: its ownership, intake, lanes, batches, recorder and the walk of its runs are the real ones.
 * Around it are the model of the database, and effects that only take time.
 */
export class SimulatedProcess implements Owner {
  isDead = false
  isStopping = false
  faultAtMs = Number.NEGATIVE_INFINITY
  #stopsAtMs = 0
  /** How far its clock is off. */
  skewMs = 0
  readonly name: string
  readonly #around: Surroundings
  readonly #plan: FlowPlan
  readonly #clock: Clock
  readonly #log: Log
  readonly #walks = new Map<string, number>()
  readonly ownership: Ownership
  readonly backlog: Backlog
  readonly intake: GroupCommit<EventRequest, EventAnswer | IntakeRefusal>

  constructor(name: string, around: Surroundings) {
    const { tables, locks, dice } = around
    this.name = name
    this.#around = around
    this.#clock = this.#clockOf()
    this.#log = logOf(around)
    this.#plan = planOf((call) => around.effect(this, call))
    const clock = this.#clock
    const ids: Ids = { next: () => around.nextId(clock.now().getTime()) }
    const log = this.#log
    this.ownership = ownershipBy(locks.sessionsFor(this), { log, random: dice, isWorker: true, tickMs: 2000 })
    this.backlog = createBacklog({
      tables: tables.runsFor(this),
      ownership: this.ownership,
      clock,
      ids,
      log,
      metrics,
      walk: (item, signal) => this.#walk(item, signal, ids),
      giveUp() {
        around.broken('no work fails by our own mistake')
        return Promise.resolve({ kind: 'finished' })
      },
      onNews() {},
      onRefused() {},
      sweepMs: 5000,
    })
    const { backlog } = this
    const accept = createAccept({
      tables: tables.intakeFor(this),
      clock,
      ids,
      runs: {
        inserting: (runs) => backlog.inserting(runs),
        arriving: () => [],
        offer: (items) => backlog.offer(items),
      },
      live: { changed() {} },
    })
    this.intake = createGroupCommit({
      write: accept,
      groupMax: 4,
      groupWeightMax: Number.POSITIVE_INFINITY,
      writersMax: 2,
      waitingMax: 50,
      waitingWeightMax: Number.POSITIVE_INFINITY,
      gatherMs: 3,
    })
  }

  start(): void {
    // A process that cannot begin ends, and is started again by whoever runs it.
    this.ownership.start().then(
      () => this.backlog.start(),
      () => {
        this.isDead = true
      },
    )
  }

  /** Ends by itself: what is at work may end, what is held goes back, the shards are given up. */
  async stop(): Promise<void> {
    this.#stopsAtMs = this.#around.schedule.nowMs
    await this.intake.drained()
    await this.backlog.close()
    await this.ownership.stop()
    this.isDead = true
  }

  /** How often it had lost its session when it took the run up; −1 where it had none just then. */
  lossesAtWalk(runId: string): number {
    return this.#walks.get(runId) ?? -1
  }

  /** Whether it could not record everything before it left. */
  get hasLeftUnrecorded(): boolean {
    return this.isStopping && this.faultAtMs > this.#stopsAtMs - FAULT_HEARD_MS
  }

  async #walk(item: RunItem, signal: AbortSignal, ids: Ids): Promise<LaneOutcome> {
    const { tables, dice, locks } = this.#around
    this.#walks.set(item.id, locks.isHeldBy(this) ? locks.lossesOf(this) : -1)
    const recorded = item.isFresh ? [] : await tables.recorded(this, item.id)
    const execution = new Execution(
      {
        services: { clock: this.#clock } as NodeServices,
        recorder: this.backlog.recorder,
        ids,
        random: dice,
        log: this.#log,
        limits: LIMITS,
      },
      {
        item,
        plan: this.#plan,
        user: { id: item.run.customerId } as never,
        connection: null,
        wireIds: { run: item.id, flow: item.run.flowInstanceId },
        scope: {},
        signal,
        arrived: new Map(),
        sourceOfWait: async () => null,
        recorded: new Map(recorded.map((each) => [each.path, each])),
        beneath: () => [],
        longOutputs: async () => '[]',
        trace: traceRun(null, item),
      },
    )
    const { outcome, ended } = await execution.run()
    if (ended !== null) this.#around.ended(item.id, ended)
    return outcome
  }

  #clockOf(): Clock {
    const { schedule } = this.#around
    const nowMs = () => BEGIN_MS + schedule.nowMs + this.skewMs
    return {
      now: () => new Date(nowMs()),
      wakeAt: (at, action) => {
        let cancel = () => {}
        const look = () => {
          const leftMs = at.getTime() - nowMs()
          if (leftMs <= 0) action()
          else cancel = schedule.after(Math.min(leftMs, NAP_MS), look, this)
        }
        cancel = schedule.after(Math.min(Math.max(0, at.getTime() - nowMs()), NAP_MS), look, this)
        return () => cancel()
      },
    }
  }
}

/** What is logged as our own mistake is one, but for what the database refuses to record. */
function logOf({ broken }: Surroundings): Log {
  const error = (about: object, message: string) => {
    if (message !== 'the progress of a run could not be recorded')
      broken(`nothing goes wrong by our own mistake: ${message} ${JSON.stringify(about)}`)
  }
  return { ...silentLog, error: error as Log['error'] }
}

/** A trigger and two steps, one after the other, each with an effect outside. */
function planOf(effect: (call: NodeCall) => Promise<NodeOutcome>): FlowPlan {
  const keys = ['start', 'first', 'second']
  return new Map(
    keys.map((key, index): [string, PlannedNode] => {
      const hasEffect = index > 0
      const next = keys[index + 1]
      return [
        key,
        {
          key,
          node: { type: 'simulated' } as PlannedNode['node'],
          type: { type: 'simulated', isTrigger: !hasEffect, hasEffect } as NodeType,
          prepared: { execute: (call) => (hasEffect ? effect(call) : { kind: 'outputs', outputs: [call.fed] }) },
          links: next === undefined ? [] : [{ key: next, filter: null }],
          subFlowRoot: null,
          mask: null,
          isStreamed: false,
        },
      ]
    }),
  )
}
