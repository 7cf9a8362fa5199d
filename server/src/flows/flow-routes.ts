import { type FlowSelectorQuery, flows as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf, wrongCursor } from '../api/paging.ts'
import type { Actor, Principal } from '../api/principal.ts'
import { dependenciesOf, integrationDependency } from '../api/references.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, NO_ID, toWire } from '../platform/ids.ts'
import type { Flow, FlowInstance } from './flow.ts'
import type { Flows } from './flows.ts'
import type { Instances } from './instances.ts'
import { listFlows } from './store.ts'
import type { FlowViews } from './views.ts'

export interface FlowRoutesOptions {
  database: Database
  flows: Flows
  instances: Instances
  views: FlowViews
  connections: Pick<Connections, 'find'>
  /** Has an instance made for every customer or connection, in the background. */
  createForAll(tx: Tx, flow: Flow): Promise<void>
  /** Starts a run of an instance; runs are above flows, so it is handed over. */
  startRun(
    principal: Principal,
    instance: FlowInstance,
    input: CallOf<(typeof table)['run']>['body'],
  ): Promise<{ id: string; state: string }>
}

const VERSIONS_SHOWN = 20

type Query = z.output<typeof FlowSelectorQuery>
interface Located {
  principal: Principal
  params: Record<string, string>
  query: Query
}
type ListQuery = CallOf<(typeof table)['list']>['query']

