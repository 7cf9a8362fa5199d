import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import { ByteBudget } from './byte-budget.ts'
import type { LossReason, Sandbox, SandboxCall, SandboxLimits, SandboxOutcome, SourceCheck } from './call.ts'
import { type Ending, Job } from './job.ts'
import { DEFAULT_LIMITS, KEPT_BYTES_MAX, REQUEST_BYTES_MAX, SOURCE_BYTES_MAX } from './limits.ts'
import { Pool } from './pool.ts'
import { positionIn } from './stack-position.ts'

export interface SandboxOptions {
  log: Log
  /** What the guests' `Date.now()` follows. */
  clock: Clock
  random: () => number
  /** Processes that run functions; as many as there are processors, and at least two. */
  children?: number
  /** A process is replaced by a new one after about so many calls. */
  callsPerChild?: number
  /** What a call gets where it does not say otherwise. */
  limits?: Partial<SandboxLimits>
  /** What requests of functions and answers may hold in the engine, over all calls; an owner has a quarter at most. */
  requestBytesMax?: number
  /** Told of every process that ended before it was meant to. */
  onLost?(reason: LossReason): void
}

const CALLS_PER_CHILD = 50_000

/** Sources whose hash is remembered, so that a busy function is not hashed with every call. */
const HASHED_BYTES_MAX = 32 * 1024 * 1024

/**
 * Runs customers' JavaScript in processes apart from the engine. Nothing is started before `start` or the first call.
 * @source docs/decisions/0013-sandbox.md
 */
export function createSandbox(options: SandboxOptions): Sandbox & { pids(): number[] } {
  const { log, clock, random } = options
  const size = options.children ?? Math.max(2, availableParallelism())
  const defaults = { ...DEFAULT_LIMITS, ...options.limits }
  const requestBudget = new ByteBudget(options.requestBytesMax ?? REQUEST_BYTES_MAX)
  const keptBudget = new ByteBudget(KEPT_BYTES_MAX)
  const { callsPerChild = CALLS_PER_CHILD, onLost } = options
  const pool = new Pool({ log, random, size, callsPerChild, onLost })
  const sources = new LRUCache<string, Hashed>({
    maxSize: HASHED_BYTES_MAX,
    sizeCalculation: ({ bytes }) => 2 * bytes.byteLength + 100,
  })
  let lastId = 0

  function submit(
    given: {
      call: SandboxCall | null
      payer: string
      owner: string
      code: string
      fileName: string
      limits: SandboxLimits
    },
    settle: (job: Job, ending: Ending) => void,
  ): Job {
    lastId += 1
    const fileName = safeFileName(given.fileName)
    const known = sources.get(given.code)
    const source = known?.fileName === fileName ? known : hashed(fileName, given.code)
    if (source !== known) sources.set(given.code, source)
    const job = new Job({
      id: lastId,
      call: given.call,
      payer: given.payer,
      owner: given.owner,
      code: source.bytes,
      hash: source.hash,
      fileName,
      limits: given.limits,
      requestBudget,
      keptBudget,
      nowMs: () => clock.now().getTime(),
      onReady: (ready) => pool.ready(ready),
      onEnd: (ended, ending) => {
        pool.ended(ended)
        if (isDisturbing(ending)) pool.stopped(ended)
        settle(ended, ending)
      },
    })
    pool.submit(job)
    return job
  }

  function run(call: SandboxCall): Promise<SandboxOutcome> {
    const limits = { ...defaults, ...call.limits }
    const problem = refusalOf(call, limits)
    if (problem !== null) return Promise.resolve(refused(problem))
    return new Promise((resolve) => {
      const { signal } = call
      if (signal?.aborted === true) return resolve(refused({ failure: 'aborted', message: 'the call was aborted' }))
      const abort = () => job.fail('aborted', 'the call was aborted')
      const job = submit(
        { call, payer: call.payer ?? call.owner, owner: call.owner, code: call.code, fileName: call.fileName, limits },
        (ended, ending) => {
          signal?.removeEventListener('abort', abort)
          resolve(outcomeOf(ended, ending))
        },
      )
      if (!job.isEnded) signal?.addEventListener('abort', abort, { once: true })
    })
  }

  function checkSource(source: string, fileName: string, payer?: string): Promise<SourceCheck> {
    if (Buffer.byteLength(source) > SOURCE_BYTES_MAX)
      return Promise.resolve(refusedSource(`the source is longer than ${SOURCE_BYTES_MAX} bytes`))
    return new Promise((resolve) => {
      submit(
        { call: null, payer: payer ?? `${CHECKS} ${lastId}`, owner: CHECKS, code: source, fileName, limits: defaults },
        (_job, ending) => resolve(checkOf(ending)),
      )
    })
  }

  return {
    run,
    checkSource,
    status() {
      const { held, heldMost } = requestBudget
      return { ...pool.status(), requestBytes: { held, heldMost, kept: keptBudget.held } }
    },
    pids: () => pool.pids(),
    start: () => pool.start(),
    async stop() {
      pool.stop()
    },
    async [Symbol.asyncDispose]() {
      pool.stop()
    },
  }
}

