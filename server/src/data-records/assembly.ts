import type { RouteSet } from '../api/routes.ts'
import type { Connections } from '../connections/connections.ts'
import type { DataCollections } from '../data-collections/data-collections.ts'
import type { DataElementsRoom } from '../data-elements/assembly.ts'
import type { Database } from '../platform/database.ts'
import { createRecordWorks, type RecordWorks } from './record-work.ts'
import { sourceRecordRoutes } from './routes.ts'

export interface DataRecordsRoomOptions {
  database: Database
  connections: Connections
  collections: DataCollections
  elements: DataElementsRoom
}

/** What is done with records of external apps, put together. */
export function createDataRecordsRoom(options: DataRecordsRoomOptions): { api: RecordWorks; routes: RouteSet[] } {
  const { database, connections, collections, elements } = options
  const { instances, links } = elements
  return {
    api: createRecordWorks({ database, connections, collections, instances, links }),
    routes: [sourceRecordRoutes({ database, connections, collections, instances })],
  }
}
