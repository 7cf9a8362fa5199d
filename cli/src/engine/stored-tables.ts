import type pg from 'pg'

/** Where the queue keeps its jobs; the engine's own tables are in the schema that the connection is in. */
export const QUEUE_SCHEMA = 'graphile_worker'

/** `own`: the engine's; `queue`: those of the job queue. */
export type Area = 'own' | 'queue'

export interface StoredTable {
  area: Area
  name: string
  /** Those that hold something: generated ones follow from the others. */
  columns: string[]
  /** Of a table that is kept in parts, all parts but the default one, with the range of each as SQL. */
  partitions: { name: string; bounds: string }[]
}

/** What has run on a database: written by running it again, not by copying. */
const RECORDS_OF_MIGRATION = new Set(['own.migrations', 'queue.migrations'])

/** Every table that holds data, without those of extensions. */
export async function storedTables(client: pg.Client): Promise<StoredTable[]> {
  const { rows } = await client.query<StoredTable>(
    `select case when n.nspname = $1 then 'queue' else 'own' end as area, c.relname as name,
            (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
            (select coalesce(json_agg(json_build_object('name', p.relname, 'bounds', pg_get_expr(p.relpartbound, p.oid))
                                      order by p.relname), '[]')
               from pg_inherits i join pg_class p on p.oid = i.inhrelid
              where i.inhparent = c.oid and pg_get_expr(p.relpartbound, p.oid) <> 'DEFAULT') as partitions
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ($1, current_schema())
        and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      order by 1, 2`,
    [QUEUE_SCHEMA],
  )
  return rows.filter(({ area, name }) => !RECORDS_OF_MIGRATION.has(`${area}.${name}`))
}

export interface StoredSequence {
  area: Area
  name: string
  /** As text: it may be more than a number holds. */
  lastValue: string
}

/** The sequences that have given something, with what they gave last. */
export async function storedSequences(client: pg.Client): Promise<StoredSequence[]> {
  const { rows } = await client.query<StoredSequence>(
    `select case when schemaname = $1 then 'queue' else 'own' end as area, sequencename as name,
            last_value::text as "lastValue"
       from pg_sequences where schemaname in ($1, current_schema()) and last_value is not null order by 1, 2`,
    [QUEUE_SCHEMA],
  )
  return rows
}

/** Names of the migrations that a database has, oldest first; null where it has never had any. */
export async function appliedMigrations(client: pg.Client): Promise<string[] | null> {
  const { rows } = await client.query<{ found: boolean }>("select to_regclass('migrations') is not null as found")
  if (rows[0]?.found !== true) return null
  const applied = await client.query<{ name: string }>('select name from migrations order by name')
  return applied.rows.map((row) => row.name)
}

/** The schema of an area as SQL names it. */
export async function schemaNames(client: pg.Client): Promise<Record<Area, string>> {
  const { rows } = await client.query<{ own: string }>('select current_schema() as own')
  return { own: rows[0]?.own ?? 'public', queue: QUEUE_SCHEMA }
}

/** `"schema"."name"` */
export function quoted(...parts: readonly string[]): string {
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')
}

/** What is written as text on one server is read as the same on another, whatever either is set to. */
export const SAME_EVERYWHERE = `set client_encoding = 'UTF8'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';
  set extra_float_digits = 3; set timezone = 'UTC'; set bytea_output = 'hex'; set xmloption = 'content';
  set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0`
