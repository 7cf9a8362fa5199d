import { migrateAll } from '../../../server/src/engine.ts'
import { createDatabase } from '../../../server/src/platform/database.ts'
import { createLog } from '../../../server/src/platform/log.ts'
import { missingMigrations } from '../../../server/src/platform/migrations.ts'
import type { Surroundings } from '../surroundings.ts'
import { configurationOf, openDatabase } from './installation.ts'

/** Applies the migrations that the database lacks, or only looks; resolves to those that it lacked. */
export async function migrate(around: Surroundings, isLookOnly: boolean): Promise<string[]> {
  await using opened = await openDatabase(configurationOf(around))
  const log = createLog('warn')
  const database = createDatabase({ url: opened.url, connectionsMax: 1, log })
  const missing = await missingMigrations(database).finally(() => database.close())
  if (!isLookOnly) await migrateAll(opened.url, log)
  return missing
}
