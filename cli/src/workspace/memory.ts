import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CliProblem } from '../exit-codes.ts'
import { type Files, hashOf } from './folder.ts'

/** How a file was, here and on the server, when both were the same for the last time. */
interface Agreed {
  here: string
  there: string
}

/** What is kept of the last pull or push of an environment, so that changes on both sides are told apart. */
export interface Memory {
  files: ReadonlyMap<string, Agreed>
}

export async function recall(cwd: string, environment: string): Promise<Memory> {
  const file = fileOf(cwd, environment)
  if (!existsSync(file)) return { files: new Map() }
  try {
    return { files: new Map(Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, Agreed>)) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CliProblem(`${file} is broken: delete it, and pull; what you changed is kept`)
  }
}

/** Remembers which files are the same on both sides now, whatever their spelling. */
export async function remember(cwd: string, environment: string, files: ReadonlyMap<string, Agreed>): Promise<void> {
  const file = fileOf(cwd, environment)
  await mkdir(path.dirname(file), { recursive: true })
  // Whole or not at all, whenever the command is interrupted.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, `${JSON.stringify(Object.fromEntries(files), null, 1)}\n`)
  await rename(draft, file)
}

function fileOf(cwd: string, environment: string): string {
  return path.join(cwd, '.permea', 'pulled', `${encodeURIComponent(environment)}.json`)
}

export interface Sides {
  path: string
  here: string | undefined
  there: string | undefined
  changedHere: boolean
  changedThere: boolean
}

/** Every file of either side, with who changed it since they agreed. */
export function compare(memory: Memory, here: Files, there: Files): Sides[] {
  const paths = new Set([...memory.files.keys(), ...here.keys(), ...there.keys()])
  return [...paths].toSorted().map((each) => {
    const agreed = memory.files.get(each)
    return {
      path: each,
      here: here.get(each),
      there: there.get(each),
      changedHere: hashOf(here.get(each)) !== (agreed?.here ?? null),
      changedThere: hashOf(there.get(each)) !== (agreed?.there ?? null),
    }
  })
}

export function agreement(here: string, there: string): Agreed {
  return { here: hashOf(here) ?? '', there: hashOf(there) ?? '' }
}