/** Sources that are checked share one turn of their payer's; where nobody is named each pays for itself. */
const CHECKS = 'check'

/** Names of the guest library begin so; no function's file does. */
function safeFileName(fileName: string): string {
  return fileName.replace(/[^\w./-]+/g, '_').slice(-200) || 'function.js'
}

interface Hashed {
  fileName: string
  hash: string
  bytes: Buffer
}

function hashed(fileName: string, code: string): Hashed {
  const hash = createHash('sha256').update(fileName).update('\n').update(code).digest('base64')
  return { fileName, hash, bytes: Buffer.from(code) }
}

function isDisturbing(ending: Ending): boolean {
  return ending.kind === 'failed' && (ending.failure === 'cpu_timeout' || ending.failure === 'memory')
}

type Problem = { failure: 'limit_exceeded' | 'aborted'; message: string }

function refusalOf(call: SandboxCall, limits: SandboxLimits): Problem | null {
  const { length } = call.argsJson
  const leftBytes = limits.argsBytes - (call.text?.utf8.byteLength ?? 0)
  if (length > leftBytes || (length > leftBytes / 3 && Buffer.byteLength(call.argsJson) > leftBytes))
    return { failure: 'limit_exceeded', message: `the arguments are larger than ${limits.argsBytes} bytes` }
  if (call.code.length > SOURCE_BYTES_MAX)
    return { failure: 'limit_exceeded', message: `the source is longer than ${SOURCE_BYTES_MAX} bytes` }
  return null
}

/** The outcome of a call that never began. */
function refused({ failure, message }: Problem): SandboxOutcome {
  const nothing = { logs: [], cpuMs: 0, durationMs: 0, hostCalls: 0 }
  return { ...nothing, kind: 'failed', failure, message, stack: null, line: null, column: null, error: { message } }
}

function outcomeOf(job: Job, ending: Ending): SandboxOutcome {
  const { logs, hostCalls } = job
  const spent = { logs, hostCalls, cpuMs: job.cpuUs / 1000, durationMs: performance.now() - job.startedAtMs }
  if (ending.kind === 'returned')
    return { ...spent, kind: 'returned', resultJson: ending.result === null ? null : ending.result.toString() }
  if (ending.kind === 'refused') throw new Error('a call came to the check of a source')
  const { name, message, stack, type, key, data } = ending.failed
  const text = String(message)
  return {
    ...spent,
    kind: 'failed',
    failure: ending.failure,
    message: name === undefined || name === 'Error' ? text : `${name}: ${text}`,
    stack: stack === undefined || stack === '' ? null : stack,
    ...positionIn(stack ?? '', job.fileName),
    error: {
      message: text,
      ...(type === undefined ? {} : { type }),
      ...(key === undefined ? {} : { key }),
      ...(data === undefined ? {} : { data }),
    },
  }
}

function checkOf(ending: Ending): SourceCheck {
  if (ending.kind === 'returned') return { kind: 'loaded', code: (ending.result ?? Buffer.alloc(0)).toString() }
  if (ending.kind === 'refused') return ending
  return refusedSource(ending.failed.message)
}

function refusedSource(message: string): SourceCheck {
  return { kind: 'refused', message, line: null, column: null }
}
