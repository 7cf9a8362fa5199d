import { listAnswer, type Page, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Call, RouteSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, toWire } from '../platform/ids.ts'
import { type DataElement, type DataKind, givenContent, KINDS, type Layer, layerOf } from './data-element.ts'
import { type DataElements, type ElementInput, given, type Narrowing } from './data-elements.ts'
import type { DataInstances, InstanceSelector } from './data-instances.ts'
import { parentsOf } from './inheritance.ts'
import { type ElementReach, listElements, listElementsReaching } from './store.ts'
import type { DataElementViews } from './views.ts'

type Json = Record<string, unknown>

export interface DataElementRoutesOptions {
  database: Database
  elements: DataElements
  instances: DataInstances
  views: DataElementViews
  connections: Pick<Connections, 'find'>
  customers: Pick<Customers, 'find'>
  /** The elements that the content of one names. */
  named(element: DataElement): Promise<{ kind: DataKind; key: string; element: DataElement | null }[]>
  /** Told of an instance that is to be looked at again; gives it as it is then. */
  setup(element: DataElement): Promise<DataElement>
}

/** What a handler of any of these endpoints is given, the query and body in the shapes of the contract. */
interface Located {
  principal: Principal
  params: Record<string, string>
  query: Narrowing & InstanceSelector & { id?: string; key?: string }
  body: ElementInput
}
type Handlers = Record<string, (call: Located) => Promise<unknown>>

/** Handlers made for one kind fit the table of that kind: their endpoints come from the same function of the contract. */
export function handlersFor(handlers: Handlers): RouteSet['handlers'] {
  return handlers as unknown as Record<string, (call: Call<unknown, unknown>) => Promise<unknown>>
}

export function definitionHandlers(kind: DataKind, options: DataElementRoutesOptions): Handlers {
  const { database, elements, views } = options
  const list = createElementList(kind, options)
  const byPath = ({ principal, params, query }: Located) =>
    elements.find(principal, kind, params.selector ?? '', query ?? {})
  const byQuery = ({ principal, query }: Located) => {
    const selector = query.id ?? query.key
    if (selector === undefined) throw new Refusal('not_found', 'give id or key in the query')
    return elements.find(principal, kind, selector, query)
  }
  /** The element of the integration in the path; where it has none of its own, the universal one is not meant. */
  const ofIntegration = async ({ principal, params }: Located) => {
    const integrationKey = params.integrationSelector ?? ''
    const integration = await elements.integrationOf(principal, { integrationKey })
    const element = await elements.find(principal, kind, params.selector ?? '', { integrationKey })
    if (layerOf(element) !== 'integration' || element.integrationId !== integration?.id)
      throw notFound(`${KINDS[kind].name} of this integration`, params.selector ?? '')
    return element
  }
  const change = async (element: DataElement, body: ElementInput) => views.one(await elements.change(element, body))
  const refreshed = async (element: DataElement) => views.one(await options.setup(element))

  return {
    list: ({ principal, query }) => list(principal, query),
    async listOfIntegration({ principal, params, query }) {
      const layer = (query.layer as Layer | undefined) ?? 'integration'
      return list(principal, { ...query, integrationId: params.integrationSelector, layer })
    },
    create: async ({ principal, body }) => views.one(await elements.create(principal, kind, body)),
    createOfIntegration: async ({ principal, params, body }) =>
      views.one(
        await elements.create(principal, kind, {
          ...body,
          connectionId: null,
          integrationId: params.integrationSelector,
        }),
      ),
    get: async (call) => views.one(await byPath(call)),
    getByQuery: async (call) => views.one(await byQuery(call)),
    getOfIntegration: async (call) => views.one(await ofIntegration(call)),
    put: async (call) => change(await byPath(call), call.body),
    patch: async (call) => change(await byPath(call), call.body),
    putByQuery: async (call) => change(await byQuery(call), call.body),
    patchByQuery: async (call) => change(await byQuery(call), call.body),
    putOfIntegration: async (call) => change(await ofIntegration(call), call.body),
    patchOfIntegration: async (call) => change(await ofIntegration(call), call.body),
    archive: async (call) => elements.archive(await byPath(call)),
    archiveByQuery: async (call) => elements.archive(await byQuery(call)),
    archiveOfIntegration: async (call) => elements.archive(await ofIntegration(call)),
    restore: async (call) => views.one(await elements.restore(await byPath(call))),
    restoreByQuery: async (call) => views.one(await elements.restore(await byQuery(call))),
    refresh: async (call) => refreshed(await byPath(call)),
    setup: async (call) => refreshed(await byPath(call)),
    setupByQuery: async (call) => refreshed(await byQuery(call)),
    reset: async (call) => views.one(await elements.reset(await byPath(call))),
    resetByQuery: async (call) => views.one(await elements.reset(await byQuery(call))),
    resetOfIntegration: async (call) => views.one(await elements.reset(await ofIntegration(call))),
    clone: async (call) => views.one(await elements.clone(await byPath(call))),
    async apply({ principal, params, body }) {
      const element = await elements.find(principal, kind, params.selector ?? '', {})
      const applied: DataElement[] = []
      for (const key of body.integrationKeys as string[]) applied.push(await elements.applyTo(principal, element, key))
      return views.many(applied)
    },
    async dependencies(call) {
      const element = await byPath(call)
      const [parent] = (await parentsOf(database.db, [element]))(element)
      const ofParent =
        parent === undefined
          ? []
          : [{ type: 'PARENT', elementType: kind, key: parent.key, element: referenceTo(parent) }]
      const named = (await options.named(element)).map((each) => ({
        type: 'CONFIGURATION',
        elementType: each.kind,
        key: each.key,
        element: each.element === null ? undefined : referenceTo(each.element),
      }))
      return [...ofParent, ...named]
    },
    async export(call) {
      const element = await byPath(call)
      const answer = await views.one(element)
      const { uuid, key, name, description, meta, integrationUuid, integrationKey, parentUuid, instanceKey } = answer
      const { isCustomized } = answer
      const own = { uuid, key, name, description, meta, integrationUuid, integrationKey, parentUuid, instanceKey }
      return { ...own, isCustomized, ...givenContent(kind, answer) }
    },
  }
}

