import type { Bus } from './bus.ts'
import type { LogMessage } from './follower.ts'
import { LogReading } from './log-reading.ts'
import { bytesOf, piecesOf, type Shard } from './shard.ts'

/** What waits here; the rest waits in the log. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024
/** Where there is no room, a shard that holds more than this share of it is read by itself from then on, … */
const OWN_SHARE = 1 / 8
/** … but no more shards than so many: each of them costs reading the log once more. */
const OWN_MAX = 8

/**
 * Reads the log for the shards that a process works, all of them together, and puts what is for each where it waits. A
 * shard that does not keep up is read by itself until it does, so that it holds up nobody.
 */
export class Reader {
  readonly #bus: Pick<Bus, 'follow'>
  readonly #shards: ReadonlyMap<number, Shard>
  readonly #bytesMax: number
  /** Calls when there is something new. */
  readonly #came: () => void
  /** Reads for all shards that have no reading of their own; null while there are none. */
  #common: LogReading | null = null

  constructor(options: {
    bus: Pick<Bus, 'follow'>
    shards: ReadonlyMap<number, Shard>
    bytesMax: number | undefined
    came: () => void
  }) {
    this.#bus = options.bus
    this.#shards = options.shards
    this.#bytesMax = options.bytesMax ?? WAITING_BYTES_MAX
    this.#came = options.came
  }

  /** Reads on from there at the latest, for shards that are about to come, too; what others have taken is not taken twice. */
  readFrom(sequence: number): void {
    const before = this.#common
    if (before !== null) {
      if (before.position <= sequence) return
      for (const shard of this.#shards.values())
        if (shard.own === null) shard.taken = Math.max(shard.taken, before.position)
      before.end()
    }
    const reading: LogReading = new LogReading(this.#bus, sequence, {
      hasRoom: () => this.#hasRoom(),
      take: (message) => this.#take(message, (number) => (reading.isEnded ? null : this.#readTogether(number))),
    })
    this.#common = reading
  }

  /** Somebody took from what waits, or left. */
  roomMade(shard: Shard): void {
    const reading = shard.own ?? this.#common
    reading?.roomMade()
  }

  /** The shard is worked here no more. */
  left(shard: Shard): void {
    shard.own?.end()
    if (this.#shards.size > 0) {
      this.#common?.roomMade()
      return
    }
    this.#common?.end()
    this.#common = null
  }

  /** Up to where everything that is for a shard was taken. */
  positionOf(shard: Shard): number {
    return (shard.own ?? this.#common)?.position ?? 0
  }

  unread(): number {
    const own = [...this.#shards.values()].map((shard) => shard.own?.unread() ?? 0)
    return Math.max(this.#common?.unread() ?? 0, ...own)
  }

  #readTogether(number: number): Shard | null {
    const shard = this.#shards.get(number)
    return shard === undefined || shard.own !== null ? null : shard
  }

  /** Puts what a message has for these shards where it waits. */
  async #take(message: LogMessage, shardOf: (number: number) => Shard | null): Promise<void> {
    const isWanted = (number: number) => {
      const shard = shardOf(number)
      return shard !== null && message.sequence > shard.taken
    }
    const named = message.shards.filter(isWanted)
    if (named.length === 0) return
    const data = await message.data()
    for (const [number, { entries, unreadable }] of piecesOf(message, data)) {
      // Looked up anew: it may have been left meanwhile.
      const shard = shardOf(number)
      if (shard === null || message.sequence <= shard.taken) continue
      const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), unreadable?.byteLength ?? 0)
      shard.waiting.push({ sequence: message.sequence, atMs: message.atMs, bytes, entries, unreadable })
      shard.waitingBytes += bytes
      shard.taken = message.sequence
    }
    this.#came()
  }

  /** Whether more may be read for all; makes room where a few shards have taken it. */
  #hasRoom(): boolean {
    const together = [...this.#shards.values()].filter((shard) => shard.own === null)
    let bytes = together.reduce((sum, shard) => sum + shard.waitingBytes, 0)
    if (bytes <= this.#bytesMax) return true
    let apart = this.#shards.size - together.length
    for (const shard of together.toSorted((a, b) => b.waitingBytes - a.waitingBytes)) {
      if (shard.waitingBytes < this.#bytesMax * OWN_SHARE || apart >= OWN_MAX || bytes <= this.#bytesMax) break
      this.#readApart(shard)
      bytes -= shard.waitingBytes
      apart += 1
    }
    return bytes <= this.#bytesMax
  }

  /** From here on the others go on without it; it is back with them when it has caught up. */
  #readApart(shard: Shard): void {
    const own: LogReading = new LogReading(this.#bus, this.#common?.position ?? shard.taken, {
      hasRoom: () => shard.waitingBytes <= this.#bytesMax * OWN_SHARE,
      take: (message) => this.#take(message, (number) => (number === shard.number && !own.isEnded ? shard : null)),
      moved: () => {
        if (this.#common === null || own.position < this.#common.position) return
        own.end()
        shard.own = null
        shard.taken = Math.max(shard.taken, own.position)
      },
    })
    shard.own = own
  }
}
