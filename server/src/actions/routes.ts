import { type ActionInput, actions as table } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { dependenciesOf, integrationDependency } from '../api/references.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Customers } from '../customers/registry.ts'
import type { Functions } from '../functions/function.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Action, actionLayerOf } from './action.ts'
import { checkContent, mergedContent } from './action-content.ts'
import { type ActionNarrowing, type Actions, reachOf } from './actions.ts'
import { answerOf, type Runner } from './runner.ts'
import { listActions, listReaching } from './store.ts'
import type { RunTarget, Targets } from './target.ts'
import type { ActionViews } from './views.ts'

export interface ActionRoutesOptions {
  database: Database
  actions: Actions
  targets: Targets
  runner: Runner
  views: ActionViews
  functions: Functions
  sealing: Sealing
  customers: Pick<Customers, 'find'>
}

type Input = z.output<typeof ActionInput>
type ListQuery = CallOf<(typeof table)['list']>['query']
type RunBody = CallOf<(typeof table)['run']>['body']
interface Located {
  principal: Principal
  params: Record<string, string>
  query: ActionNarrowing & { id?: string | undefined; key?: string | undefined }
}

export function actionRoutes(options: ActionRoutesOptions): RouteSet {
  const { actions, targets, runner, views } = options
  const list = createActionList(options)

  const selectorOf = ({ query }: Located): string => {
    const selector = query.id ?? query.key
    if (selector === undefined) throw new Refusal('ambiguous_selector', 'give id or key in the query')
    return selector
  }
  const byPath = ({ principal, params, query }: Located) => actions.find(principal, params.selector ?? '', query)
  const byPathAlone = ({ principal, params }: { principal: Principal; params: Record<string, string> }) =>
    actions.find(principal, params.selector ?? '', {})
  const byQuery = (call: Located) => actions.find(call.principal, selectorOf(call), call.query)
  /** The action of the integration in the path; where it has none of its own, the universal one is not meant. */
  const ofIntegration = async ({ principal, params }: { principal: Principal; params: Record<string, string> }) => {
    const integrationKey = params.integrationSelector ?? ''
    const integration = await actions.integrationOf(principal, { integrationKey })
    const action = await actions.find(principal, params.selector ?? '', { integrationKey })
    if (actionLayerOf(action) !== 'integration' || action.integrationId !== integration?.id)
      throw notFound('action of this integration', params.selector ?? '')
    return action
  }
  async function run(target: RunTarget, { input, meta }: RunBody) {
    return answerOf(await runner.run(target, { input, meta: meta ?? null, sourceId: null }))
  }
  const change = async (action: Action, body: Input) => views.one(await actions.change(action, body))

  return routeSet(table, {
    list: ({ principal, query }) => list(principal, query),
    async listOfIntegration({ principal, params, query }) {
      return list(principal, {
        ...query,
        integrationId: params.integrationSelector,
        layer: query.layer ?? 'integration',
      })
    },
    create: async ({ principal, body }) => views.one(await actions.create(principal, body)),
    createOfIntegration: async ({ principal, params, body }) =>
      views.one(
        await actions.create(principal, { ...body, connectionId: null, integrationId: params.integrationSelector }),
      ),
    get: async (call) => views.shown(await byPath(call)),
    getByQuery: async (call) => views.shown(await byQuery(call)),
    getOfIntegration: async (call) => views.shown(await ofIntegration(call)),
    put: async (call) => change(await byPath(call), call.body),
    patch: async (call) => change(await byPath(call), call.body),
    putByQuery: async (call) => change(await byQuery(call), call.body),
    patchByQuery: async (call) => change(await byQuery(call), call.body),
    putOfIntegration: async (call) => change(await ofIntegration(call), call.body),
    patchOfIntegration: async (call) => change(await ofIntegration(call), call.body),
    archive: async (call) => actions.archive(await byPath(call)),
    archiveByQuery: async (call) => actions.archive(await byQuery(call)),
    archiveOfIntegration: async (call) => actions.archive(await ofIntegration(call)),
    restore: async (call) => views.one(await actions.restore(await byPath(call))),
    restoreByQuery: async (call) => views.one(await actions.restore(await byQuery(call))),
    reset: async (call) => views.one(await actions.reset(await byPath(call))),
    resetByQuery: async (call) => views.one(await actions.reset(await byQuery(call))),
    resetOfIntegration: async (call) => views.one(await actions.reset(await ofIntegration(call))),
    clone: async (call) => views.one(await actions.clone(await byPath(call))),
    async apply(call) {
      const action = await byPathAlone(call)
      const applied: Action[] = []
      for (const key of call.body.integrationKeys) applied.push(await actions.applyTo(call.principal, action, key))
      return views.many(applied)
    },
    refresh: async (call) => views.one(await byPath(call)),
    async dependencies(call) {
      const action = await byPath(call)
      const { config, integration, parentId } = await views.one(action)
      const parent = parentId === undefined ? null : await actions.find(call.principal, parentId, {})
      return dependenciesOf({
        parent:
          parent === null
            ? null
            : {
                elementType: 'action',
                key: parent.key,
                element: { id: toWire('act', parent.id), key: parent.key, name: parent.name },
              },
        integration: integrationDependency(integration),
        content: config,
      })
    },
    async export(call) {
      const answer = await views.one(await byPath(call))
      const { uuid, key, name, description, meta, integrationKey, instanceKey, type, config, inputSchema } = answer
      const { outputMapping, customOutputSchema } = answer
      const own = { uuid, key, name, description, meta, integrationKey, instanceKey }
      return { ...own, type, config, inputSchema, outputMapping, customOutputSchema }
    },
    run: async ({ principal, params, query, body }) =>
      run(await targets.ofAction(principal, params.selector ?? '', query), body),
    runByQuery: async (call) => run(await targets.ofAction(call.principal, selectorOf(call), call.query), call.body),
    async act({ principal, body }) {
      const { id, key, api, code, input, meta, ...narrowing } = body
      const selector = id ?? key
      if (selector !== undefined) return run(await targets.ofAction(principal, selector, narrowing), { input, meta })
      const request = { ...api, path: api?.path ?? api?.url, body: api?.body ?? api?.data }
      const given =
        api === undefined
          ? { type: 'run-javascript', config: { code } }
          : // Sent as it is: what looks like a formula in it is not one.
            { type: 'api-request-to-external-app', config: { request: { $plain: request } } }
      const content = mergedContent(null, given, {
        name: api === undefined ? 'code' : `${api.method} ${request.path}`,
        sealing: options.sealing,
        isOfConnection: false,
      })
      if (api === undefined) await checkContent(content, options.functions, null, principal)
      return run(await targets.ofContent(principal, content, narrowing), { input, meta })
    },
  })
}

