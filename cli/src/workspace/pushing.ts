import type { ImportResult } from '../../../server/src/workspace-files/import-files.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Printer } from '../printer.ts'
import type { Target } from '../target.ts'
import { type Files, hashOf, readFolder } from './folder.ts'
import { agreement, compare, type Memory, recall, remember, type Sides } from './memory.ts'
import { exportFiles, importFiles } from './transfer.ts'

/** A folder and the workspace that it is compared with. */
export interface Place {
  target: Target
  folder: string
  environment: string
  cwd: string
  note(text: string): void
}

/** Both sides as they are now, with who changed what since the last pull or push. */
export interface Standing {
  here: Files
  there: Files
  sides: Sides[]
  /** Changed on the server since the last pull, and not the same here: a push would undo it. */
  changedThere: Sides[]
}

export async function standingOf(place: Place): Promise<Standing> {
  const [memory, here, there] = await Promise.all([
    recall(place.cwd, place.environment),
    readFolder(place.folder),
    exportFiles(place.target, place.note),
  ])
  const sides = compare(memory, here, there)
  const same = await sameSaidOtherwise(place, here, sides, memory)
  const told = sides.map((each) => (same.has(each.path) ? { ...each, changedHere: false, changedThere: false } : each))
  return standing(memory, here, there, told)
}

/** Of files that nothing is known of, so many are asked about, all at once. */
const ASKED_MAX = 20_000

/** Files that differ in bytes alone: written by hand, or where nothing is remembered, as after `git clone`. */
export async function sameSaidOtherwise(
  place: Place,
  here: Files,
  sides: readonly Sides[],
  { files }: Memory,
): Promise<ReadonlySet<string>> {
  const both = sides.filter(
    (each) =>
      each.here !== undefined &&
      each.there !== undefined &&
      each.here !== each.there &&
      // Changed on both sides: perhaps to the same, by a push at the same moment.
      (!files.has(each.path) || (each.changedHere && each.changedThere)),
  )
  const asked = both.map((each) => each.path).filter((path) => path.split('/')[1] !== 'connectors')
  if (asked.length === 0 || asked.length > ASKED_MAX) return new Set()
  const texts = new Map(asked.map((path) => [path, here.get(path) ?? '']))
  const plan = await planOf(place, texts, false).catch(unreadable)
  if (plan === null) return new Set()
  const others = toBeChanged(plan)
  return new Set(asked.filter((path) => !others.has(path)))
}

/** Files that the server does not have as they are here, or cannot take. */
function toBeChanged({ comparison, errors }: ImportResult): Set<string> {
  const changes = [...comparison.create, ...comparison.update].map((each) => each.path)
  return new Set([...changes, ...errors.map(({ file }) => file)].map((path) => `membrane/${path}`))
}

/** A file that cannot be read stays as it is: a push says what is wrong with it. */
export function unreadable(error: unknown): null {
  if (error instanceof CliProblem && error.exit === 'failed') return null
  throw error
}

function standing({ files }: Memory, here: Files, there: Files, sides: Sides[]): Standing {
  const changedThere = sides.filter(
    (each) => each.changedThere && each.here !== each.there && (files.has(each.path) || each.here !== undefined),
  )
  return { here, there, sides, changedThere }
}

/**
 * The same of the files alone that were changed here, with what a push of them would do: how the others are on the server
 * is not asked. Null where that cannot be said, because nothing is remembered, nothing was changed, or much was.
 */
export async function standingOfChanged(place: Place): Promise<{ standing: Standing; plan: ImportResult } | null> {
  const [memory, here] = await Promise.all([recall(place.cwd, place.environment), readFolder(place.folder)])
  const changed = [...here]
    .filter(([path, text]) => hashOf(text) !== memory.files.get(path)?.here)
    .map(([path]) => path)
  if (memory.files.size === 0 || changed.length === 0 || changed.length > CHANGED_MAX) return null
  const files = withPackages(here, changed)
  const plan = await planOf(place, files, false)
  if (plan.files === undefined) return null
  const there = new Map(Object.entries(plan.files).filter(([path]) => files.has(path)))
  const known = { files: new Map([...memory.files].filter(([path]) => files.has(path))) }
  const others = toBeChanged(plan)
  const sides = compare(known, files, there).map((each) =>
    each.changedHere && each.changedThere && !others.has(each.path) && !isOfConnector(each.path)
      ? { ...each, changedThere: false }
      : each,
  )
  return { standing: standing(known, here, there, sides), plan }
}

/** More are compared with all that the server has. */
const CHANGED_MAX = 50

/**
 * The files that a push sends: those that were changed here, with all of their connector where they are of one; all of
 * them where what is not here shall go.
 */
export function filesToSend({ here, sides }: Standing, isPruning: boolean): Files {
  if (isPruning) return here
  const changed = sides
    .filter((each) => each.changedHere && each.here !== each.there && each.here !== undefined)
    .map((each) => each.path)
  return withPackages(here, changed)
}

