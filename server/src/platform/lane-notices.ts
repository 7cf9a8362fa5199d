import type { Log } from './log.ts'
import type { Ownership } from './ownership.ts'

/** Tells the owners of other shards that there is new work for them, once per turn of the event loop. */
export class LaneNotices {
  readonly #options: { ownership: Ownership; log: Log }
  readonly #topic: string
  #shards = new Set<number>()

  constructor(options: { ownership: Ownership; log: Log }, topic: string) {
    this.#options = options
    this.#topic = topic
  }

  get isPending(): boolean {
    return this.#shards.size > 0
  }

  add(shard: number): void {
    if (this.#shards.size === 0) setImmediate(() => this.#send())
    this.#shards.add(shard)
  }

  #send(): void {
    const shards = [...this.#shards]
    this.#shards = new Set()
    const { ownership, log } = this.#options
    ownership
      .notify({ about: this.#topic, shards })
      .catch((error: Error) =>
        log.warn({ message: error.message }, 'new work could not be announced; the sweep will find it'),
      )
  }
}
