import type {
  CallLimits,
  CheckMessage,
  DoneReply,
  Failed,
  HostCall,
  ResumeMessage,
  RunMessage,
  ToChild,
  WaitingReply,
} from '../messages.ts'
import { positionIn } from '../stack-position.ts'
import type { ScriptEngine } from './engine.ts'
import { type Entry, type Listener, Machine } from './machine.ts'
import { withoutTypes } from './source.ts'
import { type Source, Stock } from './stock.ts'

/** What the arguments may take in memory as the values that their text stands for, besides what a function may take. */
const MEMORY_PER_ARGUMENT_BYTE = 8

/**
 * The same of a text that the arguments hold besides, for itself and its value: what is usually written takes 1 to 6
 * bytes, many small objects take 11, many empty ones 28.
 */
const MEMORY_PER_TEXT_BYTE = 12

export interface CallAnswer {
  head: WaitingReply | DoneReply
  bodies: Uint8Array[]
}

/** The calls of one child: those that wait hold a machine each, the others have given theirs back. */
export class Calls {
  readonly #stock: Stock
  readonly #active = new Map<number, ActiveCall>()
  #replies = 0
  #loadUs = 0

  constructor(engine: ScriptEngine) {
    this.#stock = new Stock(engine)
  }

  /** What to answer; null where nothing is. */
  handle(message: ToChild, body: Buffer): CallAnswer | null | Promise<CallAnswer | null> {
    if (message.type === 'run') return this.#run(message, body)
    if (message.type === 'resume') return this.#resume(message, body)
    if (message.type === 'check') return this.#check(message, body)
    this.#giveBack(message.id)
    return null
  }

  /** Sets back the memory of what ended with the last message, after its answer was sent. */
  tidyUp(): void {
    this.#stock.tidyUp()
  }

  /** Makes what the next new function will need, while there is nothing else to do. */
  prepare(): Promise<void> {
    return this.#stock.prepare()
  }

