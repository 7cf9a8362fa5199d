import type { DataRecord } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { objectIn } from '../data-collections/records.ts'
import { nativeFields, type UnifiedMapping, unifiedFields, unifiedMapping } from '../data-collections/unified-models.ts'
import { contentLaidOver } from '../data-elements/data-element.ts'
import { contentsOf } from '../data-elements/inheritance.ts'
import { narrowestElementByKey, newestLink, ownByKey } from '../data-elements/store.ts'
import { isRecord } from '../formulas/coercion.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { DataLink, FormulaResolvers } from '../formulas/evaluator.ts'
import type { Database } from '../platform/database.ts'
import type { ResolvedSource } from './source.ts'

type Json = Record<string, unknown>

/** How records of one source and your app's become each other, on one connection. */
export interface RecordMapping {
  /** A record with `fields` as your app has them; as it is where nothing maps them. */
  imported(record: DataRecord): Promise<DataRecord>
  /** Fields to write, as the collection has them, of what is in the shape of your app. */
  exported(): Promise<Json>
  appSchema: Json | boolean | null
}

export interface MappingOptions {
  database: Database
  connections: Pick<Connections, 'appOf'>
}

/**
 * What `fieldMapping` of a node or an action means on a connection. An empty one maps nothing. A text says what is missing.
 *
 * @source wire data facts 3.1
 */
export async function resolveMapping(
  { database, connections }: MappingOptions,
  connection: Connection,
  source: ResolvedSource,
  config: unknown,
  instanceKey: string,
): Promise<RecordMapping | { problem: string }> {
  const given = objectIn(config)
  const { key, input, includeRawFields, defaultValue, defaultUnifiedValue } = given
  let content: Json = {}
  if (typeof key === 'string' && key !== '') {
    const { workspaceId, id: connectionId, customerId, integrationId } = connection
    const reach = { workspaceId, connectionId, customerId, integrationId }
    const element = await narrowestElementByKey(database.db, 'field-mapping', reach, key, instanceKey)
    if (element === null) return { problem: `there is no field mapping ${JSON.stringify(key)}` }
    content = (await contentsOf(database.db, [element])).get(element.id) ?? {}
  }
  for (const name of ['importValue', 'exportValue', 'appSchema'])
    if (given[name] !== undefined) content = { ...content, [name]: given[name] }
  const app = await connections.appOf(connection)
  const unified = app === null ? null : unifiedMapping(app.connector.definition, source.place.key, source.udm)
  const resolvers = linkResolvers(database, connection, instanceKey)
  const evaluate = async (formula: unknown, scope: Json) =>
    objectIn(await evaluateFormula(formula, scope, { resolvers }))

  return {
    appSchema: isRecord(content.appSchema) || typeof content.appSchema === 'boolean' ? content.appSchema : null,
    async imported(record) {
      const native = record.fields ?? {}
      const fields = await importedFields(content, native, unified, evaluate)
      if (fields === null) return record
      return { ...record, fields, ...(includeRawFields === true ? { rawFields: native } : {}) }
    },
    async exported() {
      const byModel = isRecord(defaultUnifiedValue) && !isRecord(defaultValue)
      const first =
        byModel && unified !== null ? await nativeFields(unified, defaultUnifiedValue) : objectIn(defaultValue)
      if (input === undefined || input === null) return first
      return objectIn(contentLaidOver(first, await exportedFields(content, objectIn(input), unified, evaluate)))
    },
  }
}

type Evaluate = (formula: unknown, scope: Json) => Promise<Json>

/** Null where nothing maps them. */
async function importedFields(
  content: Json,
  native: Json,
  unified: UnifiedMapping | null,
  evaluate: Evaluate,
): Promise<Json | null> {
  if (content.importValue !== undefined) return evaluate(content.importValue, native)
  const overModel = content.unifiedImportValue ?? content.defaultImportValue
  if (overModel === undefined) return null
  return evaluate(overModel, unified === null ? native : await unifiedFields(unified, native))
}

async function exportedFields(
  content: Json,
  input: Json,
  unified: UnifiedMapping | null,
  evaluate: Evaluate,
): Promise<Json> {
  if (content.exportValue !== undefined) return evaluate(content.exportValue, input)
  const overModel = content.unifiedExportValue ?? content.defaultExportValue
  if (overModel === undefined) return input
  const fields = await evaluate(overModel, input)
  return unified === null ? fields : nativeFields(unified, fields)
}

/** `$findAppRecordId` and `$findExternalRecordId` for the tables that a connection has. */
function linkResolvers(database: Database, connection: Connection, instanceKey: string): FormulaResolvers {
  const { workspaceId, id: connectionId, customerId, integrationId } = connection
  const reach = { workspaceId, connectionId, customerId, integrationId }
  const resolve = (direction: 'import' | 'export') => async (link: DataLink) => {
    const recordId = String(link.recordId)
    for (const key of new Set([instanceKey, ''])) {
      const tables = await ownByKey(database.db, 'data-link-table', reach, String(link.dataLinkTableKey), key)
      const table = tables.find((each) => each.archivedAt === null)
      if (table === undefined) continue
      const found = await newestLink(database.db, {
        tableId: table.id,
        direction,
        externalRecordId: direction === 'import' ? recordId : null,
        appRecordId: direction === 'export' ? recordId : null,
      })
      if (found !== null) return direction === 'import' ? found.appRecordId : found.externalRecordId
    }
    return undefined
  }
  return { resolveImportDataLink: resolve('import'), resolveExportDataLink: resolve('export') }
}
