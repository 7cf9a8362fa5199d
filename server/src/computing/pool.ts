import { FairQueue } from '../platform/fair-queue.ts'
import { detectIsolation, type Isolation } from '../platform/isolation.ts'
import { silentLog } from '../platform/log.ts'
import { Owners } from '../platform/owners.ts'
import { ComputingChild } from './child-process.ts'
import { COMPUTE_MS } from './limits.ts'
import type { PartOf, TaskResult, Tasks } from './messages.ts'
import { Assembly, inTurns, isLarge } from './parts.ts'
import { ANYONE, type Task, type TaskOutcome } from './task.ts'

/** Tasks that wait; beyond that they are refused, since they would be too late anyway. */
const WAITING_MAX = 5000

/** Tasks sent to a child at a time. One of an owner that is not known to be quick goes with few others of its own. */
const BATCH_MAX = 50
const UNPROVEN_BATCH_MAX = 4

/** Beyond its budget a task may take so long before its child is killed. */
const GRACE_MS = 50
/** A child that was not given the processor may take so many times as long. */
const STARVED_FACTOR = 40
/** Starting, loading and reading are not the task's own time. */
const START_MS_MAX = 30_000
const LOAD_MS_MAX = 5000
const TICK_MS = 20
const IDLE_MS = 60_000
const FAILED_STARTS_MAX = 5
const QUICK_ENOUGH_MS = 90

/** Whom a child works for: only those known to be quick, anybody who has not disturbed, or those who have. */
type Kind = 'proven' | 'any' | 'noisy'

/** Large tasks of an owner have turns of their own, and never hold up the child of those known to be quick. */
const LARGE = '\nlarge'

interface Waiting {
  task: Task
  isLarge: boolean
  owner: string
  /** It was in a batch in which something did not end: it goes alone. */
  isSuspect: boolean
  settle(outcome: TaskOutcome): void
}

/** A child, and the batch that it works at. */
class Place {
  readonly kind: Kind
  readonly child: ComputingChild
  readonly bornAtMs = performance.now()
  isReady = false
  isKilled = false
  isGone = false
  batch = new Map<number, Waiting>()
  /** Values of the batch that come in parts. */
  arriving = new Map<number, Assembly>()
  /** While what is large is on its way to it, nobody's time runs. */
  isBeingSent = false
  heardAtMs = performance.now()
  /** Modules that it has loaded. */
  readonly modules = new Set<string>()
  /** While it loads a module or reads what is large: neither is the task's own time. */
  isLoading = false
  usedAtMs = performance.now()
  /** What it had used when it was heard last. */
  cpuMs: number | null = null

  constructor(
    kind: Kind,
    isolation: Isolation,
    events: {
      heard(place: Place, results: TaskResult[]): void
      part(place: Place, part: PartOf): void
      ready(place: Place): void
      gone(place: Place): void
    },
  ) {
    this.kind = kind
    this.child = new ComputingChild(isolation, {
      heard: (message) => {
        if ('isReady' in message) events.ready(this)
        else if ('part' in message) events.part(this, message)
        else events.heard(this, message.results)
      },
      gone: () => events.gone(this),
    })
    this.yieldToOthers()
  }

  /** What is not known may have less than the engine and what is known, and what had to be stopped little. */
  yieldToOthers(): void {
    if (this.kind !== 'proven') this.child.yieldToOthers(this.kind === 'noisy' ? 'much' : 'little')
  }
}

/**
 * Two children for what users wrote, and a third while there are owners whose tasks had to be stopped. One of the two is
 * for owners that are known to be quick, so that they never wait for somebody new who is not. Tasks go in batches: what
 * comes while a child works is its next batch.
 */
export class ComputingPool {
  readonly #queue = new FairQueue<Waiting>()
  readonly #owners = new Owners()
  readonly #places = new Map<Kind, Place>()
  #isolation: Promise<Isolation> | null = null
  #nextId = 1
  #kills = 0
  #failedStarts = 0
  #isScheduled = false
  #tick: NodeJS.Timeout | null = null

