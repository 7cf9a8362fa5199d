import { buildHouse } from '@permea/testkit'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { definitionsByKey as actionsByKey } from '../actions/store.ts'
import { elementsByKey as dataElementsByKey } from '../data-elements/store.ts'
import { appEventTypeByKey } from '../event-types/store.ts'
import { externalEventTypesByKey } from '../external-event-types/store.ts'
import { flowsByKey } from '../flows/store.ts'
import { connectorByKey } from '../integrations/connector-store.ts'
import { integrationByKey } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'

const OTHERS = 1_000

test('an element is found by its key without reading the others of its kind, so that imports take their length', async () => {
  await using house = await buildHouse()
  const { admin } = house
  const key = 'wanted'
  const nothing = 'export default () => ({})'
  await admin.connectors.create({ body: { key, name: key } })
  await admin.integrations.create({ body: { key, connectorKey: key } })
  await admin.appEventTypes.create({ body: { key } })
  await admin.externalEventTypes.create({ body: { key, subscribe: nothing, unsubscribe: nothing, handle: nothing } })
  await admin.actions.create({ body: { key, type: 'api-request-to-external-app' } })
  await admin.flows.create({ body: { key, nodes: {} } })
  await admin.dataSources.create({ body: { key } })
  const { database } = house.engine
  const lookups: Record<string, (tx: Database['db']) => Promise<unknown>> = {
    connectors: (tx) => connectorByKey(tx, house.workspace.id, key),
    integrations: (tx) => integrationByKey(tx, house.workspace.id, key),
    app_event_types: (tx) => appEventTypeByKey(tx, house.workspace.id, key),
    external_event_types: (tx) => externalEventTypesByKey(tx, house.workspace.id, key),
    actions: (tx) => actionsByKey(tx, house.workspace.id, key),
    flows: (tx) => flowsByKey(tx, house.workspace.id, key, null),
    data_elements: (tx) => dataElementsByKey(tx, house.workspace.id, 'data-source', key),
  }
  for (const [table, look] of Object.entries(lookups)) {
    await sql`
      insert into ${sql.table(table)} select other.* from ${sql.table(table)} mine, generate_series(1, ${OTHERS}::int) i,
        lateral (select gen_random_uuid() as id, i as number) fresh,
        lateral jsonb_populate_record(mine, jsonb_build_object('id', fresh.id, 'root_id', fresh.id, 'uuid', fresh.id,
          'webhook_key', fresh.id, 'key', 'other-' || fresh.number)) other
       where mine.key = ${key}`.execute(database.db)
    await sql`analyze ${sql.table(table)}`.execute(database.db)
    const { found, read } = await database.transaction(async (tx) => {
      const before = await readSoFar(tx, table)
      const found = await look(tx)
      return { found, read: (await readSoFar(tx, table)) - before }
    })
    expect([table, [found].flat()]).toEqual([table, [expect.objectContaining({ key })]])
    // What was changed meanwhile may be passed by.
    expect([table, read < 10]).toEqual([table, true])
  }
})

/** Rows of a table that this connection has read, as far as it has not reported them yet. */
async function readSoFar(tx: Database['db'], table: string): Promise<number> {
  const { rows } = await sql<{ read: number }>`
    select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = ${table}`.execute(
    tx,
  )
  return rows[0]?.read ?? Number.NaN
}
