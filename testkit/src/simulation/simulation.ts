import { createHash } from 'node:crypto'
import type { EventRequest } from '../../../server/src/events/stages.ts'
import type { NodeCall, NodeOutcome } from '../../../server/src/flows/node-type.ts'
import { isDatabaseAway } from '../../../server/src/platform/database-errors.ts'
import { fromWire } from '../../../server/src/platform/ids.ts'
import { Locks } from './locks.ts'
import { SimulatedProcess, type Surroundings } from './process.ts'
import { sceneOf } from './scene.ts'
import { type Dice, diceOf, Schedule, takeOverTime } from './schedule.ts'
import { Tables, UNRECORDABLE, UNSTORABLE } from './tables.ts'

/** How long there are faults, and how long everything may take after them. */
const FAULTS_MS = 9000
const CALM_MS = 400_000
/** Steps of one seed that are told of a failure. */
const TOLD = 40

export interface Outcome {
  seed: number
  /** What was promised and not kept; null where all was. */
  broken: string | null
  /** Things that were done, one at a time. */
  steps: number
  /** The same for the same seed. */
  digest: string
  history: string[]
  acknowledged: number
  effects: number
  again: number
}

/** A request and what is known of it. */
interface Sent {
  request: EventRequest
  isPoison: boolean
  /** Ids of its events, once acknowledged. */
  ids: string[] | null
}

/** One step as it was begun. */
interface Begun {
  process: SimulatedProcess
  /** How often its process had lost its session when the run was taken up; more by now means that others may do it too. */
  losses: number
  came: 'nothing' | 'done' | 'not-done'
}

/** Simulates what a seed says; everything that happens follows from it. */
export async function simulate(seed: number): Promise<Outcome> {
  const world = new World(seed)
  await world.run()
  return world.outcome()
}

class World implements Surroundings {
  readonly #seed: number
  readonly dice: Dice
  readonly schedule = new Schedule()
  readonly tables: Tables
  readonly locks: Locks
  readonly #scene = sceneOf()
  #processes: SimulatedProcess[] = []
  #started = 0
  #ids = 0
  #broken: string | null = null
  readonly #history: string[] = []
  readonly #hash = createHash('sha256')
  readonly #sent: Sent[] = []
  readonly #begun = new Map<string, Begun[]>()
  readonly #ends = new Map<string, number>()
  readonly #stopped = new Set<string>()
  #effects = 0
  #again = 0

  constructor(seed: number) {
    this.#seed = seed
    this.dice = diceOf(seed)
    const { schedule, dice } = this
    takeOverTime(schedule)
    this.locks = new Locks(schedule, dice)
    this.tables = new Tables({
      schedule,
      dice,
      scene: this.#scene,
      isAlive: (session) => this.locks.hasNumber(session),
      broken: (promise) => this.broken(promise),
    })
  }

