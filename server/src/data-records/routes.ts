import { dataSourceRecords as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { DataCollections, MethodContext } from '../data-collections/data-collections.ts'
import type { MethodOutcome } from '../data-collections/method-outcome.ts'
import { objectIn } from '../data-collections/records.ts'
import { givenBy, specGiven } from '../data-collections/routes.ts'
import type { DataInstances, InstanceSelector } from '../data-elements/data-instances.ts'
import type { Database } from '../platform/database.ts'
import { type ResolvedSource, resolveSource } from './source.ts'

type Json = Record<string, unknown>

export interface SourceRecordRoutesOptions {
  database: Database
  connections: Pick<Connections, 'byId' | 'appOf'>
  collections: DataCollections
  instances: DataInstances
}

/** Records of the collection that a connection's data source points to: the methods of that collection. */
export function sourceRecordRoutes(options: SourceRecordRoutesOptions): RouteSet {
  const { collections, connections, instances } = options

  async function located({ principal, query }: { principal: Principal; query: InstanceSelector }) {
    const source = await instances.select(principal, 'data-source', query)
    const connection =
      source.connectionId === null ? null : await connections.byId(source.workspaceId, source.connectionId)
    if (connection === null) throw notFound('connection of the data source', source.key)
    const resolved = await resolveSource(options, connection, { key: source.key }, source.instanceKey)
    if ('problem' in resolved) throw new Refusal('not_found', resolved.problem)
    return { connection, source: resolved }
  }
  async function run<T>(
    call: { principal: Principal; query: InstanceSelector },
    method: (connection: Connection, source: ResolvedSource, context: MethodContext) => Promise<MethodOutcome<T>>,
  ): Promise<T> {
    const { connection, source } = await located(call)
    return givenBy(await method(connection, source, { sourceId: null, udm: source.udm }))
  }

  return routeSet(table, {
    async collection(call) {
      const { connection, source } = await located(call)
      return specGiven(source.place.key, collections.spec(connection, source.place))
    },
    listRecords: (call) => run(call, (at, { place }, context) => collections.list(at, place, call.body, context)),
    searchRecords: (call) => run(call, (at, { place }, context) => collections.search(at, place, call.body, context)),
    async matchRecord(call) {
      const record = await run(call, (at, { place }, context) => collections.match(at, place, call.body.query, context))
      return record === null ? {} : { record }
    },
    async findRecordById(call) {
      const { id, udm } = call.body
      const record = await run(call, (at, { place }, context) =>
        collections.findById(at, place, id, { ...context, udm: udm ?? context.udm }),
      )
      return { record }
    },
    createRecord: (call) =>
      run(call, (at, { place }, context) => collections.create(at, place, call.body.fields, context)),
    updateRecord: (call) =>
      run(call, (at, { place }, context) => collections.update(at, place, call.body.id, call.body.fields, context)),
    deleteRecord: (call) => run(call, (at, { place }, context) => collections.delete(at, place, call.body.id, context)),
    findRecords: (call) => {
      const { query, cursor } = call.body
      const request = { filter: query, ...(cursor === undefined ? {} : { cursor }) }
      return run(call, (at, { place }, context) => collections.list(at, place, request, context))
    },
    unifiedFieldsToNative: async (call) => {
      const { connection, source } = await located(call)
      const unified: Json = call.body.unifiedFields ?? objectIn(call.body)
      return givenBy(await collections.nativeOf(connection, source.place, source.udm, unified))
    },
  })
}
