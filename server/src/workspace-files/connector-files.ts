import type { FunctionDefinition } from '@permea/contract'
import { isRecord } from '../formulas/coercion.ts'
import { dataOfFiles } from '../integrations/collection-files.ts'
import type { FileProblem, Json } from './workspace-element.ts'
import { readYaml, writeYaml } from './yaml-file.ts'

/** How a function is written, by the ending of its file; of two that fit, the first counts. */
const ENDINGS: readonly { ending: string; type: string }[] = [
  { ending: '.rest.yml', type: 'rest-api-mapping' },
  { ending: '.graphql.yml', type: 'graphql-api-mapping' },
  { ending: '.op.yml', type: 'operation-mapping' },
  { ending: '.map.yml', type: 'mapping' },
  { ending: '.js', type: 'javascript' },
]

/** Parts of a connector that are folders of its package, with the fields of theirs that are functions. */
const PARTS: readonly { field: string; folder: string }[] = [
  { field: 'events', folder: 'events' },
  { field: 'globalWebhooks', folder: 'global-webhooks' },
  { field: 'operations', folder: 'operations' },
]

/** What a connector's definition comes to as files beside its main one, by path below `src/`; and what stays in that. */
export function filesOfConnector(data: Json): { main: Json; files: Map<string, string> } {
  const main = { ...data }
  const files = new Map<string, string>()
  for (const { field, folder } of PARTS) {
    const parts = main[field]
    delete main[field]
    for (const [key, part] of Object.entries(isRecord(parts) ? parts : {})) {
      const { functions, rest } = apart(isRecord(part) ? part : {})
      files.set(`${folder}/${key}/spec.yml`, writeYaml(rest))
      for (const [slot, fn] of functions) writeFunction(files, `${folder}/${key}/${fileNameOf(slot)}`, fn)
    }
  }
  const { data: collections, udm } = main
  delete main.data
  delete main.udm
  for (const [key, collection] of Object.entries(isRecord(collections) ? collections : {}))
    writeCollection(files, `data/${key}`, isRecord(collection) ? collection : {})
  if (udm !== undefined) files.set('udm.yml', writeYaml(udm))
  files.set('spec.yml', writeYaml({ name: data.name }))
  return { main, files }
}

/** The same the other way: what the files of a package say, as fields of the connector. Others are left to whom they concern. */
export function connectorOfFiles(
  files: ReadonlyMap<string, string>,
  where: string,
): { data: Json; problems: FileProblem[] } {
  const data: Json = {}
  const problems: FileProblem[] = []
  for (const { field, folder } of PARTS) {
    const parts: Record<string, Json> = {}
    for (const [path, text] of files) {
      const [, key = '', name = ''] = new RegExp(`^${folder}/([^/]+)/([^/]+)$`).exec(path) ?? []
      if (name === '') continue
      parts[key] ??= {}
      const read =
        name === 'spec.yml' || name === 'spec.yaml'
          ? readYaml(`${where}${path}`, text)
          : readFunction(`${where}${path}`, text)
      if (read === null) continue
      if ('problem' in read) problems.push(read.problem)
      else Object.assign(parts[key], 'data' in read ? read.data : { [slotNamed(name)]: read.fn })
    }
    if (Object.keys(parts).length > 0) data[field] = parts
  }
  problems.push(...yamlProblems(files, where))
  if (problems.length > 0) return { data, problems }
  const { data: collections, udm } = dataOfFiles(files)
  if (Object.keys(collections).length > 0) data.data = collections
  if (udm !== undefined) data.udm = udm
  return { data, problems }
}

function yamlProblems(files: ReadonlyMap<string, string>, where: string): FileProblem[] {
  const ofData = [...files].filter(([path]) => /^(?:data\/.*|udm)\.ya?ml$/.test(path))
  return ofData.flatMap(([path, text]) => {
    const read = readYaml(`${where}${path}`, asValue(text))
    return 'problem' in read ? [read.problem] : []
  })
}

/** A mapping may be any value, not only an object: the line before it makes it a field of one. */
function asValue(text: string): string {
  return `value:\n${text.replaceAll(/^/gm, '  ')}`
}

/** A collection as files: its functions one by one, named as they are looked for, and the rest in `spec.yml`. */
function writeCollection(files: Map<string, string>, folder: string, collection: Json): void {
  const { functions, rest } = apart(collection)
  for (const [slot, fn] of functions) writeFunction(files, `${folder}/${fileNameOf(slot)}`, fn)
  const methodsOf = (methods: unknown, prefix: string, isNamed: boolean) =>
    Object.fromEntries(
      Object.entries(isRecord(methods) ? methods : {}).map(([name, method]) => {
        // Where the function stood in the files that were read says nothing of where it goes.
        const { run, filePath: _filePath, ...settings } = isRecord(method) ? method : {}
        if (!isRecord(run)) return [name, settings]
        const path = writeFunction(
          files,
          `${folder}/${prefix}${fileNameOf(name)}`,
          run as unknown as FunctionDefinition,
        )
        return [name, isNamed ? { ...settings, filePath: path.slice(folder.length + 1) } : settings]
      }),
    )
  const events = Object.entries(isRecord(rest.events) ? rest.events : {}).map(([type, event]) => {
    const { methods, ...settings } = isRecord(event) ? event : {}
    if (methods === undefined) return [type, settings]
    return [type, { ...settings, methods: methodsOf(methods, `events-${type}-`, true) }]
  })
  const spec = { ...rest, methods: methodsOf(rest.methods, '', true) }
  if (events.length > 0) Object.assign(spec, { events: Object.fromEntries(events) })
  files.set(`${folder}/spec.yml`, writeYaml(spec))
}

function apart(part: Json): { functions: [string, FunctionDefinition][]; rest: Json } {
  const functions: [string, FunctionDefinition][] = []
  const rest: Json = {}
  for (const [field, value] of Object.entries(part)) {
    const isFunction = isRecord(value) && ENDINGS.some(({ type }) => type === value.type)
    if (isFunction) functions.push([field, value as unknown as FunctionDefinition])
    else rest[field] = value
  }
  return { functions, rest }
}

function writeFunction(files: Map<string, string>, path: string, fn: FunctionDefinition): string {
  const ending = ENDINGS.find(({ type }) => type === fn.type)?.ending ?? '.map.yml'
  files.set(`${path}${ending}`, fn.type === 'javascript' ? fn.code : writeYaml(fn.mapping ?? null))
  return `${path}${ending}`
}

function readFunction(file: string, text: string): { fn: Json } | { problem: FileProblem } | null {
  const kind = ENDINGS.find(({ ending }) => file.endsWith(ending))
  if (kind === undefined) return null
  if (kind.type === 'javascript') return { fn: { type: 'javascript', code: text } }
  const read = readYaml(file, asValue(text))
  return 'problem' in read ? read : { fn: { type: kind.type, mapping: read.data.value } }
}

/** `getEventSelector` → `get-event-selector`; `get-oauth-config` is `getOAuthConfig`. */
function fileNameOf(slot: string): string {
  return slot.replace('OAuth', 'Oauth').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function slotNamed(fileName: string): string {
  const stem = ENDINGS.reduce(
    (name, { ending }) => (name.endsWith(ending) ? name.slice(0, -ending.length) : name),
    fileName,
  )
  return stem.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()).replace('Oauth', 'OAuth')
}
