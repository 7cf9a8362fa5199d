import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ARCHIVE_LIMITS, refuseBadPath } from '../../../server/src/workspace-files/archive.ts'
import { placeOf, TOP_FOLDER } from '../../../server/src/workspace-files/layout.ts'
import { CliProblem } from '../exit-codes.ts'

/** The files of a workspace by path, as archives have them: with `membrane/` on top. */
export type Files = Map<string, string>

/**
 * Reads every file of the folder; hidden ones are nobody's definition. At once, not by promises: thousands of small files
 * take a twentieth of the time so, and a command has nothing else to do meanwhile. What could not be sent as it is, is
 * refused by its name, so that nothing is taken for removed that is only unreadable.
 */
export function readFolder(folder: string): Files {
  const files: Files = new Map()
  const problems: string[] = []
  if (existsSync(folder)) readInto(folder, TOP_FOLDER, { files, problems })
  const [first] = problems
  if (first !== undefined)
    throw new CliProblem(`the files cannot be taken:\n${problems.map((each) => `  ${each}`).join('\n')}`)
  return new Map([...files].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

function readInto(folder: string, name: string, found: { files: Files; problems: string[] }): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const [at, inner] = [`${folder}${path.sep}${entry.name}`, `${name}/${entry.name}`]
    if (entry.isDirectory()) readInto(at, inner, found)
    else if (entry.isSymbolicLink())
      found.problems.push(`${inner}: is a symbolic link; put what it points to in its place`)
    else if (entry.isFile()) readFile(at, inner, found)
  }
}

function readFile(at: string, inner: string, { files, problems }: { files: Files; problems: string[] }): void {
  const bytes = bytesOf(at)
  if (bytes === null) return
  const isLarge = bytes.length > ARCHIVE_LIMITS.fileBytes
  if (!isLarge && isUtf8(bytes)) files.set(inner, bytes.toString('utf8'))
  // A picture beside the definitions is nobody's business.
  else if (placeOf(inner.slice(TOP_FOLDER.length + 1)) !== null)
    problems.push(
      `${inner}: ${isLarge ? `is larger than ${ARCHIVE_LIMITS.fileBytes / 1024 / 1024} MiB` : 'is no text in UTF-8'}`,
    )
}

/** Null for what was taken away since the folder was listed. */
function bytesOf(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

export async function writeInto(folder: string, name: string, text: string): Promise<void> {
  const file = placeIn(folder, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
}

/** Gives a file another name in the folder; what it says stays. */
export async function moveIn(folder: string, from: string, to: string): Promise<void> {
  await mkdir(path.dirname(placeIn(folder, to)), { recursive: true })
  await rename(placeIn(folder, from), placeIn(folder, to))
  await removeFrom(folder, from)
}

/** Takes a file away, and the folders that are empty then. */
export async function removeFrom(folder: string, name: string): Promise<void> {
  const file = placeIn(folder, name)
  await rm(file, { force: true })
  for (let dir = path.dirname(file); dir.startsWith(folder) && dir !== folder; dir = path.dirname(dir)) {
    try {
      await rmdir(dir)
    } catch {
      return
    }
  }
}

function placeIn(folder: string, name: string): string {
  refuseBadPath(name)
  return path.join(folder, ...name.split('/').slice(1))
}

export function hashOf(text: string | undefined): string | null {
  return text === undefined ? null : createHash('sha256').update(text).digest('hex')
}
