import { boundedCache } from './bounded-cache.ts'
import { isDatabaseAway, isOfSchema } from './database-errors.ts'
import type { LaneItem, LaneOutcome, LanesOptions } from './lane.ts'

/** Work that fails by our own mistake is tried so often; then it is given up, with its error. */
const TRIES_MAX = 3
const RETRY_AFTER_FAULT_MS = 1000
/** Where it cannot be given up either, it is looked at again after this long. */
const STUCK_LOOK_MS = 300_000
const KEEP_MS = 600_000
const ITEMS_MAX = 20_000

/** What people see of work that was given up. */
export const GIVEN_UP = `something went wrong on our side, ${TRIES_MAX} times; the log has the details`

/** Counts the tries of each item that failed by our own mistake, so that none is done for ever. */
export class LaneFaults<Item extends LaneItem> {
  readonly #options: Pick<LanesOptions<Item>, 'source' | 'clock' | 'log'>
  readonly #tries = boundedCache<number>(ITEMS_MAX, KEEP_MS)

  constructor(options: Pick<LanesOptions<Item>, 'source' | 'clock' | 'log'>) {
    this.#options = options
  }

  /** What becomes of an item whose work was rejected. */
  async after(item: Item, error: Error, signal: AbortSignal): Promise<LaneOutcome> {
    const { source, log } = this.#options
    const about = { lane: item.laneId, item: item.id, message: error.message }
    // Nobody's mistake, and it does not count: with the database the work comes back.
    if (isDatabaseAway(error)) {
      log.debug(about, 'work waits for the database')
      return this.#waits(RETRY_AFTER_FAULT_MS)
    }
    log.error({ ...about, stack: error.stack }, 'work failed by our own mistake')
    if (isOfSchema(error)) return this.#waits(RETRY_AFTER_FAULT_MS)
    const tries = (this.#tries.get(item.id) ?? 0) + 1
    this.#tries.set(item.id, tries)
    if (tries < TRIES_MAX || signal.aborted) return this.#waits(RETRY_AFTER_FAULT_MS)
    try {
      const outcome = await source.giveUp(item)
      this.#tries.delete(item.id)
      return outcome
    } catch (second) {
      log.error({ ...about, message: (second as Error).message }, 'work that fails could not be given up')
      return this.#waits(isDatabaseAway(second) ? RETRY_AFTER_FAULT_MS : STUCK_LOOK_MS)
    }
  }

  #waits(ms: number): LaneOutcome {
    return { kind: 'waits', until: new Date(this.#options.clock.now().getTime() + ms) }
  }
}
