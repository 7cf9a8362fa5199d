import { isRecord } from '../formulas/coercion.ts'
import { connectorOfFiles } from './connector-files.ts'
import { type Place, placeOf, TOP_FOLDER } from './layout.ts'
import { type FileProblem, type Json, selectorOf, type WorkspaceElement } from './workspace-element.ts'
import { readYaml } from './yaml-file.ts'

export interface WorkspaceFiles {
  elements: WorkspaceElement[]
  problems: FileProblem[]
  /** Files that are of no kind this engine has; they are left alone. */
  ignored: string[]
  /** Files of elements that stand in a newer layout too. */
  older: string[]
}

interface Main {
  place: Extract<Place, { kind: unknown }>
  path: string
  text: string
}

/** The version of a connector's package that counts; others are kept by other systems. */
const VERSION = 'development'

/** Reads all files of a workspace, with or without the top folder, and works out what belongs to what. */
export function readWorkspaceFiles(given: ReadonlyMap<string, string>): WorkspaceFiles {
  const files = withoutTop(given)
  const mains: Main[] = []
  const packages = new Map<string, Map<string, string>>()
  const ignored: string[] = []
  for (const [path, text] of files) {
    const place = placeOf(path)
    if (place === null) ignored.push(path)
    else if ('kind' in place) mains.push({ place, path, text })
    else if (place.version === VERSION)
      packages.set(place.connectorUuid, (packages.get(place.connectorUuid) ?? new Map()).set(place.inner, text))
  }
  const read = mains.map((main) => elementOf(main, packages))
  const all = read.flatMap((each) => each.elements)
  withIntegrations(all)
  const { elements, older } = newestOf(all)
  const problems = [...read.flatMap((each) => each.problems), ...duplicates(elements)]
  return { elements, problems, ignored, older }
}

/** The tree may stand in a folder `membrane`, or in any one folder that holds it all. */
function withoutTop(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const isBelow = [...files.keys()].some((path) => path.startsWith(`${TOP_FOLDER}/`))
  if (!isBelow) return files
  const prefix = `${TOP_FOLDER}/`
  return new Map(
    [...files].flatMap(([path, text]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), text]] : [])),
  )
}

function elementOf({ place, path, text }: Main, packages: ReadonlyMap<string, ReadonlyMap<string, string>>) {
  const { kind, folderKey, integrationKey } = place
  const read = readYaml(path, text)
  if ('problem' in read) return { elements: [], problems: [read.problem] }
  const uuid = typeof read.data.uuid === 'string' ? read.data.uuid : null
  const key = typeof read.data.key === 'string' ? read.data.key : kind.type === 'connector' ? null : folderKey
  const problem = (field: string, message: string) => ({ file: path, line: read.lineOf(field), message })
  if (key === null) return { elements: [], problems: [problem('key', 'key: a connector needs one')] }
  const inner =
    kind.type === 'connector' ? (packages.get(uuid ?? folderKey) ?? packages.get(folderKey) ?? new Map()) : new Map()
  const src = `connectors/${folderKey}/${VERSION}/src/`
  const package_ = connectorOfFiles(inner, src)
  const element: WorkspaceElement = {
    kind,
    key,
    integrationKey,
    uuid: uuid ?? (kind.type === 'connector' ? folderKey : null),
    data: { ...read.data, ...package_.data },
    path,
    files: new Map([[path, text], ...[...inner].map(([name, content]) => [src + name, content] as const)]),
    lineOf: read.lineOf,
  }
  return { elements: [element], problems: package_.problems }
}

/** Files at the root may say by uuid, or in the integration they hold, to which integration they belong. */
function withIntegrations(elements: WorkspaceElement[]): void {
  const keys = new Map(
    elements.flatMap(({ kind, uuid, key }) =>
      kind.type === 'integration' && uuid !== null ? [[uuid, key] as const] : [],
    ),
  )
  for (const element of elements) {
    const { kind, data } = element
    if (kind.layers === 'none' || element.integrationKey !== null) continue
    const embedded: Json = isRecord(data.integration) ? data.integration : {}
    const named = [data.integrationKey, embedded.key].find((each) => typeof each === 'string')
    const byUuid = typeof data.integrationUuid === 'string' ? keys.get(data.integrationUuid) : undefined
    element.integrationKey = byUuid ?? (named as string | undefined) ?? null
  }
}

/** Where a workspace stands in the layout of today and beside it in an older one, today's counts. */
function newestOf(all: readonly WorkspaceElement[]): { elements: WorkspaceElement[]; older: string[] } {
  const best = new Map<string, number>()
  for (const each of all) {
    const selector = selectorOf(each)
    best.set(selector, Math.max(best.get(selector) ?? 0, layoutAge(each.path)))
  }
  const isNewest = (each: WorkspaceElement) => layoutAge(each.path) === best.get(selectorOf(each))
  return { elements: all.filter(isNewest), older: all.filter((each) => !isNewest(each)).map(({ path }) => path) }
}

/** Folders in camel case are oldest; files called `spec` are newest. */
function layoutAge(path: string): number {
  if (/^[a-z]+[A-Z]/.test(path)) return 0
  return /\/spec\.ya?ml$/.test(path) ? 2 : 1
}

function duplicates(elements: readonly WorkspaceElement[]): FileProblem[] {
  const first = new Map<string, WorkspaceElement>()
  return elements.flatMap((element) => {
    const selector = selectorOf(element)
    const other = first.get(selector)
    first.set(selector, other ?? element)
    if (other === undefined) return []
    return [
      { file: element.path, line: element.lineOf('key'), message: `key: ${selector} stands in ${other.path} too` },
    ]
  })
}
