import { FairQueue } from '../platform/fair-queue.ts'
import { detectIsolation, type Isolation } from '../platform/isolation.ts'
import type { Log } from '../platform/log.ts'
import { Owners } from '../platform/owners.ts'
import type { SandboxStatus } from './call.ts'
import type { Job } from './job.ts'
import { LIVE_MAX, Worker } from './worker.ts'

/** Calls that wait for a child. Beyond that they are refused, because they would be too late anyway. */
const WAITING_MAX = 4000
const WAITING_BYTES_MAX = 128 * 1024 * 1024

/** How exactly the limits on time are kept. */
const TICK_MS = 20

/** The child of the noisy functions is not kept when there are none. */
const NOISY_IDLE_MS = 60_000

/** Children that ended before they were of use, in a row, until calls are told so. */
const FAILED_STARTS_MAX = 5
const RESTART_MS = 200

/**
 * The children and what waits for them. Owners are served in turn; none has more than half of the places for calls that
 * are begun, and one whose calls take long not more than its share of the children. Owners that had to be stopped share
 * a child apart from the others.
 */
export class Pool {
  readonly #log: Log
  readonly #random: () => number
  readonly #size: number
  readonly #callsPerChild: number
  readonly #owners = new Owners()
  readonly #queue = new FairQueue<Job>()
  readonly #jobs = new Set<Job>()
  readonly #places = new Map<Job, Worker>()
  #workers: Worker[] = []
  #isolation: Promise<Isolation> | null = null
  #isNetworkCutOff = false
  #starting = 0
  #failedStarts = 0
  #restarts = 0
  #waitingBytes = 0
  #tick: NodeJS.Timeout | null = null
  #restartTimer: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: { log: Log; random: () => number; size: number; callsPerChild: number }) {
    this.#log = options.log
    this.#random = options.random
    this.#size = options.size
    this.#callsPerChild = options.callsPerChild
  }

  status(): Omit<SandboxStatus, 'requestBytes'> {
    return {
      children: this.#workers.length,
      busy: this.#workers.reduce((sum, worker) => sum + worker.busy, 0),
      waiting: this.#queue.size,
      restarts: this.#restarts,
      isNetworkCutOff: this.#isNetworkCutOff,
    }
  }

  /** Process ids of the children, for measurements and tests. */
  pids(): number[] {
    return this.#workers.flatMap((worker) => worker.pid ?? [])
  }

  /** Finds out how children are started here, and starts the first. */
  async start(): Promise<void> {
    await this.#isolated()
    this.#spawn(false)
  }

  stop(): void {
    this.#isStopped = true
    if (this.#tick !== null) clearInterval(this.#tick)
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    for (const job of [...this.#jobs]) job.fail('aborted', 'the sandbox is stopped')
    for (const worker of [...this.#workers]) worker.kill('the sandbox is stopped')
    this.#workers = []
  }

  submit(job: Job): void {
    const isFull = this.#queue.size >= WAITING_MAX || this.#waitingBytes + job.bytes > WAITING_BYTES_MAX
    if (this.#isStopped) job.fail('aborted', 'the sandbox is stopped')
    else if (isFull || this.#queue.countOf(job.owner) >= WAITING_MAX / 2)
      job.fail('limit_exceeded', 'too many calls of functions are waiting')
    else {
      this.#jobs.add(job)
      this.#enqueue(job, 'last')
      this.#tick ??= setInterval(() => this.#checkTimes(), TICK_MS)
      this.#dispatch()
    }
  }

  /** A job can go on in the child that it is in. */
  ready(job: Job): void {
    this.#places.get(job)?.enqueue(job)
  }

  /** A job ended, for whatever reason. */
  ended(job: Job): void {
    this.#jobs.delete(job)
    const worker = this.#places.get(job)
    if (worker === undefined) {
      if (this.#queue.remove(job)) this.#waitingBytes -= job.bytes
      return
    }
    this.#places.delete(job)
    this.#owners.ended(job.owner)
    worker.release(job)
  }

  /** A function of this owner was stopped by its limits. */
  disturbed(owner: string): void {
    this.#owners.disturbed(owner)
  }

  #enqueue(job: Job, where: 'first' | 'last'): void {
    if (where === 'first') this.#queue.unshift(job)
    else this.#queue.push(job)
    this.#waitingBytes += job.bytes
  }

  #dispatch(): void {
    if (this.#isStopped) return
    const isQuick = (owner: string) => this.#owners.isProven(owner)
    const usual = this.#workers.filter((worker) => !worker.isForNoisy)
    const noisy = this.#workers.filter((worker) => worker.isForNoisy)
    const hasRoom = (worker: Worker) => worker.hasRoom
    this.#dispatchTo(usual, hasRoom, (owner) => this.#isItsTurn(owner))
    this.#dispatchTo(
      usual,
      (worker) => worker.hasRoomAmongQuick(isQuick),
      (owner) => isQuick(owner) && this.#isItsTurn(owner),
    )
    this.#dispatchTo(noisy, hasRoom, (owner) => this.#owners.isNoisy(owner))
    if (this.#queue.size > 0) this.#spawnWhatIsNeeded()
  }

  #dispatchTo(
    workers: readonly Worker[],
    hasRoom: (worker: Worker) => boolean,
    isAllowed: (owner: string) => boolean,
  ): void {
    for (;;) {
      const free = workers.filter(hasRoom)
      if (free.length === 0) return
      const job = this.#queue.take(isAllowed)
      if (job === null) return
      this.#waitingBytes -= job.bytes
      const best = free.reduce((one, other) => (loadOf(other, job) < loadOf(one, job) ? other : one))
      this.#places.set(job, best)
      this.#owners.began(job.owner)
      best.begin(job)
    }
  }

  #isItsTurn(owner: string): boolean {
    if (this.#owners.isNoisy(owner)) return false
    if (this.#owners.liveOf(owner) >= (this.#size * LIVE_MAX) / 2) return false
    if (!this.#owners.isSlow(owner)) return true
    const slices = this.#workers.reduce((sum, worker) => sum + worker.slicesOf(owner), 0)
    return slices < Math.max(1, Math.floor(this.#size / 2))
  }

  /** Noisy functions need a child of their own; the others get one more while all are busy and there are not all yet. */
  #spawnWhatIsNeeded(): void {
    if (this.#starting > 0 || this.#restartTimer !== null) return
    const usable = this.#workers.filter((worker) => !worker.isDraining)
    const isWaiting = (isNoisy: boolean) => this.#queue.some((owner) => this.#owners.isNoisy(owner) === isNoisy)
    if (usable.filter((worker) => !worker.isForNoisy).length < this.#size && isWaiting(false)) this.#spawn(false)
    if (!usable.some((worker) => worker.isForNoisy) && isWaiting(true)) this.#spawn(true)
  }

  #isolated(): Promise<Isolation> {
    this.#isolation ??= detectIsolation(this.#log)
    return this.#isolation
  }

  #spawn(isForNoisy: boolean): void {
    this.#starting += 1
    void this.#isolated().then((isolation) => {
      if (this.#isStopped) return
      this.#isNetworkCutOff = isolation.isNetworkCutOff
      const worker = new Worker(isolation, {
        isForNoisy,
        // Not all at the same time.
        callsMax: this.#callsPerChild * (0.75 + this.#random() / 2),
        events: {
          ready: () => {
            this.#starting -= 1
            this.#failedStarts = 0
            this.#dispatch()
          },
          replied: (from, job, cpuUs) => {
            this.#owners.took(job.owner, cpuUs / 1000)
            if (!from.resumedLast) from.sendReady()
            this.#dispatch()
            from.sendReady()
          },
          lost: (from, loss) => this.#lost(from, loss),
        },
      })
      this.#workers.push(worker)
    })
  }

  #lost(worker: Worker, { running, others, reason }: { running: Job | null; others: Job[]; reason: string }): void {
    const wasReady = worker.hasBeenReady
    this.#workers = this.#workers.filter((each) => each !== worker)
    if (this.#isStopped) return
    if (reason !== REPLACED) {
      this.#restarts += 1
      this.#log.warn(
        { reason, owner: running?.owner ?? null, others: others.length },
        'a process of the sandbox was lost',
      )
    }
    if (!wasReady) this.#failedToStart(reason)
    if (running !== null) this.#retryOrEnd(running, worker.hasOverrun(running))
    for (const job of others) this.#retry(job, false)
    this.#dispatch()
  }

  #retryOrEnd(job: Job, hasOverrun: boolean): void {
    this.#owners.disturbed(job.owner)
    if (hasOverrun)
      job.fail('cpu_timeout', `the function computed for longer than ${job.limits.cpuMs} ms and did not stop by itself`)
    else this.#retry(job, true)
  }

  #retry(job: Job, isSuspect: boolean): void {
    this.#places.delete(job)
    this.#owners.ended(job.owner)
    if (job.rewind(isSuspect)) this.#enqueue(job, 'first')
    else job.crash('the process that ran the function was lost, and the call could not be repeated')
  }

  #failedToStart(reason: string): void {
    this.#starting -= 1
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
    for (const worker of [...this.#workers]) worker.checkTime(nowMs)
    for (const job of [...this.#jobs])
      if (nowMs - job.startedAtMs > job.limits.wallMs)
        job.fail('wall_timeout', `the call was not done after ${job.limits.wallMs} ms, waiting included`)
    for (const worker of this.#workers)
      if (worker.isForNoisy && worker.live === 0 && nowMs - worker.usedAtMs > NOISY_IDLE_MS) worker.drain()
    const isIdle = this.#jobs.size === 0 && this.#workers.every((worker) => worker.busy === 0 && !worker.isForNoisy)
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
