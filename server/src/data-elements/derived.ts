import type { Connections } from '../connections/connections.ts'
import { placeOfPath } from '../data-collections/collection.ts'
import type { DataCollections } from '../data-collections/data-collections.ts'
import { defaultCollection, unifiedMapping } from '../data-collections/unified-models.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'
import { composed } from './composed.ts'
import { contentsOf } from './inheritance.ts'
import { elementsByKey } from './store.ts'
import type { Derived, Surroundings } from './views.ts'

type Json = Record<string, unknown>

export interface DerivedOptions {
  database: Database
  connections: Pick<Connections, 'appOf'>
  collections: Pick<DataCollections, 'specOf'>
  connectorOf(integration: Integration): Promise<Connector | null>
}

/**
 * What follows for an element from the connector of its app: the collection that a data source means, and what a
 * mapping's defaults come to in fields of that collection.
 *
 * @source wire data facts 2 and 3.1
 */
export function createDerivation(options: DerivedOptions): (of: Surroundings) => Promise<Derived> {
  const { collections } = options

  async function connectorFor({ integration, connection }: Surroundings): Promise<Connector | null> {
    if (connection !== null) return (await options.connections.appOf(connection))?.connector ?? null
    return integration === null ? null : options.connectorOf(integration)
  }

  return async (of) => {
    const { kind } = of.element
    const isPlain = kind !== 'data-source' && kind !== 'field-mapping'
    const connector = isPlain ? null : await connectorFor(of)
    if (connector === null) return { fields: {}, errors: [] }
    if (kind === 'data-source') return { fields: sourceFields(of, connector, collections), errors: [] }
    const source = await sourceOf(options.database, of.element, of.content)
    const key = collectionKeyOf(source, connector)
    const values = key === null ? {} : valuesFor(of.content, connector, { key, source })
    const fieldsSchema = key === null ? undefined : collections.specOf(connector, key)?.fieldsSchema
    return { fields: { ...values, dataSourceSchema: fieldsSchema }, errors: [] }
  }
}

/** What the defaults of a mapping come to for an integration; nothing where they cannot be composed. */
export function createGeneration({ database, connectorOf }: DerivedOptions) {
  return async (of: { workspaceId: string; integrationId: string | null; content: Json }): Promise<Json> => {
    const { importValue: _import, exportValue: _export, ...content } = of.content
    const { integrationId } = of
    const integration =
      integrationId === null ? undefined : (await integrationsByIds(database.db, [integrationId])).get(integrationId)
    const connector = integration === undefined ? null : await connectorOf(integration)
    if (connector === null) return {}
    const source = await sourceOf(database, { ...of, connectionId: null }, content)
    const key = collectionKeyOf(source, connector)
    return key === null ? {} : valuesFor(content, connector, { key, source })
  }
}

function sourceFields(
  { content, isAlone }: Surroundings,
  connector: Connector,
  collections: DerivedOptions['collections'],
): Json {
  const meant = typeof content.udm === 'string' ? defaultCollection(connector.definition, content.udm) : null
  const key = collectionKeyOf(content, connector)
  return {
    ...(meant === null
      ? {}
      : {
          defaultCollectionKey: meant.key,
          ...(Object.keys(meant.parameters).length === 0 ? {} : { defaultCollectionParameters: meant.parameters }),
        }),
    ...(key === null || !isAlone ? {} : { collectionSpec: collections.specOf(connector, key) ?? undefined }),
  }
}

/** What a mapping's data source says, the narrowest for the app. */
async function sourceOf(
  { db }: Database,
  element: { workspaceId: string; connectionId: string | null; integrationId: string | null },
  content: Json,
): Promise<Json> {
  const { dataSourceKey } = content
  if (typeof dataSourceKey !== 'string') return {}
  const all = (await elementsByKey(db, element.workspaceId, 'data-source', dataSourceKey)).filter(
    (each) => each.archivedAt === null,
  )
  const own = all.find((each) => element.connectionId !== null && each.connectionId === element.connectionId)
  const ofIntegration = all.find((each) => each.connectionId === null && each.integrationId === element.integrationId)
  const source = own ?? ofIntegration ?? all.find((each) => each.integrationId === null)
  return source === undefined ? {} : ((await contentsOf(db, [source])).get(source.id) ?? {})
}

function valuesFor(content: Json, { definition }: Connector, { key, source }: { key: string; source: Json }): Json {
  const unified = unifiedMapping(definition, key, typeof source.udm === 'string' ? source.udm : null)
  const importOverModel = content.unifiedImportValue ?? content.defaultImportValue
  const exportOverModel = content.unifiedExportValue ?? content.defaultExportValue
  const imported = unified === null ? importOverModel : composed(importOverModel, unified.fieldsFromCollection)
  const exported = unified === null ? exportOverModel : composed(unified.fieldsToCollection, exportOverModel)
  return { importValue: content.importValue ?? imported, exportValue: content.exportValue ?? exported }
}

function collectionKeyOf(content: Json, { definition }: Connector): string | null {
  const { collectionKey, path, defaultPath, udm } = content
  if (typeof collectionKey === 'string' && collectionKey !== '') return collectionKey
  const older = placeOfPath(path) ?? placeOfPath(defaultPath)
  if (older !== null) return older.key
  return typeof udm === 'string' ? (defaultCollection(definition, udm)?.key ?? null) : null
}
