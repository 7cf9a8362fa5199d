import TinyQueue from 'tinyqueue'
import { timeOfId } from './ids.ts'
import type { LaneItem } from './lane.ts'
import { disciplineOf } from './lane-discipline.ts'
import { hindranceOf, laneHindrance } from './lane-hindrance.ts'
import { hasWaiting, type LaneInMemory, newLane } from './lane-in-memory.ts'
import type { Hindrance, LaneOwner, LaneStanding, LaneSurvey, SurveyQuestion } from './lane-standing.ts'
import { isOwned, type LanesState } from './lane-state.ts'
import { LongWork } from './long-work.ts'
import { shardOf } from './ownership.ts'

/** Lanes whose owners are asked for at a time. */
const OWNERS_AT_ONCE = 1000
/** Lanes that are looked at between two looks at the clock. */
const LOOKS_AT_ONCE = 100
/** Ids and groups that are given of one lane. */
const READY_IDS_MAX = 10
const WORKING_IDS_MAX = 20
const GROUPS_MAX = 10

/**
 * Looks at every lane once, in slices, so that nothing else waits for it: what it counts is of moments some milliseconds
 * apart. Owners are looked up once for each lane and noted in it.
 */
export async function surveyOf<Item extends LaneItem>(
  state: LanesState<Item>,
  nowMs: number,
  question: SurveyQuestion,
): Promise<LaneSurvey> {
  const work = new LongWork()
  const tally = new Tally(state, nowMs, question)
  let strangers: LaneInMemory<Item>[] = []
  const introduce = async () => {
    const lanes = strangers
    strangers = []
    const owners = await question.ownersOf(lanes.map(({ id }) => id))
    for (const lane of lanes) {
      const owner = owners.get(lane.id)
      if (owner !== undefined) lane.owner = { workspaceId: owner.workspaceId, customerId: owner.customerId }
      // It may have been forgotten meanwhile.
      if (state.lanes.get(lane.id) === lane) tally.add(lane)
    }
  }
  // What comes up meanwhile is left to the next survey.
  let left = state.lanes.size
  for (const lane of state.lanes.values()) {
    if (left === 0) break
    left -= 1
    if (lane.owner === null) strangers.push(lane)
    else tally.add(lane)
    if (strangers.length >= OWNERS_AT_ONCE) await introduce()
    if (left % LOOKS_AT_ONCE === 0 && work.isDue) await work.turn()
  }
  if (strangers.length > 0) await introduce()
  for (const [id, { owner, isOrdered, sinceMs }] of question.paused) {
    if (state.lanes.has(id) || !isOwned(state, shardOf(id))) continue
    const lane = newLane<Item>(id, shardOf(id), state.limits.laneCap)
    tally.add(Object.assign(lane, { owner, isOrdered, hasMore: true, moreSinceMs: sinceMs }))
  }
  return tally.survey()
}

