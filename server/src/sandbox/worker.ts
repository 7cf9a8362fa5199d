import type { Isolation } from '../platform/isolation.ts'
import type { ArgumentText } from './call.ts'
import { Child } from './child-process.ts'
import type { Job } from './job.ts'
import type { CallLimits, FromChild, TextHead } from './messages.ts'

/**
 * Slices of functions that are known to be quick are on their way while one runs, several with one write, so that the
 * child does not wait for the engine. What is not known to be quick is alone: nothing waits behind it.
 */
const QUICK_SLICES_MAX = 6

/** Of calls that had begun before so many are on their way, so that there is room for new ones. */
const QUICK_RESUMES_MAX = 2

/** Calls that one child may have begun and not ended; the others of them wait for their requests. */
export const LIVE_MAX = 32

/** With so much memory in use a child begins no more calls until some have ended. */
const MEMORY_BYTES_MAX = 384 * 1024 * 1024

/** When a child is replaced by a new one. */
const RSS_BYTES_MAX = 500 * 1024 * 1024
const AGE_MS_MAX = 3_600_000

/** A slice may take so long beyond its CPU budget before its child is killed. */
const GRACE_MS = 250

/** A child that is not of use by then will not be. */
const START_MS_MAX = 30_000

/** A slice that was not given the processor may take so many times as long. */
const STARVED_FACTOR = 30

/** For whom a child is: only for what is known to be quick, for whatever did not have to be stopped, or for the rest. */
export type ChildKind = 'kept' | 'usual' | 'noisy'

export interface WorkerEvents {
  ready(worker: Worker): void
  /** A slice ended, loading included; the worker has room. */
  replied(worker: Worker, job: Job, cpuUs: number): void
  /** The child is lost: with the job that ran in it, the jobs that waited in it, and why. */
  lost(worker: Worker, loss: { running: Job | null; others: Job[]; reason: string }): void
}

/** A child and the jobs in it. The first of its slices is the one that runs; the engine always knows which. */
export class Worker {
  readonly kind: ChildKind
  readonly #isQuick: (job: Job) => boolean
  readonly #child: Child
  readonly #events: WorkerEvents
  readonly #bornAtMs = performance.now()
  readonly #callsMax: number
  readonly #known = new Set<string>()
  readonly #live = new Set<Job>()
  readonly #slices: Job[] = []
  readonly #ready: Job[] = []
  /** Jobs whose first slice has to load their function. */
  readonly #loading = new Set<Job>()
  isReady = false
  hasBeenReady = false
  isDraining = false
  /** Whether the slice sent last was of a call that had begun; the next place is then for one that has not. */
  resumedLast = false
  usedAtMs = performance.now()
  /** Whether what is not known to be quick ran last; the others have the next turn. */
  wasSlow = false
  /** Whether all of its slices are known to be quick; where one is not, it is the only one. */
  #areQuick = true
  #calls = 0
  #memoryBytes = 0
  #head: { startedAtMs: number; cpuMs: number; baselineCpuMs: number | null } | null = null
  /** Set when the engine kills the child because of what its running slice does. */
  #overrun: Job | null = null

