import { createTwoFilesPatch } from 'diff'
import type { Principal } from '../api/principal.ts'
import { referencesIn } from '../api/references.ts'
import { Refusal } from '../api/refusal.ts'
import { type CurrentElement, currentElements, type ElementCalls } from './current-elements.ts'
import { fileDataOf, filesOf, placed } from './element-files.ts'
import { ELEMENT_KINDS, type ElementKind } from './element-kinds.ts'
import { orderSteps } from './ordering.ts'
import { type Plan, planImport, type Step } from './plan.ts'
import { readWorkspaceFiles } from './read-files.ts'
import {
  type FileProblem,
  type RefusedElement,
  refusedElement,
  selectorOf,
  type WorkspaceElement,
} from './workspace-element.ts'
import { writeSortedYaml } from './yaml-file.ts'

export interface ImportOptions {
  /** Only says what would be done. */
  dryRun: boolean
  /** Keeps what the archive does not have; without it that is archived. */
  partial: boolean
  /** Adds the differences as text. */
  diff: boolean
  /** Lets an archive without any element archive everything. */
  force: boolean
}

export interface ImportResult {
  isDryRun: boolean
  comparison: { create: Named[]; update: Named[]; delete: Named[]; unchanged: number }
  /** Every element that was touched, by its uuid. */
  changes: Record<string, { elementType: string; path: string }>
  diff?: string
  /** Something was refused, and the rest was imported. */
  isPartial: boolean
  /** What was refused, element by element; the others were imported. */
  errors: RefusedElement[]
  warnings: FileProblem[]
  /** Secrets are in no file: what has to be set by hand before integrations and flows work. */
  toBeSet: ToBeSet[]
  /** Of a few elements: how an export would write them now, by path. Without those that are not there. */
  files?: Record<string, string>
}

export type ToBeSet = ({ integrationKey: string } | { flowKey: string; integrationKey?: string }) & { message: string }

interface Named {
  type: string
  key: string
  integrationKey?: string
  path: string
}

export interface Progress {
  stage: string
  done: number
  total: number
}

const AT_ONCE = 6
const PROBLEMS_MAX = 100
/** Of so many elements the result has the files. */
const WRITTEN_MAX = 100

/**
 * Makes the workspace what the files say. Files that cannot be read, or that are made of each other, refuse all of it
 * with `invalid_archive` before anything is changed; what the API refuses is said element by element.
 */
export async function importFiles(
  endpoints: ElementCalls,
  principal: Principal,
  files: ReadonlyMap<string, string>,
  options: ImportOptions,
  report: (progress: Progress) => Promise<void>,
): Promise<ImportResult> {
  const read = readWorkspaceFiles(files)
  refuse(read.problems)
  if (read.elements.length === 0 && !options.force && !options.partial)
    throw new Refusal('invalid_archive', 'the archive has no elements; with force=true that archives all there are')
  const isWanted = options.partial ? kindsFor(read.elements) : undefined
  const current = await currentElements(endpoints, principal, isWanted)
  const plan = planImport(read.elements, current, options.partial, endpoints.canonical)
  refuse(plan.problems)
  const known = new Set([...read.elements, ...current.filter((each) => !each.isArchived)].map(selectorOf))
  const ordered = orderSteps([...plan.create, ...plan.update], (selector) => known.has(selector))
  refuse(ordered.problems)
  const result = resultOf(plan, current, options)
  result.warnings = [
    ...plan.warnings,
    ...ordered.warnings,
    ...read.ignored.filter(isMeant).map(notTaken),
    ...read.older.map(outdated),
  ]
  if (!options.dryRun) await carryOut({ endpoints, principal, plan, ranks: ordered.ranks, current, result, report })
  const begun = plan.create.length + plan.update.length + plan.archive.length + plan.unchanged
  const isAnyIn = begun > result.errors.length - plan.refused.length
  result.isPartial = result.errors.length > 0 && isAnyIn
  result.toBeSet = [...(await missingParameters(endpoints, principal)), ...(await missingSecrets(endpoints, principal))]
  if (options.partial && read.elements.length <= WRITTEN_MAX) {
    const named = new Set(read.elements.map(selectorOf))
    const isSame = options.dryRun || plan.create.length + plan.update.length === 0
    const now = isSame ? current : await currentElements(endpoints, principal, isWanted)
    result.files = Object.fromEntries(filesOf(now, (each) => named.has(selectorOf(each))))
  }
  return result
}