  async run(): Promise<void> {
    const count = 1 + Math.floor(this.dice() * 3)
    for (let each = 0; each < count; each += 1) this.#startOne()
    this.#plan()
    await this.schedule.run(
      FAULTS_MS,
      () => this.#broken !== null,
      () => this.#look(),
    )
    this.tables.isFaulty = false
    this.locks.isFaulty = false
    for (const process of this.#processes) process.skewMs = 0
    if (this.#living.length === 0) this.#startOne()
    const untilMs = this.schedule.nowMs + CALM_MS
    await this.schedule.run(
      untilMs,
      () => this.#broken !== null || this.#isDone(),
      () => this.#look(),
    )
    if (this.#broken === null) this.#lookAtTheEnd()
  }

  outcome(): Outcome {
    return {
      seed: this.#seed,
      broken: this.#broken,
      steps: this.schedule.done,
      digest: this.#hash.digest('hex').slice(0, 16),
      history: this.#history.slice(-TOLD),
      acknowledged: this.#sent.filter(({ ids }) => ids !== null).length,
      effects: this.#effects,
      again: this.#again,
    }
  }

  broken(promise: string): void {
    this.#note(`BROKEN: ${promise}`)
    this.#broken ??= promise
  }

  nextId(nowMs: number): string {
    this.#ids += 1
    const [moment, counter] = [
      Math.max(0, nowMs).toString(16).padStart(12, '0'),
      this.#ids.toString(16).padStart(8, '0'),
    ]
    return `${moment.slice(0, 8)}-${moment.slice(8)}-7000-8000-${'0'.repeat(4)}${counter}`
  }

  #note(what: string): void {
    const line = `${this.schedule.nowMs.toFixed(1)} ${what}`
    this.#history.push(line)
    this.#hash.update(line)
  }

  // ── what happens ──

  #plan(): void {
    const { dice } = this
    const times = (most: number, what: () => void) => {
      for (let left = Math.floor(dice() * (most + 1)); left > 0; left -= 1)
        this.schedule.after(dice() * FAULTS_MS * 0.9, what, null)
    }
    times(14, () => this.#send())
    times(3, () => {
      const [process] = this.#living
      if (process !== undefined) for (let left = 3; left > 0; left -= 1) this.#send(process)
    })
    times(4, () => this.#repeat())
    times(2, () => this.#crash())
    times(1, () => this.#stopOne())
    times(2, () => this.#one((process) => this.#loseSession(process)))
    times(2, () => this.#one((process) => this.#setClock(process)))
    times(2, () => this.#stopRun())
    times(1, () => this.#startOne())
  }

  get #living(): SimulatedProcess[] {
    return this.#processes.filter((each) => !each.isDead && !each.isStopping)
  }

  #one(what: (process: SimulatedProcess) => void): void {
    const living = this.#living
    const chosen = living[Math.floor(this.dice() * living.length)]
    if (chosen !== undefined) what(chosen)
  }

  #startOne(): void {
    this.#started += 1
    const process = new SimulatedProcess(`p${this.#started}`, this)
    this.#processes.push(process)
    this.#note(`${process.name} starts`)
    this.schedule.after(0, () => process.start(), process)
  }

  #crash(): void {
    this.#one((process) => {
      this.#note(`${process.name} dies`)
      process.isDead = true
      this.locks.forget(process)
      this.schedule.after(this.dice() * 4000, () => this.#startOne(), null)
    })
  }

  #stopOne(): void {
    this.#one((process) => {
      this.#note(`${process.name} stops`)
      process.isStopping = true
      this.schedule.after(0, () => void process.stop(), process)
      this.schedule.after(this.dice() * 4000, () => this.#startOne(), null)
    })
  }

  #loseSession(process: SimulatedProcess): void {
    this.#note(`${process.name} loses its session`)
    this.locks.lose(process)
  }

  #setClock(process: SimulatedProcess): void {
    process.skewMs += Math.round((this.dice() - 0.5) * 60_000)
    this.#note(`the clock of ${process.name} is off by ${process.skewMs} ms`)
  }

