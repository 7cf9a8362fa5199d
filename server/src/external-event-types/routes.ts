import { externalEventTypes as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID, secretUuid, toWire } from '../platform/ids.ts'
import { type ExternalEventType, externalEventTypeAnswer } from './event-type.ts'
import type { EventTypeNarrowing, ExternalEventTypes, ExternalEventTypesOptions } from './event-types.ts'
import { listExternalEventTypes } from './store.ts'

export interface ExternalEventTypeRoutesOptions {
  database: Database
  types: ExternalEventTypes
  findConnection: ExternalEventTypesOptions['findConnection']
}

/** What a type says itself or takes over. */
const CONTENT = [
  'parametersSchema',
  'schema',
  'example',
  'subscribe',
  'handle',
  'unsubscribe',
  'refresh',
  'dedupeKey',
] as const

export function externalEventTypeRoutes(options: ExternalEventTypeRoutesOptions): RouteSet {
  const { database, types } = options
  const find = (call: { principal: Principal; params: Record<string, string>; query: EventTypeNarrowing }) =>
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
        layer: query.layer ?? (query.isUniversal === true ? 'universal' : null),
        isNotUniversal: query.isUniversal === false,
        rootId: query.universalParentId === undefined ? null : (fromWire('eet', query.universalParentId) ?? NO_ID),
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
    async clone(call) {
      const type = await find(call)
      const chain = [type, ...(await types.parentsOf([type]))(type)]
      const said = <F extends keyof ExternalEventType>(field: F) =>
        chain.map((each) => each[field]).find((each) => each !== null)
      const content = Object.fromEntries(CONTENT.map((field) => [field, said(field)]))
      const { integrationId, connectionId, name, description, meta } = type
      const copy = await types.create(call.principal, {
        ...content,
        key: `${type.key}-copy-${secretUuid().slice(0, 6)}`,
        name: `${name} (copy)`,
        description,
        meta,
        ...(connectionId !== null
          ? { connectionId: toWire('con', connectionId) }
          : { integrationId: integrationId === null ? null : toWire('int', integrationId) }),
      })
      return answer(call.principal, copy)
    },
    async reset(call) {
      const type = await find(call)
      const cleared = type.parentId === null ? {} : Object.fromEntries(CONTENT.map((field) => [field, null]))
      return answer(call.principal, await types.change(type, cleared))
    },
    refresh: async (call) => answer(call.principal, await find(call)),
    async dependencies(call) {
      const type = await find(call)
      const parents = (await types.parentsOf([type]))(type)
      return parents.map(({ id, key, name }) => ({
        type: 'PARENT' as const,
        elementType: 'external-event-type',
        key,
        element: { id: toWire('eet', id), key, name },
      }))
    },
    generateSchema: async (call) => answer(call.principal, await types.generateSchema(await find(call))),
    async export(call) {
      const type = await find(call)
      const { uuid, key, name } = type
      const given = Object.fromEntries(CONTENT.map((field) => [field, type[field] ?? undefined]))
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
