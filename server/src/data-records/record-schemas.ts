import type { DataCollectionSpec } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { DataCollections } from '../data-collections/data-collections.ts'
import { FunctionFailed, objectIn } from '../data-collections/records.ts'
import { contentsOf } from '../data-elements/inheritance.ts'
import { type ElementReach, narrowestElementByKey } from '../data-elements/store.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import type { Database } from '../platform/database.ts'
import type { RecordWork } from './record-work.ts'
import { collectionPlaceOf, sourceContent } from './source.ts'

type Json = Record<string, unknown>

/** For whom a schema is asked: for every app, for those of an integration, or for one connection with its own fields. */
export interface SchemaReach {
  workspaceId: string
  integration: Integration | null
  connection: Connection | null
  /** '' where there is none. */
  instanceKey: string
}

export interface WorkSchemas {
  inputSchema?: Json
  outputSchema?: Json
}

/** JSON Schemas of what nodes and actions that work with records take and put out. */
export interface RecordSchemas {
  of(reach: SchemaReach, work: RecordWork | 'trigger', config: Json): Promise<WorkSchemas>
}

export interface RecordSchemasOptions {
  database: Database
  connections: Pick<Connections, 'appOf'>
  collections: Pick<DataCollections, 'spec' | 'specOf'>
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration): Promise<Connector | null>
}

/**
 * They follow from the collection, and from the mapping where one is named: a mapping's `appSchema`, else the fields that
 * it maps to, else the collection's own. Where the collection is not known, records have fields of any kind.
 *
 * @source wire data facts 5.2
 */
export function createRecordSchemas({
  database,
  connections,
  collections,
  connectorOf,
}: RecordSchemasOptions): RecordSchemas {
  async function connectorFor({ connection, integration }: SchemaReach): Promise<Connector | null> {
    if (connection !== null) return (await connections.appOf(connection))?.connector ?? null
    return integration === null ? null : connectorOf(integration)
  }

  async function specFor(reach: SchemaReach, elements: ElementReach, config: Json): Promise<DataCollectionSpec | null> {
    const source = await sourceContent(database.db, elements, config.dataSource, reach.instanceKey)
    const connector = source === null ? null : await connectorFor(reach)
    if (source === null || connector === null) return null
    const place = await collectionPlaceOf(source, async () => connector.definition)
    if (place === null) return null
    if (reach.connection === null) return collections.specOf(connector, place.key)
    try {
      return await collections.spec(reach.connection, place)
    } catch (error) {
      // The app cannot be asked for its own fields just now; those of everybody are known.
      if (error instanceof FunctionFailed) return collections.specOf(connector, place.key)
      throw error
    }
  }

  async function mappedFields(reach: SchemaReach, elements: ElementReach, config: Json): Promise<Json | null> {
    const given = objectIn(config.fieldMapping)
    const { key } = given
    let content: Json = {}
    if (typeof key === 'string' && key !== '') {
      const element = await narrowestElementByKey(database.db, 'field-mapping', elements, key, reach.instanceKey)
      content = element === null ? {} : ((await contentsOf(database.db, [element])).get(element.id) ?? {})
    }
    const schema = given.appSchema ?? content.appSchema
    if (typeof schema === 'object' && schema !== null) return schema as Json
    const value = objectIn(
      given.importValue ?? content.importValue ?? content.unifiedImportValue ?? content.defaultImportValue,
    )
    const names = Object.keys(value)
    // A formula for the whole of them tells nothing of each.
    if (names.length === 0 || names.some((name) => name.startsWith('$'))) return null
    return { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) }
  }

  return {
    async of(reach, work, config) {
      const elements = {
        workspaceId: reach.workspaceId,
        connectionId: reach.connection?.id ?? null,
        customerId: reach.connection?.customerId ?? null,
        integrationId: reach.connection?.integrationId ?? reach.integration?.id ?? null,
      }
      const spec = await specFor(reach, elements, config)
      const mapped = await mappedFields(reach, elements, config)
      const isRaw = objectIn(config.fieldMapping).includeRawFields === true
      return schemasOf(work, { spec, mapped, isRaw })
    },
  }
}

