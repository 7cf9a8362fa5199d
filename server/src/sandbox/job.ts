import { createHash } from 'node:crypto'
import { blockOfRandomBytes } from '../platform/random-bytes.ts'
import type { ByteBudget, Holding } from './byte-budget.ts'
import type { SandboxCall, SandboxFailure, SandboxLimits, SandboxLogLine } from './call.ts'
import { answerBytes, type EncodedAnswer, HostRequests } from './host-requests.ts'
import type { AnswerHead, DoneReply, Failed, FromChild, HostCall, Moment, WaitingReply } from './messages.ts'

/** One entry into the guest: what it was given, and what it then asked for, once it has. */
interface Step {
  moment: Moment
  answers: EncodedAnswer[]
  asked: string | null
}

/** What a job was sent is kept up to this size, to repeat it on another child; beyond it, a lost child loses the job. */
const JOURNAL_BYTES_MAX = 4 * 1024 * 1024

/** Answers beyond this are given in the next slice. */
const SLICE_BYTES_MAX = 16 * 1024 * 1024

/** What a child may write into the log beyond the limit: that the log is full. */
const LOG_SLACK_BYTES = 1024

/** How often a job may lose its child, and what it counts when it ran while the child was lost: then it may be its doing. */
const LIVES = 7
const LIVES_OF_SUSPECT = 3

/** How a job ended, before it is told to the caller. */
export type Ending =
  | { kind: 'returned'; result: Buffer | null }
  | { kind: 'failed'; failure: SandboxFailure; failed: Omit<Failed, 'failure'> }
  | { kind: 'refused'; message: string; line: number | null; column: number | null }

export interface JobOptions {
  id: number
  /** Null where a source is only checked. */
  call: SandboxCall | null
  payer: string
  owner: string
  code: Buffer
  hash: string
  fileName: string
  limits: SandboxLimits
  /** Where requests and answers count until the child has them. */
  requestBudget: ByteBudget
  /** Where answers count after that, as long as they are kept to repeat the job. */
  keptBudget: ByteBudget
  nowMs: () => number
  /** A host call was answered or a timer is due: the job can go on. */
  onReady: (job: Job) => void
  onEnd: (job: Job, ending: Ending) => void
}

/**
 * One call on its way: what its guest was given and asked for, and what the host still owes it.
 * Everything that a guest is given is kept, so that a call whose child is lost by another's doing can be repeated: the
 * clock stands still within a slice and chance follows from a seed, so the guest asks for the same again, and nothing
 * that was asked for once is done twice. Where it asks for something else, the call has crashed.
 */
export class Job {
  readonly id: number
  readonly call: SandboxCall | null
  readonly payer: string
  readonly owner: string
  /** What is known of it is known of these: of its source, and of its source as its payer calls it. */
  readonly source: string
  readonly use: string
  readonly code: Buffer
  readonly hash: string
  readonly fileName: string
  readonly limits: SandboxLimits
  readonly args: Buffer
  readonly seed = blockOfRandomBytes(32).toString('hex')
  readonly startedAtMs = performance.now()
  readonly #options: JobOptions

  logs: SandboxLogLine[] = []
  cpuUs = 0
  hostCalls = 0
  isEnded = false
  #journal: Step[] = []
  #journalBytes = 0
  #journalHolding: Holding | null = null
  #isForgotten = false
  #at = 0
  /** Null until there is one: most calls ask for nothing. */
  #requests: HostRequests | null = null
  #timer: NodeJS.Timeout | null = null
  #isWaiting = false
  #lives = LIVES
  #logBytes = 0
  /** Its own time up to now, and since when more of it runs; null while it waits for a place. */
  #ownMs = 0
  #ownSinceMs: number | null = null
  #endsWith: Ending | null = null

  constructor(options: JobOptions) {
    this.#options = options
    this.id = options.id
    this.call = options.call
    this.payer = options.payer
    this.owner = options.owner
    this.source = `${options.owner}\n${options.hash}`
    this.use = `${options.payer}\n${this.source}`
    this.code = options.code
    this.hash = options.hash
    this.fileName = options.fileName
    this.limits = options.limits
    this.args = Buffer.from(options.call?.argsJson ?? '')
  }

  get bytes(): number {
    return this.args.byteLength + (this.call?.text?.utf8.byteLength ?? 0) + this.code.byteLength
  }