export function flowRoutes(options: FlowRoutesOptions): RouteSet {
  const { database, flows, instances, views, connections } = options

  const byPath = ({ principal, params, query }: Located) => flows.find(principal, params.selector ?? '', query)
  const byPathAlone = ({ principal, params }: { principal: Principal; params: Record<string, string> }) =>
    flows.find(principal, params.selector ?? '')
  const byQuery = ({ principal, query }: Located) => {
    const selector = query.id ?? query.key
    if (selector === undefined) throw new Refusal('ambiguous_selector', 'give id or key in the query')
    return flows.find(principal, selector, query)
  }
  /** The flow of the integration in the path; where it has none of its own, the universal one is not meant. */
  const ofIntegration = async ({ principal, params }: Located) => {
    const integrationKey = params.integrationSelector ?? ''
    const integration = await flows.integrationOf(principal, { integrationKey })
    const flow = await flows.find(principal, params.selector ?? '', { integrationKey })
    if (integration === null || flow.integrationId !== integration.id)
      throw notFound('flow of this integration', params.selector ?? '')
    return flow
  }
  const archive = async (flow: Flow, by: Actor) => {
    await flows.archive(flow, by)
    await instances.archiveAllOf(flow)
  }
  async function saved(flow: Flow) {
    if (flow.autoCreateInstances) await database.transaction((tx) => options.createForAll(tx, flow))
    return views.flow(flow)
  }
  async function list(principal: Principal, query: ListQuery, integrationSelector: string | undefined) {
    if (query.layer === 'connection') {
      const page = pageOf(query, 'cf')
      const rows = await instances.list(
        principal,
        { ...query, integrationId: integrationSelector ?? query.integrationId },
        page,
      )
      return { ...listAnswer(rows, page, 'cf', () => undefined), items: await views.instances(rows) }
    }
    const page = pageOf(query, 'uf')
    const integration = await flows.integrationOf(principal, {
      integrationId: integrationSelector ?? query.integrationId,
      integrationKey: query.integrationKey,
    })
    const universal = query.universalFlowId ?? query.universalParentId ?? query.parentId
    const filter = {
      workspaceId: principal.workspaceId,
      layer:
        query.layer ??
        (query.isUniversal === undefined
          ? null
          : query.isUniversal
            ? ('universal' as const)
            : ('integration' as const)),
      integrationId: integration?.id ?? null,
      universalFlowId: universal === undefined ? null : (fromWire('uf', universal) ?? NO_ID),
      id: query.flowId === undefined ? null : (fromWire(['uf', 'if'], query.flowId) ?? NO_ID),
      search: query.search ?? null,
      includeArchived: query.includeArchived ?? false,
    }
    const rows = await listFlows(database.db, filter, page)
    const answers = await views.flows(rows)
    return { ...listAnswer(rows, page, 'uf', () => undefined), items: answers }
  }

  return routeSet(table, {
    list: ({ principal, query }) => list(principal, query, undefined),
    listOfIntegration: ({ principal, params, query }) => list(principal, query, params.integrationSelector),
    create: async ({ principal, body }) => saved(await flows.create(principal, body)),
    createOfIntegration: async ({ principal, params, body }) =>
      saved(await flows.create(principal, { ...body, integrationId: params.integrationSelector })),
    get: async (call) => views.flow(await byPath(call)),
    getByQuery: async (call) => views.flow(await byQuery(call)),
    getOfIntegration: async (call) => views.flow(await ofIntegration(call)),
    put: async (call) => saved(await flows.change(await byPath(call), call.body, call.principal.actor)),
    patch: async (call) => saved(await flows.change(await byPath(call), call.body, call.principal.actor)),
    putByQuery: async (call) => saved(await flows.change(await byQuery(call), call.body, call.principal.actor)),
    patchByQuery: async (call) => saved(await flows.change(await byQuery(call), call.body, call.principal.actor)),
    putOfIntegration: async (call) =>
      saved(await flows.change(await ofIntegration(call), call.body, call.principal.actor)),
    patchOfIntegration: async (call) =>
      saved(await flows.change(await ofIntegration(call), call.body, call.principal.actor)),
    archive: async (call) => archive(await byPath(call), call.principal.actor),
    archiveByQuery: async (call) => archive(await byQuery(call), call.principal.actor),
    archiveOfIntegration: async (call) => archive(await ofIntegration(call), call.principal.actor),
    restore: async (call) => views.flow(await flows.restore(await byPath(call), call.principal.actor)),
    restoreByQuery: async (call) => views.flow(await flows.restore(await byQuery(call), call.principal.actor)),
    reset: async (call) => views.flow(await flows.reset(await byPath(call), call.principal.actor)),
    resetByQuery: async (call) => views.flow(await flows.reset(await byQuery(call), call.principal.actor)),
    resetOfIntegration: async (call) => views.flow(await flows.reset(await ofIntegration(call), call.principal.actor)),
    clone: async (call) => views.flow(await flows.clone(await byPath(call), call.principal.actor)),
    async apply(call) {
      const flow = await byPathAlone(call)
      const applied: Flow[] = []
      for (const key of call.body.integrationKeys) applied.push(await flows.applyTo(call.principal, flow, key))
      return views.flows(applied)
    },
    async versions(call) {
      const flow = await byPathAlone(call)
      const { limit = VERSIONS_SHOWN, cursor } = call.query
      const before = cursor === undefined || cursor === '' || cursor === '0' ? null : Number(cursor)
      if (before !== null && !Number.isSafeInteger(before)) throw wrongCursor()
      const past = await flows.history(flow, before, limit)
      const last = past.at(-1)
      return {
        items: past.map(({ number, since, changedBy, versionId, nodes }, at) => ({
          number,
          createdAt: since.toISOString(),
          changedBy: changedBy ?? undefined,
          isCurrent: before === null && at === 0 && versionId === flow.versionId,
          nodes,
        })),
        ...(last !== undefined && past.length >= limit ? { cursor: String(last.number) } : {}),
      }
    },
    async restoreVersion(call) {
      const { number = '' } = call.params
      return saved(
        await flows.takeBack(
          await byPathAlone(call),
          /^\d{1,10}$/.test(number) ? Number(number) : 0,
          call.principal.actor,
        ),
      )
    },
    refresh: async (call) => views.flow(await byPath(call)),
    async nodeSchemas(call) {
      const { connectionId } = call.query
      const connection = connectionId === undefined ? null : await connections.find(call.principal, connectionId)
      return views.nodeSchemas(await byPath(call), connection)
    },
    async dependencies(call) {
      const { nodes, integration, universalFlowId } = await views.flow(await byPath(call))
      const parent = universalFlowId === undefined ? null : await flows.find(call.principal, universalFlowId, {})
      return dependenciesOf({
        parent:
          parent === null
            ? null
            : {
                elementType: 'flow',
                key: parent.key,
                element: { id: toWire('uf', parent.id), key: parent.key, name: parent.name },
              },
        integration: integrationDependency(integration),
        content: nodes,
      })
    },
    async export(call) {
      const flow = await byPathAlone(call)
      const answer = await views.flow(flow)
      const {
        uuid,
        key,
        name,
        description,
        meta,
        integrationKey,
        parametersSchema,
        parameters,
        enabled,
        ordered,
        concurrency,
        nodes,
      } = answer
      return {
        uuid,
        key,
        name,
        description,
        meta,
        integrationKey,
        parametersSchema,
        parameters,
        enabled,
        ordered,
        concurrency,
        nodes,
        autoCreateInstances: flow.autoCreateInstances,
      }
    },
    updateInstances: async (call) => ({ updated: await instances.updateAllOf(await byPathAlone(call)) }),
    async run({ principal, params, query, body }) {
      const selector = params.selector ?? ''
      const isInstance = fromWire('cf', selector) !== null
      const instance = isInstance
        ? await instances.byId(principal, selector)
        : await instances.select(principal, { ...query, id: undefined, flowId: selector })
      return options.startRun(principal, instance, body)
    },
  })
}
