import type { DataCollectionSpec, DataRecord, RecordMethod } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import { errorData } from '../api/refusal.ts'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { ApiClient } from '../functions/function.ts'
import type { Connector } from '../integrations/connector.ts'
import {
  type CollectionPlace,
  collectionOf,
  methodOf,
  type ResolvedCollection,
  wireSpec,
  writableFields,
} from './collection.ts'
import {
  type MethodOutcome,
  missingPlace,
  noId,
  noModel,
  parametersKey,
  recordIdOf,
  settingsIn,
  withCustomFields,
} from './method-outcome.ts'
import { overriding } from './overrides.ts'
import { type CollectionCall, FunctionFailed, objectIn, recordOf } from './records.ts'
import { modelsOf, nativeFields, unifiedFields, unifiedMapping } from './unified-models.ts'

type Json = Record<string, unknown>

/** On whose behalf a method is called, and how. */
export interface MethodContext {
  /** As an id of the wire. */
  sourceId: string | null
  signal?: AbortSignal | undefined
  /** The data model that unified filters and fields are of. */
  udm?: string | null | undefined
  /** Changes to the requests that the method makes, as `override` of an action says. */
  override?: unknown
}

export interface RecordPage {
  records: DataRecord[]
  cursor?: string
  drilldowns?: { parameters?: Json; filter?: Json }[]
}

export interface ListRequest {
  filter?: unknown
  unifiedFilter?: unknown
  cursor?: string | undefined
}

