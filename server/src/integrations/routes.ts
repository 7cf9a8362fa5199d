import { type IntegrationInput, integrations as table } from '@permea/contract'
import type { z } from 'zod'
import { ownName } from '../api/brought-in.ts'
import { newElement, refusingTakenKey } from '../api/elements.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, NO_ID, secretUuid, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Connector, globalWebhookUri } from './connector.ts'
import { eventAnswer, eventSpec, operationAnswer, operationSpec } from './connector-answers.ts'
import { globalWebhooksOf, insertGlobalWebhooks } from './connector-store.ts'
import type { Connectors } from './connectors.ts'
import { type Integration, openParameters, type Parameters, sealParameters } from './integration.ts'
import {
  insertIntegration,
  integrationById,
  integrationByKey,
  integrationByUuid,
  listIntegrations,
  updateIntegration,
} from './store.ts'
import type { IntegrationViews } from './views.ts'

export interface IntegrationRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  connectors: Connectors
  views: IntegrationViews
  publicUrl: string
}

type Input = z.output<typeof IntegrationInput>

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** By id, key or uuid. Archived ones are found too, so that they can be looked at and restored. */
export async function findIntegration(
  database: Database,
  { workspaceId }: Pick<Principal, 'workspaceId'>,
  selector: string,
): Promise<Integration> {
  const id = fromWire('int', selector)
  const integration =
    (id === null ? null : await integrationById(database.db, workspaceId, id)) ??
    (UUID.test(selector) ? await integrationByUuid(database.db, workspaceId, selector) : null) ??
    (await integrationByKey(database.db, workspaceId, selector))
  if (integration === null) throw notFound('integration', selector)
  return integration
}