interface Known {
  spec: DataCollectionSpec | null
  /** Fields of your application, where a mapping makes them. */
  mapped: Json | null
  isRaw: boolean
}

const text = { type: 'string' }
const anyFields = { type: 'object' }

function schemasOf(work: RecordWork | 'trigger', { spec, mapped, isRaw }: Known): WorkSchemas {
  const native = fieldsOf(spec)
  const record = recordSchema(mapped ?? native, isRaw && mapped !== null ? native : null)
  const page = object({ records: { type: 'array', items: record }, cursor: text }, ['records'])
  const made = object({ id: text }, ['id'])
  switch (work) {
    case 'trigger':
      return { outputSchema: object({ type: text, record }, ['record']) }
    case 'list':
      return {
        inputSchema: object({ filter: some(native, spec?.list?.filterFields), cursor: text }),
        outputSchema: page,
      }
    case 'list-all':
      return {
        inputSchema: object({ filter: some(native, spec?.list?.filterFields) }),
        outputSchema: { type: 'array', items: record },
      }
    case 'search':
      return { inputSchema: object({ query: text, cursor: text }, ['query']), outputSchema: page }
    case 'match':
      return {
        inputSchema: object({ query: some(native, spec?.match?.fields) }, ['query']),
        outputSchema: { anyOf: [record, { type: 'null' }] },
      }
    case 'find-by-id':
      return { inputSchema: object({ id: text }, ['id']), outputSchema: record }
    case 'create':
      return {
        inputSchema: object({ fields: mapped ?? writable(native, spec?.create) }, ['fields']),
        outputSchema: made,
      }
    case 'update':
      return {
        inputSchema: object({ id: text, fields: mapped ?? writable(native, spec?.update) }, ['id', 'fields']),
        outputSchema: made,
      }
    case 'delete':
      return { inputSchema: object({ id: text }, ['id']) }
    case 'find-or-create':
      return {
        inputSchema: object({
          lookupFields: some(native, spec?.match?.fields),
          createData: writable(native, spec?.create),
        }),
        outputSchema: record,
      }
  }
}

function object(properties: Json, required: readonly string[] = []): Json {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) }
}

function fieldsOf(spec: DataCollectionSpec | null): Json {
  const schema = spec?.fieldsSchema
  return typeof schema === 'object' && schema !== null ? (schema as Json) : anyFields
}

function recordSchema(fields: Json, raw: Json | null): Json {
  const texts = ['id', 'name', 'uri', 'createdTime', 'updatedTime', 'createdById', 'updatedById']
  const head = Object.fromEntries(texts.map((name) => [name, text]))
  return object({ ...head, fields, ...(raw === null ? {} : { rawFields: raw }) }, ['id'])
}

/** The fields that are named, of those that there are; all of them where nobody names any. */
function some(fields: Json, names: readonly string[] | undefined): Json {
  if (names === undefined) return fields
  const properties = objectIn(fields.properties)
  return object(Object.fromEntries(names.map((name) => [name, properties[name] ?? {}])))
}

interface Writing {
  fields?: readonly string[] | undefined
  requiredFields?: readonly string[] | undefined
  excludedFields?: readonly string[] | undefined
}

/** The fields that a method may write. */
function writable(fields: Json, method: Writing | undefined): Json {
  const properties = Object.entries(objectIn(fields.properties)).filter(
    ([name, field]) =>
      objectIn(field).readOnly !== true &&
      method?.fields?.includes(name) !== false &&
      method?.excludedFields?.includes(name) !== true,
  )
  return properties.length === 0 ? fields : object(Object.fromEntries(properties), method?.requiredFields ?? [])
}