function referenceTo({ kind, id, key, name }: DataElement): Json {
  return { id: toWire(KINDS[kind].prefix, id), key, name }
}

export function instanceHandlers(kind: DataKind, options: DataElementRoutesOptions): Handlers {
  const { elements, instances, views, connections, database } = options
  const list = createElementList(kind, options)
  const selected = ({ principal, query }: Located) => instances.select(principal, kind, query)
  const byId = ({ principal, params }: Located) => instances.byId(principal, kind, params.id ?? '')
  const refreshed = async (element: DataElement) => views.one(await options.setup(element))
  const { idName } = KINDS[kind]
  /** The connection's own that the path names. */
  const within = async ({ principal, params, query }: Located): Promise<InstanceSelector> => {
    const connection = await connections.find(principal, params.connectionSelector ?? '')
    const selector = params.selector ?? ''
    const named = { connectionId: toWire('con', connection.id), instanceKey: query?.instanceKey }
    const id = fromWire(KINDS[kind].prefix, selector)
    const own = id === null ? null : await elements.find(principal, kind, selector, {})
    return own !== null && layerOf(own) === 'connection' ? { ...named, id: selector } : { ...named, [idName]: selector }
  }
  const ownOf = async (call: Located) => instances.select(call.principal, kind, await within(call))
  const put = async (principal: Principal, selector: InstanceSelector, body: ElementInput | undefined) =>
    views.one(await instances.put(principal, kind, selector, body ?? {}))
  const patchOf = async (call: Located) => put(call.principal, await within(call), call.body)

  return {
    list: ({ principal, query }) => list(principal, { ...query, layer: 'connection', key: keyIn(kind, query) }),
    getById: async (call) => views.one(await byId(call)),
    setupById: async (call) => refreshed(await byId(call)),
    resetById: async (call) => views.one(await elements.reset(await byId(call))),
    create: async ({ principal, query, body }) => views.one(await instances.create(principal, kind, query, body ?? {})),
    get: async (call) => views.one(await selected(call)),
    put: ({ principal, query, body }) => put(principal, query, body),
    patch: async (call) => views.one(await elements.change(await selected(call), call.body ?? {})),
    archive: async (call) => elements.archive(await selected(call)),
    restore: async ({ principal, query }) =>
      views.one(await elements.restore(await instances.selectArchived(principal, kind, query))),
    setup: async (call) => refreshed(await selected(call)),
    reset: async (call) => views.one(await elements.reset(await selected(call))),
    async listOfConnection({ principal, params, query }) {
      const connection = await connections.find(principal, params.connectionSelector ?? '')
      const { workspaceId, id: connectionId, customerId, integrationId } = connection
      const reach: ElementReach = { workspaceId, connectionId, customerId, integrationId }
      const page = pageOf(query as { limit?: number; cursor?: string }, KINDS[kind].prefix)
      const rows = await listElementsReaching(database.db, kind, reach, given(query.instanceKey) ?? '', page)
      return answerWith(kind, views, rows, page)
    },
    async getOfConnection(call) {
      const { principal, params, query } = call
      if (query.autoCreate === true)
        return views.one(await instances.select(principal, kind, { ...(await within(call)), autoCreate: true }))
      const connection = await connections.find(principal, params.connectionSelector ?? '')
      const instanceKey = given(query.instanceKey) ?? ''
      return views.one(await instances.narrowest(principal, kind, connection, params.selector ?? '', instanceKey))
    },
    putOfConnection: patchOf,
    patchOfConnection: patchOf,
    archiveOfConnection: async (call) => elements.archive(await ownOf(call)),
    setupOfConnection: async (call) => refreshed(await ownOf(call)),
    resetOfConnection: async (call) => views.one(await elements.reset(await ownOf(call))),
  }
}