/** A page of the actions that a query is about. */
export function createActionList({
  database,
  actions,
  customers,
  views,
}: Pick<ActionRoutesOptions, 'database' | 'actions' | 'customers' | 'views'>) {
  return async function list(principal: Principal, query: ListQuery) {
    const page = pageOf(query, 'act')
    const named = query.userId ?? query.tenantId
    const customerId =
      named !== undefined
        ? (await customers.find(principal, named)).id
        : principal.isAdmin
          ? null
          : (principal.customerId ?? NO_ID)
    const connection = await actions.connectionOf(principal, query)
    const integration = await actions.integrationOf(principal, query)
    const layer =
      query.layer ?? (query.isUniversal === undefined ? null : query.isUniversal ? 'universal' : 'integration')
    const idOf = (text: string | undefined) => (text === undefined ? null : (fromWire('act', text) ?? NO_ID))
    const filter = {
      integrationId: integration?.id ?? null,
      connectionId: connection?.id ?? null,
      // Only actions of connections belong to somebody.
      customerId: layer === 'connection' ? customerId : null,
      parentId: idOf(query.parentId),
      universalId: idOf(query.universalParentId),
      instanceKey: query.instanceKey ?? null,
      search: query.search ?? null,
      intent: query.intent === undefined ? null : query.intent.split(/\s+/).join(' or '),
      includeArchived: query.includeArchived ?? false,
    }
    const rows =
      connection !== null && layer === null
        ? await listReaching(database.db, reachOf(connection), filter, page)
        : await listActions(database.db, { ...filter, workspaceId: principal.workspaceId, layer }, page)
    const items = await views.many(rows)
    return { ...listAnswer(rows, page, 'act', (row) => toWire('act', row.id)), items }
  }
}
