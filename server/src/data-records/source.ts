import type { ConnectorDefinition } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { type CollectionPlace, placeOfPath } from '../data-collections/collection.ts'
import { objectIn } from '../data-collections/records.ts'
import { defaultCollection } from '../data-collections/unified-models.ts'
import { contentsOf } from '../data-elements/inheritance.ts'
import { type ElementReach, narrowestElementByKey } from '../data-elements/store.ts'
import { isRecord } from '../formulas/coercion.ts'
import type { Database, Tx } from '../platform/database.ts'

type Json = Record<string, unknown>

/** Seconds between two looks at an app, where nobody says anything else, and the least there may be. */
const PULL_UPDATES_SECONDS = 300
const FULL_SYNC_SECONDS = 10_800
const LEAST_SECONDS = 60

/** Where the records of a data source are, for one connection. */
export interface ResolvedSource {
  place: CollectionPlace
  udm: string | null
  pullUpdatesIntervalSeconds: number
  fullSyncIntervalSeconds: number
}

export interface SourceOptions {
  database: Database
  connections: Pick<Connections, 'appOf'>
}

/**
 * The collection that `dataSource` of a node or an action means on a connection: the element that `key` names, the
 * connection's own first, with what stands beside the key laid over it. What is only a data model is the collection that
 * the app's connector has for it. A text says what is missing.
 *
 * @source wire data facts 2 and 2.1
 */
export async function resolveSource(
  { database, connections }: SourceOptions,
  connection: Connection,
  config: unknown,
  instanceKey: string,
  tx?: Tx,
): Promise<ResolvedSource | { problem: string }> {
  const { workspaceId, id: connectionId, customerId, integrationId } = connection
  const reach = { workspaceId, connectionId, customerId, integrationId }
  const source = await sourceContent(tx ?? database.db, reach, config, instanceKey)
  if (source === null) return { problem: `there is no data source ${JSON.stringify(keyOf(config))}` }
  const udm = udmOf(source)
  const place = await collectionPlaceOf(
    source,
    async () => (await connections.appOf(connection, tx))?.connector.definition,
  )
  if (place === null) return { problem: problemOf(keyOf(config), udm) }
  return {
    place,
    udm,
    pullUpdatesIntervalSeconds: secondsOf(source.pullUpdatesIntervalSeconds, PULL_UPDATES_SECONDS),
    fullSyncIntervalSeconds: secondsOf(source.fullSyncIntervalSeconds, FULL_SYNC_SECONDS),
  }
}

/** What a data source comes to for a reach: the narrowest element of its key, with what stands beside the key laid over it. */
export async function sourceContent(
  tx: Tx,
  reach: ElementReach,
  config: unknown,
  instanceKey: string,
): Promise<Json | null> {
  const { key: _key, ...beside } = typeof config === 'string' ? { key: config } : objectIn(config)
  const key = keyOf(config)
  if (key === null) return present(beside)
  const element = await narrowestElementByKey(tx, 'data-source', reach, key, instanceKey)
  if (element === null) return null
  const content = (await contentsOf(tx, [element])).get(element.id) ?? {}
  return { ...content, ...present(beside) }
}

function keyOf(config: unknown): string | null {
  const key = typeof config === 'string' ? config : objectIn(config).key
  return typeof key === 'string' && key !== '' ? key : null
}

function udmOf({ udm }: Json): string | null {
  return typeof udm === 'string' && udm !== '' ? udm : null
}

/** The collection that a source means; `definitionOf` is asked where only the app's connector knows. */
export async function collectionPlaceOf(
  source: Json,
  definitionOf: () => Promise<ConnectorDefinition | undefined>,
): Promise<CollectionPlace | null> {
  const { collectionKey, collectionParameters, path, defaultPath } = source
  if (typeof collectionKey === 'string' && collectionKey !== '')
    return { key: collectionKey, parameters: isRecord(collectionParameters) ? collectionParameters : {} }
  const older = placeOfPath(path) ?? placeOfPath(defaultPath)
  if (older !== null) return { ...older, parameters: { ...older.parameters, ...objectIn(collectionParameters) } }
  const udm = udmOf(source)
  const definition = udm === null ? undefined : await definitionOf()
  return udm === null || definition === undefined ? null : defaultCollection(definition, udm)
}

function problemOf(key: unknown, udm: string | null): string {
  if (udm !== null) return `the app has no collection for the model ${JSON.stringify(udm)}`
  return typeof key === 'string'
    ? `the data source ${JSON.stringify(key)} names no collection`
    : 'no data source is named'
}

function secondsOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(LEAST_SECONDS, value) : otherwise
}

function present(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
}
