import { actionRunLogs as table } from '@permea/contract'
import { logAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, type Prefix } from '../platform/ids.ts'
import { type ActionRun, actionRunAnswer } from './run-log.ts'
import { actionRunById, listActionRuns } from './run-log-store.ts'

export function actionRunLogRoutes(options: {
  database: Database
  clock: Clock
  customers: Pick<Customers, 'find'>
}): RouteSet {
  const { database, clock, customers } = options
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  async function answers(runs: readonly ActionRun[], isWhole: boolean) {
    const users = await customersByIds(database.db, present(runs.map((run) => run.customerId)))
    const integrations = await integrationsByIds(database.db, present(runs.map((run) => run.integrationId)))
    return runs.map((run) => {
      const customer = users.get(run.customerId ?? '')
      const integration = integrations.get(run.integrationId ?? '')
      return actionRunAnswer(run, { customer, integration, now: clock.now() }, isWhole)
    })
  }
  async function runOf({ principal, params }: { principal: Principal; params: Record<string, string> }) {
    const selector = params.id ?? ''
    const id = fromWire('arl', selector)
    const run = id === null ? null : await actionRunById(database.db, principal.workspaceId, id)
    const isSeen = run !== null && (principal.isAdmin || run.customerId === principal.customerId)
    if (run === null || !isSeen || !(principal.isAdmin || principal.customerId !== null))
      throw notFound('action run', selector)
    const [answer] = await answers([run], true)
    if (answer === undefined) throw new Error('one row gives one answer')
    return { run, answer }
  }
  const idFilter = (prefix: Prefix, text: string | undefined) =>
    text === undefined ? null : (fromWire(prefix, text) ?? NO_ID)

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'arl')
      const named = query.userId ?? query.tenantId
      const own = principal.isAdmin ? null : principal.customerId
      const filter = {
        workspaceId: principal.workspaceId,
        customerId: named === undefined ? own : (await customers.find(principal, named)).id,
        actionId: idFilter('act', query.actionId),
        universalActionId: idFilter('act', query.universalActionId),
        integrationActionId: idFilter('act', query.integrationActionId),
        connectionActionId: idFilter('act', query.connectionActionId),
        integrationId: idFilter('int', query.integrationId),
        connectionId: idFilter('con', query.connectionId),
        sourceId: query.flowRunId ?? null,
        status: query.status ?? null,
        from: query.from ?? query.startedAfter ?? query.startDatetime ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      const found = await listActionRuns(database.reading, filter, page)
      return { ...logAnswer(found, page, 'arl', () => undefined), items: await answers(found.rows, false) }
    },
    get: async (call) => (await runOf(call)).answer,
    async details(call) {
      const { run, answer } = await runOf(call)
      return { ...answer, logs: [...run.logs] }
    },
  })
}
