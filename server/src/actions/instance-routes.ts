import { actionInstances as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { type Action, actionLayerOf } from './action.ts'
import type { ActionInstances } from './action-instances.ts'
import { type ActionRoutesOptions, createActionList } from './routes.ts'
import { answerOf } from './runner.ts'
import type { RunTarget } from './target.ts'

export interface ActionInstanceRoutesOptions extends ActionRoutesOptions {
  instances: ActionInstances
  connections: Pick<Connections, 'find'>
}

interface OnConnection {
  principal: Principal
  params: Record<string, string>
  query: { instanceKey?: string | undefined; autoCreate?: boolean | undefined }
}

export function actionInstanceRoutes(options: ActionInstanceRoutesOptions): RouteSet {
  const { actions, instances, targets, runner, views } = options
  const list = createActionList(options)

  const connectionOf = ({ principal, params }: Pick<OnConnection, 'principal' | 'params'>) =>
    options.connections.find(principal, params.connectionSelector ?? '')
  /** The connection's own action in the path. */
  async function placeOf(call: OnConnection) {
    const { query, params } = call
    const connection = await connectionOf(call)
    return { ...query, connectionId: toWire('con', connection.id), actionId: params.selector ?? '' }
  }
  async function ownOf(call: OnConnection): Promise<Action> {
    const place = await placeOf(call)
    const found = fromWire('act', place.actionId) === null ? null : await ownById(call.principal, place)
    return found ?? instances.select(call.principal, { ...place, autoCreate: false })
  }
  /** An id in the path may be that of the connection's action itself, or of one that it follows. */
  async function ownById(
    principal: Principal,
    { actionId, connectionId }: { actionId: string; connectionId: string },
  ): Promise<Action | null> {
    const action = await actions.find(principal, actionId, {})
    if (actionLayerOf(action) !== 'connection') return null
    if (action.connectionId !== fromWire('con', connectionId)) throw notFound('action of this connection', actionId)
    return action
  }
  const view = (action: Action) => views.one(action)
  const checked = async (action: Action) => views.one(action, await instances.problemsOf(action))
  const run = async (target: RunTarget, input: unknown) =>
    answerOf(await runner.run(target, { input, meta: null, sourceId: null }))

  return routeSet(table, {
    async list({ principal, query }) {
      const { actionId, actionKey, ...rest } = query
      const selector = actionId ?? actionKey
      const action = selector === undefined ? null : await actions.find(principal, selector, rest)
      const parent = action === null ? {} : { parentId: toWire('act', action.id) }
      return list(principal, { ...rest, ...parent, layer: 'connection' })
    },
    create: async ({ principal, query, body }) => view(await instances.create(principal, query, body)),
    get: async ({ principal, query }) => views.shown(await instances.select(principal, query)),
    put: async ({ principal, query, body }) => view(await instances.put(principal, query, body)),
    patch: async ({ principal, query, body }) =>
      view(await actions.change(await instances.select(principal, query), body)),
    archive: async ({ principal, query }) =>
      actions.archive(await instances.select(principal, { ...query, autoCreate: false })),
    restore: async ({ principal, query }) =>
      view(await actions.restore(await instances.selectArchived(principal, query))),
    setup: async ({ principal, query }) => checked(await instances.select(principal, query)),
    reset: async ({ principal, query }) => view(await actions.reset(await instances.select(principal, query))),
    run: async ({ principal, query, body }) =>
      run(await targets.ofInstance(await instances.select(principal, query)), body),
    async listOfConnection(call) {
      const connection = await connectionOf(call)
      return list(call.principal, { ...call.query, connectionId: toWire('con', connection.id) })
    },
    async getOfConnection(call) {
      const connection = await connectionOf(call)
      const { query, params, principal } = call
      if (query.autoCreate === true) return views.shown(await instances.select(principal, await placeOf(call)))
      return views.shown(
        await instances.narrowest(principal, connection, params.selector ?? '', query.instanceKey ?? ''),
      )
    },
    async putOfConnection(call) {
      const place = await placeOf(call)
      const own = fromWire('act', place.actionId) === null ? null : await ownById(call.principal, place)
      return view(
        own === null ? await instances.put(call.principal, place, call.body) : await actions.change(own, call.body),
      )
    },
    patchOfConnection: async (call) => view(await actions.change(await ownOf(call), call.body)),
    archiveOfConnection: async (call) => actions.archive(await ownOf(call)),
    setupOfConnection: async (call) => checked(await ownOf(call)),
    resetOfConnection: async (call) => view(await actions.reset(await ownOf(call))),
    async runOfConnection({ principal, params, query, body }) {
      const connection = await connectionOf({ principal, params })
      const narrowing = { connectionId: toWire('con', connection.id), instanceKey: query.instanceKey }
      return run(await targets.ofAction(principal, params.selector ?? '', narrowing), body)
    },
  })
}
