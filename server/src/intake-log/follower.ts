import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Log } from '../platform/log.ts'

/** The header that names the parts of a message that is too large for one. */
export const PARTS = 'Permea-Parts'
export const RESTART_MS = 250

export interface LogMessage {
  sequence: number
  data: Uint8Array
  atMs: number
}

interface FollowerOptions {
  connection: NatsConnection
  manager: JetStreamManager
  log: Log
  stream: string
  subject: string
  after: number
  take(message: LogMessage): Promise<void>
  whole(data: Uint8Array, parts: string): Promise<Uint8Array>
}

/**
 * Reads a shard message by message from the server that leads. A consumer would be quicker, but it reads what its own
 * server has, and one that was just started again may lack messages that it never gets to see.
 */
export class Follower {
  readonly #o: FollowerOptions
  #last: number
  #isStopped = false
  #isRung = true
  #isIdle = false
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

  /** There may be a message. */
  ring(): void {
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
        this.#o.log.debug({ message: wordsOf(error), subject: this.#o.subject }, 'the intake log is read again')
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

  /** Hands on the message behind the last; false where there is none. */
  async #next(): Promise<boolean> {
    const { manager, stream, subject } = this.#o
    const query = { seq: this.#last + 1, next_by_subj: subject }
    const found = await manager.streams.getMessage(stream, query)
    if (found === null) return false
    const data = await this.#o.whole(found.data, found.header.get(PARTS))
    await this.#o.take({ sequence: found.seq, data, atMs: found.time.getTime() })
    this.#last = found.seq
    return true
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
