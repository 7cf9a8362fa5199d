/** How one lane stands: what waits in it, since when and for what, and what of it is at work. */
export interface LaneStanding {
  id: string
  owner: LaneOwner
  shard: number
  isOrdered: boolean
  /** Why nothing of it begins; null where nothing waits in it, and where its next item begins. */
  hindrance: Hindrance | null
  /** When the next of what waits for a time is due (epoch ms); null where nothing does. */
  nextDueMs: number | null
  /** Since when the oldest of what waits could have begun (epoch ms); null where nothing does. */
  waitsSinceMs: number | null
  /** Items that wait in memory; more may stand in the table where `hasMore`. */
  ready: number
  hasMore: boolean
  working: number
  /** Most that may be at work together just now, and where nothing of it was slow. */
  cap: number
  capMost: number
  /** Some of what waits, the next first, and some of what is at work. */
  readyIds: string[]
  workingIds: string[]
  /** Some of the groups with something ready, the next first. */
  groups: { id: string; ready: number; working: number; cap: number }[]
}

/** Whose a lane is; no customer where it is the workspace's own. */
export interface LaneOwner {
  workspaceId: string
  customerId: string | null
}

/** The same with the id of the lane, and the name of what has it. */
export interface NamedLaneOwner extends LaneOwner {
  id: string
  name: string
}

/** Which lanes are asked for. */
export interface SurveyQuestion {
  /** Lanes that nothing is read of, since when something waits in them (epoch ms): lanes may not have them in memory. */
  paused: ReadonlyMap<string, { owner: LaneOwner; isOrdered: boolean; sinceMs: number }>
  /** Whose lanes are these? Those of whom nothing is known any more are left out. */
  ownersOf(laneIds: readonly string[]): Promise<ReadonlyMap<string, LaneOwner>>
  isWanted(owner: LaneOwner): boolean
  /** Most lanes to be given; all are counted. */
  most: number
}

/** The lanes of a process that are wanted, counted, and those among them that wait the longest. */
export interface LaneSurvey {
  /** The longest wait first; behind them what waits for a time, the next due first, and what is only at work. */
  standings: LaneStanding[]
  counts: {
    lanes: number
    /** Lanes with something that could begin and has not. */
    waiting: number
    ready: number
    working: number
    /** Whether lanes have more in the table than is counted. */
    hasMore: boolean
    /** How many lanes each hindrance keeps. */
    byHindrance: Partial<Record<Hindrance, number>>
  }
}

/** Why nothing begins in this process, whatever the lane. */
export type ProcessHindrance = 'stopping' | 'process-full' | 'process-busy'

/** Why nothing of a lane begins, whatever the process does. */
export type LaneHindrance = 'given-up' | 'resting' | 'head-at-work' | 'lane-full' | 'to-be-read' | 'not-due'

/**
 * Why nothing of a lane begins. `stopping`: the process is. `process-full`: as much is at work in it as may be.
 * `process-busy`: nobody waits for such work, so it leaves the process to others. `others-turn`: the lane began its
 * portion just now. `given-up`: another process is to work its shard. `resting`: nothing of it may begin before a time.
 * `head-at-work`: it keeps an order, and the one before is not finished. `lane-full`: as much of it is at work as may
 * be. `to-be-read`: what is next stands in the table alone. `not-due`: nothing of it waits but for a time.
 * `groups-full`: as much is at work of each group in it as may be. `paused`: nothing of it is read.
 */
export type Hindrance = ProcessHindrance | 'others-turn' | LaneHindrance | 'groups-full' | 'paused'
