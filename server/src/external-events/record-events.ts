import type { AppCalls } from '../connections/app-calls.ts'
import type { Connections } from '../connections/connections.ts'
import { collectionOf } from '../data-collections/collection.ts'
import { objectIn, recordOf } from '../data-collections/records.ts'
import { recordEventOf } from '../external-subscriptions/record-event.ts'
import { isRecord } from '../formulas/coercion.ts'
import { toWire } from '../platform/ids.ts'
import type { ExternalSource } from './store.ts'

/** Makes of what `handle` gave of a collection's records what triggers hand on: `{ type, record }`. */
export interface RecordEvents {
  /**
   * The events of the kind that the subscription is of, their records whole; others are left out, and as they are where
   * the subscription is of no records. Throws `FunctionFailed`.
   */
  shaped(source: ExternalSource, events: readonly unknown[], webhookId: string): Promise<readonly unknown[]>
}

export function createRecordEvents(options: {
  connections: Pick<Connections, 'byId' | 'appOf'>
  appCalls: Pick<AppCalls, 'callFunction'>
}): RecordEvents {
  const { connections, appCalls } = options
  return {
    async shaped(source, events, webhookId) {
      const of = source.eventKey === null ? null : recordEventOf(source.eventKey)
      if (of === null || events.length === 0) return events
      const connection = await connections.byId(source.workspaceId, source.connectionId)
      const app = connection === null ? null : await connections.appOf(connection)
      const collection = app === null ? null : collectionOf(app.connector.definition, of.collectionKey)
      if (connection === null || collection === null) return []
      const parameters = { ...collection.defaults, ...source.parameters }
      const call = { appCalls, connection, collection, parameters, sourceId: toWire('iwh', webhookId) }
      const shaped: unknown[] = []
      for (const event of events) {
        const { type, record: given } = objectIn(event)
        if (type !== undefined && type !== of.type) continue
        const record = await recordOf(call, given ?? (isRecord(event) && type === undefined ? event : null))
        if (record !== null) shaped.push({ type: of.type, record })
      }
      return shaped
    },
  }
}
