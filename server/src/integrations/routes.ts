import { integrations as table } from '@permea/contract'
import { newElement, refusingTakenKey } from '../api/elements.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, secretUuid } from '../platform/ids.ts'
import { type Integration, integrationAnswer } from './integration.ts'
import { insertIntegration, integrationById, integrationByKey, listIntegrations, updateIntegration } from './store.ts'

export interface IntegrationRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
}

/** By id or key. Archived ones are found too, so that they can be looked at and restored. */
export async function findIntegration(
  database: Database,
  principal: Principal,
  selector: string,
): Promise<Integration> {
  const id = fromWire('int', selector)
  const byId = id === null ? null : await integrationById(database.db, principal.workspaceId, id)
  const integration = byId ?? (await integrationByKey(database.db, principal.workspaceId, selector))
  if (integration === null) throw notFound('integration', selector)
  return integration
}

export function integrationRoutes(options: IntegrationRoutesOptions): RouteSet {
  const { database, clock } = options

  async function save(integration: Integration): Promise<Integration> {
    const changed = { ...integration, revision: secretUuid(), updatedAt: clock.now() }
    await refusingTakenKey('integration', changed.key, () => updateIntegration(database.db, changed))
    return changed
  }
  async function change({ principal, params, body }: CallOf<(typeof table)['put']>) {
    const current = await findIntegration(database, principal, params.selector ?? '')
    if (current.archivedAt !== null) throw new Refusal('archived', `integration ${current.key} is archived`)
    return integrationAnswer(
      await save({
        ...current,
        key: body.key ?? current.key,
        name: body.name ?? current.name,
        description: body.description === undefined ? current.description : body.description,
        logoUri: body.logoUri === undefined ? current.logoUri : body.logoUri,
        meta: body.meta === undefined ? current.meta : body.meta,
        parameters: body.parameters === undefined ? current.parameters : body.parameters,
      }),
    )
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'int')
      const filter = {
        workspaceId: principal.workspaceId,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      return listAnswer(await listIntegrations(database.db, filter, page), page, 'int', integrationAnswer)
    },
    async create({ principal, body }) {
      const integration: Integration = {
        ...newElement(body, options, 'integration'),
        workspaceId: principal.workspaceId,
        logoUri: body.logoUri ?? null,
        parameters: body.parameters ?? null,
      }
      await refusingTakenKey('integration', integration.key, () => insertIntegration(database.db, integration))
      return integrationAnswer(integration)
    },
    async get({ principal, params }) {
      return integrationAnswer(await findIntegration(database, principal, params.selector ?? ''))
    },
    async getByQuery({ principal, query }) {
      return integrationAnswer(await findIntegration(database, principal, query.id ?? query.key ?? ''))
    },
    put: change,
    patch: change,
    async archive({ principal, params }) {
      const current = await findIntegration(database, principal, params.selector ?? '')
      if (current.archivedAt === null) await save({ ...current, archivedAt: clock.now() })
    },
    async restore({ principal, params }) {
      const current = await findIntegration(database, principal, params.selector ?? '')
      return integrationAnswer(current.archivedAt === null ? current : await save({ ...current, archivedAt: null }))
    },
  })
}
