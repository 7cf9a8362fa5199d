import { createEmptyDatabase } from '@permea/testkit'
import { expect, test } from 'vitest'
import { migrateAll } from '../server/src/engine.ts'
import { silentLog } from '../server/src/platform/log.ts'
import { PRINT_SCHEMA_COMMAND, printedSchema, SCHEMA_PATH } from './print-schema.ts'
import { textOf } from './source-files.ts'

test('the committed schema is what the migrations come to, however many processes apply them at once', async () => {
  await using database = await createEmptyDatabase()
  await Promise.all(Array.from({ length: 20 }, () => migrateAll(database.url, silentLog)))
  const printed = await printedSchema(database.url)
  expect(printed).toContain('create table flow_runs_active')
  const remedy = `${SCHEMA_PATH} is not what the migrations come to; run \`${PRINT_SCHEMA_COMMAND}\` and commit it`
  expect(textOf(SCHEMA_PATH), remedy).toBe(printed)
})
