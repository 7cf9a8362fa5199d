import {
  COLLECTION_FUNCTIONS,
  type CollectionEvent,
  type ConnectorCollection,
  type ConnectorDefinition,
  type DataCollectionSpec,
  RECORD_EVENTS,
  RECORD_METHODS,
  type RecordEvent,
  type RecordMethod,
} from '@permea/contract'

type Json = Record<string, unknown>

/** A place in the data of an app: a collection, and what it is told. */
export interface CollectionPlace {
  key: string
  parameters: Json
}

/** Mixins of mixins; deeper is a circle. */
const MIXINS_MAX = 5

/** A collection with what it takes over from others; `defaults` are the parameters that it gives those. */
export interface ResolvedCollection extends ConnectorCollection {
  key: string
  defaults: Json
}

/** Null where the connector has no such collection. */
export function collectionOf(definition: ConnectorDefinition, key: string): ResolvedCollection | null {
  return resolved(definition, key, 0)
}

function resolved(definition: ConnectorDefinition, key: string, depth: number): ResolvedCollection | null {
  const { data } = definition
  const own = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined
  if (own === undefined || depth > MIXINS_MAX) return null
  let collection: ResolvedCollection = { ...own, key, defaults: {} }
  for (const { key: named, path, parameters } of own.extends ?? []) {
    // The older form names a folder.
    const from = named ?? path?.split('/').findLast((part) => part !== '')
    const base = from === undefined ? null : resolved(definition, from, depth + 1)
    if (base !== null) collection = withMixin(collection, base, parameters ?? {})
  }
  return collection
}

function withMixin(own: ResolvedCollection, base: ResolvedCollection, parameters: Json): ResolvedCollection {
  const functions = Object.fromEntries(COLLECTION_FUNCTIONS.map((name) => [name, own[name] ?? base[name]]))
  return {
    ...base,
    ...own,
    parametersSchema: own.parametersSchema ?? base.parametersSchema,
    fieldsSchema: own.fieldsSchema ?? base.fieldsSchema,
    customFields: own.customFields ?? base.customFields,
    methods: { ...base.methods, ...own.methods, ...methodsOfBoth(own.methods, base.methods) },
    events: own.events === undefined ? base.events : { ...base.events, ...own.events },
    defaults: { ...base.defaults, ...parameters, ...own.defaults },
    ...functions,
  }
}

/** Methods that both name: what a collection sets of a method counts, and the function that it does not have is taken over. */
function methodsOfBoth(own: ConnectorCollection['methods'], base: ConnectorCollection['methods']) {
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, method]) => {
      const from = Object.hasOwn(base, name) ? base[name] : undefined
      return from === undefined ? [] : [[name, { ...from, ...method, run: method.run ?? from.run }] as const]
    }),
  )
}

/** The method where it is offered. */
export function methodOf(collection: ConnectorCollection, name: RecordMethod) {
  const method = Object.hasOwn(collection.methods, name) ? collection.methods[name] : undefined
  return method?.run === undefined || method.implementationType === 'not-supported'
    ? null
    : { ...method, run: method.run }
}

/** How changes of one kind are found; `null` where they cannot be. */
export type RecordStrategy = 'webhook' | 'connector-event' | 'pull-latest-records' | 'custom-pull' | 'full-scan'

const NEEDED: Readonly<Record<Exclude<RecordStrategy, 'full-scan'>, readonly string[]>> = {
  webhook: ['subscribe', 'handle', 'unsubscribe'],
  // Followed by looking, where nothing better is declared.
  'connector-event': ['subscribe', 'handle', 'unsubscribe'],
  'pull-latest-records': ['pullLatestRecords'],
  'custom-pull': ['collectEvents'],
}

/** What a collection says of one kind of change; what it says of all of them where it says nothing of this one. */
export function eventOf(collection: ConnectorCollection, type: RecordEvent): CollectionEvent | null {
  return collection.events?.[type] ?? collection.events?.all ?? null
}

/**
 * The best way that the collection has: what it declares, where its functions are there, else a scan of everything.
 *
 * @source wire data facts 6.1
 */
export function strategyOf(collection: ConnectorCollection, type: RecordEvent): RecordStrategy | null {
  const event = eventOf(collection, type)
  const has = (names: readonly string[]) => names.every((name) => event?.methods?.[name]?.run !== undefined)
  const declared = event?.implementationType
  if (declared !== undefined && declared !== 'full-scan' && has(NEEDED[declared])) return declared
  if (declared === undefined)
    for (const strategy of ['webhook', 'pull-latest-records', 'custom-pull'] as const)
      if (event !== null && has(NEEDED[strategy])) return strategy
  return methodOf(collection, 'list') === null ? null : 'full-scan'
}

/** A collection as the API shows it: methods at the top, those that are not offered absent. */
export function wireSpec(
  collection: ResolvedCollection,
  udms: DataCollectionSpec['udm'] | undefined,
): DataCollectionSpec {
  const { key, name, parametersSchema, fieldsSchema, customFields } = collection
  const methods = RECORD_METHODS.flatMap((method) => {
    const found = methodOf(collection, method)
    if (found === null) return []
    const { filterFields, fields, requiredFields, excludedFields, queryFields } = found
    return [[method, present({ filterFields, fields, requiredFields, excludedFields, queryFields })] as const]
  })
  const events = RECORD_EVENTS.flatMap((type) => {
    const strategy = strategyOf(collection, type)
    if (strategy === null) return []
    const isPushed = strategy === 'webhook' || strategy === 'connector-event'
    const isIdOnly = eventOf(collection, type)?.isIdOnly
    const isFullScan = strategy === 'full-scan' ? true : undefined
    return [[type, present({ type: isPushed ? 'push' : 'pull', isFullScan, isIdOnly })] as const]
  })
  return {
    type: 'collection',
    key,
    name,
    ...present({ parametersSchema, fieldsSchema, customFields, udm: udms }),
    ...Object.fromEntries(methods),
    events: Object.fromEntries(events),
  }
}

function present(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/**
 * The fields that a method may write, of those that are given: neither the ones that only the app writes, nor any
 * beside `fields` where that is said, nor `excludedFields`.
 */
export function writableFields(collection: ConnectorCollection, method: 'create' | 'update', given: Json): Json {
  const { fields, excludedFields } = collection.methods[method] ?? {}
  const properties = (collection.fieldsSchema?.properties ?? {}) as Record<string, { readOnly?: unknown } | undefined>
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name, value]) =>
        value !== undefined &&
        (fields === undefined || fields.includes(name)) &&
        excludedFields?.includes(name) !== true &&
        !(Object.hasOwn(properties, name) && properties[name]?.readOnly === true),
    ),
  )
}

/** `/data/<key>?a=1`, an older way to name a collection; null where it is none. */
export function placeOfPath(path: unknown): CollectionPlace | null {
  if (typeof path !== 'string') return null
  const [, key, query] = /^\/?data\/([^?/]+)\/?(?:\?(.*))?$/.exec(path) ?? []
  if (key === undefined) return null
  return { key: decodeURIComponent(key), parameters: Object.fromEntries(new URLSearchParams(query ?? '')) }
}
