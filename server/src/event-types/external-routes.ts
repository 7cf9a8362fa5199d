import { externalEventTypes as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import { type ExternalEventType, externalEventTypeAnswer } from './external-event-type.ts'
import type { ExternalEventTypes, ExternalEventTypesOptions, Narrowing } from './external-event-types.ts'
import { listExternalEventTypes } from './external-store.ts'

export interface ExternalEventTypeRoutesOptions {
  database: Database
  types: ExternalEventTypes
  findConnection: ExternalEventTypesOptions['findConnection']
}

export function externalEventTypeRoutes(options: ExternalEventTypeRoutesOptions): RouteSet {
  const { database, types } = options
  const find = (call: { principal: Principal; params: Record<string, string>; query: Narrowing }) =>
    types.find(call.principal, call.params.selector ?? '', call.query)

  async function answers(principal: Principal, rows: readonly ExternalEventType[]) {
    const parentsOf = await types.parentsOf(rows)
    return rows.map((row) => externalEventTypeAnswer(row, parentsOf(row), principal.isAdmin))
  }
  async function answer(principal: Principal, row: ExternalEventType) {
    const [one] = await answers(principal, [row])
    if (one === undefined) throw new Error('one row gives one answer')
    return one
  }
  const change = async (call: CallOf<(typeof table)['put']>) =>
    answer(call.principal, await types.change(await find(call), call.body))

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'eet')
      const integration = query.integrationId ?? query.integrationKey
      const filter = {
        workspaceId: principal.workspaceId,
        layer: query.layer ?? null,
        integrationId: integration === undefined ? null : (await findIntegration(database, principal, integration)).id,
        connectionId:
          query.connectionId === undefined ? null : (await options.findConnection(principal, query.connectionId)).id,
        // What one customer has in place of a type is no other customer's business.
        isOfAnyConnection: principal.isAdmin || query.connectionId !== undefined,
        parentId: query.parentId === undefined ? null : (fromWire('eet', query.parentId) ?? NO_ID),
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      const rows = await listExternalEventTypes(database.db, filter, page)
      return { ...listAnswer(rows, page, 'eet', () => undefined), items: await answers(principal, rows) }
    },
    create: async ({ principal, body }) => answer(principal, await types.create(principal, body)),
    get: async (call) => answer(call.principal, await find(call)),
    put: change,
    patch: change,
    archive: async (call) => types.archive(await find(call)),
    restore: async (call) => answer(call.principal, await types.restore(await find(call))),
    generateSchema: async (call) => answer(call.principal, await types.generateSchema(await find(call))),
    async export(call) {
      const type = await find(call)
      const { uuid, key, name, parametersSchema, schema, example, subscribe, handle, unsubscribe, refresh } = type
      const own = { parametersSchema, schema, example, subscribe, handle, unsubscribe, refresh }
      const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null && value !== undefined))
      return {
        uuid,
        key,
        name,
        ...(type.description === null ? {} : { description: type.description }),
        ...(type.meta === null ? {} : { meta: type.meta }),
        type: 'webhook',
        ...given,
      }
    },
  })
}