function keyIn(kind: DataKind, query: Json): string | undefined {
  const key = query[KINDS[kind].keyName]
  return typeof key === 'string' ? key : undefined
}

/** A page of the elements that a query is about. */
function createElementList(kind: DataKind, options: DataElementRoutesOptions) {
  const { database, elements, customers, views } = options
  const { prefix, idName, universalIdName } = KINDS[kind]
  return async (principal: Principal, query: Json & Narrowing) => {
    const page = pageOf(query as { limit?: number; cursor?: string }, prefix)
    const named = given(query.userId) ?? given(query.tenantId)
    const own = principal.isAdmin ? null : (principal.customerId ?? NO_ID)
    const isUniversal = query.isUniversal as boolean | undefined
    const layer =
      (query.layer as Layer | undefined) ??
      (isUniversal === undefined ? null : isUniversal ? ('universal' as const) : ('integration' as const))
    const idOf = (text: unknown) => (typeof text === 'string' && text !== '' ? (fromWire(prefix, text) ?? NO_ID) : null)
    const filter = {
      workspaceId: principal.workspaceId,
      kind,
      integrationId: (await elements.integrationOf(principal, query))?.id ?? null,
      connectionId: (await elements.connectionOf(principal, query))?.id ?? null,
      // Only what connections have belongs to somebody.
      customerId: layer === 'connection' ? (named === null ? own : (await customers.find(principal, named)).id) : null,
      parentId: idOf(query.parentId) ?? idOf(query[idName]),
      universalId: idOf(query.universalParentId) ?? idOf(query[universalIdName]),
      key: typeof query.key === 'string' ? query.key : null,
      instanceKey: given(query.instanceKey),
      layer,
      search: typeof query.search === 'string' ? query.search : null,
      includeArchived: query.includeArchived === true,
    }
    return answerWith(kind, views, await listElements(database.db, filter, page), page)
  }
}

async function answerWith(kind: DataKind, views: DataElementViews, rows: readonly DataElement[], page: Page) {
  const items = await views.many(rows)
  return { ...listAnswer(rows, page, KINDS[kind].prefix, () => undefined), items }
}
