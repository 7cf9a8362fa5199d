import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { migrateAll } from '../../../server/src/engine.ts'
import { createDatabase, type Database } from '../../../server/src/platform/database.ts'
import type { Log } from '../../../server/src/platform/log.ts'
import { migrate, migratedFunctions, migrationNames } from '../../../server/src/platform/migrations.ts'
import { migrateQueue } from '../../../server/src/platform/queue.ts'
import { CliProblem } from '../exit-codes.ts'
import { type BackedUpTable, type BackupFile, entryNameOf, type Manifest } from './backup-file.ts'
import {
  type Area,
  appliedMigrations,
  QUEUE_SCHEMA,
  quoted,
  SAME_EVERYWHERE,
  schemaNames,
  storedTables,
} from './stored-tables.ts'

type Report = (progress: { doing: 'checking' | 'writing'; table: string; done: number; total: number }) => void

/** Reads every table of a backup to its end; throws where one is not what was written. */
export async function checkBackup(backup: BackupFile, report: Report): Promise<void> {
  const { tables } = backup.manifest
  for (const [done, table] of tables.entries()) {
    report({ doing: 'checking', table: table.name, done, total: tables.length })
    for await (const _ of await backup.rowsOf(table));
  }
}

/** Refuses a backup of a version that is newer than this one. */
export async function refuseNewer({ migrations, version }: Manifest): Promise<void> {
  const known = new Set(await migrationNames())
  const unknown = migrations.find((each) => !known.has(each))
  if (unknown !== undefined)
    throw new CliProblem(
      `the backup was made by a newer version (${version}): it has ${unknown}, which this one does not know. Restore it with that version`,
    )
}

export interface RestoreOptions {
  databaseUrl: string
  backup: BackupFile
  /** Throws away what the database has. */
  isForced: boolean
  log: Log
  report: Report
}

/**
 * Makes an empty database what it was when the backup was made, and then of this version's schema. What goes wrong while
 * rows are written leaves a database without any.
 */
export async function restore({ databaseUrl, backup, isForced, log, report }: RestoreOptions): Promise<void> {
  const { migrations, tables } = backup.manifest
  const database = createDatabase({ url: databaseUrl, connectionsMax: 2, log })
  try {
    const client = await database.connect()
    try {
      await client.query(SAME_EVERYWHERE)
      await refuseEnginesAtWork(client)
      await makeEmpty(client, isForced)
      await migrate(database, { only: migrations })
      await migrateQueue(database, log)
      await client.query('begin')
      await fill(client, backup, report)
      await client.query('commit')
      // Without it the first statements are planned as if there were nothing.
      await client.query('analyze')
    } finally {
      await client.end().catch(() => {})
    }
    await checkCounts(database, tables)
  } finally {
    await database.close()
  }
  await migrateAll(databaseUrl, log)
}

async function refuseEnginesAtWork(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and application_name = 'permea' and pid <> pg_backend_pid()`,
  )
  if ((rows[0]?.count ?? 0) > 0) throw new CliProblem('an engine is at work on this database: stop it first')
}

/** Takes away what an engine that was never used left; with force, whatever there is. */
async function makeEmpty(client: pg.Client, isForced: boolean): Promise<void> {
  const schemas = await schemaNames(client)
  const { rows: relations } = await client.query<{ name: string; kind: string }>(
    `select c.relname as name, case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind
       from pg_class c
      where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
        and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`,
  )
  if (relations.length > 0 && (await appliedMigrations(client)) === null)
    throw new CliProblem(
      `the database has tables that are not the engine's (${relations[0]?.name} …): restore into a database of its own`,
    )
  for (const table of isForced ? [] : await storedTables(client)) {
    const name = quoted(schemas[table.area], table.name)
    const { rows } = await client.query<{ found: boolean }>(`select exists (select 1 from ${name}) as found`)
    // What the queue notes of itself is nobody's data.
    if (rows[0]?.found === true && table.area === 'own')
      throw new CliProblem(
        `the database is not empty (${table.name} has rows). Restore into an empty one, or throw away what is there with --force`,
      )
  }
  await client.query('begin')
  await client.query(`drop schema if exists ${quoted(QUEUE_SCHEMA)} cascade`)
  for (const { name, kind } of relations)
    await client.query(`drop ${kind} if exists ${quoted(schemas.own, name)} cascade`)
  for (const signature of relations.length === 0 ? [] : await functionsOf(client))
    await client.query(`drop function if exists ${signature} cascade`)
  await client.query('commit')
}

