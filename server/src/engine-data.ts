import { archiveActionsOfConnection } from './actions/store.ts'
import type { AppCalls } from './connections/app-calls.ts'
import type { Connection } from './connections/connection.ts'
import { createDataCollections } from './data-collections/data-collections.ts'
import { dataCollectionRoutes } from './data-collections/routes.ts'
import { createDataElementsRoom, type DataElementsRoomOptions } from './data-elements/assembly.ts'
import { archiveElementsOfConnection } from './data-elements/store.ts'
import { createDataRecordsRoom } from './data-records/assembly.ts'
import { createRecordSchemas } from './data-records/record-schemas.ts'
import { resolveSource } from './data-records/source.ts'
import { createRecordEvents } from './external-events/record-events.ts'
import type { Connector } from './integrations/connector.ts'
import type { Integration } from './integrations/integration.ts'
import type { Tx } from './platform/database.ts'

export interface DataOptions extends Omit<DataElementsRoomOptions, 'collections'> {
  appCalls: AppCalls
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration): Promise<Connector | null>
}

/** What stands on records of external apps. */
export function createData(options: DataOptions) {
  const { database, connections, appCalls, connectorOf } = options
  const collections = createDataCollections({ connections, appCalls })
  const elements = createDataElementsRoom({ ...options, collections })
  const records = createDataRecordsRoom({ database, connections, collections, elements })
  const collectionRoutes = dataCollectionRoutes({ database, connections, collections, connectorOf })
  return {
    collections,
    records: records.api,
    schemas: createRecordSchemas({ database, connections, collections, connectorOf }),
    routes: [...elements.routes, collectionRoutes, ...records.routes],
    recordEvents: createRecordEvents({ connections, appCalls }),
    sourceOf: (tx: Tx, connection: Connection, config: unknown, instanceKey: string) =>
      resolveSource({ database, connections }, connection, config, instanceKey, tx),
  }
}

/** What a connection has of its own goes with it. */
export async function archiveOwnOf(tx: Tx, connection: { id: string }, now: Date): Promise<void> {
  await archiveActionsOfConnection(tx, connection.id, now)
  await archiveElementsOfConnection(tx, connection.id, now)
}