  #run(message: RunMessage, body: Buffer): CallAnswer | Promise<CallAnswer> {
    const given = argumentIn(message, body)
    const memoryBytes = message.limits.memoryBytes + given.memoryBytes
    const source = this.#stock.source(message.hash, message.fileName, body.subarray(0, message.codeBytes))
    if (source === null) {
      const slice = this.#slice(message.id, { cpuUs: 0, logs: [] })
      return { head: { type: 'done', ...slice, calls: [], outcome: { kind: 'unknown' } }, bodies: [] }
    }
    const machine = this.#stock.take(source, memoryBytes)
    if (machine !== null) return this.#begin(message, given, machine, source, memoryBytes)
    return this.#stock.load(source, memoryBytes, message.limits).then(({ loaded, loadUs }) => {
      this.#loadUs = loadUs
      if (loaded instanceof Machine) return this.#begin(message, given, loaded, source, memoryBytes)
      const { message: text, stack } = loaded
      return this.#answered(message.id, { cpuUs: 0, logs: [] }, { failure: 'load', message: text, stack })
    })
  }

  #begin(message: RunMessage, given: Argument, machine: Machine, source: Source, memoryBytes: number): CallAnswer {
    const call = new ActiveCall(message.id, machine, source, { ...message.limits, memoryBytes })
    this.#active.set(message.id, call)
    const { entry, cpuUs } = machine.begin({
      args: given.args,
      text: given.text,
      clients: message.clients,
      seed: Buffer.from(message.seed, 'hex'),
      moment: message.moment,
      memoryBytes,
      cpuUs: call.limits.cpuMs * 1000,
      listener: call,
    })
    return this.#afterSlice(call, entry, cpuUs)
  }

  #resume(message: ResumeMessage, body: Buffer): CallAnswer | null {
    const call = this.#active.get(message.id)
    if (call === undefined) return null
    let offset = 0
    const answers = message.answers.map(({ call: number, headJson, bodyBytes }) => {
      offset += bodyBytes
      return { call: number, headJson, body: body.subarray(offset - bodyBytes, offset) }
    })
    call.waitingFor -= answers.length
    call.slices += 1
    const { entry, cpuUs } = call.machine.resume(message.moment, answers, call.limits.cpuMs * 1000 - call.cpuUs)
    return this.#afterSlice(call, entry, cpuUs)
  }

  #afterSlice(call: ActiveCall, entry: Entry, cpuUs: number): CallAnswer {
    call.cpuUs += cpuUs
    call.conclude(entry)
    const said = call.said()
    if (call.outcome === null) {
      const head: WaitingReply = {
        type: 'waiting',
        ...this.#slice(call.id, { cpuUs, logs: said.logs }),
        calls: said.calls,
        wakeAtMs: call.wakeAtMs,
      }
      return { head, bodies: said.requests }
    }
    this.#giveBack(call.id)
    return this.#answered(call.id, { cpuUs, logs: said.logs }, call.outcome, said)
  }

  #answered(
    id: number,
    { cpuUs, logs }: { cpuUs: number; logs: [string, string][] },
    outcome: Failed | { result: Buffer },
    said: { calls: HostCall[]; requests: Buffer[] } = { calls: [], requests: [] },
  ): CallAnswer {
    const result = 'result' in outcome ? outcome.result : null
    const head: DoneReply = {
      type: 'done',
      ...this.#slice(id, { cpuUs, logs }),
      calls: said.calls,
      outcome:
        'result' in outcome
          ? { kind: 'returned', hasResult: outcome.result.byteLength > 0 }
          : { kind: 'failed', ...outcome },
    }
    return { head, bodies: result === null ? said.requests : [...said.requests, result] }
  }

  async #check(message: CheckMessage, body: Buffer): Promise<CallAnswer> {
    const slice = this.#slice(message.id, { cpuUs: 0, logs: [] })
    const stripped = withoutTypes(body.toString())
    if (stripped.kind === 'refused') {
      const { refused, isBroken } = stripped
      return { head: { type: 'done', ...slice, calls: [], outcome: refused, isWorn: isBroken }, bodies: [] }
    }
    const machine = await this.#stock.blank(message.limits.memoryBytes)
    const { failure, cpuUs } = machine.load(stripped.code, message.fileName, message.limits, 0)
    machine.dispose()
    slice.cpuUs = cpuUs
    if (failure === null)
      return {
        head: { type: 'done', ...slice, calls: [], outcome: { kind: 'returned', hasResult: true } },
        bodies: [Buffer.from(stripped.code)],
      }
    const place = positionIn(failure.stack, message.fileName)
    const outcome = { kind: 'refused' as const, message: failure.message, ...place }
    return { head: { type: 'done', ...slice, calls: [], outcome }, bodies: [] }
  }

  #slice(id: number, { cpuUs, logs }: { cpuUs: number; logs: [string, string][] }) {
    this.#replies += 1
    const loadUs = this.#loadUs
    this.#loadUs = 0
    const isMeasured = this.#replies % RSS_EVERY_REPLIES === 0
    return {
      id,
      cpuUs,
      loadUs,
      logs,
      memoryBytes: this.#stock.memoryBytes + this.#activeMemoryBytes(),
      forgotten: this.#stock.takeForgotten(),
      ...(isMeasured ? { rssBytes: process.memoryUsage.rss() } : {}),
    }
  }

  #activeMemoryBytes(): number {
    let bytes = 0
    for (const call of this.#active.values()) bytes += call.machine.memoryBytes
    return bytes
  }

  #giveBack(id: number): void {
    const call = this.#active.get(id)
    if (call === undefined) return
    this.#active.delete(id)
    this.#stock.giveBack(call.machine, call.source, call.isSpoilt)
  }
}

/** The argument of a call, and what it may take in memory besides what the function may take. */
interface Argument {
  args: Uint8Array
  text: { utf8: Uint8Array; as: string; valueAs: readonly string[]; isPlain?: true; base64As?: string } | null
  memoryBytes: number
}

function argumentIn({ codeBytes, text }: RunMessage, body: Buffer): Argument {
  const textBytes = text?.bytes ?? 0
  const args = body.subarray(codeBytes, body.byteLength - textBytes)
  return {
    args,
    text: text === null ? null : { ...text, utf8: body.subarray(body.byteLength - textBytes) },
    memoryBytes: MEMORY_PER_ARGUMENT_BYTE * args.byteLength + MEMORY_PER_TEXT_BYTE * textBytes,
  }
}

const RSS_EVERY_REPLIES = 100

/** Each entry costs the engine more than the guest; timers could ask for one every millisecond. */
const WAKES_MAX = 1000

