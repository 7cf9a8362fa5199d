import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Log } from '../platform/log.ts'

/** The header that names the parts of a message that is too large for one. */
export const PARTS = 'Permea-Parts'
export const RESTART_MS = 250

/** The header that names the shards that a message has something for. */
export const SHARDS_OF = 'Permea-Shards'

export interface LogMessage {
  sequence: number
  atMs: number
  /** The shards that it has something for. */
  shards: readonly number[]
  /** What it holds; asked for where somebody needs it, since a large one is put together first. */
  data(): Promise<Uint8Array>
}

interface FollowerOptions {
  connection: Pick<NatsConnection, 'isClosed'>
  manager: { streams: Pick<JetStreamManager['streams'], 'getMessage'> }
  log: Log
  stream: string
  after: number
  take(message: LogMessage): Promise<void>
  /** What a message of the stream is to whoever takes it. */
  read(message: StoredMsg): LogMessage
  /** Messages behind a sequence, as far as is known: some may be missing. */
  ahead(after: number): Promise<Heard[]>
}

/** Messages that are asked for at once, at most, and their bytes. */
const AHEAD_MAX = 64
const AHEAD_BYTES_MAX = 4 * 1024 * 1024
/** Messages that were heard of and are not asked for yet, at most. */
const HEARD_MAX = 1024
/** After so many that nobody told of there may be many more: what there is is looked up. */
const UNHEARD_MAX = 8

/** A message that there is by what was heard. */
export interface Heard {
  sequence: number
  bytes: number
}

/** Of every subject of the stream. */
export const ANY_SUBJECT = '>'

/**
 * Reads the log message by message from the server that leads. A consumer would be quicker, but it reads what its own
 * server has, and one that was just started again may lack messages that it never gets to see.
 *
 * Each question is for the message behind a sequence, so an answer is certain, however it was come by to ask. Behind
 * messages that were heard of is asked at the same time: what leads may be far away.
 */
export class Follower {
  readonly #o: FollowerOptions
  #last: number
  #isStopped = false
  #isRung = true
  #isIdle = false
  /** In the order of the log. */
  #heard: Heard[] = []
  /** How many came one after the other that nobody told of. */
  #unheard = 0
  #wake: () => void = () => {}

  constructor(options: FollowerOptions) {
    this.#o = options
    this.#last = options.after
  }

  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  get isBehind(): boolean {
    return !this.#isIdle
  }

  /** The sequence up to which everything was handed on. */
  get last(): number {
    return this.#last
  }

  /** There may be a message; which one, where that is known. */
  ring(heard: Heard | null = null): void {
    if (heard !== null && heard.sequence > this.#last && this.#heard.length < HEARD_MAX) {
      const at = this.#heard.findLastIndex(({ sequence }) => sequence < heard.sequence)
      this.#heard.splice(at + 1, 0, heard)
    }
    this.#isRung = true
    this.#wake()
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isRung = false
      try {
        while (!this.#isStopped && (await this.#next()));
      } catch (error) {
        if (this.#o.connection.isClosed()) return
        this.#o.log.debug({ message: wordsOf(error) }, 'the intake log is read again')
        await pause(RESTART_MS)
        continue
      }
      if (this.#isRung || this.#isStopped) continue
      this.#isIdle = true
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#isIdle = false
    }
  }

  /** Hands on what is behind the last; false where there is nothing. */
  async #next(): Promise<boolean> {
    if (this.#unheard >= UNHEARD_MAX) await this.#lookAhead()
    const behind = this.#behind()
    this.#unheard = behind.length === 1 ? this.#unheard + 1 : 0
    const answers = await Promise.all(behind.map((sequence) => this.#messageBehind(sequence)))
    if (answers[0] === null) {
      this.#unheard = 0
      return false
    }
    for (const [index, found] of answers.entries()) {
      // Behind a gap there is something that nobody told of: it is asked for first.
      if (found === null || (behind[index] ?? 0) > this.#last) break
      if (found.seq <= this.#last) continue
      await this.#o.take(this.#o.read(found))
      this.#last = found.seq
    }
    return true
  }

  async #lookAhead(): Promise<void> {
    this.#unheard = 0
    const found = await this.#o.ahead(this.#last)
    // What was heard of behind these is found when they are through.
    if (found.length > 0) this.#heard = found
  }

  /** The last, and what was heard of that comes behind it. */
  #behind(): number[] {
    this.#heard = this.#heard.filter(({ sequence }) => sequence > this.#last)
    const behind = [this.#last]
    let bytes = 0
    for (const heard of this.#heard) {
      bytes += heard.bytes
      if (behind.length === AHEAD_MAX || bytes > AHEAD_BYTES_MAX) break
      behind.push(heard.sequence)
    }
    return behind
  }

  #messageBehind(sequence: number) {
    const { manager, stream } = this.#o
    const query = { seq: sequence + 1, next_by_subj: ANY_SUBJECT }
    return manager.streams.getMessage(stream, query)
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
