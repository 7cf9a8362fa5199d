import { detectIsolation, type Isolation } from '../platform/isolation.ts'
import type { Log } from '../platform/log.ts'
import type { LossReason, SandboxStatus } from './call.ts'
import type { Job } from './job.ts'
import { type Standing, Standings } from './standings.ts'
import { Turns } from './turns.ts'
import { type ChildKind, LIVE_MAX, Worker } from './worker.ts'

/** Calls that wait for a child. Beyond that they are refused, because they would be too late anyway. */
const WAITING_MAX = 4000
const WAITING_BYTES_MAX = 128 * 1024 * 1024
/** Of what waits, a payer may have half of the calls and a quarter of the bytes, and fewer that had to be stopped before. */
const PAYER_WAITING_MAX = WAITING_MAX / 2
const PAYER_BYTES_MAX = WAITING_BYTES_MAX / 4
const PAYER_NOISY_MAX = 100

/** Of all places for calls that are begun, a payer may have so many; of those for what is not known, fewer. */
const PAYER_LIVE_SHARE = 3 / 4
const PAYER_NEW_SHARE = 1 / 4

/** Of the children so many are kept for what is known to be quick, where there are several. */
const KEPT_SHARE = 1 / 4

/** How exactly the limits on time are kept. */
const TICK_MS = 20

/** The child of the noisy functions, and the one in reserve, are not kept when there was no need of them. */
const IDLE_MS = 60_000

/** Children that ended before they were of use, in a row, until calls are told so. */
const FAILED_STARTS_MAX = 5
const RESTART_MS = 200

/** Where a call is, and what it was taken for when it began. */
interface Place {
  worker: Worker
  standing: Standing
}

const STANDINGS = ['new', 'proven', 'noisy'] as const

/**
 * The children and what waits for them. Payers are served in turn, and none has more than its share of places. A child
 * is kept for functions that are known to be quick; what is not known runs in others, alone and one of a payer's at a
 * time; and what had to be stopped shares a child apart. After a child was killed another is held in reserve, so that
 * nobody waits for it to start.
 */
