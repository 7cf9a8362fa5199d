import type { LaneItem, LanesOptions } from './lane.ts'
import { NO_DUE_TIME_MS } from './lane-discipline.ts'
import { hasWaiting, type LaneInMemory } from './lane-in-memory.ts'
import { SHARDS } from './ownership.ts'

/** Up to so many waiting rows are counted: beyond that it is a great many. */
const DEPTH_MAX = 100_000

interface Watched extends Pick<LanesOptions<LaneItem>, 'clock' | 'metrics' | 'ownership'> {
  source: { name: string; countOf(shards: readonly number[], most: number): Promise<number> }
}

/**
 * Tells the metrics how far lanes are behind: of every lane with something that could begin and has not, for how long
 * its earliest work has been due. What is at work does not count, unless more waits behind it.
 */
export class LaneWatch {
  readonly #options: Watched
  readonly #kind: string
  /** When lanes whose work has no due time were first seen waiting. */
  #seenAtMs = new Map<string, number>()
  #shards: readonly number[] = []

  /** `inMemory` says how much is held or at work. */
  constructor(options: Watched, inMemory: () => number) {
    this.#options = options
    this.#kind = options.source.name
    options.metrics.lanesWaiting.set({ kind: this.#kind }, 0)
    options.metrics.depths.set(this.#kind, () => this.#depth(inMemory))
  }

  /** Rows of the shards owned here; or what is in memory and has none yet, where that is more. */
  async #depth(inMemory: () => number): Promise<number> {
    const { ownership, source } = this.#options
    const owned = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => ownership.owns(shard))
    const rows = owned.length === 0 ? 0 : await source.countOf(owned, DEPTH_MAX)
    return Math.max(rows, inMemory())
  }

  /** Takes in what a look at all shards owned here found, before the lanes are told of it. */
  look(
    lanes: Iterable<LaneInMemory<unknown>>,
    shards: readonly number[],
    dues: readonly { laneId: string; dueAt: Date }[],
  ): void {
    const nowMs = this.#options.clock.now().getTime()
    const dueAtMs = new Map(dues.map(({ laneId, dueAt }) => [laneId, dueAt.getTime()]))
    const lagMs = new Map(shards.map((shard) => [shard, 0]))
    const seen = new Map<string, number>()
    for (const lane of lanes) {
      const isWaiting = hasWaiting(lane) && lane.restsUntilMs <= nowMs
      const worstMs = lagMs.get(lane.shard)
      if (!isWaiting || worstMs === undefined) continue
      const dueMs = dueAtMs.get(lane.id) ?? 0
      const sinceMs = this.#seenAtMs.get(lane.id) ?? nowMs
      seen.set(lane.id, sinceMs)
      const laneLagMs = nowMs - (dueMs > NO_DUE_TIME_MS && dueMs < nowMs ? dueMs : sinceMs)
      lagMs.set(lane.shard, Math.max(worstMs, laneLagMs))
    }
    this.#seenAtMs = seen
    this.#tell(lagMs, seen.size)
  }

  #tell(lagMs: ReadonlyMap<number, number>, waiting: number): void {
    const kind = this.#kind
    for (const shard of this.#shards)
      if (!lagMs.has(shard)) this.#options.metrics.laneLag.remove({ kind, shard: String(shard) })
    for (const [shard, ms] of lagMs) this.#options.metrics.laneLag.set({ kind, shard: String(shard) }, ms / 1000)
    this.#options.metrics.lanesWaiting.set({ kind }, waiting)
    this.#shards = [...lagMs.keys()]
  }
}