export function integrationRoutes(options: IntegrationRoutesOptions): RouteSet {
  const { database, clock, ids, sealing, connectors, views } = options
  const find = (call: { principal: Principal; params: Record<string, string> }) =>
    findIntegration(database, call.principal, call.params.selector ?? '')

  /** The connector that a body names; undefined where it names none, null where it takes the connector away. */
  async function connectorNamed(principal: Principal, body: Input): Promise<Connector | null | undefined> {
    const names = [body.connectorId, body.connectorUuid, body.connectorKey]
    const given = names.find((each) => each !== undefined)
    if (given === undefined || given === null) return given
    const named = ownName(names)
    // What is brought in from elsewhere names connectors that may not be here: it has none until it is given one.
    const isForeign = named === null || (named === body.connectorUuid && UUID.test(named))
    return isForeign ? connectorBroughtIn(principal, body) : connectors.find(principal, named)
  }
  async function connectorBroughtIn(principal: Principal, body: Input): Promise<Connector | undefined> {
    for (const name of [ownName([body.connectorUuid]), ownName([body.connectorKey])]) {
      if (name === null) continue
      const found = await connectors.find(principal, name).catch((error: unknown) => {
        if (error instanceof Refusal && error.key === 'not_found') return null
        throw error
      })
      if (found !== null) return found
    }
    return undefined
  }
  async function addGlobalWebhooks(tx: Tx, { id, workspaceId }: Integration, connector: Connector | null) {
    const keys = Object.keys(connector?.definition.globalWebhooks ?? {})
    const webhooks = keys.map((key) => ({
      id: ids.next(),
      workspaceId,
      integrationId: id,
      key,
      webhookUuid: secretUuid(),
    }))
    await insertGlobalWebhooks(tx, webhooks, clock.now())
  }
  async function save(integration: Integration): Promise<Integration> {
    const changed = { ...integration, revision: secretUuid(), updatedAt: clock.now() }
    const connector = await connectors.ofIntegration(changed)
    await refusingTakenKey('integration', changed.key, () =>
      database.transaction(async (tx) => {
        await updateIntegration(tx, changed)
        await addGlobalWebhooks(tx, changed, connector)
      }),
    )
    return changed
  }
  async function findToChange(call: { principal: Principal; params: Record<string, string> }): Promise<Integration> {
    const current = await find(call)
    if (current.archivedAt !== null) throw new Refusal('archived', `integration ${current.key} is archived`)
    return current
  }
  async function change(call: CallOf<(typeof table)['put']>) {
    const { principal, body } = call
    const current = await findToChange(call)
    const connector = await connectorNamed(principal, body)
    const changed = await save({
      ...current,
      key: body.key ?? current.key,
      name: body.name ?? current.name,
      description: body.description === undefined ? current.description : body.description,
      logoUri: body.logoUri === undefined ? current.logoUri : body.logoUri,
      meta: body.meta === undefined ? current.meta : body.meta,
      connectorId: connector === undefined ? current.connectorId : (connector?.id ?? null),
      oAuthCallbackUri: body.oAuthCallbackUri === undefined ? current.oAuthCallbackUri : body.oAuthCallbackUri || null,
      optionsConfig: changedOptionsConfig(current.optionsConfig, body),
      parametersSealed: sealParameters(sealing, changedParameters(openParameters(sealing, current), body)),
    })
    return views.answer(principal, changed)
  }
  async function connectorOf(call: { principal: Principal; params: Record<string, string> }) {
    const integration = await find(call)
    const connector = await connectors.ofIntegration(integration)
    if (connector === null) throw notFound('connector of integration', integration.key)
    return { integration, connector }
  }

  async function setup(call: { principal: Principal; params: Record<string, string> }) {
    const integration = await findToChange(call)
    await addGlobalWebhooks(database.db, integration, await connectors.ofIntegration(integration))
    return views.answer(call.principal, integration)
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'int')
      const filter = {
        workspaceId: principal.workspaceId,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
        connectorId: query.connectorId === undefined ? null : (fromWire('cnr', query.connectorId) ?? NO_ID),
      }
      const found = await listIntegrations(database.db, filter, page)
      const items = await views.answers(principal, found)
      return { ...listAnswer(found, page, 'int', (row) => row.id), items }
    },
    async create({ principal, body }) {
      const connector = (await connectorNamed(principal, body)) ?? null
      // One that is made from a connector alone is called what the connector is.
      const { key, name } = body
      const named =
        key === undefined && name === undefined ? { key: connector?.key, name: connector?.name } : { key, name }
      const integration: Integration = {
        ...newElement({ ...body, ...named }, options, 'integration'),
        workspaceId: principal.workspaceId,
        logoUri: body.logoUri ?? null,
        connectorId: connector?.id ?? null,
        oAuthCallbackUri: body.oAuthCallbackUri || null,
        optionsConfig: changedOptionsConfig(null, body),
        parametersSealed: sealParameters(sealing, changedParameters({ shared: null, byOption: {} }, body)),
      }
      await refusingTakenKey('integration', integration.key, () =>
        database.transaction(async (tx) => {
          await insertIntegration(tx, integration)
          await addGlobalWebhooks(tx, integration, connector)
        }),
      )
      return views.answer(principal, integration)
    },
    get: async (call) => views.answer(call.principal, await find(call)),
    async getByQuery({ principal, query }) {
      return views.answer(principal, await findIntegration(database, principal, query.id ?? query.key ?? ''))
    },
    put: change,
    patch: change,
    async archive(call) {
      const current = await find(call)
      if (current.archivedAt === null) await save({ ...current, archivedAt: clock.now() })
    },
    async restore(call) {
      const current = await find(call)
      const restored = current.archivedAt === null ? current : await save({ ...current, archivedAt: null })
      return views.answer(call.principal, restored)
    },
    setup,
    refresh: setup,
    async dependencies(call) {
      const connector = await connectors.ofIntegration(await find(call))
      if (connector === null) return []
      const { id, key, name } = connector
      return [
        {
          type: 'CONFIGURATION' as const,
          elementType: 'connector',
          key,
          element: { id: toWire('cnr', id), key, name },
        },
      ]
    },
    async export(call) {
      const integration = await find(call)
      const { uuid, key, name, description, meta, logoUri, oAuthCallbackUri, optionsConfig } = integration
      const connector = await connectors.ofIntegration(integration)
      const of = { connectorUuid: connector?.uuid, connectorKey: connector?.key }
      const own = { uuid, key, name, description, meta, logoUri, oAuthCallbackUri, optionsConfig }
      return { ...own, ...of }
    },
    async connectorSpec(call) {
      const { connector, integration } = await connectorOf(call)
      return views.spec(connector, integration)
    },
    async operations(call) {
      const { connector } = await connectorOf(call)
      return Object.entries(connector.definition.operations).map(([key, each]) => operationAnswer(key, each))
    },
    async operation(call) {
      return operationSpec((await connectorOf(call)).connector, call.params.operationKey ?? '')
    },
    async events(call) {
      const { connector } = await connectorOf(call)
      return Object.entries(connector.definition.events).map(([key, each]) => eventAnswer(key, each))
    },
    async event(call) {
      return eventSpec((await connectorOf(call)).connector, call.params.eventKey ?? '')
    },
    async globalWebhooks(call) {
      const { connector, integration } = await connectorOf(call)
      // The connector may have got one since the integration was made.
      await addGlobalWebhooks(database.db, integration, connector)
      const uuids = new Map(
        (await globalWebhooksOf(database.db, integration.id)).map((each) => [each.key, each.webhookUuid]),
      )
      return Object.entries(connector.definition.globalWebhooks).map(([key, { name, description }]) => ({
        key,
        name,
        description,
        uri: globalWebhookUri(options.publicUrl, uuids.get(key) ?? ''),
      }))
    },
    parameters: async (call) => openParameters(sealing, await find(call)).shared ?? {},
    async putParameters(call) {
      const current = await findToChange(call)
      const { byOption } = openParameters(sealing, current)
      await save({ ...current, parametersSealed: sealParameters(sealing, { shared: call.body, byOption }) })
    },
    async changeParameters(call) {
      const current = await findToChange(call)
      const { shared, byOption } = openParameters(sealing, current)
      const merged = Object.fromEntries(
        Object.entries({ ...shared, ...call.body }).filter(([, value]) => value !== null),
      )
      await save({ ...current, parametersSealed: sealParameters(sealing, { shared: merged, byOption }) })
      return merged
    },
  })
}

/** Secrets of the ways to connect are kept with the other parameters; what stays is which of them are not offered. */
function changedOptionsConfig(current: Integration['optionsConfig'], body: Input): Integration['optionsConfig'] {
  if (body.optionsConfig === undefined) return current
  if (body.optionsConfig === null) return null
  return Object.fromEntries(
    Object.entries(body.optionsConfig).map(([key, { disabled }]) => [key, disabled === undefined ? {} : { disabled }]),
  )
}

function changedParameters(current: Parameters, body: Input): Parameters {
  const { parameters, optionsConfig } = body
  return {
    shared: parameters === undefined ? current.shared : parameters,
    byOption:
      optionsConfig === undefined
        ? current.byOption
        : Object.fromEntries(
            Object.entries(optionsConfig ?? {}).flatMap(([key, config]) =>
              config.parameters === undefined ? [] : [[key, config.parameters] as const],
            ),
          ),
  }
}