/** These files, with all of their connector where they are of one. */
function withPackages(here: Files, paths: readonly string[]): Files {
  const wanted = new Set(paths)
  const packages = new Set(paths.filter(isOfConnector).map(connectorFolder))
  return new Map(
    [...here].filter(([path]) => wanted.has(path) || (isOfConnector(path) && packages.has(connectorFolder(path)))),
  )
}

function isOfConnector(path: string): boolean {
  return path.split('/')[1] === 'connectors'
}

function connectorFolder(path: string): string {
  return path.split('/').slice(0, 3).join('/')
}

/** Files that somebody took away here, and the server has as they were: those of other elements that a prune archives. */
export function removedHere({ sides }: Standing): string[] {
  return sides
    .filter((each) => each.changedHere && each.here === undefined && each.there !== undefined && !each.changedThere)
    .map((each) => each.path)
}

export async function planOf(place: Place, files: Files, isPruning: boolean): Promise<ImportResult> {
  if (files.size === 0 && !isPruning) return NOTHING
  const { result } = await importFiles(
    place.target,
    files,
    { dryRun: true, diff: true, partial: !isPruning },
    place.note,
  )
  return result
}

const NOTHING: ImportResult = {
  isDryRun: true,
  comparison: { create: [], update: [], delete: [], unchanged: 0 },
  changes: {},
  diff: '',
  isPartial: false,
  errors: [],
  warnings: [],
  toBeSet: [],
}

/** Sends the files and remembers what both sides have then. */
export async function push(place: Place, standing: Standing, files: Files, isPruning: boolean): Promise<ImportResult> {
  const { result, error } = await importFiles(place.target, files, { partial: !isPruning }, place.note)
  // Of a few files the answer says how they are now; of others all of it is asked.
  const isFew = !isPruning && result.files !== undefined
  const there = isFew ? new Map(Object.entries(result.files ?? {})) : await exportFiles(place.target, place.note)
  const { files: before } = await recall(place.cwd, place.environment)
  const agreed = new Map([...before].filter(([path]) => isFew || there.has(path)))
  const refused = new Set(result.errors.map((each) => `membrane/${each.file}`))
  for (const [path, text] of files) {
    const said = there.get(path)
    if (said !== undefined && !refused.has(path)) agreed.set(path, agreement(text, said))
  }
  // What was the same before stays agreed, also where it was never pulled.
  for (const { path, here, there: said } of standing.sides)
    if (here !== undefined && here === said && there.get(path) === said) agreed.set(path, agreement(here, said))
  await remember(place.cwd, place.environment, agreed)
  if (error !== null)
    throw new CliProblem(
      [
        error,
        ...result.errors.map((each) => `  ${each.file}${each.line === null ? '' : `:${each.line}`}: ${each.message}`),
      ].join('\n'),
    )
  return result
}

const SIGNS = {
  create: ['green', '+', 'add'],
  update: ['yellow', '~', 'change'],
  delete: ['red', '-', 'archive'],
} as const

/** A plan for people: what is added, changed and archived, with the differences, or the first lines of them. */
export function planText(
  { comparison, diff, warnings, toBeSet }: ImportResult,
  { paint }: Printer,
  linesMax = Number.POSITIVE_INFINITY,
): string {
  const kinds = ['create', 'update', 'delete'] as const
  const lines = kinds.flatMap((kind) =>
    comparison[kind].map((each) => {
      const [colour, sign, verb] = SIGNS[kind]
      const where = each.integrationKey === undefined ? '' : ` of ${each.integrationKey}`
      return paint(colour, `${sign} ${verb.padEnd(7)} ${each.type} ${each.key}${where}`)
    }),
  )
  const counts = kinds.map((kind) => `${comparison[kind].length} to ${SIGNS[kind][2]}`).join(', ')
  const body =
    diff === undefined || diff === ''
      ? []
      : [
          '',
          ...diff
            .trimEnd()
            .split('\n')
            .slice(0, linesMax)
            .map((line) => paint(line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'reset', line)),
        ]
  const left = (diff ?? '').trimEnd().split('\n').length - linesMax
  return [
    ...lines.slice(0, linesMax),
    ...(lines.length > linesMax ? [`… and ${lines.length - linesMax} more`] : []),
    ...body,
    ...(left > 0 ? [`… and ${left} more lines: permea diff shows them all`] : []),
    '',
    lines.length === 0 ? 'Nothing to change.' : `Plan: ${counts}.`,
    ...warnings.map(({ file, line, message }) =>
      paint('yellow', `! ${file}${line === null ? '' : `:${line}`}: ${message}`),
    ),
    ...toBeSet.map((each) => {
      const what = 'flowKey' in each ? `flow ${each.flowKey}` : `integration ${each.integrationKey}`
      return paint('yellow', `! ${what}: ${each.message}`)
    }),
  ]
    .join('\n')
    .trimStart()
}

export function changesIn({ comparison }: ImportResult): number {
  return comparison.create.length + comparison.update.length + comparison.delete.length
}
