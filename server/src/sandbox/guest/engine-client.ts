import { createMethods, send } from './api-client.ts'
import { freeze, keys, startsWith, toText } from './intrinsics.ts'

/** An element by id or key, or by the fields that select it. */
type Selector = string | Record<string, unknown>

interface RunOptions {
  connectionId?: string
  integrationKey?: string
  integrationId?: string
  instanceKey?: string
}

/** `membrane` and `engineApiClient`: the methods of an API client, and the paths that functions need most by name. */
export function createEngineClient(name: string): object {
  const methods = createMethods(name)
  return freeze({
    ...methods,
    request: (path: string, data?: unknown) => methods.post(path, data),
    action: (selector: Selector) => freeze(createAction(name, at('/actions', '/action', selector))),
    actionInstance: (selector: Selector) => freeze(createActionInstance(name, inQuery('/action-instance', selector))),
    flow: (selector: Selector) => freeze(createFlow(name, selector)),
    flowInstance: (selector: Selector) => freeze(createFlowInstance(name, selector)),
    flowRun: (id: string) => freeze(createFlowRun(name, id)),
    connection: (selector: Selector) => freeze(createConnection(name, selector)),
    integration: (selector: Selector) => ({ get: () => get(name, at('/integrations', '/integration', selector)) }),
    customer: (selector: string) => ({ get: () => get(name, at('/customers', '/customer', selector)) }),
  })
}

interface Place {
  path: string
  query: Record<string, unknown>
}

/** By id or key in the path, or by its fields in the query of the path that takes a selector. */
function at(plural: string, singular: string, selector: Selector): Place {
  return typeof selector === 'string'
    ? { path: `${plural}/${encodeURIComponent(selector)}`, query: {} }
    : { path: singular, query: selector }
}

function inQuery(path: string, selector: Selector): Place {
  return { path, query: typeof selector === 'string' ? { id: selector } : selector }
}

function get(name: string, { path, query }: Place, below = ''): Promise<unknown> {
  return send(name, 'GET', path + below, { query: present(query) })
}

function post(name: string, { path, query }: Place, below: string, data?: unknown): Promise<unknown> {
  return send(name, 'POST', path + below, { data, options: { query: present(query) } })
}

function patch(name: string, { path, query }: Place, data: unknown): Promise<unknown> {
  return send(name, 'PATCH', path, { data, options: { query: present(query) } })
}

function present(query: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const key of keys(query)) {
    const value = query[key]
    if (value !== undefined && value !== null && value !== '') kept[key] = value
  }
  return kept
}

function createAction(name: string, place: Place) {
  return {
    get: () => get(name, place),
    run: (input?: unknown, options: RunOptions = {}) =>
      post(name, { path: place.path, query: { ...place.query, ...options } }, '/run', { input }),
  }
}

function createActionInstance(name: string, place: Place) {
  return { get: () => get(name, place), run: (input?: unknown) => post(name, place, '/run', input) }
}

function createFlow(name: string, selector: Selector) {
  const place = at('/flows', '/flow', selector)
  return {
    get: () => get(name, place),
    run: (options: { connectionId?: string; nodeKey?: string; input?: unknown } = {}) => {
      const { connectionId, ...run } = options
      const named = typeof selector === 'string' ? { flowKey: selector } : selector
      return createFlowInstance(name, { ...named, ...(connectionId === undefined ? {} : { connectionId }) }).run(run)
    },
  }
}

function createFlowInstance(name: string, selector: Selector) {
  const place = inQuery('/flow-instance', selector)
  const start = async (options: object = {}) => {
    const flowInstanceId =
      typeof selector === 'string' ? selector : ((await get(name, place)) as { id?: unknown } | null)?.id
    return send(name, 'POST', '/flow-runs', { data: { flowInstanceId, ...options } })
  }
  return {
    get: () => get(name, place),
    enable: () => patch(name, place, { enabled: true }),
    disable: () => patch(name, place, { enabled: false }),
    patch: (changes: unknown) => patch(name, place, changes),
    run: start,
    startRun: start,
  }
}

function createFlowRun(name: string, id: string) {
  const place = at('/flow-runs', '/flow-run', toText(id))
  return {
    get: () => get(name, place),
    getOutput: () => get(name, place, '/output'),
    stop: () => post(name, place, '/stop'),
  }
}

function createConnection(name: string, selector: Selector) {
  const place = at('/connections', '/connection', selector)
  const below = (path: unknown) => (startsWith(toText(path), '/') ? toText(path) : `/${toText(path)}`)
  const proxied = (method: string) => (path: string, data?: unknown, options?: object) =>
    send(name, method, `${place.path}/proxy${below(path)}`, { data, options: { ...options, query: place.query } })
  return {
    get: () => get(name, place),
    request: (path: string, data?: unknown) => post(name, place, `/api${below(path)}`, data),
    proxy: freeze({
      get: (path: string, query?: Record<string, unknown>, options?: object) =>
        send(name, 'GET', `${place.path}/proxy${below(path)}`, { query: { ...place.query, ...query }, options }),
      post: proxied('POST'),
      put: proxied('PUT'),
      patch: proxied('PATCH'),
      delete: proxied('DELETE'),
    }),
    action: (key: string) =>
      freeze({
        get: () => get(name, place, `/actions/${encodeURIComponent(key)}`),
        run: (input?: unknown) => post(name, place, `/actions/${encodeURIComponent(key)}/run`, input),
      }),
  }
}
