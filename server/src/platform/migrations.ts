import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'
import type { Database } from './database.ts'

const DIRECTORY = new URL('../../migrations/', import.meta.url)

/** All processes that start at once migrate one after the other under this session lock. */
const MIGRATION_LOCK = 0x7065726d

/**
 * Brings the database to the newest schema: every file of `server/migrations` that is not recorded yet,
 * in order of its number, each in a transaction of its own. Safe to call from many processes at once. Throws where the
 * database has migrations that this version does not know: what it would write might not be what is expected there.
 * `only`: goes no further than these, as a backup of an older version needs it.
 */
export async function migrate(
  database: Database,
  { directory = DIRECTORY, only = null }: { directory?: URL; only?: readonly string[] | null } = {},
): Promise<void> {
  const client = await database.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(
      'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
    )
    const { rows } = await client.query<{ name: string }>('select name from migrations')
    const applied = new Set(rows.map((row) => row.name))
    const names = await migrationNames(directory)
    const unknown = [...applied].filter((name) => !names.includes(name)).sort()
    if (unknown.length > 0)
      throw new Error(
        `the database was made by a newer version (it has ${unknown.at(-1)}, which this one does not know)`,
      )
    for (const name of names) {
      if (!applied.has(name) && (only === null || only.includes(name))) await apply(client, directory, name)
    }
  } finally {
    await client.end()
  }
}

/** Names of the migrations that the database lacks, oldest first. */
export async function missingMigrations(database: Database): Promise<string[]> {
  const { rows: tables } = await database.pool.query<{ found: boolean }>(
    "select to_regclass('migrations') is not null as found",
  )
  if (tables[0]?.found !== true) return migrationNames()
  const { rows } = await database.pool.query<{ name: string }>('select name from migrations')
  const applied = new Set(rows.map((row) => row.name))
  return (await migrationNames()).filter((name) => !applied.has(name))
}

/** File names of all migrations, oldest first. */
export async function migrationNames(directory = DIRECTORY): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
}

async function apply(client: pg.Client, directory: URL, name: string): Promise<void> {
  const text = await readFile(new URL(name, directory), 'utf8')
  await client.query('begin')
  try {
    await client.query(text)
    await client.query('insert into migrations (name) values ($1)', [name])
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback')
    throw new Error(`migration ${name} failed: ${(cause as Error).message}`, { cause })
  }
}

/** The names of the functions that migrations make in the database. */
export async function migratedFunctions(directory = DIRECTORY): Promise<string[]> {
  const texts = await Promise.all(
    (await migrationNames(directory)).map((name) => readFile(new URL(name, directory), 'utf8')),
  )
  return [
    ...new Set(
      texts.flatMap((text) =>
        [...text.matchAll(/create (?:or replace )?function (\w+)/gi)].map(([, name = '']) => name),
      ),
    ),
  ]
}