  get cpuLeftMs(): number {
    return Math.max(0, this.limits.cpuMs - this.cpuUs / 1000)
  }

  /** Time of its own: computing, and waiting for what it asked for. Waiting for a place is none. */
  get ownMs(): number {
    return this.#ownMs + (this.#ownSinceMs === null ? 0 : performance.now() - this.#ownSinceMs)
  }

  /** Time that it waited for a place. */
  get waitedMs(): number {
    return performance.now() - this.startedAtMs - this.ownMs
  }

  /** Its slice runs from now on. */
  runs(): void {
    this.#ownSinceMs ??= performance.now()
  }

  /** It waits for a place from now on. */
  waits(): void {
    this.#ownMs = this.ownMs
    this.#ownSinceMs = null
  }

  /** The moment of the first slice. */
  begin(): Moment {
    return this.#step().moment
  }

  /** What the next slice is given. */
  resume(): { moment: Moment; answers: AnswerHead[]; bodies: Buffer[] } {
    const { moment, answers } = this.#step()
    return {
      moment,
      answers: answers.map(({ call, headJson, body }) => ({ call, headJson, bodyBytes: body.byteLength })),
      bodies: answers.map(({ body }) => body),
    }
  }

  #step(): Step {
    this.#isWaiting = false
    const recorded = this.#journal[this.#at]
    if (recorded !== undefined) return recorded
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const elapsedMs = performance.now() - this.startedAtMs
    const answers = this.#requests?.hand(SLICE_BYTES_MAX) ?? []
    const step: Step = { moment: { nowMs: this.#options.nowMs(), elapsedMs }, answers, asked: null }
    this.#journal.push(step)
    return step
  }

  /** What the child said at the end of a slice. Throws where it says what it cannot. */
  heard(reply: Exclude<FromChild, { type: 'ready' }>, body: Buffer): void {
    for (const [level, message] of reply.logs) this.#log(level, message)
    this.cpuUs += Math.max(0, Number(reply.cpuUs) || 0)
    const step = this.#journal[this.#at]
    const { requests, rest } = cut(reply.calls, body)
    if (this.call !== null && rest.byteLength > this.limits.resultBytes)
      this.#distrust('a larger result than it may give')
    const asked = digestOf(reply.type, requests)
    this.#at += 1
    if (step !== undefined && step.asked !== null) {
      if (step.asked !== asked) this.crash('it was repeated after its process was lost and did something else')
      else this.#goOn(reply)
      return
    }
    if (this.hostCalls + requests.length > this.limits.hostCalls) this.#distrust('more requests than it may make')
    if (step !== undefined) {
      step.asked = asked
      this.#keepAnswers(step)
    }
    if (reply.type === 'done') this.#endsWith = endingOf(reply, rest)
    for (const [index, request] of requests.entries()) this.#perform(reply.calls[index]?.kind ?? 'request', request)
    if (this.#endsWith !== null) this.#concludeRequests(this.#endsWith)
    this.#requests?.taken()
    this.#goOn(reply)
  }

  #goOn(reply: WaitingReply | DoneReply): void {
    if (reply.type === 'done') this.#endWhenAnswered()
    else if (this.#at < this.#journal.length || this.#requests?.hasArrived === true) this.#goesOn()
    else {
      this.#isWaiting = true
      if (reply.wakeAtMs !== null) this.#sleep(reply.wakeAtMs)
    }
  }

  #log(level: string, message: unknown): void {
    const text = typeof message === 'string' ? message : ''
    this.#logBytes += text.length
    if (this.#logBytes > this.limits.logBytes + LOG_SLACK_BYTES) this.#distrust('more logs than it may write')
    this.logs.push({ level: levelOf(level), message: text })
  }

  /** The child should have kept to the limits itself: something broke out, and nobody else's calls stay with it. */
  #distrust(what: string): never {
    this.crash('its process did not keep to the limits of the call')
    throw new Error(what)
  }

  /** The host waits for the guest's timers. */
  #sleep(wakeAtMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    const inMs = Math.min(this.limits.wallMs, Math.ceil(this.startedAtMs + wakeAtMs - performance.now()))
    this.#timer = setTimeout(
      () => {
        if (performance.now() - this.startedAtMs < wakeAtMs) this.#sleep(wakeAtMs)
        else this.#nowReady()
      },
      Math.max(0, inMs),
    )
  }

  #nowReady(): void {
    if (!this.#isWaiting || this.isEnded) return
    this.#isWaiting = false
    this.#goesOn()
  }

  #goesOn(): void {
    this.waits()
    this.#options.onReady(this)
  }

  #perform(kind: HostCall['kind'], text: string): void {
    this.hostCalls += 1
    this.#requests ??= new HostRequests(this, this.#options.requestBudget, {
      arrived: () => this.#nowReady(),
      allDone: () => this.#endWhenAnswered(),
    })
    this.#requests.ask(this.hostCalls, kind, text)
  }

  /** What the function asked for and did not wait for is done, unless it was stopped: then nothing more is begun. */
  #concludeRequests(ending: Ending): void {
    this.#forgetAnswers()
    const wasStopped = ending.kind === 'failed' && ending.failure !== 'thrown'
    if (wasStopped) this.#requests?.cancelWaiting()
    this.#requests?.ignoreAnswers()
  }

  /** A call that asked for something without waiting for it ends when that is done. */
  #endWhenAnswered(): void {
    if (this.#endsWith !== null && this.#requests?.isDone !== false) this.end(this.#endsWith)
  }

  /** Whether it can be begun again after its child was lost; then it is as if it had not begun. */
  rewind(isSuspect: boolean): boolean {
    this.#lives -= isSuspect ? LIVES_OF_SUSPECT : 1
    if (this.#lives <= 0 || this.#isForgotten) return false
    this.#at = 0
    this.logs = []
    this.#logBytes = 0
    this.cpuUs = 0
    this.#isWaiting = false
    this.waits()
    if (this.#timer !== null) clearTimeout(this.#timer)
    return true
  }

  /** The child has these answers; they are kept for a repetition while there is room for that. */
  #keepAnswers(step: Step): void {
    if (step.answers.length === 0) return
    if (this.#isForgotten) {
      step.answers = []
      return
    }
    const bytes = step.answers.reduce((sum, answer) => sum + answerBytes(answer), 0)
    this.#journalBytes += bytes
    this.#journalHolding ??= this.#options.keptBudget.open(this.owner)
    if (this.#journalBytes > JOURNAL_BYTES_MAX || !this.#journalHolding.take(bytes)) this.#forgetAnswers()
  }

  #forgetAnswers(): void {
    this.#isForgotten = true
    this.#journalHolding?.release()
    for (const step of this.#journal) step.answers = []
  }

  crash(message: string): void {
    this.end({ kind: 'failed', failure: 'crashed', failed: { message } })
  }

  fail(failure: SandboxFailure, message: string): void {
    this.end({ kind: 'failed', failure, failed: { message } })
  }

  /** Ends the job, once; what comes later is not heard. */
  end(ending: Ending): void {
    if (this.isEnded) return
    this.isEnded = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#journalHolding?.release()
    this.#journal = []
    this.#requests?.cancelWaiting()
    this.#requests?.ignoreAnswers()
    this.#options.onEnd(this, ending)
  }
}

function cut(calls: readonly HostCall[], body: Buffer): { requests: string[]; rest: Buffer } {
  let offset = 0
  const requests = calls.map(({ bytes }) => {
    offset += bytes
    return body.toString('utf8', offset - bytes, offset)
  })
  return { requests, rest: body.subarray(offset) }
}

function digestOf(type: string, requests: readonly string[]): string {
  if (type === 'done' || requests.length === 0) return type
  const hash = createHash('sha256')
  for (const request of requests) hash.update(request).update('\0')
  return hash.digest('base64')
}

function endingOf({ outcome }: DoneReply, rest: Buffer): Ending {
  if (outcome.kind === 'returned') return { kind: 'returned', result: outcome.hasResult ? rest : null }
  if (outcome.kind === 'refused') return outcome
  if (outcome.kind === 'unknown') throw new Error('a function that is not loaded was entered')
  const { failure, name, message, stack, type, key, data } = outcome
  const text = (given: unknown) => (typeof given === 'string' ? given : undefined)
  const failed = {
    name: text(name),
    message: text(message) ?? '',
    stack: text(stack),
    type: text(type),
    key: text(key),
    data,
  }
  return { kind: 'failed', failure, failed }
}

function levelOf(level: string): SandboxLogLine['level'] {
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info'
}