/** Collections of connections, and what can be done with their records. */
export interface DataCollections {
  /** The collection with the fields that the connection has of its own; null where there is none. */
  collection(connection: Connection, place: CollectionPlace): Promise<ResolvedCollection | null>
  spec(connection: Connection, place: CollectionPlace, how?: { isFresh: boolean }): Promise<DataCollectionSpec | null>
  /** Without what only a connection knows. */
  specOf(connector: Connector, key: string): DataCollectionSpec | null
  list(
    connection: Connection,
    place: CollectionPlace,
    request: ListRequest,
    context: MethodContext,
  ): Promise<MethodOutcome<RecordPage>>
  search(
    connection: Connection,
    place: CollectionPlace,
    request: { query: string; cursor?: string | undefined },
    context: MethodContext,
  ): Promise<MethodOutcome<RecordPage>>
  /** `record` is null where none fits. */
  match(
    connection: Connection,
    place: CollectionPlace,
    query: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<DataRecord | null>>
  findById(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    context: MethodContext,
  ): Promise<MethodOutcome<DataRecord>>
  create(
    connection: Connection,
    place: CollectionPlace,
    fields: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<{ id: string }>>
  update(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    fields: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<{ id: string }>>
  delete(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    context: MethodContext,
  ): Promise<MethodOutcome<Json>>
  /** Fields of a data model as the collection has them. */
  nativeOf(
    connection: Connection,
    place: CollectionPlace,
    udm: string | null,
    unified: Json,
  ): Promise<MethodOutcome<Json>>
}

/** Specs that functions computed are kept for so long, and so many of them. */
const SPEC_FRESH_MS = 300_000
const SPECS_MAX = 500

export function createDataCollections(options: {
  connections: Pick<Connections, 'appOf'>
  appCalls: Pick<AppCalls, 'callFunction'>
}): DataCollections {
  return new CollectionRegistry(options.connections, options.appCalls)
}

class CollectionRegistry implements DataCollections {
  readonly #connections: Pick<Connections, 'appOf'>
  readonly #appCalls: Pick<AppCalls, 'callFunction'>
  readonly #computed = new LRUCache<string, Promise<ResolvedCollection>>({ max: SPECS_MAX, ttl: SPEC_FRESH_MS })

  constructor(connections: Pick<Connections, 'appOf'>, appCalls: Pick<AppCalls, 'callFunction'>) {
    this.#connections = connections
    this.#appCalls = appCalls
  }

  async collection(connection: Connection, place: CollectionPlace): Promise<ResolvedCollection | null> {
    const app = await this.#connections.appOf(connection)
    const collection = app === null ? null : collectionOf(app.connector.definition, place.key)
    if (app === null || collection === null) return null
    if (collection.spec === undefined && collection.customFieldsSchema === undefined) return collection
    const key = `${connection.id}:${app.connector.revision}:${place.key}:${parametersKey(place.parameters)}`
    const known = this.#computed.get(key)
    if (known !== undefined) return known
    const computing = this.#compute(connection, collection, place.parameters)
    this.#computed.set(key, computing)
    computing.catch(() => this.#computed.delete(key))
    return computing
  }

  /** What the connection's own functions make of a collection. Throws `FunctionFailed`. */
  async #compute(connection: Connection, collection: ResolvedCollection, given: Json): Promise<ResolvedCollection> {
    const parameters = { ...collection.defaults, ...given }
    const call = async (definition: ResolvedCollection['spec'], slot: string, args: Json): Promise<Json> => {
      if (definition === undefined) return {}
      const outcome = await this.#appCalls.callFunction(connection, {
        definition,
        slot: `data.${collection.key}.${slot}`,
        sourceId: null,
        args: { parameters, ...args },
      })
      if (outcome.kind === 'failed') throw new FunctionFailed(outcome.error, outcome.hostCalls)
      return objectIn(outcome.value)
    }
    const { name, parametersSchema, fieldsSchema, methods } = collection
    const settings = Object.fromEntries(Object.entries(methods).map(([key, { run: _run, ...rest }]) => [key, rest]))
    const spec = { key: collection.key, name, parametersSchema, fieldsSchema, methods: settings }
    const changed = await call(collection.spec, 'spec', { spec })
    const custom = await call(collection.customFieldsSchema, 'customFieldsSchema', {})
    const fields = isRecord(changed.fieldsSchema) ? changed.fieldsSchema : fieldsSchema
    const given_ = objectIn(changed.methods)
    const changedMethods = Object.entries(methods).map(([key, method]) => [
      key,
      { ...method, ...settingsIn(given_[key]), ...settingsIn(changed[key]), run: method.run },
    ])
    return {
      ...collection,
      name: typeof changed.name === 'string' && changed.name !== '' ? changed.name : name,
      fieldsSchema: withCustomFields(fields, custom),
      methods: Object.fromEntries(changedMethods),
    }
  }

  async spec(
    connection: Connection,
    place: CollectionPlace,
    how?: { isFresh: boolean },
  ): Promise<DataCollectionSpec | null> {
    if (how?.isFresh === true)
      for (const key of this.#computed.keys()) if (key.startsWith(`${connection.id}:`)) this.#computed.delete(key)
    const collection = await this.collection(connection, place)
    if (collection === null) return null
    const app = await this.#connections.appOf(connection)
    return wireSpec(collection, app === null ? undefined : modelsOf(app.connector.definition, place.key))
  }

  specOf({ definition }: Connector, key: string): DataCollectionSpec | null {
    const collection = collectionOf(definition, key)
    return collection === null ? null : wireSpec(collection, modelsOf(definition, key))
  }

  list(
    connection: Connection,
    place: CollectionPlace,
    request: ListRequest,
    context: MethodContext,
  ): Promise<MethodOutcome<RecordPage>> {
    return this.#run(connection, place, 'list', context, async (method) => {
      const unified =
        request.unifiedFilter === undefined || request.unifiedFilter === null
          ? {}
          : await method.native(objectIn(request.unifiedFilter))
      const filter = { ...unified, ...objectIn(request.filter) }
      const isOffered = (name: string) => method.settings.filterFields?.includes(name) === true
      const asked = Object.fromEntries(Object.entries(filter).filter(([name]) => isOffered(name)))
      const value = objectIn(
        await method.call({
          ...(Object.keys(asked).length === 0 ? {} : { filter: asked }),
          ...(request.cursor === undefined ? {} : { cursor: request.cursor }),
        }),
      )
      const page = await method.page(value)
      // What the app cannot be asked for is looked for in what it gave.
      const rest = Object.entries(filter).filter(([name, wanted]) => !isOffered(name) && wanted !== undefined)
      return {
        ...page,
        records: page.records.filter(({ fields }) =>
          rest.every(([name, wanted]) => JSON.stringify(fields?.[name]) === JSON.stringify(wanted)),
        ),
      }
    })
  }

