import { type Cipheriv, createCipheriv, randomFillSync } from 'node:crypto'
import { EvalFlags, JSException, type JSValueHandle, type QuickJS } from 'quickjs-wasi'
import type { Moment } from '../messages.ts'
import type { ScriptEngine } from './engine.ts'
import { HostFunctions } from './host-functions.ts'
import { Image, SLACK_BYTES } from './image.ts'
import { isSuspect } from './suspect.ts'

/** Who hears what the guest says while it runs. */
export interface Listener {
  emit(kind: string, text: Buffer): void
}

/** How an entry into the guest ended. What the guest itself has to say, it has said to its listener. */
export type Entry = 'ran' | 'interrupted' | 'stack' | 'trapped' | 'memory'

/** Why a module did not load. */
export interface LoadFailure {
  message: string
  stack: string
}

type Exports = ReturnType<QuickJS['_getExports']>
type GuestFunction = 'adopt' | 'begin' | 'settle' | 'proceed' | 'described'

/** The system counts CPU time in ticks of about a millisecond; shorter slices are measured by the time that passes. */
const TICKED_US_MIN = 5000

/** CPU time of this thread, in microseconds. */
function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** The engine with the guest library and, once loaded, one function; one call at a time, each from the same memory. */
export class Machine {
  readonly #vm: QuickJS
  readonly #host: HostFunctions
  readonly #guest: Record<GuestFunction, JSValueHandle>
  #image: Image | null = null
  #listener: Listener | null = null
  #nowMs = 0
  /** Of the call; null between calls. The stream is made when somebody draws from it: most functions never do. */
  #seed: Buffer | null = null
  #stream: Cipheriv | null = null
  #cpuLimitUs = 0
  #isInterrupted = false

  /** A machine without a function. `nowMs` is what its clock says until the first call. */
  static async create(engine: ScriptEngine, memoryBytes: number): Promise<Machine> {
    let machine: Machine | null = null
    const { vm, sealModules } = await engine.create(memoryBytes, {
      nowMs: () => machine?.nowMs ?? 0,
      random: (bytes) => (machine === null ? randomFillSync(bytes) : machine.random(bytes)),
      isInterrupted: () => machine?.checkInterrupt() ?? false,
    })
    const host = new HostFunctions(vm, {
      emit: (kind, text) => machine?.heard(kind, text),
      random: (bytes) => {
        if (machine === null || !machine.isInCall)
          throw 'random numbers can be drawn only inside the function, not while it is loaded'
        machine.random(bytes)
      },
    })
    host.install()
    runLibrary(vm)
    sealModules()
    machine = new Machine(vm, host)
    return machine
  }

  private constructor(vm: QuickJS, host: HostFunctions) {
    this.#vm = vm
    this.#host = host
    const guest = vm.global.getProp('__guest')
    this.#guest = {
      adopt: guest.getProp('adopt'),
      begin: guest.getProp('begin'),
      settle: guest.getProp('settle'),
      proceed: guest.getProp('proceed'),
      described: guest.getProp('described'),
    }
    guest.dispose()
    vm.evalCode('delete globalThis.__guest; delete globalThis.__host', 'permea:entry').dispose()
    // Kept by the package by address: they have to be there before the memory is remembered.
    void [vm.undefined, vm.null, vm.true, vm.false, vm.global]
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get isInCall(): boolean {
    return this.#seed !== null
  }

  get memoryBytes(): number {
    return this.#engine.memory.buffer.byteLength
  }

  /** How much the last call needed beyond what was there; then the machine is of no more use. */
  get grownBytes(): number {
    return this.#image?.grownBytes ?? 0
  }

