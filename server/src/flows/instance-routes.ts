import { type FlowInstanceInput, type FlowInstanceSelector, flowInstances as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import type { FlowInstance } from './flow.ts'
import type { Instances, ListQuery } from './instances.ts'
import type { FlowViews } from './views.ts'

export interface InstanceRoutesOptions {
  instances: Instances
  views: FlowViews
  connections: Pick<Connections, 'find'>
  /** Starts a run of an instance; runs are above flows, so it is handed over. */
  startRun(
    principal: Principal,
    instance: FlowInstance,
    input: CallOf<(typeof table)['runOfConnection']>['body'],
  ): Promise<{ id: string; state: string }>
}

type Selector = z.output<typeof FlowInstanceSelector>
type Input = z.output<typeof FlowInstanceInput>
interface OfConnection {
  instanceKey?: string | undefined
  autoCreate?: boolean | undefined
}

export function instanceRoutes(options: InstanceRoutesOptions): RouteSet {
  const { instances, views } = options

  const byPath = ({ principal, params }: { principal: Principal; params: Record<string, string> }) =>
    instances.byId(principal, params.id ?? '')
  const byQuery = ({ principal, query }: { principal: Principal; query: Selector }) =>
    instances.select(principal, query)
  const view = (instance: FlowInstance) => views.instance(instance)
  const fromSelector = (query: Selector, body: Input): Input => ({
    ...body,
    flowId: body.flowId ?? query.flowId ?? query.flowKey ?? query.parentId ?? query.parentKey,
    integrationId: body.integrationId ?? query.integrationId,
    integrationKey: body.integrationKey ?? query.integrationKey,
    connectionId: body.connectionId ?? query.connectionId,
    connectionKey: body.connectionKey ?? query.connectionKey,
    instanceKey: body.instanceKey ?? query.instanceKey,
    userId: body.userId ?? query.userId ?? query.tenantId,
  })
  /** An archived one keeps its place only until another takes it: finding it needs its id. */
  async function changeOrCreate(principal: Principal, query: Selector, body: Input): Promise<FlowInstance> {
    try {
      return await instances.change(principal, await instances.select(principal, { ...query, autoCreate: false }), body)
    } catch (error) {
      if (!(error instanceof Refusal) || error.key !== 'not_found' || query.id !== undefined) throw error
      return instances.create(principal, fromSelector(query, body))
    }
  }

  /** The flow in the path, on the connection in the path. */
  async function ofPath(call: { principal: Principal; params: Record<string, string>; query: OfConnection }) {
    const { principal, params, query } = call
    const connection = await options.connections.find(principal, params.connectionSelector ?? '')
    return { ...query, connectionId: toWire('con', connection.id), flowId: params.selector ?? '' }
  }
  async function onConnection(call: Parameters<typeof ofPath>[0]): Promise<FlowInstance> {
    const selector = await ofPath(call)
    if (fromWire('cf', selector.flowId) === null) return instances.select(call.principal, selector)
    const instance = await instances.byId(call.principal, selector.flowId)
    if (instance.connectionId !== fromWire('con', selector.connectionId))
      throw notFound('flow of this connection', selector.flowId)
    return instance
  }
  async function list(principal: Principal, query: ListQuery & Parameters<typeof pageOf>[0]) {
    const page = pageOf(query, 'cf')
    const rows = await instances.list(principal, query, page)
    const items = await views.instances(rows)
    return { ...listAnswer(rows, page, 'cf', () => undefined), items }
  }

  return routeSet(table, {
    list: ({ principal, query }) => list(principal, query),
    create: async ({ principal, body }) => view(await instances.create(principal, body)),
    get: async (call) => view(await byPath(call)),
    put: async (call) => view(await instances.change(call.principal, await byPath(call), call.body)),
    patch: async (call) => view(await instances.change(call.principal, await byPath(call), call.body)),
    archive: async (call) => instances.archive(await byPath(call)),
    restore: async (call) => view(await instances.restore(await byPath(call))),
    setup: async (call) => view(await instances.setup(await byPath(call))),
    updateToLatestFlow: async (call) => view(await instances.updateToLatest(await byPath(call))),
    async export(call) {
      const instance = await byPath(call)
      const { uuid, key, name, description, meta, instanceKey, parameters, enabled, ordered, concurrency, nodes } =
        await view(instance)
      return { uuid, key, name, description, meta, instanceKey, parameters, enabled, ordered, concurrency, nodes }
    },
    reset: async (call) => view(await instances.reset(await byPath(call), call.body)),
    getByQuery: async (call) => view(await byQuery(call)),
    createByQuery: async ({ principal, query, body }) =>
      view(await instances.create(principal, fromSelector(query, body))),
    putByQuery: async ({ principal, query, body }) => view(await changeOrCreate(principal, query, body)),
    patchByQuery: async (call) => view(await instances.change(call.principal, await byQuery(call), call.body)),
    archiveByQuery: async ({ principal, query }) =>
      instances.archive(await instances.select(principal, { ...query, autoCreate: false, autoUpdate: false })),
    restoreByQuery: async ({ principal, query }) =>
      view(await instances.restore(await instances.selectArchived(principal, query))),
    async listOfConnection({ principal, params, query }) {
      const connection = await options.connections.find(principal, params.connectionSelector ?? '', query)
      return list(principal, { ...query, connectionId: toWire('con', connection.id) })
    },
    getOfConnection: async (call) => view(await onConnection(call)),
    async putOfConnection(call) {
      if (fromWire('cf', call.params.selector ?? '') !== null)
        return view(await instances.change(call.principal, await onConnection(call), call.body))
      const { connectionId: _, connectionKey: __, flowId: ___, flowKey: ____, ...body } = call.body
      return view(await changeOrCreate(call.principal, await ofPath(call), body))
    },
    patchOfConnection: async (call) =>
      view(await instances.change(call.principal, await onConnection(call), call.body)),
    archiveOfConnection: async (call) => instances.archive(await onConnection(call)),
    setupOfConnection: async (call) => view(await instances.setup(await onConnection(call))),
    resetOfConnection: async (call) => view(await instances.reset(await onConnection(call), {})),
    runOfConnection: async (call) => options.startRun(call.principal, await onConnection(call), call.body),
  })
}
