import { statistics as table } from '@permea/contract'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { createStatistics } from './statistics.ts'

export function statisticsRoutes(options: {
  database: Database
  clock: Clock
  unapplied: (() => Promise<{ oldestSeconds: number; shards: number }>) | null
}): RouteSet {
  const statistics = createStatistics(options)
  return routeSet(table, {
    async get({ principal, query }) {
      const { from, to, ...rest } = await statistics(principal.workspaceId, {
        from: query.from,
        to: query.to,
        buckets: query.buckets,
      })
      return { from: from.toISOString(), to: to.toISOString(), ...rest }
    },
  })
}