  random(bytes: Uint8Array): void {
    if (this.#seed === null) {
      randomFillSync(bytes)
      return
    }
    this.#stream ??= createCipheriv('aes-256-ctr', this.#seed, Buffer.alloc(16))
    bytes.set(this.#stream.update(new Uint8Array(bytes.byteLength)))
  }

  heard(kind: string, text: Buffer): void {
    this.#listener?.emit(kind, text)
  }

  checkInterrupt(): boolean {
    if (!this.#isInterrupted && cpuUs() > this.#cpuLimitUs) this.#isInterrupted = true
    return this.#isInterrupted
  }

  /** Stops the guest at the next occasion, as when its time is up. */
  interrupt(): void {
    this.#isInterrupted = true
  }

  /** Loads the module and remembers the memory after it. `failure` is null where it loaded. */
  load(
    code: string,
    fileName: string,
    limits: { cpuMs: number; memoryBytes: number },
    slackBytes: number,
  ): { failure: LoadFailure | null; cpuUs: number } {
    this.#engine.qjs_set_memory_limit(limits.memoryBytes)
    let failure: LoadFailure | null = null
    const { entry, cpuUs } = this.#enter(limits.cpuMs * 1000, () => {
      failure = this.#loadModule(code, fileName)
    })
    if (entry !== 'ran') return { failure: { message: loadProblem(entry, limits.cpuMs), stack: '' }, cpuUs }
    if (failure !== null) return { failure, cpuUs }
    this.#engine.qjs_run_gc()
    this.#engine.wasm_free(this.#engine.wasm_malloc(Math.max(slackBytes, SLACK_BYTES)))
    this.#image = new Image(this.#vm)
    return { failure: null, cpuUs }
  }

  /** Begins a call from the remembered memory. The arguments are JSON; `text` is laid over them, then the clients. */
  begin(call: {
    args: Uint8Array
    text: { utf8: Uint8Array; as: string; valueAs: readonly string[]; isPlain?: true; base64As?: string } | null
    clients: readonly string[]
    seed: Buffer
    moment: Moment
    memoryBytes: number
    cpuUs: number
    listener: Listener
  }): { entry: Entry; cpuUs: number } {
    this.#engine.qjs_set_memory_limit(call.memoryBytes)
    this.#seed = call.seed
    this.#stream = null
    this.#listener = call.listener
    this.#nowMs = call.moment.nowMs
    const { clients, text } = call
    const { utf8: _utf8, ...names } = text ?? { utf8: null }
    const over = {
      clients,
      text: text === null ? null : names,
      isSuspect: { args: isSuspect(call.args), text: text !== null && isSuspect(text.utf8) },
    }
    return this.#enter(call.cpuUs, () => {
      const args = [
        this.#text(call.args),
        this.#text(Buffer.from(JSON.stringify(over))),
        this.#number(call.moment.elapsedMs),
        ...(text === null ? [] : [this.#text(text.utf8)]),
      ]
      this.#call('begin', args)
    })
  }