  constructor(
    isolation: Isolation,
    options: { kind: ChildKind; callsMax: number; isQuick: (job: Job) => boolean; events: WorkerEvents },
  ) {
    this.kind = options.kind
    this.#isQuick = options.isQuick
    this.#events = options.events
    this.#callsMax = options.callsMax
    this.#child = new Child(isolation, {
      reply: (reply, body) => this.#heard(reply, body),
      gone: (reason) => this.#lost(reason),
    })
    this.#yieldToOthers()
  }

  /** What is not known may have less than the engine and what is known, and loops little. */
  #yieldToOthers(): void {
    if (this.kind !== 'kept') this.#child.yieldToOthers(this.kind === 'noisy' ? 'much' : 'little')
  }

  get busy(): number {
    return this.#slices.length
  }

  get live(): number {
    return this.#live.size
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether a slice that is not known to be quick could begin: it would be alone. */
  get hasRoomAlone(): boolean {
    return this.#slices.length === 0 && this.#hasRoom()
  }

  /** Whether there is room for one more slice that is known to be quick, among others that are. */
  get hasRoomAmongQuick(): boolean {
    if (this.#slices.length >= QUICK_SLICES_MAX || !this.#hasRoom()) return false
    const [resumed] = this.#ready
    // What is about to go on alone is let in first.
    if (resumed !== undefined && !this.resumedLast && !this.#isQuick(resumed)) return false
    return this.#slices.length === 0 || this.#areQuick
  }

  #hasRoom(): boolean {
    const isUsable = this.isReady && !this.isDraining
    return isUsable && this.#live.size < LIVE_MAX && (this.#memoryBytes < MEMORY_BYTES_MAX || this.#live.size === 0)
  }

  /** Whether the engine had to stop the slice that ran when the child was lost. */
  hasOverrun(job: Job): boolean {
    return this.#overrun === job
  }

  /** Whether a slice of this payer runs in it that is not known to be quick. */
  isAloneOf(payer: string): boolean {
    const [job] = this.#slices
    return job !== undefined && job.payer === payer && !this.#areQuick
  }

  knows(job: Job): boolean {
    return this.#known.has(job.hash)
  }

  begin(job: Job): void {
    this.resumedLast = false
    this.#live.add(job)
    this.#calls += 1
    const { call, id, fileName, hash } = job
    const limits = callLimits(job)
    if (call === null) {
      this.#loading.add(job)
      this.#child.send({ type: 'check', id, fileName, limits }, [job.code])
    } else {
      const isKnown = this.#known.has(hash)
      this.#known.add(hash)
      if (!isKnown) this.#loading.add(job)
      const { clients, text } = call
      const codeBytes = isKnown ? 0 : job.code.byteLength
      const moment = job.begin()
      const textHead = text === undefined ? null : headOf(text)
      const bodies = [...(isKnown ? [] : [job.code]), job.args, ...(text === undefined ? [] : [text.utf8])]
      this.#child.send(
        { type: 'run', id, hash, codeBytes, fileName, clients, text: textHead, seed: job.seed, moment, limits },
        bodies,
      )
    }
    this.#sliceSent(job)
  }

  /** A job in this child can go on. */
  enqueue(job: Job): void {
    this.#ready.push(job)
    this.sendReady()
  }

  sendReady(): void {
    for (let job = this.#ready[0]; this.isReady && job !== undefined; job = this.#ready[0]) {
      if (!job.isEnded && !this.#canGoOn(job)) return
      this.#ready.shift()
      if (job.isEnded) continue
      this.resumedLast = true
      const { moment, answers, bodies } = job.resume()
      this.#child.send({ type: 'resume', id: job.id, moment, answers }, bodies)
      this.#sliceSent(job)
    }
  }

  #canGoOn(job: Job): boolean {
    if (this.#slices.length === 0) return true
    return this.#slices.length < QUICK_RESUMES_MAX && this.#areQuick && this.#isQuick(job)
  }

  /** The job ended for the engine, whatever its guest is doing. */
  release(job: Job): void {
    if (!this.#live.has(job) || this.#slices.includes(job)) return
    this.#live.delete(job)
    this.#child.send({ type: 'drop', id: job.id })
    this.#stopWhenDrained()
  }

  has(job: Job): boolean {
    return this.#live.has(job)
  }

  /** Kills the child where the running slice has had its time. */
  checkTime(nowMs: number): void {
    if (!this.hasBeenReady && nowMs - this.#bornAtMs > START_MS_MAX) this.#child.kill('it did not start')
    const [job] = this.#slices
    const head = this.#head
    if (job === undefined || head === null) return
    const elapsedMs = nowMs - head.startedAtMs
    if (elapsedMs < GRACE_MS / 4) return
    head.baselineCpuMs ??= this.#child.cpuMs()
    const budgetMs = head.cpuMs + GRACE_MS
    if (elapsedMs < budgetMs) return
    const usedMs = head.baselineCpuMs === null ? null : (this.#child.cpuMs() ?? 0) - head.baselineCpuMs
    const isStarved = usedMs !== null && usedMs < head.cpuMs
    if (isStarved && elapsedMs < budgetMs * STARVED_FACTOR) return
    this.#overrun = job
    this.#child.kill('a function did not stop')
  }

  /** No more calls; the child ends when those in it have. */
  drain(): void {
    this.isDraining = true
    this.#stopWhenDrained()
  }

  kill(reason: string): void {
    this.#child.kill(reason)
  }

  #sliceSent(job: Job): void {
    this.#slices.push(job)
    this.#areQuick = this.#isQuick(job) && (this.#slices.length === 1 || this.#areQuick)
    if (this.#slices.length === 1) this.#headStarts(job)
  }

  #headStarts(job: Job): void {
    job.runs()
    this.wasSlow = !this.#areQuick
    const loadMs = this.#loading.delete(job) ? job.limits.cpuMs : 0
    this.#head = {
      startedAtMs: performance.now(),
      cpuMs: job.cpuLeftMs + loadMs,
      baselineCpuMs: null,
    }
  }

  #heard(reply: FromChild, body: Buffer): void {
    if (reply.type === 'ready') {
      this.isReady = true
      this.hasBeenReady = true
      // The system may have refused at first: it lets priorities of sessions be changed ten times a second.
      this.#yieldToOthers()
      this.#events.ready(this)
      return
    }
    const [job] = this.#slices
    if (job === undefined || job.id !== reply.id) throw new Error('an answer for a call that is not running')
    this.usedAtMs = performance.now()
    this.#memoryBytes = Number(reply.memoryBytes)
    for (const hash of reply.forgotten) this.#known.delete(hash)
    this.#slices.shift()
    const [next] = this.#slices
    if (next === undefined) this.#head = null
    else this.#headStarts(next)
    if (reply.type === 'done') this.#live.delete(job)
    if (job.isEnded) this.release(job)
    else if (reply.type === 'done' && reply.outcome.kind === 'unknown') this.#sendAgain(job)
    else job.heard(reply, body)
    if (this.#isWorn(reply.rssBytes ?? 0) || reply.isWorn === true) this.isDraining = true
    this.#stopWhenDrained()
    this.#events.replied(this, job, Number(reply.cpuUs) + Number(reply.loadUs))
  }

  /** The function was forgotten in the meantime. */
  #sendAgain(job: Job): void {
    this.#known.delete(job.hash)
    this.begin(job)
  }

  #isWorn(rssBytes: number): boolean {
    return rssBytes > RSS_BYTES_MAX || this.#calls > this.#callsMax || performance.now() - this.#bornAtMs > AGE_MS_MAX
  }

  #stopWhenDrained(): void {
    if (this.isDraining && this.#live.size === 0) this.#child.kill('it was replaced')
  }

  #lost(reason: string): void {
    const running = this.#slices[0] ?? null
    const others = [...this.#live].filter((job) => job !== running && !job.isEnded)
    this.isDraining = true
    this.isReady = false
    this.#events.lost(this, { running: running?.isEnded === false ? running : null, others, reason })
  }
}

function callLimits({ limits }: Job): CallLimits {
  const { cpuMs, memoryBytes, resultBytes, logBytes, hostCalls } = limits
  return { cpuMs, memoryBytes, resultBytes, logBytes, hostCalls }
}

function headOf({ utf8, ...names }: ArgumentText): TextHead {
  return { bytes: utf8.byteLength, ...names }
}