  status(): { children: number; waiting: number; kills: number } {
    return { children: this.#places.size, waiting: this.#queue.size, kills: this.#kills }
  }

  perform(task: Task): Promise<TaskOutcome> {
    const large = isLarge(task.args)
    const owner = (task.owner === '' ? ANYONE : task.owner) + (large ? LARGE : '')
    if (this.#queue.size >= WAITING_MAX || this.#queue.countOf(owner) >= WAITING_MAX / 2)
      return Promise.resolve({ kind: 'stopped', reason: 'overloaded' })
    return new Promise((resolve) => {
      this.#queue.push({ task, isLarge: large, owner, isSuspect: false, settle: resolve })
      this.#schedule()
    })
  }

  /** What comes in one turn of the event loop goes together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      for (const kind of ['proven', 'any', 'noisy'] as const) this.#dispatch(kind)
    })
  }

  #isFor(kind: Kind, owner: string): boolean {
    if (this.#owners.isNoisy(owner)) return kind === 'noisy'
    return kind === 'any' || (kind === 'proven' && this.#owners.isProven(owner) && !owner.endsWith(LARGE))
  }

  #dispatch(kind: Kind): void {
    const place = this.#places.get(kind)
    if (place === undefined) {
      if (this.#queue.some((owner) => this.#isFor(kind, owner))) this.#start(kind)
      return
    }
    if (!place.isReady || place.isKilled || place.batch.size > 0) return
    const batch = this.#takeBatch(kind)
    if (batch.length === 0) return
    const nowMs = performance.now()
    place.heardAtMs = nowMs
    place.usedAtMs = nowMs
    place.cpuMs = null
    place.isLoading = batch.some(({ task, isLarge }) => isLarge || !place.modules.has(task.module))
    for (const { task } of batch) place.modules.add(task.module)
    const tasks = batch.map((waiting) => {
      const id = this.#nextId++
      place.batch.set(id, waiting)
      const { module, args } = waiting.task
      return waiting.isLarge ? { id, module, args: null, isInParts: true as const } : { id, module, args }
    })
    place.child.hold(true)
    this.#tick ??= setInterval(() => this.#look(), TICK_MS)
    if (batch.some((waiting) => waiting.isLarge)) void this.#sendInParts(place, tasks)
    else place.child.send({ tasks })
  }

  async #sendInParts(place: Place, tasks: Tasks['tasks']): Promise<void> {
    place.isBeingSent = true
    for (const { id } of tasks) {
      const waiting = place.batch.get(id)
      if (waiting?.isLarge !== true) continue
      await inTurns(waiting.task.args, (part) => {
        if (!place.isGone) place.child.send({ id, part })
      })
    }
    place.isBeingSent = false
    place.heardAtMs = performance.now()
    if (!place.isGone) place.child.send({ tasks })
  }

  #takeBatch(kind: Kind): Waiting[] {
    const taken: Waiting[] = []
    const counts = new Map<string, number>()
    while (taken.length < BATCH_MAX) {
      const first = taken[0]
      const next = this.#queue.take((owner) => {
        if (!this.#isFor(kind, owner)) return false
        // Who is known to be quick does not wait in one batch with who is not.
        if (first !== undefined && this.#owners.isProven(owner) !== this.#owners.isProven(first.owner)) return false
        return (counts.get(owner) ?? 0) < this.#batchMaxOf(owner)
      })
      if (next === null) break
      // What is large goes alone, so that nothing waits while it is handed over.
      if ((next.isSuspect || next.isLarge) && taken.length > 0) {
        this.#queue.unshift(next)
        break
      }
      taken.push(next)
      counts.set(next.owner, (counts.get(next.owner) ?? 0) + 1)
      if (next.isSuspect || next.isLarge || kind === 'noisy') break
    }
    return taken
  }

  /** Whose tasks take long has one of them in a batch: others have their turn after each. */
  #batchMaxOf(owner: string): number {
    if (this.#owners.isProven(owner)) return BATCH_MAX
    return this.#owners.isSlow(owner) ? 1 : UNPROVEN_BATCH_MAX
  }

  #start(kind: Kind): void {
    if (this.#failedStarts >= FAILED_STARTS_MAX) {
      this.#giveUp()
      return
    }
    this.#isolation ??= detectIsolation(silentLog)
    const isolation = this.#isolation
    void isolation.then((found) => {
      if (this.#places.has(kind)) return
      this.#places.set(
        kind,
        new Place(kind, found, {
          part: (place, { id, part }) => {
            const assembly = place.arriving.get(id) ?? new Assembly()
            place.arriving.set(id, assembly)
            assembly.add(part)
            place.heardAtMs = performance.now()
          },
          ready: (place) => {
            place.yieldToOthers()
            place.isReady = true
            place.child.hold(false)
            this.#failedStarts = 0
            this.#dispatch(kind)
          },
          heard: (place, results) => this.#heard(place, results),
          gone: (place) => this.#gone(place),
        }),
      )
      this.#tick ??= setInterval(() => this.#look(), TICK_MS)
    })
  }

  #heard(place: Place, results: TaskResult[]): void {
    place.heardAtMs = performance.now()
    place.isLoading = false
    place.cpuMs = null
    for (const { id, cpuMs, ...said } of results) {
      const arrived = place.arriving.get(id)
      place.arriving.delete(id)
      const isWhole = said.kind === 'thrown' || said.isInParts !== true
      const outcome = isWhole ? said : { kind: 'returned' as const, value: arrived?.value }
      const waiting = place.batch.get(id)
      if (waiting === undefined) continue
      place.batch.delete(id)
      // Only a kill makes somebody noisy.
      this.#owners.took(waiting.owner, Math.min(cpuMs, QUICK_ENOUGH_MS))
      waiting.settle(outcome)
    }
    if (place.batch.size > 0) return
    place.child.hold(false)
    this.#dispatch(place.kind)
  }

