import { hostname } from 'node:os'
import { LaneKind, lanes as table, type Lane as WireLane } from '@permea/contract'
import type { z } from 'zod'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Customers } from '../customers/registry.ts'
import { pausedDestinations } from '../deliveries/statistics-store.ts'
import type { Database } from '../platform/database.ts'
import { timeOfId } from '../platform/ids.ts'
import type { LaneStanding, LaneSurvey, SurveyQuestion } from '../platform/lane-standing.ts'
import { type Ownership, SHARDS, shardOf } from '../platform/ownership.ts'
import { laneAnswer, laneElsewhere } from './lane-answer.ts'
import { elementsOf } from './owners.ts'

export interface LaneRoutesOptions {
  database: Database
  customers: Pick<Customers, 'find'>
  ownership: Ownership
  /** Looks at all lanes of a kind in this process. */
  surveys: Readonly<Record<LaneKind, (question: SurveyQuestion) => Promise<LaneSurvey>>>
}

/** Lanes that are given at most. */
const MOST = 200

/** Whose lanes are asked for. */
interface Wanted {
  workspaceId: string
  customerId: string | null
  most: number
}

interface Found {
  kind: LaneKind
  standing: LaneStanding
}

/** What waits in this process, of the workspace that the token is for and of no other. */
export function laneRoutes({ database, customers, ownership, surveys }: LaneRoutesOptions): RouteSet {
  async function surveyOf(kind: LaneKind, wanted: Wanted): Promise<LaneSurvey> {
    return surveys[kind]({
      ownersOf: (laneIds) => elementsOf(database.db, kind, laneIds),
      isWanted: ({ workspaceId, customerId }) =>
        workspaceId === wanted.workspaceId && (wanted.customerId === null || customerId === wanted.customerId),
      paused: kind === 'deliveries' ? await pausedLanes(database, wanted) : new Map(),
      most: wanted.most,
    })
  }

  async function answersOf(found: readonly Found[]): Promise<z.input<typeof WireLane>[]> {
    const elements = new Map(
      await Promise.all(
        LaneKind.options.map(async (kind) => {
          const ids = found.filter((each) => each.kind === kind).map(({ standing }) => standing.id)
          return [kind, await elementsOf(database.db, kind, ids)] as const
        }),
      ),
    )
    return found.flatMap(({ kind, standing }) => {
      const element = elements.get(kind)?.get(standing.id)
      return element === undefined ? [] : [laneAnswer(kind, standing, element)]
    })
  }

  /** A customer's runs that are worked in another process, or in none. */
  async function elsewhere(customerId: string | null): Promise<z.input<typeof WireLane>[]> {
    if (customerId === null || ownership.owns(shardOf(customerId))) return []
    const element = (await elementsOf(database.db, 'flow-runs', [customerId])).get(customerId)
    const shard = shardOf(customerId)
    return element === undefined ? [] : [laneElsewhere(element, shard, ownership.sessionOf(shard) !== null)]
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const named = query.userId ?? query.tenantId
      const wanted: Wanted = {
        workspaceId: principal.workspaceId,
        customerId: named === undefined ? null : (await customers.find(principal, named)).id,
        most: query.limit ?? MOST,
      }
      const kinds = query.kind === undefined ? LaneKind.options : [query.kind]
      const found: Found[] = []
      const totals = []
      for (const kind of kinds) {
        const { standings, counts } = await surveyOf(kind, wanted)
        found.push(...standings.map((standing) => ({ kind, standing })))
        totals.push({
          kind,
          lanes: counts.lanes,
          waitingLanes: counts.waiting,
          waiting: counts.ready,
          running: counts.working,
          hasMore: counts.hasMore,
          reasons: counts.byHindrance,
        })
      }
      const worst = found.toSorted((a, b) => byWait(a.standing, b.standing)).slice(0, wanted.most)
      const session = ownership.session ?? undefined
      return {
        items: [
          ...(kinds.includes('flow-runs') ? await elsewhere(wanted.customerId) : []),
          ...(await answersOf(worst)),
        ],
        totals,
        workers: workersOf(ownership),
        process: { host: hostname(), pid: process.pid, session },
      }
    },
  })
}

/** The longest wait first; behind it what is due next, and then what is only at work. */
function byWait(a: LaneStanding, b: LaneStanding): number {
  const never = Number.POSITIVE_INFINITY
  const bySince = compare(a.waitsSinceMs ?? never, b.waitsSinceMs ?? never)
  return bySince === 0 ? compare(a.nextDueMs ?? never, b.nextDueMs ?? never) : bySince
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}

/** Destinations that are paused and have something waiting, which no lane holds. */
async function pausedLanes(database: Database, wanted: Wanted): Promise<SurveyQuestion['paused']> {
  const rows = await pausedDestinations(database.db, wanted)
  return new Map(
    rows.map(({ id, workspaceId, customerId, isOrdered, firstId, dueAt }) => [
      id,
      {
        owner: { workspaceId, customerId },
        isOrdered,
        sinceMs: (isOrdered ? timeOfId(firstId) : dueAt).getTime(),
      },
    ]),
  )
}

/** The shards by who works them, as far as is known here. */
function workersOf(ownership: Ownership): { isHere: boolean; session?: number; shards: number[] }[] {
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard)
  const here = shards.filter((shard) => ownership.owns(shard))
  const others = Map.groupBy(
    shards.filter((shard) => !ownership.owns(shard)),
    (shard) => ownership.sessionOf(shard),
  )
  return [
    ...(here.length === 0 ? [] : [{ isHere: true, ...numbered(ownership.session), shards: here }]),
    ...[...others].map(([session, own]) => ({ isHere: false, ...numbered(session), shards: own })),
  ]
}

function numbered(session: number | null): { session?: number } {
  return session === null ? {} : { session }
}
