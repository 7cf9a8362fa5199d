import { flowRuns as table } from '@permea/contract'
import { logAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal, refuseCut, wrongField } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import { shownJson } from '../api/shown-json.ts'
import { embeddedConnection } from '../connections/connection.ts'
import { connectionsByIds } from '../connections/store.ts'
import { customerAnswer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customersByIds } from '../customers/store.ts'
import type { Instances } from '../flows/instances.ts'
import type { Plans } from '../flows/plan.ts'
import { instancesByIds, listInstances, shownNodesOfVersion } from '../flows/store.ts'
import type { FlowViews } from '../flows/views.ts'
import { integrationAnswer } from '../integrations/integration.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, type Prefix, toWire } from '../platform/ids.ts'
import { keptBefore } from './from-node.ts'
import type { Launch } from './launch.ts'
import type { NodeRun } from './node-run.ts'
import { allNodeRuns, nodeCountsOf, nodeRunById, nodeRunPage } from './node-run-store.ts'
import { nodeRunAnswers, outputAnswers } from './node-run-view.ts'
import { awaitedEvent } from './pausing.ts'
import { nodeCountsIn, REPEATED_FROM, type RunRow, runAnswer } from './run.ts'
import type { Runs } from './runs.ts'
import { listRuns, runById } from './store.ts'
import { waitsOfRun } from './waits-store.ts'

export interface RunRoutesOptions {
  database: Database
  clock: Clock
  customers: Customers
  instances: Instances
  views: FlowViews
  launch: Launch
  runs: Runs
  plans: Pick<Plans, 'maskOf'>
}

interface Located {
  principal: Principal
  params: Record<string, string>
}

/** Flows that a text may stand for when runs are looked for. */
const NAMED_MAX = 1000