/** What migrations make beside tables, as `name(types)`. */
async function functionsOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ signature: string }>(
    `select oid::regprocedure::text as signature from pg_proc
      where pronamespace = current_schema()::regnamespace and proname = any($1)`,
    [await migratedFunctions()],
  )
  return rows.map(({ signature }) => signature)
}

/** Writes the rows of every table; what ties tables to each other is put back when all are there. */
async function fill(client: pg.Client, backup: BackupFile, report: Report): Promise<void> {
  const schemas = await schemaNames(client)
  const { manifest } = backup
  await checkColumns(client, manifest)
  const ties = await foreignKeys(client)
  for (const { table, name } of ties) await client.query(`alter table ${table} drop constraint ${quoted(name)}`)
  for (const [done, table] of manifest.tables.entries()) {
    report({ doing: 'writing', table: table.name, done, total: manifest.tables.length })
    await fillTable(client, schemas[table.area], table, backup)
  }
  for (const { table, name, definition } of ties)
    await client.query(`alter table ${table} add constraint ${quoted(name)} ${definition}`)
  for (const { area, name, lastValue } of manifest.sequences)
    await client.query('select setval($1::regclass, $2::bigint)', [quoted(schemas[area], name), lastValue])
}

async function fillTable(client: pg.Client, schema: string, table: BackedUpTable, backup: BackupFile): Promise<void> {
  const name = quoted(schema, table.name)
  await client.query(`lock table ${name} in access exclusive mode`)
  await client.query(`alter table ${name} disable trigger user`)
  for (const part of table.partitions)
    await client.query(`create table ${quoted(schema, part.name)} partition of ${name} ${part.bounds}`)
  const columns = table.columns.map((each) => quoted(each)).join(', ')
  await pipeline(await backup.rowsOf(table), client.query(copyFrom(`copy ${name} (${columns}) from stdin`)))
  await client.query(`alter table ${name} enable trigger user`)
}

/** The queue's tables are those of this version: rows of others may not fit. */
async function checkColumns(client: pg.Client, { tables, version }: Manifest): Promise<void> {
  const there = new Map((await storedTables(client)).map((each) => [entryNameOf(each), new Set(each.columns)]))
  for (const table of tables) {
    const columns = there.get(entryNameOf(table))
    const missing = table.columns.find((each) => columns?.has(each) !== true)
    if (columns === undefined || missing !== undefined)
      throw new CliProblem(
        `this version keeps ${table.name} in another form (${missing ?? 'it is not there'}): restore with version ${version}, then upgrade`,
      )
  }
}

async function foreignKeys(client: pg.Client): Promise<{ table: string; name: string; definition: string }[]> {
  const { rows } = await client.query<{ schema: string; relation: string; name: string; definition: string }>(
    `select n.nspname as schema, c.relname as relation, k.conname as name, pg_get_constraintdef(k.oid) as definition
       from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and k.conparentid = 0 and n.nspname in ($1, current_schema())`,
    [QUEUE_SCHEMA],
  )
  return rows.map(({ schema, relation, ...rest }) => ({ ...rest, table: quoted(schema, relation) }))
}

/** Says what is there, counted, rather than what was sent. */
async function checkCounts(database: Database, tables: readonly BackedUpTable[]): Promise<void> {
  const client = await database.connect()
  try {
    await client.query('set statement_timeout = 0')
    const schemas: Record<Area, string> = await schemaNames(client)
    for (const { area, name, rows } of tables) {
      const counted = await client.query<{ count: number }>(
        `select count(*) as count from ${quoted(schemas[area], name)}`,
      )
      const count = Number(counted.rows[0]?.count)
      if (count !== rows) throw new Error(`${name} has ${count} rows after the restore, and had ${rows}`)
    }
  } finally {
    await client.end()
  }
}
