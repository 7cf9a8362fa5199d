import { connectors as table } from '@permea/contract'
import { newElement, refusingTakenKey } from '../api/elements.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Functions } from '../functions/function.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, secretUuid, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Connector } from './connector.ts'
import { connectorAnswer, eventSpec, externalAppAnswer } from './connector-answers.ts'
import { insertConnector, updateConnector } from './connector-store.ts'
import type { Connectors } from './connectors.ts'
import { changedDefinition, checkDefinition, EMPTY_DEFINITION, withOneWay } from './definition.ts'
import { type Integration, openParameters } from './integration.ts'
import { offeredOptions, optionAnswer } from './options.ts'
import { findIntegration } from './routes.ts'

export interface ConnectorRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  functions: Functions
  connectors: Connectors
  publicUrl: string
  /** Where external apps send people back to when an integration says nothing else. */
  oAuthCallbackUri: string
  /** What a connection is a connection to, by its id, uuid or key; null where the token may not see one. */
  appOfConnection(
    principal: Principal,
    selector: string,
  ): Promise<{ connectorId: string; integrationId: string | null } | null>
  integrationById(workspaceId: string, id: string): Promise<Integration | null>
}

export function connectorRoutes(options: ConnectorRoutesOptions): RouteSet {
  const { database, clock, functions, connectors, publicUrl } = options
  const full = (principal: Principal, connector: Connector) =>
    connectorAnswer(connector, { publicUrl, withFunctions: principal.isAdmin })
  const brief = (connector: Connector) => connectorAnswer(connector, { publicUrl, withFunctions: false })
  const find = (call: { principal: Principal; params: Record<string, string> }) =>
    connectors.find(call.principal, call.params.selector ?? '')

  async function save(connector: Connector): Promise<Connector> {
    const changed = { ...connector, revision: secretUuid(), updatedAt: clock.now() }
    await refusingTakenKey('connector', changed.key, () => updateConnector(database.db, options.sealing, changed))
    return changed
  }
  async function change(call: CallOf<(typeof table)['put']>) {
    const { body } = call
    const current = await find(call)
    assertOwn(current)
    if (current.archivedAt !== null) throw new Refusal('archived', `connector ${current.key} is archived`)
    const definition = changedDefinition(current.definition, withOneWay(body, current.definition))
    await checkDefinition(functions, definition)
    const changed = await save({
      ...current,
      key: body.key ?? current.key,
      name: body.name ?? current.name,
      description: body.description === undefined ? current.description : body.description,
      meta: body.meta === undefined ? current.meta : body.meta,
      logoUri: body.logoUri === undefined ? current.logoUri : body.logoUri,
      categories: body.categories === undefined ? current.categories : (body.categories ?? []),
      definition,
    })
    return full(call.principal, changed)
  }
  async function insert(connector: Connector): Promise<Connector> {
    await refusingTakenKey('connector', connector.key, () => insertConnector(database.db, options.sealing, connector))
    return connector
  }

  async function appNamed(principal: Principal, body: CallOf<(typeof table)['connectionOptions']>['body']) {
    const { connectionId, integrationId, integrationKey, connectorId, connectorKey } = body
    if (connectionId !== undefined) {
      const app = await options.appOfConnection(principal, connectionId)
      const connector = app === null ? null : await connectors.byId(principal.workspaceId, app.connectorId)
      if (app === null || connector === null) throw notFound('connection', connectionId)
      const integration =
        app.integrationId === null ? null : await options.integrationById(principal.workspaceId, app.integrationId)
      return { connector, integration }
    }
    const named = integrationId ?? integrationKey
    if (named !== undefined) {
      const integration = await findIntegration(database, principal, named)
      const connector = await connectors.ofIntegration(integration)
      if (connector === null) throw notFound('connector of integration', named)
      return { connector, integration }
    }
    return { connector: await connectors.find(principal, connectorId ?? connectorKey ?? ''), integration: null }
  }
  function optionsOf(
    connector: Connector,
    integration: Integration | null,
    given: Record<string, unknown> | undefined,
  ) {
    const kept = integration === null ? { shared: null, byOption: {} } : openParameters(options.sealing, integration)
    const parameters = { ...kept, shared: { ...kept.shared, ...given } }
    const callbackUri = integration?.oAuthCallbackUri ?? options.oAuthCallbackUri
    return offeredOptions(connector.definition, integration, parameters).map((each) => optionAnswer(each, callbackUri))
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'cnr')
      return listAnswer(await connectors.list(filterOf(principal, query), page), page, 'cnr', brief)
    },
    async create({ principal, body }) {
      const definition = changedDefinition(EMPTY_DEFINITION, withOneWay(body, EMPTY_DEFINITION))
      await checkDefinition(functions, definition)
      const made = await insert({
        ...newElement(body, options, 'connector'),
        workspaceId: principal.workspaceId,
        logoUri: body.logoUri ?? null,
        categories: body.categories ?? [],
        definition,
      })
      return full(principal, made)
    },
    get: async (call) => full(call.principal, await find(call)),
    put: change,
    patch: change,
    async archive(call) {
      const current = await find(call)
      assertOwn(current)
      if (current.archivedAt === null) await save({ ...current, archivedAt: clock.now() })
    },
    async restore(call) {
      const current = await find(call)
      return full(call.principal, current.archivedAt === null ? current : await save({ ...current, archivedAt: null }))
    },
    async clone(call) {
      const { body = {} } = call
      const original = await find(call)
      const key = body.key ?? `${original.key}-copy`
      const name = body.name ?? `${original.name} (copy)`
      const { description, meta, logoUri, categories, definition } = original
      const copy = await insert({
        ...newElement({ ...body, key, name, description, meta }, options, 'connector'),
        workspaceId: call.principal.workspaceId,
        logoUri,
        categories,
        definition,
      })
      return full(call.principal, copy)
    },
    event: async (call) => eventSpec(await find(call), call.params.eventKey ?? ''),
    generateOptions: async (call) => optionsOf(await find(call), null, call.body?.connectorParameters),
    async connectionOptions({ principal, body }) {
      const { connector, integration } = await appNamed(principal, body)
      return optionsOf(connector, integration, body.connectorParameters)
    },
    async externalApps({ principal, query }) {
      const page = pageOf(query, 'cnr')
      const found = await connectors.list(filterOf(principal, query), page)
      const { category } = query
      const answer = listAnswer(found, page, 'cnr', externalAppAnswer)
      if (category === undefined) return answer
      return { ...answer, items: answer.items.filter((app) => app.categories.includes(category)) }
    },
  })
}

function filterOf(
  { workspaceId }: Principal,
  query: { search?: string | undefined; includeArchived?: boolean | undefined },
) {
  return { workspaceId, search: query.search ?? null, includeArchived: query.includeArchived ?? false }
}

function assertOwn({ workspaceId, key, id }: Connector): void {
  if (workspaceId !== null) return
  throw new Refusal(
    'read_only_connector',
    `connector ${key} is ready-made; make a copy: POST /connectors/${toWire('cnr', id)}/clone`,
  )
}