/** The endpoints, and how a run that was just started is answered (flows start runs too). */
export function runRoutes(options: RunRoutesOptions): {
  routes: RouteSet
  started(principal: Principal, item: { id: string }): Promise<{ id: string; state: string }>
} {
  const { database, clock, customers, instances, launch, runs, views } = options
  const masks = ({ versionId }: RunRow) => options.plans.maskOf(versionId)

  async function rowOf({ principal, params }: Located): Promise<RunRow> {
    const selector = params.id ?? ''
    const id = fromWire('fr', selector)
    const row = id === null ? null : await runById(database.db, principal.workspaceId, id)
    if (row === null || !(principal.isAdmin || row.customerId === principal.customerId))
      throw notFound('flow run', selector)
    return row
  }
  /** What a run that repeats this one from a node on takes over. */
  async function keptOf(row: RunRow, nodeKey: string): Promise<NodeRun[]> {
    const nodeRuns = await allNodeRuns(database.db, row)
    if (!nodeRuns.some((each) => each.nodeKey === nodeKey))
      throw wrongField('fromNodeKey', `${JSON.stringify(nodeKey)} did not run in it`)
    const log = { type: 'info', at: clock.now().toISOString(), message: `taken over from ${toWire('fr', row.id)}` }
    return keptBefore(nodeRuns, nodeKey).map((each) => ({ ...each, logs: [...each.logs, log] }))
  }
  async function answers(rows: readonly RunRow[]) {
    const instanceRows = await instancesByIds(
      database.db,
      rows.map((row) => row.flowInstanceId),
    )
    const customerRows = await customersByIds(
      database.db,
      rows.map((row) => row.customerId),
    )
    const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)
    const integrations = await integrationsByIds(database.db, present(rows.map((row) => row.integrationId)))
    const connections = await connectionsByIds(database.db, present(rows.map((row) => row.connectionId)))
    return rows.map((row) => {
      const customer = customerRows.get(row.customerId)
      const integration = integrations.get(row.integrationId ?? '')
      const connection = connections.get(row.connectionId ?? '')
      return {
        ...runAnswer(row, instanceRows.get(row.flowInstanceId)?.name, clock.now()),
        ...(customer === undefined ? {} : { user: customerAnswer(customer, clock.now()) }),
        ...(integration === undefined ? {} : { integration: integrationAnswer(integration) }),
        ...(connection === undefined ? {} : { connection: embeddedConnection(connection) }),
      }
    })
  }
  async function answer(row: RunRow) {
    const instance = (await instancesByIds(database.db, [row.flowInstanceId])).get(row.flowInstanceId)
    const [base] = await answers([row])
    if (base === undefined) throw new Error('one row gives one answer')
    const counted = nodeCountsIn(row) ?? (await countedNow(row))
    const waits = row.endedAt === null ? await waitsOfRun(database.db, row.id) : []
    return {
      ...base,
      nodes: counted,
      ...(waits.length === 0 ? {} : { waitsFor: waits.map(awaitedEvent) }),
      ...(instance === undefined ? {} : { flowInstance: await views.instance(instance) }),
    }
  }
  /** A run that has no final counts shows what is recorded so far. */
  async function countedNow(row: RunRow) {
    const counts = await nodeCountsOf(database.db, row.id)
    const stateOf = (errored: number) =>
      row.state === 'stopped' ? ('stopped' as const) : errored > 0 ? ('failed' as const) : ('completed' as const)
    return Object.fromEntries(
      counts.map(({ nodeKey, ...rest }) => [nodeKey, { ...rest, state: stateOf(rest.erroredRuns) }]),
    )
  }
  async function again(principal: Principal, id: string) {
    const row = await rowOf({ principal, params: { id } })
    return answer(row)
  }
  const idFilter = (prefix: Prefix | readonly Prefix[], text: string | undefined) =>
    text === undefined ? null : (fromWire(prefix, text) ?? NO_ID)

  /** Runs have no names: they are looked for by those of their flows. */
  async function instancesNamed(workspaceId: string, search: string): Promise<string[]> {
    const filter = {
      workspaceId,
      search,
      customerId: null,
      id: null,
      flowId: null,
      universalFlowId: null,
      integrationId: null,
      connectionId: null,
      instanceKey: null,
      isEnabled: null,
      includeArchived: true,
    }
    return (await listInstances(database.db, filter, { limit: NAMED_MAX, before: null })).map((instance) => instance.id)
  }

  /** Cursors of node runs are their ids; pages go forward in time. */
  function afterOf(cursor: string | undefined): string | null {
    if (cursor === undefined || cursor === '' || cursor === '0') return null
    const id = fromWire('nr', cursor)
    if (id === null)
      throw new Refusal('invalid_input', 'cursor is not one that this list gave', {
        problems: [{ field: 'cursor', message: 'unknown cursor' }],
      })
    return id
  }
  const LIMIT = 100
  function paged<T>(nodeRuns: readonly NodeRun[], limit: number, items: T[]) {
    const last = nodeRuns.at(-1)
    return { items, ...(last !== undefined && nodeRuns.length >= limit ? { cursor: toWire('nr', last.id) } : {}) }
  }
  async function outputsOfNode(
    call: Located & { query: { cursor?: string | undefined; limit?: number | undefined } },
    nodeKey: string,
  ) {
    const row = await rowOf(call)
    const limit = call.query.limit ?? LIMIT
    const nodeRuns = await nodeRunPage(database.db, row, [nodeKey], afterOf(call.query.cursor), limit)
    return paged(nodeRuns, limit, await outputAnswers(database, row, nodeRuns, await masks(row)))
  }
  async function oneOutput(call: Located) {
    const row = await rowOf(call)
    const selector = call.params.outputId ?? ''
    const [nodeRunSelector = '', index = ''] = selector.split('-')
    const id = fromWire('nr', nodeRunSelector)
    const nodeRun = id === null ? null : await nodeRunById(database.db, row, id)
    const outputs = nodeRun === null ? [] : await outputAnswers(database, row, [nodeRun], await masks(row))
    const output = outputs[Number(index)]
    if (output === undefined || nodeRun?.nodeKey !== call.params.nodeKey) throw notFound('output', selector)
    return output
  }

  const routes = routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'fr')
      const named = query.userId ?? query.tenantId
      const filter = {
        workspaceId: principal.workspaceId,
        customerId:
          named === undefined
            ? principal.isAdmin
              ? null
              : principal.customerId
            : (await customers.find(principal, named)).id,
        flowInstanceId: idFilter('cf', query.connectionFlowId ?? query.flowInstanceId),
        flowId: idFilter(['uf', 'if'], query.integrationFlowId ?? query.flowId),
        universalFlowId: idFilter('uf', query.universalFlowId),
        integrationId: idFilter('int', query.integrationId),
        connectionId: idFilter('con', query.connectionId),
        eventId: idFilter('aev', query.appEventId) ?? idFilter('eev', query.externalEventId),
        state: query.state ?? null,
        startNodeKey: query.startNodeKey ?? null,
        flowInstanceIds: query.search === undefined ? null : await instancesNamed(principal.workspaceId, query.search),
        from: query.from ?? query.startedAfter ?? query.startDatetime ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      const found = await listRuns(database.reading, filter, page)
      return { ...logAnswer(found, page, 'fr', () => undefined), items: await answers(found.rows) }
    },
    async create({ principal, body }) {
      const item = await launch.byApi(await instances.byId(principal, body.flowInstanceId), body)
      return again(principal, toWire('fr', item.id))
    },
    get: async (call) => answer(await rowOf(call)),
    async stop(call) {
      const row = await rowOf(call)
      if (!(await runs.stop(row.id))) throw new Refusal('run_not_active', `the flow run is already ${row.state}`)
      return answer(await rowOf(call))
    },
    async repeat(call) {
      const row = await rowOf(call)
      refuseCut('run', row.payloadCutAt)
      const instance = (await instancesByIds(database.db, [row.flowInstanceId])).get(row.flowInstanceId)
      if (instance === undefined) throw notFound('flow instance of run', call.params.id ?? '')
      const { [REPEATED_FROM]: _, ...meta } = row.meta ?? {}
      const input = {
        startNodeKey: row.startNodeKey,
        input: shownJson(row.input ?? 'null'),
        meta: { ...meta, repeatOf: toWire('fr', row.id) },
      }
      const fromNodeKey = call.body?.fromNodeKey
      const item = await launch.byApi(
        instance,
        input,
        fromNodeKey === undefined ? undefined : { fromNodeKey, kept: await keptOf(row, fromNodeKey) },
      )
      return again(call.principal, toWire('fr', item.id))
    },
    async tryNode({ principal, params, body }) {
      const instance = await instances.byId(principal, params.id ?? '')
      return runs.tryNode(instance, params.nodeKey ?? '', body, principal)
    },
    async output(call) {
      const row = await rowOf(call)
      const nodes = await shownNodesOfVersion(database.db, row.versionId)
      const last = Object.entries(nodes)
        .filter(([, node]) => (node.links ?? []).every((link) => link.key === undefined || link.key === ''))
        .map(([key]) => key)
      const limit = call.query.limit ?? LIMIT
      const nodeRuns = await nodeRunPage(database.db, row, last, afterOf(call.query.cursor), limit)
      return paged(nodeRuns, limit, await outputAnswers(database, row, nodeRuns, await masks(row)))
    },
    nodeOutput: (call) => outputsOfNode(call, call.params.nodeKey ?? ''),
    nodeOutputs: (call) => outputsOfNode(call, call.params.nodeKey ?? ''),
    async nodeRuns(call) {
      const row = await rowOf(call)
      const limit = call.query.limit ?? LIMIT
      const nodeRuns = await nodeRunPage(
        database.db,
        row,
        [call.params.nodeKey ?? ''],
        afterOf(call.query.cursor),
        limit,
      )
      return paged(
        nodeRuns,
        limit,
        await nodeRunAnswers(database, row, nodeRuns, { withData: false, mask: await masks(row) }),
      )
    },
    async nodeRun(call) {
      const row = await rowOf(call)
      const selector = call.params.nodeRunId ?? ''
      const id = fromWire('nr', selector)
      const nodeRun = id === null ? null : await nodeRunById(database.db, row, id)
      if (nodeRun === null || nodeRun.nodeKey !== call.params.nodeKey) throw notFound('node run', selector)
      const [one] = await nodeRunAnswers(database, row, [nodeRun], { withData: true, mask: await masks(row) })
      if (one === undefined) throw new Error('one row gives one answer')
      return one
    },
    getNodeOutput: oneOutput,
    getNodeOutputAlias: oneOutput,
  })
  return { routes, started: (principal, item) => again(principal, toWire('fr', item.id)) }
}
