import type { LoopLoad } from './loop-load.ts'

/** Whose items begin in portions. */
export interface Paced {
  /** Items that began of the portion `begunIn`. */
  begun: number
  begunIn: number
}

export interface PaceOptions {
  /** Items of one lane that begin within a millisecond; 3 where absent. */
  portion?: number
  /** Given for work that nobody waits for: while the process is busy, no more than a few items are at work. */
  load?: LoopLoad
}

/**
 * How fast work begins. Whoever comes with hundreds has them begun one portion after the other, and what comes in of
 * others goes between; what nobody waits for looks after every few whether the process has time for more.
 */
export interface Pace<Lane extends Paced> {
  /** Whether one more may begin in this process, which has so many at work; else it is asked again soon. */
  mayBegin(inFlight: number): boolean
  /** Whether the lane has had its portion; then it is kept and handed back with the next. */
  isOver(lane: Lane): boolean
  began(lane: Lane): void
  /** Whether lanes are kept. */
  readonly isWaiting: boolean
}

const PORTION = 3
const PORTION_MS = 1
/** Of work that yields: items at work while the process is busy, and how many begin before it is looked at again. */
const BUSY_CAP = 4
const YIELD_AFTER = 8
const YIELD_MS = 10

/** @param onGo told when to go on, with the lanes that were kept */
export function createPace<Lane extends Paced>(
  { portion = PORTION, load }: PaceOptions,
  onGo: (lanes: readonly Lane[]) => void,
): Pace<Lane> {
  let kept: Lane[] = []
  let current = 0
  let begunSinceYield = 0
  let isYielding = false

  function nextPortion(): void {
    const lanes = kept
    kept = []
    current += 1
    onGo(lanes)
  }

  function lookAgain(): void {
    isYielding = false
    begunSinceYield = 0
    onGo([])
  }

  return {
    mayBegin(inFlight) {
      if (load === undefined || inFlight < BUSY_CAP) return true
      if (begunSinceYield < YIELD_AFTER && !load.isBusy()) return true
      if (!isYielding) setTimeout(lookAgain, YIELD_MS)
      isYielding = true
      return false
    },
    isOver(lane) {
      if (lane.begunIn !== current || lane.begun < portion) return false
      if (kept.length === 0) setTimeout(nextPortion, PORTION_MS)
      kept.push(lane)
      return true
    },
    began(lane) {
      lane.begun = lane.begunIn === current ? lane.begun + 1 : 1
      lane.begunIn = current
      begunSinceYield += 1
    },
    get isWaiting() {
      return kept.length > 0
    },
  }
}