  /** Goes on with a call: first the answers, then what is due. */
  resume(
    moment: Moment,
    answers: readonly { call: number; headJson: string; body: Uint8Array }[],
    cpuLeftUs: number,
  ): { entry: Entry; cpuUs: number } {
    this.#nowMs = moment.nowMs
    return this.#enter(cpuLeftUs, () => {
      for (const { call, headJson, body } of answers)
        this.#call('settle', [
          this.#number(call),
          this.#text(Buffer.from(headJson)),
          this.#bytes(body),
          this.#number(isSuspect(body) ? 1 : 0),
        ])
      this.#call('proceed', [this.#number(moment.elapsedMs)])
    })
  }

  /** Sets the memory back after a call; false where that is no longer possible. */
  reset(): boolean {
    this.#listener = null
    this.#seed = null
    this.#stream = null
    this.#host.forget()
    if (this.#image === null || this.#image.hasGrown) return false
    this.#image.restore()
    return true
  }

  dispose(): void {
    this.#listener = null
    this.#vm.dispose()
  }

  /** Whether nearly all memory that the guest may have is taken. */
  isFull(memoryBytes: number): boolean {
    return this.#vm.getMemoryUsage().mallocSize > memoryBytes * 0.75
  }

  get #engine(): Exports {
    return this.#vm._getExports()
  }

  #enter(cpuLeftUs: number, action: () => void): { entry: Entry; cpuUs: number } {
    const startUs = cpuUs()
    const startedAtMs = performance.now()
    this.#isInterrupted = false
    this.#cpuLimitUs = startUs + cpuLeftUs
    let entry: Entry = 'ran'
    try {
      action()
      this.#drain()
    } catch (thrown) {
      entry = entryOf(thrown)
    }
    if (this.#isInterrupted) entry = 'interrupted'
    const elapsedUs = Math.round((performance.now() - startedAtMs) * 1000)
    return { entry, cpuUs: elapsedUs < TICKED_US_MIN ? elapsedUs : cpuUs() - startUs }
  }

  /** Runs what promises left to do. An exception here is one that nothing can catch: the guest was interrupted. */
  #drain(): void {
    const engine = this.#engine
    while (!this.#isInterrupted && engine.qjs_is_job_pending() !== 0) {
      if (engine.qjs_execute_pending_job() < 0) engine.qjs_free_value(engine.qjs_get_exception())
    }
  }

  #loadModule(code: string, fileName: string): LoadFailure | null {
    try {
      const namespace = isCommonJs(code) ? this.#evaluateCommonJs(code, fileName) : this.#evaluateModule(code, fileName)
      if (!(namespace instanceof Object && 'ptr' in namespace)) return namespace
      const engine = this.#engine
      const found = this.#call('adopt', [engine.qjs_dup_value(namespace.ptr)])
      namespace.dispose()
      const isFound = found !== 0 && engine.qjs_get_bool(found) !== 0
      if (found !== 0) engine.qjs_free_value(found)
      return isFound
        ? null
        : { message: 'the default export is missing: write export default async function', stack: '' }
    } catch (thrown) {
      if (!(thrown instanceof JSException)) throw thrown
      if (this.#isInterrupted) throw thrown
      return { message: withoutLibrary(`${thrown.name}: ${thrown.message}`), stack: thrown.stack ?? '' }
    }
  }

  #evaluateModule(code: string, fileName: string): JSValueHandle | LoadFailure {
    const promise = this.#vm.evalCode(code, fileName, EvalFlags.TYPE_MODULE)
    this.#drain()
    const engine = this.#engine
    const state = engine.qjs_promise_state(promise.ptr)
    if (state === 0) return { message: 'the top level waits for something that does not come', stack: '' }
    const result = engine.qjs_promise_result(promise.ptr)
    promise.dispose()
    if (state === 2) return this.#describedFailure(result)
    return this.#vm.importHandle(result)
  }

  #evaluateCommonJs(code: string, fileName: string): JSValueHandle | LoadFailure {
    // On the first line of the source, so that lines stay what they are.
    const wrapped = `(function (module, exports, require) {${code}\n})`
    const made = this.#vm.evalCode(wrapped, fileName)
    const [module, exports, require] = ['module', 'exports', 'require'].map((name) => this.#vm.global.getProp(name))
    if (module === undefined || exports === undefined || require === undefined)
      throw new Error('the library is not there')
    this.#preload(code)
    this.#vm.callFunction(made, exports, module, exports, require).dispose()
    this.#drain()
    return this.#vm.undefined
  }

  /** `require` cannot wait: what is loaded on demand has to be there before. */
  #preload(code: string): void {
    for (const name of ['permea:webhooks', 'permea:jwt'])
      if (code.includes(name)) this.#vm.evalCode(`import '${name}'`, 'required.js', EvalFlags.TYPE_MODULE).dispose()
    this.#drain()
  }

  #describedFailure(thrown: number): LoadFailure {
    const engine = this.#engine
    const text = this.#call('described', [thrown])
    if (text === 0) return { message: 'the top level threw', stack: '' }
    const handle = this.#vm.importHandle(text)
    engine.qjs_free_value(text)
    const { name, message, stack } = JSON.parse(handle.toString())
    handle.dispose()
    return { message: `${name ?? 'Error'}: ${message}`, stack: stack ?? '' }
  }

  /** Calls a function of the guest library and frees the arguments. 0 where it threw, which it does only for want of memory. */
  #call(name: GuestFunction, args: readonly number[]): number {
    const engine = this.#engine
    const at = engine.wasm_malloc(args.length * 4)
    if (at === 0 || args.includes(0)) throw new OutOfMemory()
    const view = new DataView(engine.memory.buffer)
    for (const [index, pointer] of args.entries()) view.setUint32(at + index * 4, pointer, true)
    const result = engine.qjs_call(this.#guest[name].ptr, this.#vm.undefined.ptr, args.length, at)
    engine.wasm_free(at)
    for (const pointer of args) engine.qjs_free_value(pointer)
    if (engine.qjs_is_exception(result) === 0) return result
    engine.qjs_free_value(result)
    engine.qjs_free_value(engine.qjs_get_exception())
    if (this.#isInterrupted) return 0
    throw new OutOfMemory()
  }

  /** A text of the guest from its UTF-8. */
  #text(utf8: Uint8Array): number {
    const engine = this.#engine
    const at = this.#copied(utf8)
    const made = engine.qjs_new_string(at, utf8.byteLength)
    engine.wasm_free(at)
    return this.#made(made)
  }

  #bytes(bytes: Uint8Array): number {
    const engine = this.#engine
    const at = this.#copied(bytes)
    const made = engine.qjs_new_uint8_array(at, bytes.byteLength)
    engine.wasm_free(at)
    return this.#made(made)
  }

  #number(value: number): number {
    return this.#made(this.#engine.qjs_new_number(value))
  }

  #copied(bytes: Uint8Array): number {
    const at = this.#engine.wasm_malloc(bytes.byteLength + 1)
    if (at === 0) throw new OutOfMemory()
    const memory = new Uint8Array(this.#engine.memory.buffer)
    memory.set(bytes, at)
    memory[at + bytes.byteLength] = 0
    return at
  }

  #made(pointer: number): number {
    if (pointer === 0 || this.#engine.qjs_is_exception(pointer) !== 0) throw new OutOfMemory()
    return pointer
  }
}

