import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type SourceText, sourceText } from './source-text.ts'

/** The repository, without a slash at the end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** The folders that hold the project's code; some may not be there yet. */
export const PACKAGES = [
  'contract',
  'server',
  'sdk',
  'console',
  'cli',
  'connectors',
  'testkit',
  'stories',
  'bench',
  'tidy',
]

/** A file of the project; `path` is from the repository's root. */
export interface SourceFile extends SourceText {
  path: string
  text: string
}

/** What a rule has to say: where, what is wrong and what to do about it. */
export type Complaint = string

/** Folders that nobody wrote. */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage'])

/** Every file below a folder, sorted; none where the folder does not exist. Hidden folders are left out. */
export function pathsUnder(folder: string): string[] {
  const entries = readFolder(join(ROOT, folder))
  return entries
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!entry.isDirectory()) return [path]
      return entry.name.startsWith('.') || NOT_OURS.has(entry.name) ? [] : pathsUnder(path)
    })
    .sort()
}

function readFolder(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every TypeScript file below these folders. */
export function sourcesUnder(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap(pathsUnder).filter(isSource).map(readSource)
}

function isSource(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.endsWith('.d.ts')
}

const read = new Map<string, SourceFile>()

/** One file, taken apart once for all rules that run in the same process. */
function readSource(path: string): SourceFile {
  const known = read.get(path)
  if (known !== undefined) return known
  const text = textOf(path)
  const source = { path, text, ...sourceText(text) }
  read.set(path, source)
  return source
}

export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path)
}

/** `path:line` of an offset, as editors and terminals understand it. */
export function at(source: { path: string; text: string }, offset: number): string {
  return `${source.path}:${source.text.slice(0, offset).split('\n').length}`
}

/** Every place where the code, without comments and the insides of strings, matches; `pattern` needs the flag `g`. */
export function complaintsAbout(source: SourceFile, pattern: RegExp, remedy: string): Complaint[] {
  return [...source.code.matchAll(pattern)].map((match) => `${at(source, match.index)}: ${match[0].trim()}: ${remedy}`)
}

/** Where a relative import of a file points, from the repository's root. */
export function resolveImport(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier)).replaceAll('\\', '/')
}