  search(
    connection: Connection,
    place: CollectionPlace,
    { query, cursor }: { query: string; cursor?: string | undefined },
    context: MethodContext,
  ): Promise<MethodOutcome<RecordPage>> {
    return this.#run(connection, place, 'search', context, async (method) =>
      method.page(objectIn(await method.call({ query, ...(cursor === undefined ? {} : { cursor }) }))),
    )
  }

  match(
    connection: Connection,
    place: CollectionPlace,
    query: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<DataRecord | null>> {
    return this.#run(connection, place, 'match', context, async (method) => {
      const value = await method.call({ query, fields: query })
      return method.record(isRecord(value) && 'record' in value ? value.record : value)
    })
  }

  findById(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    context: MethodContext,
  ): Promise<MethodOutcome<DataRecord>> {
    return this.#run(connection, place, 'findById', context, async (method) => {
      const value = await method.call({ id })
      const record = await method.record(isRecord(value) && 'record' in value ? value.record : value)
      if (record === null) throw new Gone(`there is no record ${JSON.stringify(id)} in ${JSON.stringify(place.key)}`)
      return record
    })
  }

  create(
    connection: Connection,
    place: CollectionPlace,
    fields: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<{ id: string }>> {
    return this.#run(connection, place, 'create', context, async (method) => {
      const value = await method.call({ fields: await method.toApi('create', fields) })
      const id = recordIdOf(value)
      if (id === null) throw new FunctionFailed(noId('create', place.key), 2)
      return { id }
    })
  }

  update(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    fields: Json,
    context: MethodContext,
  ): Promise<MethodOutcome<{ id: string }>> {
    return this.#run(connection, place, 'update', context, async (method) => ({
      id: recordIdOf(await method.call({ id, fields: await method.toApi('update', fields) })) ?? id,
    }))
  }

  delete(
    connection: Connection,
    place: CollectionPlace,
    id: string,
    context: MethodContext,
  ): Promise<MethodOutcome<Json>> {
    return this.#run(connection, place, 'delete', context, async (method) => {
      await method.call({ id })
      return {}
    })
  }

  async nativeOf(
    connection: Connection,
    place: CollectionPlace,
    udm: string | null,
    unified: Json,
  ): Promise<MethodOutcome<Json>> {
    const app = await this.#connections.appOf(connection)
    const mapping = app === null ? null : unifiedMapping(app.connector.definition, place.key, udm)
    if (mapping === null) return { kind: 'failed', error: noModel(place.key, udm), hostCalls: 0 }
    return { kind: 'done', value: await nativeFields(mapping, unified) }
  }

  async #run<T>(
    connection: Connection,
    place: CollectionPlace,
    name: RecordMethod,
    context: MethodContext,
    work: (method: MethodCall) => Promise<T>,
  ): Promise<MethodOutcome<T>> {
    try {
      const collection = await this.collection(connection, place)
      if (collection === null) return missingPlace(`the app has no collection ${JSON.stringify(place.key)}`)
      const found = methodOf(collection, name)
      if (found === null) {
        const message = `the collection ${JSON.stringify(place.key)} does not offer ${name}`
        return { kind: 'failed', error: errorData('not_supported', message), hostCalls: 0 }
      }
      const app = await this.#connections.appOf(connection)
      const definition = app?.connector.definition
      const mapping = definition === undefined ? null : unifiedMapping(definition, place.key, context.udm ?? null)
      const call: CollectionCall = {
        appCalls: this.#appCalls,
        connection,
        collection,
        parameters: { ...collection.defaults, ...place.parameters },
        sourceId: context.sourceId,
        signal: context.signal,
      }
      const value = await work({
        settings: found,
        call: (input) => this.#call(call, name, found.run, input, context),
        record: async (given) => {
          const record = given === null || given === undefined ? null : await recordOf(call, given)
          const isAsked = context.udm !== undefined && context.udm !== null
          if (record === null || !isAsked || mapping === null) return record
          const unified = await unifiedFields(mapping, record.fields ?? {})
          return { ...record, udm: mapping.udm, unifiedFields: unified }
        },
        async page(value) {
          const given = Array.isArray(value.records) ? value.records : []
          const records: DataRecord[] = []
          for (const each of given) {
            const record = await this.record(each)
            if (record !== null) records.push(record)
          }
          const { cursor } = value
          const drilldowns = (Array.isArray(value.drilldowns) ? value.drilldowns.filter(isRecord) : []).map(
            ({ parameters, filter }) => ({
              ...(isRecord(parameters) ? { parameters } : {}),
              ...(isRecord(filter) ? { filter } : {}),
            }),
          )
          return {
            records,
            // The cursor is the connector's own, whatever it is made of.
            ...(cursor === undefined || cursor === null || cursor === ''
              ? {}
              : { cursor: typeof cursor === 'object' ? JSON.stringify(cursor) : String(cursor) }),
            ...(drilldowns.length === 0 ? {} : { drilldowns }),
          }
        },
        native: async (unified) => {
          if (mapping === null) throw new FunctionFailed(noModel(place.key, context.udm), 2)
          return nativeFields(mapping, unified)
        },
        toApi: (method, fields) => fieldsToApi(call, method, fields),
      })
      return { kind: 'done', value }
    } catch (error) {
      if (error instanceof Gone) return { ...missingPlace(error.message), isGone: true }
      if (!(error instanceof FunctionFailed)) throw error
      const status = objectIn(error.error.data).status
      const isGone = name !== 'list' && name !== 'search' && (status === 404 || status === 410)
      return { kind: 'failed', error: error.error, hostCalls: error.hostCalls, ...(isGone ? { isGone } : {}) }
    }
  }

  async #call(
    { connection, collection, parameters, sourceId, signal }: CollectionCall,
    name: RecordMethod,
    definition: NonNullable<ResolvedCollection['methods'][string]['run']>,
    input: Json,
    { override }: MethodContext,
  ): Promise<unknown> {
    const outcome = await this.#appCalls.callFunction(connection, {
      definition,
      slot: `data.${collection.key}.${name}`,
      sourceId,
      args: { parameters, ...input },
      ...(signal === undefined ? {} : { signal }),
      ...(override === undefined ? {} : { through: (client: ApiClient) => overriding(client, override) }),
    })
    if (outcome.kind === 'failed') throw new FunctionFailed(outcome.error, outcome.hostCalls)
    return outcome.value
  }
}

/** One call of a method, with what is done before and after it. */
interface MethodCall {
  settings: { filterFields?: string[] | undefined }
  call(input: Json): Promise<unknown>
  record(given: unknown): Promise<DataRecord | null>
  page(value: Json): Promise<RecordPage>
  native(unified: Json): Promise<Json>
  toApi(method: 'create' | 'update', fields: Json): Promise<Json>
}

class Gone extends Error {}

async function fieldsToApi(call: CollectionCall, method: 'create' | 'update', given: Json): Promise<Json> {
  const { collection, appCalls, connection, parameters, sourceId } = call
  const fields = writableFields(collection, method, given)
  const definition = collection.fieldsToApi ?? collection.recordToApi
  if (definition === undefined) return fields
  const slot = collection.fieldsToApi === undefined ? 'recordToApi' : 'fieldsToApi'
  const outcome = await appCalls.callFunction(connection, {
    definition,
    slot: `data.${collection.key}.${slot}`,
    sourceId,
    args: { fields, record: { fields }, parameters },
  })
  if (outcome.kind === 'failed') throw new FunctionFailed(outcome.error, outcome.hostCalls)
  return objectIn(outcome.value)
}