export class Pool {
  readonly #log: Log
  readonly #random: () => number
  readonly #onLost: (reason: LossReason) => void
  readonly #size: number
  readonly #keptMax: number
  readonly #callsPerChild: number
  readonly #standings = new Standings()
  readonly #waiting = { new: new Turns<Job>(), proven: new Turns<Job>(), noisy: new Turns<Job>() }
  readonly #jobs = new Set<Job>()
  readonly #places = new Map<Job, Place>()
  /** Calls that are begun and not ended, by payer and what they were taken for. */
  readonly #live = new Map<string, number>()
  #workers: Worker[] = []
  #reserve: Worker | null = null
  #reserveUntilMs = 0
  #isolation: Promise<Isolation> | null = null
  #isNetworkCutOff = false
  readonly #starting = new Set<ChildKind>()
  #failedStarts = 0
  #restarts = 0
  #waitingBytes = 0
  #tick: NodeJS.Timeout | null = null
  #restartTimer: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: {
    log: Log
    random: () => number
    size: number
    callsPerChild: number
    onLost?: ((reason: LossReason) => void) | undefined
  }) {
    this.#log = options.log
    this.#random = options.random
    this.#size = options.size
    this.#keptMax = options.size === 1 ? 0 : Math.ceil(options.size * KEPT_SHARE)
    this.#onLost = options.onLost ?? (() => {})
    this.#callsPerChild = options.callsPerChild
  }

  status(): Omit<SandboxStatus, 'requestBytes'> {
    return {
      children: this.#all().length,
      inReserve: this.#reserve?.hasBeenReady === true ? 1 : 0,
      busy: this.#workers.reduce((sum, worker) => sum + worker.busy, 0),
      waiting: this.#waitingCount,
      restarts: this.#restarts,
      isNetworkCutOff: this.#isNetworkCutOff,
    }
  }

  /** Process ids of the children, for measurements and tests. */
  pids(): number[] {
    return this.#all().flatMap((worker) => worker.pid ?? [])
  }

  #all(): Worker[] {
    return this.#reserve === null ? this.#workers : [...this.#workers, this.#reserve]
  }

  get #waitingCount(): number {
    return STANDINGS.reduce((sum, standing) => sum + this.#waiting[standing].size, 0)
  }

  /** Finds out how children are started here, and starts the first. */
  async start(): Promise<void> {
    await this.#isolated()
    this.#spawn('usual')
  }

  stop(): void {
    this.#isStopped = true
    if (this.#tick !== null) clearInterval(this.#tick)
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    for (const job of [...this.#jobs]) job.fail('aborted', 'the sandbox is stopped')
    for (const worker of this.#all()) worker.kill('the sandbox is stopped')
    this.#workers = []
    this.#reserve = null
  }

  submit(job: Job): void {
    if (this.#isStopped) job.fail('aborted', 'the sandbox is stopped')
    else if (this.#isFullFor(job)) job.fail('overloaded', 'too many calls of functions are waiting')
    else {
      this.#jobs.add(job)
      this.#enqueue(job, 'last')
      this.#tick ??= setInterval(() => this.#checkTimes(), TICK_MS)
      this.#dispatch()
    }
  }

  #isFullFor(job: Job): boolean {
    if (this.#waitingCount >= WAITING_MAX || this.#waitingBytes + job.bytes > WAITING_BYTES_MAX) return true
    const own = this.#waiting[this.#standings.of(job)]
    if (own === this.#waiting.noisy && own.countOf(job.payer) >= PAYER_NOISY_MAX) return true
    if (own.countOf(job.payer) >= PAYER_WAITING_MAX) return true
    const bytes = STANDINGS.reduce((sum, standing) => sum + this.#waiting[standing].bytesOf(job.payer), 0)
    return bytes > 0 && bytes + job.bytes > PAYER_BYTES_MAX
  }

  /** A job can go on in the child that it is in. */
  ready(job: Job): void {
    this.#places.get(job)?.worker.enqueue(job)
  }

  /** A job ended, for whatever reason. */
  ended(job: Job): void {
    this.#jobs.delete(job)
    const place = this.#places.get(job)
    if (place !== undefined) {
      this.#leaves(job, place)
      place.worker.release(job)
    } else if (STANDINGS.some((standing) => this.#waiting[standing].remove(job))) this.#waitingBytes -= job.bytes
  }

  /** A function was stopped by its limits. */
  stopped(job: Job): void {
    this.#standings.stopped(job)
  }

  #leaves(job: Job, { standing }: Place): void {
    this.#places.delete(job)
    const key = liveKey(job.payer, standing)
    const left = this.#liveOf(key) - 1
    if (left > 0) this.#live.set(key, left)
    else this.#live.delete(key)
  }

  #liveOf(key: string): number {
    return this.#live.get(key) ?? 0
  }

  #enqueue(job: Job, where: 'first' | 'last'): void {
    const waiting = this.#waiting[this.#standings.of(job)]
    if (where === 'first') waiting.unshift(job)
    else waiting.push(job)
    this.#waitingBytes += job.bytes
  }

  #dispatch(): void {
    if (this.#isStopped) return
    const of = (kind: ChildKind) => this.#workers.filter((worker) => worker.kind === kind)
    const [kept, usual] = [of('kept'), of('usual')]
    const mayBegin = (payer: string) => this.#mayBeginNew(payer)
    const isAnyProven = this.#waiting.proven.size > 0
    // What is alone would never find a child empty if the others did not leave it room, and by turns they do.
    this.#dispatchTo('new', usual, (worker) => worker.hasRoomAlone && !(worker.wasSlow && isAnyProven), mayBegin)
    const isNewNext = this.#waiting.new.size > 0 && this.#waiting.new.some(mayBegin)
    this.#dispatchTo(
      'proven',
      [...kept, ...usual],
      (worker) => worker.hasRoomAmongQuick && (worker.kind === 'kept' || worker.wasSlow || !isNewNext),
      (payer) => this.#liveOf(liveKey(payer, 'proven')) < this.#size * LIVE_MAX * PAYER_LIVE_SHARE,
    )
    this.#dispatchTo('new', usual, (worker) => worker.hasRoomAlone, mayBegin)
    this.#dispatchTo('noisy', of('noisy'), (worker) => worker.hasRoomAlone, mayBeginNoisy(this.#live))
    if (this.#waitingCount > 0) this.#spawnWhatIsNeeded()
  }

  #mayBeginNew(payer: string): boolean {
    const children = this.#size - this.#keptMax
    if (this.#liveOf(liveKey(payer, 'new')) >= children * LIVE_MAX * PAYER_NEW_SHARE) return false
    let slices = 0
    for (const worker of this.#workers) if (worker.isAloneOf(payer)) slices += 1
    return slices < Math.max(1, Math.floor(children / 2))
  }

  #dispatchTo(
    standing: Standing,
    workers: readonly Worker[],
    hasRoom: (worker: Worker) => boolean,
    isAllowed: (payer: string) => boolean,
  ): void {
    const waiting = this.#waiting[standing]
    while (waiting.size > 0) {
      const free = workers.filter(hasRoom)
      if (free.length === 0) return
      const job = waiting.take(isAllowed)
      if (job === null) return
      const now = this.#standings.of(job)
      if (now !== standing) {
        // More is known of it by now.
        this.#waiting[now].push(job)
        continue
      }
      this.#waitingBytes -= job.bytes
      const best = free.reduce((one, other) => (loadOf(other, job) < loadOf(one, job) ? other : one))
      this.#places.set(job, { worker: best, standing })
      const key = liveKey(job.payer, standing)
      this.#live.set(key, this.#liveOf(key) + 1)
      best.begin(job)
    }
  }

  /** What waits and finds no room gets the child that it lacks, until there are all. */
  #spawnWhatIsNeeded(): void {
    if (this.#restartTimer !== null) return
    const count = (kind: ChildKind) =>
      this.#workers.filter((worker) => worker.kind === kind && !worker.isDraining).length
    const isShort = (kind: ChildKind, max: number) => count(kind) < max && !this.#starting.has(kind)
    const { new: unknown, proven, noisy } = this.#waiting
    if (unknown.size + proven.size > 0 && isShort('usual', this.#size - this.#keptMax)) this.#spawn('usual')
    else if (proven.size > 0 && isShort('kept', this.#keptMax)) this.#spawn('kept')
    if (noisy.size > 0 && isShort('noisy', 1)) this.#spawn('noisy')
  }

  #isolated(): Promise<Isolation> {
    this.#isolation ??= detectIsolation(this.#log)
    return this.#isolation
  }

  #spawn(kind: ChildKind): void {
    const reserve = this.#reserve
    if (kind === 'usual' && reserve?.hasBeenReady === true) {
      this.#reserve = null
      this.#workers.push(reserve)
      this.#dispatch()
      this.#keepReserve()
      return
    }
    this.#starting.add(kind)
    void this.#isolated().then((isolation) => {
      if (this.#isStopped) return
      this.#workers.push(
        this.#newWorker(isolation, kind, () => {
          this.#starting.delete(kind)
          this.#failedStarts = 0
          this.#dispatch()
        }),
      )
    })
  }

  #newWorker(isolation: Isolation, kind: ChildKind, ready: () => void): Worker {
    this.#isNetworkCutOff = isolation.isNetworkCutOff
    return new Worker(isolation, {
      kind,
      // Not all at the same time.
      callsMax: this.#callsPerChild * (0.75 + this.#random() / 2),
      isQuick: (job) => this.#standings.of(job) === 'proven',
      events: {
        ready,
        replied: (from, job, cpuUs) => {
          this.#standings.took(job, cpuUs / 1000)
          if (!from.resumedLast) from.sendReady()
          this.#dispatch()
          from.sendReady()
        },
        lost: (from, loss) => this.#lost(from, loss),
      },
    })
  }

  /** As long as children are killed, one more is there to take their place. */
  #keepReserve(): void {
    if (this.#reserve !== null || performance.now() > this.#reserveUntilMs) return
    void this.#isolated().then((isolation) => {
      if (this.#isStopped || this.#reserve !== null) return
      this.#reserve = this.#newWorker(isolation, 'usual', () => this.#dispatch())
    })
  }

  #lost(worker: Worker, { running, others, reason }: { running: Job | null; others: Job[]; reason: string }): void {
    const wasReady = worker.hasBeenReady
    if (worker === this.#reserve) {
      this.#reserve = null
      return
    }
    this.#workers = this.#workers.filter((each) => each !== worker)
    if (this.#isStopped) return
    if (reason !== REPLACED) {
      this.#restarts += 1
      this.#onLost(running !== null && worker.hasOverrun(running) ? 'overrun' : wasReady ? 'lost' : 'not_started')
      this.#log.warn(
        { reason, owner: running?.owner ?? null, others: others.length },
        'a process of the sandbox was lost',
      )
    }
    if (!wasReady) this.#failedToStart(worker.kind, reason)
    if (worker.kind === 'usual' && running !== null && worker.hasOverrun(running)) {
      this.#reserveUntilMs = performance.now() + IDLE_MS
      this.#keepReserve()
    }
    if (running !== null) this.#retryOrEnd(running, worker.hasOverrun(running))
    for (const job of others) this.#retry(job, false)
    this.#dispatch()
  }

  #retryOrEnd(job: Job, hasOverrun: boolean): void {
    this.#standings.stopped(job)
    if (hasOverrun)
      job.fail('cpu_timeout', `the function computed for longer than ${job.limits.cpuMs} ms and did not stop by itself`)
    else this.#retry(job, true)
  }

  #retry(job: Job, isSuspect: boolean): void {
    const place = this.#places.get(job)
    if (place !== undefined) this.#leaves(job, place)
    if (job.rewind(isSuspect)) this.#enqueue(job, 'first')
    else job.crash('the process that ran the function was lost, and the call could not be repeated')
  }

  #failedToStart(kind: ChildKind, reason: string): void {
    this.#starting.delete(kind)
    this.#failedStarts += 1
    if (this.#failedStarts >= FAILED_STARTS_MAX) {
      this.#log.error({ reason }, 'the processes of the sandbox do not start')
      for (const job of [...this.#jobs]) if (!this.#places.has(job)) job.crash('the sandbox cannot be started')
    }
    this.#restartTimer ??= setTimeout(
      () => {
        this.#restartTimer = null
        this.#dispatch()
      },
      RESTART_MS * 2 ** Math.min(this.#failedStarts, 6),
    )
  }

  #checkTimes(): void {
    const nowMs = performance.now()
    for (const worker of this.#all()) worker.checkTime(nowMs)
    for (const job of [...this.#jobs]) {
      const { wallMs, waitMs } = job.limits
      if (job.ownMs > wallMs)
        job.fail('wall_timeout', `the call was not done after ${wallMs} ms, with what it waited for`)
      else if (job.waitedMs > waitMs) job.fail('overloaded', `the call waited for a place for more than ${waitMs} ms`)
    }
    for (const worker of this.#workers)
      if (worker.kind === 'noisy' && worker.live === 0 && nowMs - worker.usedAtMs > IDLE_MS) worker.drain()
    if (this.#reserve?.hasBeenReady === true && nowMs > this.#reserveUntilMs) this.#reserve.drain()
    const isIdle =
      this.#jobs.size === 0 &&
      this.#reserve === null &&
      this.#workers.every((worker) => worker.busy === 0 && worker.kind !== 'noisy')
    if (!isIdle || this.#tick === null) return
    clearInterval(this.#tick)
    this.#tick = null
  }
}

/** The reason that a child ends for when nothing is wrong. */
const REPLACED = 'it was replaced'

/** The less, the sooner a job begins there: slices before it, then whether the function is loaded, then calls in it. */
function loadOf(worker: Worker, job: Job): number {
  return worker.busy * 1000 + (worker.knows(job) ? 0 : 500) + worker.live
}

function liveKey(payer: string, standing: Standing): string {
  return `${standing} ${payer}`
}

/** Of the one child for them, a payer may have half of the places. */
function mayBeginNoisy(live: ReadonlyMap<string, number>): (payer: string) => boolean {
  return (payer) => (live.get(liveKey(payer, 'noisy')) ?? 0) < LIVE_MAX / 2
}