/** One call: what its guest has said, and how far it is. */
class ActiveCall implements Listener {
  readonly id: number
  readonly machine: Machine
  readonly source: Source
  readonly limits: CallLimits
  cpuUs = 0
  waitingFor = 0
  slices = 0
  wakeAtMs: number | null = null
  outcome: Failed | { result: Buffer } | null = null
  /** The engine was left in the middle of something: the machine is not used again. */
  isSpoilt = false
  #hostCalls = 0
  #requestBytes = 0
  #logBytes = 0
  #logs: [string, string][] = []
  #calls: HostCall[] = []
  #requests: Buffer[] = []

  constructor(id: number, machine: Machine, source: Source, limits: CallLimits) {
    this.id = id
    this.machine = machine
    this.source = source
    this.limits = limits
  }

  emit(kind: string, text: Buffer): void {
    if (this.outcome !== null) return
    if (kind === 'log') this.#log(text)
    else if (kind === 'wake') this.wakeAtMs = text.byteLength === 0 ? null : Number(text.toString())
    else if (kind === 'request' || kind === 'fetch') this.#hostCall(kind, text)
    else if (kind === 'failed') this.outcome = thrownFailure(text)
    else if (text.byteLength <= this.limits.resultBytes) this.outcome = { result: text }
    else this.outcome = limitExceeded(`the result has ${text.byteLength} bytes, ${this.limits.resultBytes} are allowed`)
  }

  /** What the guest said in this slice; told once. */
  said(): { logs: [string, string][]; calls: HostCall[]; requests: Buffer[] } {
    const said = { logs: this.#logs, calls: this.#calls, requests: this.#requests }
    this.#logs = []
    this.#calls = []
    this.#requests = []
    return said
  }

  /** Decides what the end of a slice means. */
  conclude(entry: Entry): void {
    this.isSpoilt = entry !== 'ran'
    if (this.outcome !== null) return
    if (this.slices > this.limits.hostCalls + WAKES_MAX) this.outcome = limitExceeded('the function woke up too often')
    else if (entry === 'interrupted') this.outcome = cpuTimeout(this.limits.cpuMs)
    else if (entry === 'stack')
      this.outcome = { failure: 'thrown', name: 'RangeError', message: 'Maximum call stack size exceeded' }
    else if (entry === 'memory' || entry === 'trapped') this.outcome = outOfMemory()
    else if (this.waitingFor === 0 && this.wakeAtMs === null)
      this.outcome = this.machine.isFull(this.limits.memoryBytes)
        ? outOfMemory()
        : { failure: 'never_settles', message: 'the function waits for a promise that nothing can settle' }
  }

  #stop(message: string): undefined {
    this.outcome = limitExceeded(message)
    this.machine.interrupt()
  }

  #hostCall(kind: 'request' | 'fetch', text: Buffer): undefined {
    this.#hostCalls += 1
    this.#requestBytes += text.byteLength
    const requestBytesMax = REQUESTS_PER_RESULT * this.limits.resultBytes
    if (this.#hostCalls > this.limits.hostCalls)
      return this.#stop(`the function made more than ${this.limits.hostCalls} requests`)
    if (this.#requestBytes > requestBytesMax)
      return this.#stop(`its requests have ${this.#requestBytes} bytes, ${requestBytesMax} are allowed`)
    this.waitingFor += 1
    this.#calls.push({ kind, bytes: text.byteLength })
    this.#requests.push(text)
  }

  #log(text: Buffer): void {
    if (this.#logBytes > this.limits.logBytes) return
    this.#logBytes += text.byteLength + LOG_LINE_BYTES
    if (this.#logBytes > this.limits.logBytes) this.#logs.push(['warn', 'the log is full: later lines are not kept'])
    else this.#logs.push(JSON.parse(text.toString()))
  }
}

/** All requests of a call together may have so many times the bytes of a result. */
const REQUESTS_PER_RESULT = 2

/** What a line of the log costs besides its text. */
const LOG_LINE_BYTES = 32

function thrownFailure(text: Buffer): Failed {
  const { name, message, stack, type, key, data } = JSON.parse(text.toString())
  const isMemory = name === 'InternalError' && message === 'out of memory'
  return { failure: isMemory ? 'memory' : 'thrown', name, message, stack, type, key, data }
}

function cpuTimeout(cpuMs: number): Failed {
  return { failure: 'cpu_timeout', message: `the function computed for longer than ${cpuMs} ms` }
}

function limitExceeded(message: string): Failed {
  return { failure: 'limit_exceeded', message }
}

function outOfMemory(): Failed {
  return { failure: 'memory', message: 'the function needs more memory than it may have' }
}