/** What a few files are compared with: elements of their kinds, of those they name, and what those are of. */
function kindsFor(elements: readonly WorkspaceElement[]): (kind: ElementKind) => boolean {
  const types = new Set(['connector', 'integration'])
  for (const { kind, data } of elements)
    for (const type of [kind.type, ...[...referencesIn(data)].map((each) => each.type)]) types.add(type)
  return (kind) => types.has(kind.type)
}

function refuse(problems: readonly FileProblem[]): void {
  const [first] = problems
  if (first === undefined) return
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  throw new Refusal('invalid_archive', `${problemText(first)}${more}`, { problems: problems.slice(0, PROBLEMS_MAX) })
}

export function problemText({ file, line, message }: FileProblem): string {
  return `${file}${line === null ? '' : `:${line}`}: ${message}`
}

/** Files that somebody wrote as part of a workspace, of kinds that there are not here. */
function isMeant(path: string): boolean {
  return /\.ya?ml$/.test(path) && path.includes('/')
}

function notTaken(file: string): FileProblem {
  return { file, line: null, message: 'is of no kind that is imported; it is left alone' }
}

function outdated(file: string): FileProblem {
  return { file, line: null, message: 'stands in a newer layout too, which counts' }
}

function resultOf(plan: Plan, current: readonly CurrentElement[], { dryRun, diff }: ImportOptions): ImportResult {
  const paths = placed(current)
  const ofStep = ({ element, current: found }: Step): Named =>
    named(element, found === null ? element.path : (paths.get(found) ?? element.path))
  const ofCurrent = (each: CurrentElement): Named => named(each, paths.get(each) ?? '')
  const changes: ImportResult['changes'] = {}
  for (const step of [...plan.create, ...plan.update]) {
    const { element, current: found } = step
    changes[found?.uuid ?? element.uuid ?? step.selector] = { elementType: element.kind.type, path: element.path }
  }
  for (const each of plan.archive) changes[each.uuid] = { elementType: each.kind.type, path: paths.get(each) ?? '' }
  return {
    isDryRun: dryRun,
    comparison: {
      create: plan.create.map(ofStep),
      update: plan.update.map(ofStep),
      delete: plan.archive.map(ofCurrent),
      unchanged: plan.unchanged,
    },
    changes,
    ...(diff ? { diff: diffOf(plan, paths) } : {}),
    isPartial: false,
    errors: [...plan.refused],
    warnings: [],
    toBeSet: [],
  }
}

function named(
  { kind, key, integrationKey }: Pick<CurrentElement, 'kind' | 'key' | 'integrationKey'>,
  path: string,
): Named {
  return { type: kind.type, key, ...(integrationKey === null ? {} : { integrationKey }), path }
}

/** As `diff -u` writes it, over YAML with sorted keys. */
function diffOf(plan: Plan, paths: ReadonlyMap<CurrentElement, string>): string {
  const patch = (path: string, before: object | null, after: object | null) =>
    createTwoFilesPatch(
      before === null ? '/dev/null' : `a/${path}`,
      after === null ? '/dev/null' : `b/${path}`,
      before === null ? '' : writeSortedYaml(before),
      after === null ? '' : writeSortedYaml(after),
      undefined,
      undefined,
      { headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true } },
    )
  return [
    ...plan.create.map(({ element, body }) => patch(element.path, null, shown(element.kind, body))),
    ...plan.update.map(({ element, current, body }) => {
      const before = current === null ? {} : fileDataOf(current)
      const after = Object.fromEntries(
        Object.entries({ ...before, ...shown(element.kind, body) }).filter(([, value]) => value !== null),
      )
      return patch(element.path, before, after)
    }),
    ...plan.archive.map((each) => patch(paths.get(each) ?? '', fileDataOf(each), null)),
  ].join('')
}

function shown(kind: ElementKind, body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).map(([field, value]) => [field, kind.shownIn(field, value)]))
}

interface Work {
  endpoints: ElementCalls
  principal: Principal
  plan: Plan
  ranks: readonly Step[][]
  current: readonly CurrentElement[]
  result: ImportResult
  report(progress: Progress): Promise<void>
}

async function carryOut(work: Work): Promise<void> {
  const { plan, current, result, report } = work
  const ids = new Map(current.filter((each) => !each.isArchived).map((each) => [selectorOf(each), each.id]))
  const total = plan.create.length + plan.update.length + plan.archive.length
  let done = 0
  const each = async <T>(stage: string, items: readonly T[], act: (item: T) => Promise<void>) => {
    for (let at = 0; at < items.length; at += AT_ONCE) {
      const some = items.slice(at, at + AT_ONCE)
      await Promise.all(some.map(act))
      done += some.length
      await report({ stage, done, total })
    }
  }
  for (const rank of work.ranks)
    await each('importing', rank, (step) =>
      guarded(result, step, async () => void ids.set(step.selector, await takeStep(work, step, ids))),
    )
  // What others are made of goes last.
  const last = ELEMENT_KINDS.toReversed()
  for (const kind of last) {
    const some = plan.archive.filter((one) => one.kind === kind)
    for (const isChild of [true, false])
      await each(
        'archiving',
        some.filter((one) => (one.integrationKey !== null) === isChild),
        (one) => archive(work, one),
      )
  }
}