/** Counts lanes and keeps the worst of them. */
class Tally<Item extends LaneItem> {
  readonly #state: LanesState<Item>
  readonly #nowMs: number
  readonly #question: SurveyQuestion
  /** The least of those that are kept comes first: it goes when a worse one comes. */
  readonly #worst = new TinyQueue<{ lane: LaneInMemory<Item>; weight: number }>([], (a, b) => a.weight - b.weight)
  readonly #counts: LaneSurvey['counts'] = {
    ...{ lanes: 0, waiting: 0, ready: 0, working: 0, hasMore: false },
    byHindrance: {},
  }

  constructor(state: LanesState<Item>, nowMs: number, question: SurveyQuestion) {
    this.#state = state
    this.#nowMs = nowMs
    this.#question = question
  }

  add(lane: LaneInMemory<Item>): void {
    if (lane.owner === null || !this.#question.isWanted(lane.owner) || this.#isIdle(lane)) return
    const counts = this.#counts
    const hindrance = this.#hindranceOf(lane)
    const waitsSinceMs = this.#waitsSince(lane)
    counts.lanes += 1
    if (waitsSinceMs !== null) counts.waiting += 1
    counts.ready += lane.readyCount
    counts.working += lane.working
    counts.hasMore ||= hasMoreRows(lane)
    if (hindrance !== null) counts.byHindrance[hindrance] = (counts.byHindrance[hindrance] ?? 0) + 1
    // What waits for a time comes behind, the later the more, and what is only at work last.
    const weight = waitsSinceMs === null ? this.#nowMs - lane.wakeAtMs : Math.max(0, this.#nowMs - waitsSinceMs)
    const least = this.#worst.peek()
    const isFull = this.#worst.length >= this.#question.most
    if (isFull && (least === undefined || least.weight >= weight)) return
    if (isFull) this.#worst.pop()
    this.#worst.push({ lane, weight })
  }

  survey(): LaneSurvey {
    const standings: LaneStanding[] = []
    for (let next = this.#worst.pop(); next !== undefined; next = this.#worst.pop()) {
      const { lane } = next
      // What waited may have begun, and ended, since it was counted.
      if (lane.owner !== null && !this.#isIdle(lane)) standings.push(this.#standingOf(lane, lane.owner))
    }
    return { standings: standings.reverse(), counts: this.#counts }
  }

  /** It is only remembered, for how slow it was or until it is seen whether there is anything. */
  #isIdle(lane: LaneInMemory<Item>): boolean {
    const isQuiet = lane.working === 0 && lane.wakeAtMs === Number.POSITIVE_INFINITY
    return isQuiet && !hasWaiting(lane) && !this.#question.paused.has(lane.id)
  }

  #hindranceOf(lane: LaneInMemory<Item>): Hindrance | null {
    if (this.#question.paused.has(lane.id)) return 'paused'
    if (hasWaiting(lane)) return hindranceOf(this.#state, lane, this.#nowMs)
    const hindrance = laneHindrance(lane, this.#nowMs)
    if (hindrance === 'given-up' || hindrance === 'resting') return hindrance
    return lane.wakeAtMs === Number.POSITIVE_INFINITY ? null : 'not-due'
  }

  #waitsSince(lane: LaneInMemory<Item>): number | null {
    const paused = this.#question.paused.get(lane.id)
    if (paused !== undefined) return paused.sinceMs
    if (!hasWaiting(lane)) return null
    if (lane.readyCount === 0) return lane.moreSinceMs
    let sinceMs = Number.POSITIVE_INFINITY
    for (const [head] of lane.ready.values()) if (head !== undefined) sinceMs = Math.min(sinceMs, sinceOf(head))
    return sinceMs
  }

  #standingOf(lane: LaneInMemory<Item>, owner: LaneOwner): LaneStanding {
    const ready = [...lane.ready.values()].flat()
    const readyIds = new Set(ready.map(({ id }) => id))
    return {
      id: lane.id,
      owner,
      shard: lane.shard,
      isOrdered: lane.isOrdered,
      hindrance: this.#hindranceOf(lane),
      nextDueMs: Number.isFinite(lane.wakeAtMs) ? lane.wakeAtMs : null,
      waitsSinceMs: this.#waitsSince(lane),
      ready: lane.readyCount,
      hasMore: hasMoreRows(lane),
      working: lane.working,
      cap: disciplineOf(lane).cap(lane),
      capMost: lane.isOrdered ? 1 : this.#state.limits.laneCap,
      readyIds: ready.slice(0, READY_IDS_MAX).map(({ id }) => id),
      workingIds: [...lane.known].filter((id) => !readyIds.has(id)).slice(0, WORKING_IDS_MAX),
      groups: [...lane.ready].slice(0, GROUPS_MAX).map(([id, items]) => ({
        id,
        ready: items.length,
        working: lane.atWork.get(id) ?? 0,
        cap: items[0]?.groupCap ?? 0,
      })),
    }
  }
}

/** What waits for a time stands in the table alone. */
function hasMoreRows(lane: LaneInMemory<LaneItem>): boolean {
  return (lane.hasMore && !lane.isSupposed) || lane.wakeAtMs !== Number.POSITIVE_INFINITY
}

/** What keeps an order has no due time; its id says when it was made. */
function sinceOf(item: LaneItem): number {
  return item.isOrdered ? timeOfId(item.id).getTime() : item.waitsSinceMs
}
