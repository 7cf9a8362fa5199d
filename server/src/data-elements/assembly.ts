import {
  appDataSchemaInstances,
  appDataSchemas,
  dataLinkTableInstances,
  dataLinkTables,
  dataSourceInstances,
  dataSources,
  type EndpointTable,
  fieldMappingInstances,
  fieldMappings,
} from '@permea/contract'
import { ENGINE, type Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { RouteSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import { isRecord } from '../formulas/coercion.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { TroublesOf } from '../integrations/troubles.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { DataElement, DataKind } from './data-element.ts'
import { createDataElements, type DataElements } from './data-elements.ts'
import { createDataInstances, type DataInstances, type InstanceSelector } from './data-instances.ts'
import { createDataLinks, type DataLinks, type LinkOf } from './data-links.ts'
import { createDerivation, createGeneration, type DerivedOptions } from './derived.ts'
import { contentsOf } from './inheritance.ts'
import { type DataElementRoutesOptions, definitionHandlers, handlersFor, instanceHandlers } from './routes.ts'
import { createDataElementViews, type DataElementViews } from './views.ts'

type Json = Record<string, unknown>

export interface DataElementsRoomOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  connections: Connections
  customers: Customers
  collections: DerivedOptions['collections']
  connectorOf: DerivedOptions['connectorOf']
  troublesOf: TroublesOf
}

/** Elements of the data layer, put together. */
export interface DataElementsRoom {
  elements: DataElements
  instances: DataInstances
  views: DataElementViews
  links: DataLinks
  routes: RouteSet[]
}

export function createDataElementsRoom(options: DataElementsRoomOptions): DataElementsRoom {
  const { database, clock, ids, sealing, connections, customers } = options
  const elements = createDataElements({
    database,
    clock,
    ids,
    sealing,
    connections,
    generated: createGeneration(options),
  })
  const instances = createDataInstances({ database, elements, connections, customers })
  const views = createDataElementViews({
    database,
    clock,
    derive: createDerivation(options),
    troublesOf: options.troublesOf,
  })
  const links = createDataLinks({ database, clock, ids })
  const routing: DataElementRoutesOptions = {
    database,
    elements,
    instances,
    views,
    connections,
    customers,
    named: (element) => namedBy(element, options, elements),
    setup: async (element) => element,
  }
  const routes = [
    ...routesOf('data-source', routing, { definitions: dataSources, instances: dataSourceInstances }),
    ...routesOf(
      'field-mapping',
      routing,
      { definitions: fieldMappings, instances: fieldMappingInstances },
      mappingHandlers(options, { elements, instances, views }),
    ),
    ...routesOf('app-data-schema', routing, { definitions: appDataSchemas, instances: appDataSchemaInstances }),
    ...routesOf(
      'data-link-table',
      routing,
      { definitions: dataLinkTables, instances: dataLinkTableInstances },
      linkHandlers(elements, instances, links),
    ),
  ]
  return { elements, instances, views, links, routes }
}

interface Tables {
  definitions: EndpointTable
  instances: EndpointTable
}
type Handlers = Parameters<typeof handlersFor>[0]

/** Only what a table has is mounted. */
function routesOf(
  kind: DataKind,
  options: DataElementRoutesOptions,
  tables: Tables,
  more: { definitions: Handlers; instances: Handlers } = { definitions: {}, instances: {} },
): RouteSet[] {
  const set = (table: EndpointTable, handlers: Handlers) => ({
    table,
    handlers: handlersFor(Object.fromEntries(Object.entries(handlers).filter(([name]) => Object.hasOwn(table, name)))),
  })
  return [
    set(tables.definitions, { ...definitionHandlers(kind, options), ...more.definitions }),
    set(tables.instances, { ...instanceHandlers(kind, options), ...more.instances }),
  ]
}

/** What the content of an element names of other elements: of a field mapping, its data source. */
async function namedBy(element: DataElement, { database }: DataElementsRoomOptions, elements: DataElements) {
  if (element.kind !== 'field-mapping') return []
  const { dataSourceKey, dataSourceUuid, dataSourceId } =
    (await contentsOf(database.db, [element])).get(element.id) ?? {}
  const selector = [dataSourceId, dataSourceUuid, dataSourceKey].find((each) => typeof each === 'string')
  if (typeof selector !== 'string') return []
  const principal: Principal = {
    workspaceId: element.workspaceId,
    workspaceKey: '',
    isAdmin: true,
    customerId: null,
    actor: ENGINE,
  }
  const narrowing = element.integrationId === null ? {} : { integrationId: toWire('int', element.integrationId) }
  const found = await elements.find(principal, 'data-source', selector, narrowing).catch((error: unknown) => {
    if (error instanceof Refusal) return null
    throw error
  })
  return [{ kind: 'data-source' as const, key: String(dataSourceKey ?? found?.key ?? selector), element: found }]
}

function mappingHandlers(
  { database }: DataElementsRoomOptions,
  { elements, instances, views }: Pick<DataElementsRoom, 'elements' | 'instances' | 'views'>,
) {
  const contentOf = async (element: DataElement): Promise<Json> =>
    (await contentsOf(database.db, [element])).get(element.id) ?? {}
  /** As it is shown: with what the defaults come to in fields of the collection, where that is known. */
  async function run(mapping: DataElement, body: Json) {
    const content = await views.one(mapping)
    const side = body.direction === 'export' ? 'Export' : 'Import'
    const names = [`${side.toLowerCase()}Value`, `unified${side}Value`, `default${side}Value`]
    const formula = names.map((name) => content[name]).find((each) => each !== undefined)
    const input = isRecord(body.input) ? body.input : {}
    return { output: formula === undefined ? input : await evaluateFormula(formula, input) }
  }
  const definitions: Handlers = {
    async appSchema({ principal, params, query }) {
      const mapping = await elements.find(principal, 'field-mapping', params.selector ?? '', query)
      return (await contentOf(mapping)).appSchema ?? true
    },
    run: async ({ principal, params, query, body }) =>
      run(await elements.find(principal, 'field-mapping', params.selector ?? '', query), body),
  }
  const own: Handlers = {
    run: async ({ principal, params, body }) =>
      run(await instances.byId(principal, 'field-mapping', params.id ?? ''), body),
  }
  return { definitions, instances: own }
}

function linkHandlers(elements: DataElements, instances: DataInstances, links: DataLinks) {
  type Call = Parameters<Handlers[string]>[0]
  const kind = 'data-link-table'
  const ofDefinition = async ({ principal, params, query }: Call) => {
    const table = await elements.find(principal, kind, params.selector ?? '', {})
    return instances.select(principal, kind, { ...query, dataLinkTableKey: table.key })
  }
  const selected = ({ principal, query }: Call) => instances.select(principal, kind, query as InstanceSelector)
  const handlers = (tableOf: (call: Call) => Promise<DataElement>): Handlers => ({
    links: async (call) => links.list(await tableOf(call), call.query as LinkOf),
    createLink: async (call) => links.put(await tableOf(call), call.body as unknown as Parameters<DataLinks['put']>[1]),
    deleteLink: async (call) => links.remove(await tableOf(call), call.body as LinkOf),
  })
  return { definitions: handlers(ofDefinition), instances: handlers(selected) }
}