  #stopRun(): void {
    const { open } = this.tables
    const id = open[Math.floor(this.dice() * open.length)]
    if (id === undefined) return
    this.#one((process) => {
      this.#note(`run ${id.slice(-4)} is stopped by ${process.name}`)
      const stopping = () =>
        void process.backlog.stop(id).then(
          (end) => {
            if (end !== null) this.#stopped.add(id)
          },
          () => {},
        )
      this.schedule.after(0, stopping, process)
    })
  }

  #send(to?: SimulatedProcess): void {
    const { dice } = this
    const url = this.#scene.urls[Math.floor(dice() * this.#scene.urls.length)] ?? ''
    const kind = dice()
    const what = kind < 0.06 ? UNSTORABLE : kind < 0.1 ? UNRECORDABLE : 'fine'
    const count = dice() < 0.3 ? 3 : 1
    const request: EventRequest = {
      target: { kind: 'subscription', webhookUuid: url },
      principal: null,
      isBatch: count > 1,
      events: Array.from({ length: count }, (_, index) => ({
        value: { what, index },
        text: JSON.stringify({ what, index }),
      })),
      idempotencyKey: dice() < 0.4 ? `key-${this.#sent.length}` : null,
      trace: null,
    }
    const sent: Sent = { request, isPoison: what === UNSTORABLE, ids: null }
    this.#sent.push(sent)
    this.#hand(sent, to)
  }

  /** A message that was not acknowledged, or was, comes once more. */
  #repeat(): void {
    const keyed = this.#sent.filter(({ request }) => request.idempotencyKey !== null)
    const chosen = keyed[Math.floor(this.dice() * keyed.length)]
    if (chosen !== undefined) this.#hand(chosen)
  }

  #hand(sent: Sent, to?: SimulatedProcess): void {
    if (to !== undefined) this.#handTo(sent, to)
    else this.#one((process) => this.#handTo(sent, process))
  }

  #handTo(sent: Sent, process: SimulatedProcess): void {
    this.schedule.after(
      0,
      () => {
        const number = this.#sent.indexOf(sent)
        this.#note(`request ${number} comes to ${process.name}`)
        void process.intake.add(sent.request, 1)?.then(
          (answer) => {
            if (answer.kind === 'refused') {
              this.broken('what is right is not refused')
              return
            }
            this.#note(`request ${number} is answered by ${process.name}`)
            this.#acknowledged(sent, answer.body.results)
          },
          (error: Error) => {
            if (!sent.isPoison && !isDatabaseAway(error))
              this.broken(`a request is not refused for its neighbours: ${error.message}`)
          },
        )
      },
      process,
    )
  }

  #acknowledged(sent: Sent, results: readonly object[]): void {
    if (sent.isPoison) this.broken('what cannot be stored is not acknowledged')
    const ids = results.flatMap((each) => ('id' in each ? [fromWire('aev', String(each.id)) ?? ''] : []))
    if (ids.length !== sent.request.events.length) this.broken('every event is acknowledged with an id')
    if (sent.ids !== null && sent.request.idempotencyKey !== null && sent.ids.join() !== ids.join())
      this.broken('the same idempotency key stands for the same events')
    sent.ids = ids
    this.#lookAtEvents(ids)
  }

  // ── steps with an effect ──

  effect(process: SimulatedProcess, call: NodeCall): Promise<NodeOutcome> {
    const key = `${call.sourceId} ${call.slot}`
    const begun: Begun = { process, losses: process.lossesAtWalk(call.sourceId ?? ''), came: 'nothing' }
    this.#note(`${process.name} begins ${call.slot} of run ${call.sourceId.slice(-4)}`)
    this.#lookAtBegin(call.sourceId ?? '', call.slot ?? '', [...(this.#begun.get(key) ?? []), begun])
    this.#begun.set(key, [...(this.#begun.get(key) ?? []), begun])
    const failed = { kind: 'retry', error: { type: 'internal', message: 'not now' }, afterMs: null } as const
    const { promise, resolve } = Promise.withResolvers<NodeOutcome>()
    const ms = this.dice() < 0.1 ? this.dice() * 5000 : this.dice() * 300
    const comesOff = !this.tables.isFaulty || this.dice() > 0.05
    const cancel = this.schedule.after(
      ms,
      () => {
        begun.came = comesOff ? 'done' : 'not-done'
        resolve(comesOff ? { kind: 'outputs', outputs: [{ by: process.name }] } : failed)
      },
      process,
    )
    call.signal.addEventListener('abort', () => {
      cancel()
      if (begun.came === 'nothing') begun.came = 'not-done'
      resolve(failed)
    })
    return promise
  }

  ended(runId: string, state: string): void {
    this.#note(`run ${runId.slice(-4)} is told as ${state}`)
    this.#ends.set(runId, (this.#ends.get(runId) ?? 0) + 1)
    if ((this.#ends.get(runId) ?? 0) > 1) this.broken('the end of a run counts once')
    if (this.tables.log.get(runId)?.state !== state) this.broken('what is told as the end of a run is its end')
  }

  // ── promises ──

  #lookAtBegin(runId: string, slot: string, all: readonly Begun[]): void {
    this.#effects += 1
    if (!this.tables.isKept(runId)) this.broken('a run begins once it is stored')
    const [now, last] = [all.at(-1), all.at(-2)]
    if (now !== undefined && last !== undefined) {
      this.#again += 1
      const isStale = ({ process, losses }: Begun) =>
        process.isDead || process.hasLeftUnrecorded || this.locks.lossesOf(process) > losses
      const mayBeAgain = last.came === 'not-done' || isStale(last) || isStale(now)
      if (!mayBeAgain) this.broken('a step is done once, unless it was cut off, its process died or lost its session')
    }
    if (slot === 'second') {
      const first = this.#begun.get(`${runId} first`)?.some(({ came }) => came === 'done') === true
      const isRecorded = this.tables.nodeRuns.get(runId)?.some(({ nodeKey }) => nodeKey === 'first') === true
      if (first && !isRecorded) this.broken('a step begins only when the effects before it are recorded')
    }
    for (const order of this.tables.orders.values()) {
      const place = order.indexOf(runId)
      if (place > 0 && order.slice(0, place).some((each) => !this.tables.log.has(each)))
        this.broken('in an order a run begins after all before it are final')
    }
  }

  /** After every step: of what was acknowledged nothing is missing. */
  #look(): void {
    for (const { ids } of this.#sent) if (ids !== null) this.#lookAtEvents(ids)
  }

  #lookAtEvents(ids: readonly string[]): void {
    for (const id of ids) {
      const runs = this.tables.runsOf.get(id) ?? []
      if (!this.tables.events.has(id) || runs.length === 0) this.broken('what is acknowledged is stored')
      else if (!runs.every((each) => this.tables.isKept(each))) this.broken('a run that is stored is not lost')
    }
  }

  #isDone(): boolean {
    return this.tables.open.length === 0
  }

  #lookAtTheEnd(): void {
    const { open } = this.tables
    if (open.length > 0)
      this.broken(`every run that is due is begun, and ends (${open.map((id) => id.slice(-4)).join()})`)
    for (const id of this.#stopped)
      if (this.tables.log.get(id)?.state !== 'stopped') this.broken('a run that was told as stopped is stopped')
  }
}