  #look(): void {
    const nowMs = performance.now()
    for (const place of this.#places.values()) {
      if (place.isKilled) continue
      if (!place.isReady) {
        if (nowMs - place.bornAtMs > START_MS_MAX) this.#kill(place)
      } else if (place.batch.size > 0 && !place.isBeingSent) this.#checkTime(place, nowMs)
      else if (nowMs - place.usedAtMs > IDLE_MS) this.#kill(place)
    }
    if (this.#places.size > 0 || this.#queue.size > 0 || this.#tick === null) {
      // Children that only wait keep nobody from ending.
      const isAtWork = [...this.#places.values()].some((place) => place.batch.size > 0) || this.#queue.size > 0
      if (isAtWork) this.#tick?.ref()
      else this.#tick?.unref()
      return
    }
    clearInterval(this.#tick)
    this.#tick = null
  }

  /** Kills a child whose running task has had its time. */
  #checkTime(place: Place, nowMs: number): void {
    const ownMs = Math.max(...[...place.batch.values()].map(({ task }) => task.budgetMs ?? COMPUTE_MS))
    const budgetMs = place.isLoading ? ownMs + LOAD_MS_MAX : ownMs
    const elapsedMs = nowMs - place.heardAtMs
    if (elapsedMs < TICK_MS) return
    place.cpuMs ??= place.child.cpuMs()
    if (elapsedMs < budgetMs + GRACE_MS) return
    const usedMs = place.cpuMs === null ? null : (place.child.cpuMs() ?? 0) - place.cpuMs
    const isStarved = usedMs !== null && usedMs < budgetMs
    if (isStarved && elapsedMs < (budgetMs + GRACE_MS) * STARVED_FACTOR) return
    this.#kill(place)
  }

  #kill(place: Place): void {
    place.isKilled = true
    if (place.batch.size > 0) this.#kills += 1
    place.child.kill()
  }

  /** Alone, a task that was running is what did not end; of several, each is tried alone. */
  #gone(place: Place): void {
    this.#places.delete(place.kind)
    place.isGone = true
    if (!place.isReady) this.#failedStarts += 1
    const left = [...place.batch.values()]
    place.batch.clear()
    const [only] = left
    if (left.length === 1 && only !== undefined) {
      this.#owners.disturbed(only.owner)
      only.settle({ kind: 'stopped', reason: place.isKilled ? 'time' : 'memory' })
    } else for (const waiting of left.reverse()) this.#queue.unshift({ ...waiting, isSuspect: true })
    this.#schedule()
  }

  #giveUp(): void {
    for (let next = this.#queue.take(() => true); next !== null; next = this.#queue.take(() => true))
      next.settle({ kind: 'stopped', reason: 'overloaded' })
    this.#failedStarts = 0
  }
}
