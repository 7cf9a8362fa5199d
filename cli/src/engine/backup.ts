import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { ZipFile } from 'yazl'
import type { Database } from '../../../server/src/platform/database.ts'
import { CliProblem } from '../exit-codes.ts'
import { BACKUP_FORMAT, type BackedUpTable, entryNameOf, MANIFEST, type Manifest } from './backup-file.ts'
import {
  appliedMigrations,
  quoted,
  SAME_EVERYWHERE,
  type StoredTable,
  schemaNames,
  storedSequences,
  storedTables,
} from './stored-tables.ts'

export interface BackupOptions {
  database: Database
  /** Where the backup goes; nothing is there under that name before it is whole. */
  file: string
  /** Takes the place of what is there. */
  isReplacing: boolean
  version: string
  madeAt: Date
  /** Ids of the encryption keys of the installation. */
  keys: readonly string[]
  signal: AbortSignal
  report(progress: { table: string; done: number; total: number; rows: number }): void
}

/**
 * Copies everything that the database holds at one moment, table by table, into a zip. The engine goes on meanwhile: one
 * transaction sees the moment it began, takes no lock that work waits for, and writes nothing.
 */
export async function backup(options: BackupOptions): Promise<Manifest> {
  const { database, file, signal } = options
  const part = `${file}.part`
  const client = await database.connect()
  const abort = () => void client.end().catch(() => {})
  signal.addEventListener('abort', abort)
  try {
    await client.query(SAME_EVERYWHERE)
    await client.query('begin isolation level repeatable read, read only')
    const migrations = await appliedMigrations(client)
    if (migrations === null) throw new CliProblem('there is nothing to back up: no engine has ever used this database')
    const manifest = await written(client, part, { ...options, migrations })
    await client.query('commit')
    await kept(part, file, options.isReplacing)
    return manifest
  } catch (error) {
    await rm(part, { force: true })
    throw signal.aborted ? new CliProblem('stopped; no backup was made') : error
  } finally {
    signal.removeEventListener('abort', abort)
    await client.end().catch(() => {})
  }
}

async function written(
  client: pg.Client,
  part: string,
  { version, madeAt, keys, migrations, signal, report }: BackupOptions & { migrations: string[] },
): Promise<Manifest> {
  const schemas = await schemaNames(client)
  const wanted = await storedTables(client)
  const tables: BackedUpTable[] = []
  const manifest = { format: BACKUP_FORMAT, madeAt: madeAt.toISOString(), version, migrations, keys: [...keys], tables }
  let whole: Manifest | null = null
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  const fail = (error: Error) => void output.destroy(error)
  zip.on('error', fail)
  // Where it fails before the pipeline begins, or after it ended, nobody else hears of it.
  output.on('error', () => {})
  const add = (name: string, open: () => Promise<Readable>) =>
    zip.addReadStreamLazy(name, { mtime: madeAt, mode: 0o600 }, (give) => {
      const opened = open()
      opened
        // The zip does not listen to what it reads: a lost connection would end the process.
        .then((stream) => give(null, stream.on('error', fail)))
        .catch((error: Error) => give(error, Readable.from([])))
    })
  // Each is opened when the one before it has been written: one connection gives one table at a time.
  for (const table of wanted)
    add(entryNameOf(table), async () => {
      report({ table: table.name, done: tables.length, total: wanted.length, rows: rowsOf(tables) })
      return rowsAsText(client, schemas[table.area], table, (counted) => tables.push({ ...table, ...counted }))
    })
  add(MANIFEST, async () => {
    whole = { ...manifest, sequences: await storedSequences(client) }
    return Readable.from([Buffer.from(`${JSON.stringify(whole, null, 1)}\n`)])
  })
  zip.end()
  await pipeline(output, createWriteStream(part, { mode: 0o600, flags: 'w', flush: true }), { signal })
  if (whole === null) throw new Error('the backup ended before its manifest')
  return whole
}

function rowsOf(tables: readonly BackedUpTable[]): number {
  return tables.reduce((sum, each) => sum + each.rows, 0)
}

/** The rows of a table as COPY writes them; `done` is told what they came to. */
function rowsAsText(
  client: pg.Client,
  schema: string,
  { name, columns }: StoredTable,
  done: (counted: { rows: number; bytes: number; sha256: string }) => void,
): Readable {
  // Of a table in parts only a query gives the rows.
  const query = `select ${columns.map((each) => quoted(each)).join(', ')} from ${quoted(schema, name)}`
  const copied = client.query(copyTo(`copy (${query}) to stdout`))
  // Who reads it hears of an error; before anybody does, nobody need.
  copied.on('error', () => {})
  return Readable.from(
    (async function* () {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of copied as AsyncIterable<Buffer>) {
        hash.update(chunk)
        bytes += chunk.length
        yield chunk
      }
      done({ rows: copied.rowCount, bytes, sha256: hash.digest('hex') })
    })(),
    { objectMode: false },
  )
}

/** Gives the file its name once the disk has it; never the place of another that nobody said it may take. */
async function kept(part: string, file: string, isReplacing: boolean): Promise<void> {
  const handle = await open(part, 'r+')
  await handle.sync().finally(() => handle.close())
  if (isReplacing) return rename(part, file)
  try {
    await link(part, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliProblem(`${file} exists; --force takes its place`, 'usage')
    return rename(part, file)
  }
  await rm(part)
}
