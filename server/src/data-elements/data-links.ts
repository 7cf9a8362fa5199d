import type { DataLink } from '@permea/contract'
import type { z } from 'zod'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { DataElement } from './data-element.ts'
import { type DataLinkRow, deleteLinks, listLinks, newestLink, putLinks } from './store.ts'

type Direction = 'import' | 'export' | 'both'

/** What a link is known by; what is absent fits all. */
export interface LinkOf {
  externalRecordId?: string | undefined
  appRecordId?: string | undefined
  direction?: Direction | undefined
}

/** Links of records in tables that connections have. */
export interface DataLinks {
  /** `both` makes two. A link that is there already becomes the newest. */
  put(table: DataElement, link: { externalRecordId: string; appRecordId: string; direction: Direction }): Promise<void>
  remove(table: DataElement, link: LinkOf): Promise<void>
  /** The record that the newest link of the other one leads to. */
  follow(table: DataElement, direction: 'import' | 'export', recordId: string): Promise<DataLinkRow | null>
  list(
    table: DataElement,
    query: LinkOf & { limit?: number | undefined; cursor?: string | undefined },
  ): Promise<{ items: z.input<typeof DataLink>[]; cursor?: string }>
}

export function createDataLinks({ database, clock, ids }: { database: Database; clock: Clock; ids: Ids }): DataLinks {
  const { db } = database
  const filterOf = (table: DataElement, link: LinkOf) => ({
    tableId: table.id,
    externalRecordId: link.externalRecordId ?? null,
    appRecordId: link.appRecordId ?? null,
    direction: link.direction === undefined || link.direction === 'both' ? null : link.direction,
  })
  return {
    async put(table, { externalRecordId, appRecordId, direction }) {
      const directions = direction === 'both' ? (['import', 'export'] as const) : ([direction] as const)
      const rows = directions.map((each) => ({
        id: ids.next(),
        tableId: table.id,
        externalRecordId,
        appRecordId,
        direction: each,
      }))
      await putLinks(db, rows, clock.now())
    },
    remove: (table, link) => deleteLinks(db, filterOf(table, link)),
    follow(table, direction, recordId) {
      const of = direction === 'import' ? { externalRecordId: recordId } : { appRecordId: recordId }
      return newestLink(db, filterOf(table, { ...of, direction }))
    },
    async list(table, query) {
      const page = pageOf(query, 'dl')
      const rows = await listLinks(db, filterOf(table, query), page)
      return listAnswer(rows, page, 'dl', (row) => ({
        id: toWire('dl', row.id),
        dataLinkTableInstanceId: toWire('dlt', row.tableId),
        externalRecordId: row.externalRecordId,
        appRecordId: row.appRecordId,
        direction: row.direction,
      }))
    },
  }
}
