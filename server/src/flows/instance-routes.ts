import { type FlowInstanceInput, type FlowInstanceSelector, flowInstances as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Customers } from '../customers/registry.ts'
import type { Database } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'
import type { FlowInstance } from './flow.ts'
import type { Flows } from './flows.ts'
import type { Instances } from './instances.ts'
import { listInstances } from './store.ts'
import type { FlowViews } from './views.ts'

export interface InstanceRoutesOptions {
  database: Database
  customers: Customers
  flows: Flows
  instances: Instances
  views: FlowViews
}

type Selector = z.output<typeof FlowInstanceSelector>
type Input = z.output<typeof FlowInstanceInput>

/** An id that nothing has. */
const UNKNOWN = '00000000-0000-0000-0000-000000000000'

export function instanceRoutes(options: InstanceRoutesOptions): RouteSet {
  const { database, customers, flows, instances, views } = options

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
    instanceKey: body.instanceKey ?? query.instanceKey,
    userId: body.userId ?? query.userId ?? query.tenantId,
  })
  /** An archived one keeps its place only until another takes it: finding it needs its id. */
  async function changeOrCreate(principal: Principal, query: Selector, body: Input): Promise<FlowInstance> {
    try {
      return await instances.change(await instances.select(principal, { ...query, autoCreate: false }), body)
    } catch (error) {
      if (!(error instanceof Refusal) || error.key !== 'not_found' || query.id !== undefined) throw error
      return instances.create(principal, fromSelector(query, body))
    }
  }

  return routeSet(table, {
    async list({ principal, query }) {
      if (!principal.isAdmin && principal.customerId === null) return { items: [] }
      const page = pageOf(query, 'cf')
      const named = query.userId ?? query.tenantId
      const flowSelector = query.flowId ?? query.flowKey
      const integration = await flows.integrationOf(principal, query)
      const filter = {
        workspaceId: principal.workspaceId,
        customerId:
          named === undefined
            ? principal.isAdmin
              ? null
              : principal.customerId
            : (await customers.find(principal, named)).id,
        id: null,
        flowId: flowSelector === undefined ? null : (await flows.find(principal, flowSelector, query)).id,
        universalFlowId:
          query.universalFlowId === undefined ? null : (fromWire('uf', query.universalFlowId) ?? UNKNOWN),
        integrationId: integration?.id ?? null,
        connectionId: query.connectionId === undefined ? null : (fromWire('con', query.connectionId) ?? UNKNOWN),
        instanceKey: query.instanceKey ?? null,
        isEnabled: query.enabled ?? null,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      const rows = await listInstances(database.db, filter, page)
      const items = await views.instances(rows)
      return { ...listAnswer(rows, page, 'cf', () => undefined), items }
    },
    create: async ({ principal, body }) => view(await instances.create(principal, body)),
    get: async (call) => view(await byPath(call)),
    put: async (call) => view(await instances.change(await byPath(call), call.body)),
    patch: async (call) => view(await instances.change(await byPath(call), call.body)),
    archive: async (call) => instances.archive(await byPath(call)),
    restore: async (call) => view(await instances.restore(await byPath(call))),
    setup: async (call) => view(await instances.setup(await byPath(call))),
    updateToLatestFlow: async (call) => view(await instances.updateToLatest(await byPath(call))),
    reset: async (call) => view(await instances.reset(await byPath(call), call.body)),
    getByQuery: async (call) => view(await byQuery(call)),
    createByQuery: async ({ principal, query, body }) =>
      view(await instances.create(principal, fromSelector(query, body))),
    putByQuery: async ({ principal, query, body }) => view(await changeOrCreate(principal, query, body)),
    patchByQuery: async (call) => view(await instances.change(await byQuery(call), call.body)),
    archiveByQuery: async ({ principal, query }) =>
      instances.archive(await instances.select(principal, { ...query, autoCreate: false, autoUpdate: false })),
    restoreByQuery: async ({ principal, query }) =>
      view(await instances.restore(await instances.selectArchived(principal, query))),
  })
}