/** Modules of the library are known to functions by the names that they import. */
function withoutLibrary(message: string): string {
  return message.replace(/permea:(\w+)\.ts/g, (_, name) =>
    name === 'webhooks' || name === 'jwt' ? `permea:${name}` : `node:${name}`,
  )
}

class OutOfMemory extends Error {}

function entryOf(thrown: unknown): Entry {
  if (thrown instanceof OutOfMemory) return 'memory'
  if (thrown instanceof RangeError) return 'stack'
  return 'trapped'
}

function loadProblem(entry: Entry, cpuMs: number): string {
  if (entry === 'interrupted') return `the top level computes for longer than ${cpuMs} ms`
  if (entry === 'stack') return 'RangeError: Maximum call stack size exceeded'
  return 'the top level needs more memory than a function may have'
}

/** Sources that set `module.exports` and neither import nor export are CommonJS. */
function isCommonJs(code: string): boolean {
  return /\b(?:module\.exports|exports\.[\w$]+)\s*=/.test(code) && !/^\s*(?:export|import)\b/m.test(code)
}

function runLibrary(vm: QuickJS): void {
  const promise = vm.evalCode("import './main.ts'", 'permea:entry', EvalFlags.TYPE_MODULE)
  vm.executePendingJobs()
  if (promise.promiseState !== 1) {
    const engine = vm._getExports()
    const reason = vm.importHandle(engine.qjs_promise_result(promise.ptr))
    throw new Error(`the guest library does not load: ${reason.toString()} ${reason.getProp('stack').toString()}`)
  }
  promise.dispose()
}