async function archive({ endpoints, principal }: Work, { kind, id }: CurrentElement): Promise<void> {
  try {
    await endpoints.call(principal, kind, 'archive', { params: { selector: id } })
  } catch (error) {
    // Archiving what others follow takes those along.
    if (!(error instanceof Refusal && ['not_found', 'archived'].includes(error.key))) throw error
  }
}

/** Notes what the API refuses, with the place in the file; what is our mistake ends the import. */
async function guarded(result: ImportResult, { element }: Step, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const problems = (error.data as { problems?: { field?: string; path?: string; nodeKey?: string }[] } | undefined)
      ?.problems
    const { field, nodeKey, path } = problems?.[0] ?? {}
    const inNode =
      nodeKey === undefined ? [] : ['nodes', nodeKey, path].filter((part) => part !== undefined && part !== '')
    result.errors.push(refusedElement(element, field ?? (inNode.length === 0 ? null : inNode.join('.')), error.message))
  }
}

async function takeStep(work: Work, step: Step, ids: ReadonlyMap<string, string>): Promise<string> {
  const { endpoints, principal } = work
  const { element, current, body, isReset } = step
  const { kind } = element
  if (current === null) return create(work, step, { ...body, ...ownersIn(step, ids) })
  const params = { selector: current.id }
  if (isReset) await endpoints.call(principal, kind, 'reset', { params })
  if (Object.keys(body).length > 0) await endpoints.call(principal, kind, 'patch', { params, body })
  return current.id
}

function ownersIn({ integration, parent }: Step, ids: ReadonlyMap<string, string>): Record<string, unknown> {
  return {
    ...(integration === null
      ? {}
      : { integrationId: ids.get(integration) ?? integration.slice('integration:'.length) }),
    ...(parent === null ? {} : { parentId: ids.get(parent) }),
  }
}

/** Makes it, or brings back the archived one that has its uuid. */
async function create(
  { endpoints, principal, current }: Work,
  { element }: Step,
  body: Record<string, unknown>,
): Promise<string> {
  const { kind, uuid } = element
  const buried = current.find((each) => each.isArchived && each.kind === kind && each.uuid === uuid)
  if (buried === undefined) return String((await endpoints.call(principal, kind, 'create', { body })).id)
  const isSamePlace = buried.key === element.key && buried.integrationKey === element.integrationKey
  if (!isSamePlace) {
    const { uuid: _, ...rest } = body
    return String((await endpoints.call(principal, kind, 'create', { body: rest })).id)
  }
  const params = { selector: buried.id }
  await endpoints.call(principal, kind, 'restore', { params })
  const { uuid: _uuid, integrationId: _integration, parentId: _parent, ...content } = body
  await endpoints.call(principal, kind, 'patch', { params, body: content })
  return buried.id
}

async function missingParameters(endpoints: ElementCalls, principal: Principal): Promise<ImportResult['toBeSet']> {
  const kind = ELEMENT_KINDS.find((each) => each.type === 'integration')
  if (kind === undefined) return []
  const { items } = (await endpoints.call(principal, kind, 'list', { query: { limit: 1000 } })) as {
    items: { key: string; hasMissingParameters?: boolean }[]
  }
  return items
    .filter((each) => each.hasMissingParameters === true)
    .map(({ key }) => ({
      integrationKey: key,
      message: 'parameters that its connector requires are not set; files never hold them',
    }))
}

/** Flows with secrets that are shown masked in files, and that the workspace does not have. */
async function missingSecrets(endpoints: ElementCalls, principal: Principal): Promise<ToBeSet[]> {
  const kind = ELEMENT_KINDS.find((each) => each.type === 'flow')
  if (kind === undefined) return []
  const { items } = (await endpoints.call(principal, kind, 'list', { query: { limit: 1000 } })) as {
    items: { key: string; integrationKey?: string; errors?: { message: string; data?: { isSecret?: boolean } }[] }[]
  }
  return items.flatMap(({ key, integrationKey, errors = [] }) =>
    errors.flatMap(({ message, data }) =>
      data?.isSecret === true
        ? [{ flowKey: key, ...(integrationKey === undefined ? {} : { integrationKey }), message }]
        : [],
    ),
  )
}
