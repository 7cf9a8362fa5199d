import { crc32 } from 'node:zlib'
import { strToU8, type Zippable, zipSync } from 'fflate'
import yauzl from 'yauzl'

/** What an archive may come to: far more than a workspace needs, far less than would hurt. */
export interface ArchiveLimits {
  archiveBytes: number
  fileBytes: number
  totalBytes: number
  files: number
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  archiveBytes: 32 * 1024 * 1024,
  fileBytes: 2 * 1024 * 1024,
  totalBytes: 128 * 1024 * 1024,
  files: 50_000,
}

/** What an archive holds, or is, cannot be taken. The engine and the command line, which says so in its own way, share this. */
export class ArchiveProblem extends Error {
  readonly file: string
  readonly problem: string

  constructor(file: string, problem: string) {
    super(`${file}: ${problem}`)
    this.file = file
    this.problem = problem
  }
}

/** Years before 1980 cannot be said in a zip; always the same, so that the same files are the same bytes. */
const MOMENT = new Date(1980, 0, 1)

/** Packs files, by path, in order of their paths. */
export function packArchive(files: ReadonlyMap<string, string>): Uint8Array {
  const entries: Zippable = {}
  for (const path of [...files.keys()].toSorted()) entries[path] = [strToU8(files.get(path) ?? ''), { mtime: MOMENT }]
  return zipSync(entries, { level: 6 })
}

/**
 * Reads a zip into texts by path. What it says of its sizes is checked before anything is unpacked, and unpacking ends
 * where there is more than it said. Refuses with `invalid_archive`, naming the entry.
 */
export async function readArchive(
  bytes: Uint8Array,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  await unpack({ bytes, prefix: '', budget: { ...limits }, limits, into: files })
  return files
}

interface Unpacking {
  bytes: Uint8Array
  prefix: string
  /** What is left of the limits, for archives in the archive too. */
  budget: ArchiveLimits
  limits: ArchiveLimits
  into: Map<string, string>
}

async function unpack(unpacking: Unpacking): Promise<void> {
  const { prefix, into } = unpacking
  const zip = await opened(prefix, () =>
    fromBuffer(Buffer.from(unpacking.bytes), { strictFileNames: true, lazyEntries: true }),
  )
  for (;;) {
    const entry = await opened(prefix, () => nextEntry(zip))
    if (entry === null) return
    const path = prefix + entry.fileName
    if (path.endsWith('/') || isLitter(entry.fileName)) continue
    refuseBadPath(path)
    if (into.has(path)) throw refused(path, 'stands in the archive twice')
    charge(path, entry.uncompressedSize, unpacking)
    const content = await opened(path, () => contentOf(zip, entry))
    if (crc32(content) !== entry.crc32) throw refused(path, 'is broken: its checksum is another')
    if (path.endsWith('/src.zip')) await unpack({ ...unpacking, bytes: content, prefix: path.replace(/\.zip$/, '/') })
    else into.set(path, textOf(path, content))
  }
}

function fromBuffer(bytes: Buffer, options: yauzl.Options): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) =>
    yauzl.fromBuffer(bytes, options, (error, zip) => (error === null ? resolve(zip) : reject(error))),
  )
}

function nextEntry(zip: yauzl.ZipFile): Promise<yauzl.Entry | null> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      zip.removeAllListeners()
      settle()
    }
    zip.once('entry', (entry: yauzl.Entry) => end(() => resolve(entry)))
    zip.once('end', () => end(() => resolve(null)))
    zip.once('error', (error: Error) => end(() => reject(error)))
    zip.readEntry()
  })
}

function contentOf(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => {
      if (error !== null) return reject(error)
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.once('error', reject)
      stream.once('end', () => resolve(Buffer.concat(chunks)))
    }),
  )
}

function charge(path: string, bytes: number, { budget, limits }: Unpacking): void {
  const most = path.endsWith('/src.zip') ? limits.archiveBytes : limits.fileBytes
  if (bytes > most) throw refused(path, `is larger than ${mebibytes(most)}`)
  budget.totalBytes -= bytes
  budget.files -= 1
  if (budget.totalBytes < 0) throw refused(path, `the archive unpacks to more than ${mebibytes(limits.totalBytes)}`)
  if (budget.files < 0) throw refused(path, `the archive has more than ${limits.files} files`)
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`
}

async function opened<T>(where: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw refused(where.replace(/\/$/, '') || 'the archive', `is no zip that can be read (${(error as Error).message})`)
  }
}

/** Refuses paths that would leave the folder they are unpacked into, on whichever system. */
export function refuseBadPath(path: string): void {
  const parts = path.split('/')
  const isBad =
    path.startsWith('/') ||
    /^[A-Za-z]:/.test(path) ||
    /[\\\p{Cc}]/u.test(path) ||
    parts.some((part) => part === '..' || part === '.' || part === '')
  if (isBad) throw refused(JSON.stringify(path), 'is no path within the archive')
}

/** What systems leave in archives unasked. */
function isLitter(name: string): boolean {
  return /(^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$)/.test(name)
}

function textOf(path: string, content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(content)
  } catch {
    throw refused(path, `is no text in UTF-8`)
  }
}

function refused(file: string, message: string): ArchiveProblem {
  return new ArchiveProblem(file, message)
}
