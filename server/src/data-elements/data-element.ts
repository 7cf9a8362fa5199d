import type { Element } from '../api/elements.ts'
import { isRecord } from '../formulas/coercion.ts'
import { operatorOf } from '../formulas/known-operators.ts'
import type { Prefix } from '../platform/ids.ts'

type Json = Record<string, unknown>

/** Everything that stands on records of external apps. */
export const DATA_KINDS = ['data-source', 'field-mapping', 'app-data-schema', 'data-link-table'] as const
export type DataKind = (typeof DATA_KINDS)[number]

/** An element of one of these kinds: universal, of one integration, of one connection, or (a schema) of one customer. */
export interface DataElement extends Element {
  workspaceId: string
  kind: DataKind
  /** Of a connection's element too. */
  integrationId: string | null
  connectionId: string | null
  /** Whose the connection is, or the schema. */
  customerId: string | null
  parentId: string | null
  /** '' where none was given. */
  instanceKey: string
  /** What it says itself; the rest is its parent's. */
  content: Json
  isCustomized: boolean
}

export type Layer = 'universal' | 'integration' | 'connection'

/** A schema of a customer is what a connection's element is of other kinds. */
export function layerOf({
  integrationId,
  connectionId,
  customerId,
}: Pick<DataElement, 'integrationId' | 'connectionId' | 'customerId'>): Layer {
  if (connectionId !== null || customerId !== null) return 'connection'
  return integrationId === null ? 'universal' : 'integration'
}

export interface KindAbout {
  prefix: Prefix
  /** For people. */
  name: string
  /** Whose instances are: a connection's, or a customer's. */
  instancesOf: 'connection' | 'customer'
  /** Fields of its content, as on the wire. */
  fields: readonly string[]
  /** How the query and the body name its definition. */
  idName: string
  keyName: string
  universalIdName: string
}

export const KINDS: Readonly<Record<DataKind, KindAbout>> = {
  'data-source': {
    prefix: 'ds',
    name: 'data source',
    instancesOf: 'connection',
    fields: [
      'udm',
      'collectionKey',
      'collectionParameters',
      'pullUpdatesIntervalSeconds',
      'fullSyncIntervalSeconds',
      'path',
      'defaultPath',
    ],
    idName: 'dataSourceId',
    keyName: 'dataSourceKey',
    universalIdName: 'universalDataSourceId',
  },
  'field-mapping': {
    prefix: 'fm',
    name: 'field mapping',
    instancesOf: 'connection',
    fields: [
      'dataSourceId',
      'dataSourceUuid',
      'dataSourceKey',
      'direction',
      'appSchema',
      'defaultImportValue',
      'defaultExportValue',
      'importValue',
      'exportValue',
      'unifiedImportValue',
      'unifiedExportValue',
      'frozenImportFields',
      'frozenExportFields',
      'frozenUnifiedExportFields',
    ],
    idName: 'fieldMappingId',
    keyName: 'fieldMappingKey',
    universalIdName: 'universalFieldMappingId',
  },
  'app-data-schema': {
    prefix: 'ads',
    name: 'app data schema',
    instancesOf: 'customer',
    fields: ['schema', 'code'],
    idName: 'appDataSchemaId',
    keyName: 'appDataSchemaKey',
    universalIdName: 'universalAppDataSchemaId',
  },
  'data-link-table': {
    prefix: 'dlt',
    name: 'data link table',
    instancesOf: 'connection',
    fields: [],
    idName: 'dataLinkTableId',
    keyName: 'dataLinkTableKey',
    universalIdName: 'universalDataLinkTableId',
  },
}

/** The fields of a kind's content that an input gives; null where it takes one away. */
export function givenContent(kind: DataKind, input: Json): Json {
  return Object.fromEntries(
    KINDS[kind].fields.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])),
  )
}

/** What is given laid over what an element says itself; what its parent says too is left to the parent. */
export function changedContent(own: Json, given: Json, inherited: Json): Json {
  const changed = { ...own, ...given }
  return Object.fromEntries(
    Object.entries(changed).filter(
      ([name, value]) => value !== null && JSON.stringify(value) !== JSON.stringify(inherited[name]),
    ),
  )
}

/**
 * A value of a narrower layer laid over that of a wider one: objects field by field, a formula as a whole.
 *
 * @source the published client's `mergeWithFormulas`
 */
export function contentLaidOver(wide: unknown, narrow: unknown): unknown {
  if (narrow === undefined) return wide
  if (Array.isArray(wide) && Array.isArray(narrow))
    return Array.from({ length: Math.max(wide.length, narrow.length) }, (_, at) =>
      contentLaidOver(wide[at], narrow[at]),
    )
  if (!isRecord(wide) || !isRecord(narrow)) return narrow
  if (operatorOf(wide) !== undefined || operatorOf(narrow) !== undefined) return narrow
  const merged: Json = { ...wide }
  for (const [name, value] of Object.entries(narrow)) {
    if (name !== '__proto__') merged[name] = contentLaidOver(wide[name], value)
  }
  return merged
}
