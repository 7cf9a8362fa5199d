import type { CallLimits } from '../messages.ts'
import { type ScriptEngine, usableBytes } from './engine.ts'
import { type LoadFailure, Machine } from './machine.ts'

/** A function as it was sent, and what is known of its needs. */
export interface Source {
  hash: string
  code: string
  fileName: string
  /** How much memory its calls have needed beyond what was there after loading. */
  slackBytes: number
}

/** Machines that wait for the next call of their function. What is longest unused goes first. */
const IDLE_MAX = 32
const IDLE_BYTES_MAX = 128 * 1024 * 1024

/** Functions whose code is kept, also while no machine has them loaded. */
const SOURCES_MAX = 128
const SLACK_BYTES_MAX = 24 * 1024 * 1024

/** Blank machines have the memory that most calls need; what needs more gets a machine of its own. */
const BLANK_BYTES = usableBytes(0)

/** The machines of a child: idle ones with their function loaded, a blank one for the next function. */
export class Stock {
  readonly #engine: ScriptEngine
  readonly #sources = new Map<string, Source>()
  #idle: { source: Source; machine: Machine; memoryBytes: number }[] = []
  #used: { source: Source; machine: Machine; isSpoilt: boolean }[] = []
  #blank: Promise<Machine> | null = null
  readonly #memoryOf = new WeakMap<Machine, number>()
  #forgotten: string[] = []

  constructor(engine: ScriptEngine) {
    this.#engine = engine
  }

  get memoryBytes(): number {
    return [...this.#idle, ...this.#used].reduce((sum, { machine }) => sum + machine.memoryBytes, 0)
  }

  /** The function of this hash; null where it is not known and its code was not sent. */
  source(hash: string, fileName: string, code: Buffer): Source | null {
    if (code.byteLength === 0 && !this.#sources.has(hash)) return null
    const known = this.#sources.get(hash) ?? { hash, code: code.toString(), fileName, slackBytes: 0 }
    this.#sources.delete(hash)
    this.#sources.set(hash, known)
    if (this.#sources.size > SOURCES_MAX) this.#forgetOldest()
    return known
  }

  takeForgotten(): string[] {
    const forgotten = this.#forgotten
    this.#forgotten = []
    return forgotten
  }

  /** A machine with the function loaded, if there is one that may grow so far. */
  take(source: Source, memoryBytes: number): Machine | null {
    const index = this.#idle.findLastIndex((each) => each.source === source && each.memoryBytes >= memoryBytes)
    const [found] = index < 0 ? [] : this.#idle.splice(index, 1)
    return found?.machine ?? null
  }

  async load(
    source: Source,
    memoryBytes: number,
    limits: CallLimits,
  ): Promise<{ loaded: Machine | LoadFailure; loadUs: number }> {
    const machine = await this.blank(memoryBytes)
    const { failure, cpuUs } = machine.load(source.code, source.fileName, limits, source.slackBytes)
    if (failure !== null) machine.dispose()
    return { loaded: failure ?? machine, loadUs: cpuUs }
  }

  async blank(memoryBytes: number): Promise<Machine> {
    if (usableBytes(memoryBytes) !== BLANK_BYTES) return this.#make(usableBytes(memoryBytes))
    const made = this.#blank ?? this.#make(BLANK_BYTES)
    this.#blank = null
    return made
  }

  async prepare(): Promise<void> {
    this.#blank ??= this.#make(BLANK_BYTES)
    await this.#blank
  }

  /** Takes a machine back; it is set back with the next `tidyUp`. */
  giveBack(machine: Machine, source: Source, isSpoilt: boolean): void {
    this.#used.push({ machine, source, isSpoilt })
  }

  tidyUp(): void {
    const used = this.#used
    this.#used = []
    for (const { machine, source, isSpoilt } of used) {
      const { grownBytes } = machine
      if (grownBytes > 0) source.slackBytes = Math.min(SLACK_BYTES_MAX, 2 * (source.slackBytes + grownBytes))
      if (isSpoilt || !this.#sources.has(source.hash) || !machine.reset()) machine.dispose()
      else this.#keep(machine, source)
    }
  }

  #keep(machine: Machine, source: Source): void {
    this.#idle.push({ machine, source, memoryBytes: this.#memoryOf.get(machine) ?? 0 })
    while (this.#idle.length > IDLE_MAX || (this.#idle.length > 1 && this.#idleBytes() > IDLE_BYTES_MAX))
      this.#idle.shift()?.machine.dispose()
  }

  #idleBytes(): number {
    return this.#idle.reduce((sum, { machine }) => sum + machine.memoryBytes, 0)
  }

  async #make(memoryBytes: number): Promise<Machine> {
    const machine = await Machine.create(this.#engine, memoryBytes)
    this.#memoryOf.set(machine, memoryBytes)
    return machine
  }

  #forgetOldest(): void {
    const [oldest] = this.#sources.keys()
    if (oldest === undefined) return
    this.#sources.delete(oldest)
    this.#forgotten.push(oldest)
    for (const each of this.#idle) if (each.source.hash === oldest) each.machine.dispose()
    this.#idle = this.#idle.filter((each) => each.source.hash !== oldest)
  }
}
