import type { LaneKind, LaneReason, Lane as WireLane } from '@permea/contract'
import type { z } from 'zod'
import { type Prefix, toWire } from '../platform/ids.ts'
import type { LaneStanding } from '../platform/lane-standing.ts'
import type { LaneElement } from './owners.ts'

/** What lanes of each kind have in them. Calls at apps and pulls go by the subscription that they are for. */
const ITEMS: Readonly<Record<LaneKind, { prefix: Prefix; one: string; many: string }>> = {
  'flow-runs': { prefix: 'fr', one: 'run', many: 'runs' },
  deliveries: { prefix: 'dlv', one: 'message', many: 'messages' },
  'incoming-webhooks': { prefix: 'iwh', one: 'request', many: 'requests' },
  'external-subscriptions': { prefix: 'ees', one: 'call', many: 'calls' },
  pulls: { prefix: 'ees', one: 'look', many: 'looks' },
}

/** A lane as it is given. */
export function laneAnswer(kind: LaneKind, standing: LaneStanding, element: LaneElement): z.input<typeof WireLane> {
  const { prefix } = ITEMS[kind]
  const { hindrance, nextDueMs, waitsSinceMs } = standing
  const userId = element.customerId === null ? undefined : toWire('cus', element.customerId)
  return {
    kind,
    elementId: element.elementId,
    name: element.name ?? undefined,
    userId,
    tenantId: userId,
    shard: standing.shard,
    isOrdered: standing.isOrdered,
    reason: hindrance ?? undefined,
    explanation: hindrance === null ? undefined : explanationOf(kind, hindrance, standing),
    waitingSince: waitsSinceMs === null ? undefined : new Date(waitsSinceMs).toISOString(),
    nextDueAt: nextDueMs === null ? undefined : new Date(nextDueMs).toISOString(),
    waiting: standing.ready,
    hasMore: standing.hasMore,
    running: standing.working,
    cap: standing.cap,
    capMost: standing.capMost,
    waitingIds: standing.readyIds.map((id) => toWire(prefix, id)),
    runningIds: standing.workingIds.map((id) => toWire(prefix, id)),
    flowInstances:
      kind === 'flow-runs' && !standing.isOrdered
        ? standing.groups.map(({ id, ready, working, cap }) => ({
            flowInstanceId: toWire('cf', id),
            waiting: ready,
            running: working,
            concurrency: cap,
          }))
        : undefined,
  }
}

type Numbers = Pick<LaneStanding, 'isOrdered' | 'working' | 'cap' | 'capMost' | 'nextDueMs'>

/** The lane of a customer whose shard this process does not work: what is in it, it does not know. */
export function laneElsewhere(element: LaneElement, shard: number, isWorked: boolean): z.input<typeof WireLane> {
  const reason = isWorked ? 'worked-elsewhere' : 'worked-by-nobody'
  const nothing = { isOrdered: false, working: 0, cap: 0, capMost: 0, nextDueMs: null }
  return {
    kind: 'flow-runs',
    elementId: element.elementId,
    name: element.name ?? undefined,
    userId: element.elementId,
    tenantId: element.elementId,
    shard,
    isOrdered: false,
    reason,
    explanation: explanationOf('flow-runs', reason, nothing),
    waiting: 0,
    hasMore: true,
    running: 0,
    waitingIds: [],
    runningIds: [],
  }
}

/** Why nothing begins, in words. */
export function explanationOf(kind: LaneKind, reason: LaneReason, lane: Numbers): string {
  const { one, many } = ITEMS[kind]
  const until = lane.nextDueMs === null ? '' : ` until ${new Date(lane.nextDueMs).toISOString()}`
  switch (reason) {
    case 'stopping':
      return 'this process is stopping, and others go on'
    case 'process-full':
      return `as many ${many} as may be are at work in this process, of all lanes together`
    case 'process-busy':
      return 'this process is busy, and nobody waits for this work: it begins as the process has time'
    case 'others-turn':
      return `several ${many} of it began just now; others have their turn`
    case 'given-up':
      return 'another process is to work it, as soon as what is at work here has ended'
    case 'resting':
      return `nothing of it may begin${until}: the destination is sent no more than so many a second`
    case 'head-at-work':
      return `it keeps an order, and the ${one} before is not finished`
    case 'lane-full':
      return lane.cap < lane.capMost
        ? `${lane.working} of ${lane.cap} ${many} that it may have at once are at work: it had ${lane.capMost}, and some were slow or failed`
        : `${lane.working} of ${lane.cap} ${many} that it may have at once are at work`
    case 'to-be-read':
      return 'what is next is to be read from the database'
    case 'not-due':
      return lane.isOrdered
        ? `it keeps an order, and the first ${one} waits${until}`
        : `what is not at work waits for a time: the next${until}`
    case 'groups-full':
      return kind === 'flow-runs'
        ? 'each flow instance that runs wait of has as many at work as its concurrency allows'
        : `as many ${many} as its concurrency allows are at work`
    case 'paused':
      return 'its destination is paused: resume it'
    case 'worked-elsewhere':
      return 'another process works its shard: ask that one'
    case 'worked-by-nobody':
      return 'no process works its shard'
  }
}
