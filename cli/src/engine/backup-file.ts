import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import yauzl from 'yauzl'
import { z } from 'zod'
import { CliProblem } from '../exit-codes.ts'

/** What a backup says of itself: the last entry of its zip, `manifest.json`. */
const ManifestShape = z.object({
  /** Grows when an older reader would misread. */
  format: z.number(),
  madeAt: z.string(),
  /** Version of `permea` that made it. */
  version: z.string(),
  /** Migrations that the database had, oldest first. */
  migrations: z.array(z.string()),
  /** Ids of the encryption keys that were there; not the keys. */
  keys: z.array(z.string()),
  tables: z.array(
    z.object({
      area: z.enum(['own', 'queue']),
      name: z.string(),
      columns: z.array(z.string()),
      partitions: z.array(z.object({ name: z.string(), bounds: z.string() })),
      rows: z.number(),
      bytes: z.number(),
      sha256: z.string(),
    }),
  ),
  sequences: z.array(z.object({ area: z.enum(['own', 'queue']), name: z.string(), lastValue: z.string() })),
})

export type Manifest = z.infer<typeof ManifestShape>
export type BackedUpTable = Manifest['tables'][number]

export const BACKUP_FORMAT = 1
export const MANIFEST = 'manifest.json'
const MANIFEST_BYTES_MAX = 64 * 1024 * 1024

/** Where the rows of a table are in the zip, as PostgreSQL's COPY writes them as text. */
export function entryNameOf({ area, name }: { area: string; name: string }): string {
  return `${area}/${name}.copy`
}

/** A backup that is there to be read. */
export interface BackupFile extends AsyncDisposable {
  manifest: Manifest
  /** The rows of a table; fails where they are not what was written. */
  rowsOf(table: BackedUpTable): Promise<Readable>
}

/** Opens a backup and reads what it says of itself; throws a `CliProblem` for what is none, or of a newer version. */
export async function openBackup(path: string): Promise<BackupFile> {
  const zip = await opened(path)
  try {
    const entries = await entriesOf(zip)
    const manifest = await manifestOf(path, zip, entries)
    return {
      manifest,
      async rowsOf(table) {
        const name = entryNameOf(table)
        return checked(await streamOf(path, zip, entries.get(name), name), table, path)
      },
      async [Symbol.asyncDispose]() {
        zip.close()
      },
    }
  } catch (error) {
    zip.close()
    throw error
  }
}

function opened(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) =>
    yauzl.open(path, { autoClose: false, lazyEntries: true }, (error, zip) => {
      if (error === null) return resolve(zip)
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return reject(new CliProblem(`there is no file ${path}`, 'usage'))
      reject(new CliProblem(`${path} is no whole backup: ${code ?? message}`))
    }),
  )
}

async function entriesOf(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  const entries = new Map<string, yauzl.Entry>()
  zip.on('entry', (entry: yauzl.Entry) => {
    entries.set(entry.fileName, entry)
    zip.readEntry()
  })
  zip.readEntry()
  await once(zip, 'end')
  return entries
}

async function manifestOf(
  path: string,
  zip: yauzl.ZipFile,
  entries: ReadonlyMap<string, yauzl.Entry>,
): Promise<Manifest> {
  const entry = entries.get(MANIFEST)
  if (entry !== undefined && entry.uncompressedSize > MANIFEST_BYTES_MAX)
    throw new CliProblem(`${path} is no backup: its ${MANIFEST} is too large`)
  const chunks: Buffer[] = []
  for await (const chunk of await streamOf(path, zip, entry, MANIFEST)) chunks.push(chunk as Buffer)
  let said: unknown
  try {
    said = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new CliProblem(`${path} is no backup: its ${MANIFEST} cannot be read`)
  }
  const { format } = (said ?? {}) as { format?: unknown }
  if (typeof format === 'number' && format > BACKUP_FORMAT)
    throw new CliProblem(`${path} was made by a newer version: restore it with that version`)
  const read = ManifestShape.safeParse(said)
  if (read.success) return read.data
  throw new CliProblem(
    `${path} is no backup: ${read.error.issues[0]?.path.join('.')}: ${read.error.issues[0]?.message}`,
  )
}

function streamOf(path: string, zip: yauzl.ZipFile, entry: yauzl.Entry | undefined, name: string): Promise<Readable> {
  if (entry === undefined) throw new CliProblem(`${path} is no whole backup: it has no ${name}`)
  return new Promise((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => {
      if (error === null) resolve(stream)
      else reject(new CliProblem(`${path}: ${name} cannot be read: ${error.message}`))
    }),
  )
}

/** The same bytes, with an error at their end where they are not those that were written. */
function checked(stream: Readable, table: BackedUpTable, path: string): Readable {
  const damaged = (why: string) => new CliProblem(`${path} is damaged: ${entryNameOf(table)}: ${why}`)
  const rows = async function* () {
    const hash = createHash('sha256')
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        hash.update(chunk)
        yield chunk
      }
    } catch (error) {
      throw damaged((error as Error).message)
    }
    if (hash.digest('hex') !== table.sha256) throw damaged('it is not what was written')
  }
  return Readable.from(rows(), { objectMode: false })
}
