import { COLLECTION_FUNCTIONS, type FunctionDefinition, RECORD_METHODS } from '@permea/contract'
import { parse } from 'yaml'
import { isRecord } from '../formulas/coercion.ts'

type Json = Record<string, unknown>

/** How a function is written, by the ending of its file; of two that fit, the longer counts. */
const KINDS: readonly { ending: string; read(text: string): FunctionDefinition }[] = [
  { ending: '.js', read: (code) => ({ type: 'javascript', code }) },
  { ending: '.ts', read: (code) => ({ type: 'javascript', code }) },
  { ending: '.rest.yml', read: (text) => ({ type: 'rest-api-mapping', mapping: parse(text) }) },
  { ending: '.api.yml', read: (text) => ({ type: 'rest-api-mapping', mapping: parse(text) }) },
  { ending: '.graphql.yml', read: (text) => ({ type: 'graphql-api-mapping', mapping: parse(text) }) },
  { ending: '.op.yml', read: (text) => ({ type: 'operation-mapping', mapping: parse(text) }) },
  { ending: '.map.yml', read: (text) => ({ type: 'mapping', mapping: parse(text) }) },
  { ending: '.yml', read: (text) => ({ type: 'mapping', mapping: parse(text) }) },
]

/** Functions of an event by how it is implemented, as their files are named (wire data facts 6.1). */
const OF_EVENT: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  webhook: {
    subscribe: ['webhook-subscribe'],
    handle: ['webhook-handle'],
    unsubscribe: ['webhook-unsubscribe'],
    refresh: ['webhook-refresh'],
  },
  'pull-latest-records': { pullLatestRecords: ['pull-latest-records'] },
  'custom-pull': { subscribe: ['custom-pull-subscribe'], collectEvents: ['custom-pull-collect-events', 'pull'] },
  'connector-event': {
    getEventConfig: ['connector-event-get-event-config'],
    extractEvents: ['connector-event-extract-events'],
  },
}

/** What a connector's files say of its data: collections as `ConnectorCollectionInput` takes them, and its data models. */
export interface DataOfFiles {
  data: Record<string, Json>
  udm: Json | undefined
}

/**
 * Reads `data/<key>/…` and `udm.yml` of a connector, its files by path. A method is offered where its file is there,
 * whether the `spec.yml` names it or not; `not-supported` takes it away.
 *
 * @source wire data facts 1.1 and 6.1
 */
export function dataOfFiles(files: ReadonlyMap<string, string>): DataOfFiles {
  const byCollection = new Map<string, Map<string, string>>()
  for (const [path, text] of files) {
    const [, key, rest] = /^data\/([^/]+)\/(.+)$/.exec(path) ?? []
    if (key === undefined || rest === undefined) continue
    byCollection.set(key, (byCollection.get(key) ?? new Map()).set(rest, text))
  }
  const udmText = files.get('udm.yml') ?? files.get('udm.yaml')
  const udm: unknown = udmText === undefined ? undefined : parse(udmText)
  return {
    data: Object.fromEntries([...byCollection].map(([key, own]) => [key, collectionOf(key, own)])),
    udm: isRecord(udm) ? udm : undefined,
  }
}

function collectionOf(key: string, files: ReadonlyMap<string, string>): Json {
  const specText = files.get('spec.yml') ?? files.get('spec.yaml') ?? ''
  const parsed: unknown = parse(specText)
  const spec = isRecord(parsed) ? parsed : {}
  const given = isRecord(spec.methods) ? spec.methods : {}
  const methods: Json = {}
  for (const name of new Set([...RECORD_METHODS, ...Object.keys(given)])) {
    const settings = isRecord(given[name]) ? given[name] : {}
    // What the collection that it extends does may be set otherwise, or taken away.
    const isOfMixin = Array.isArray(spec.extends) && isRecord(given[name])
    if (settings.implementationType === 'not-supported') {
      if (isOfMixin) methods[name] = settings
      continue
    }
    const run = functionAt(files, textOf(settings.filePath), [kebab(name), name])
    if (run !== null || isInline(settings) || isOfMixin)
      methods[name] = { ...settings, ...(run === null ? {} : { run }) }
  }
  const functions = COLLECTION_FUNCTIONS.flatMap((name) => {
    const run = name === 'spec' ? codeAt(files, 'spec') : functionAt(files, null, [kebab(name), name])
    return run === null ? [] : [[name, run] as const]
  })
  return {
    ...spec,
    name: textOf(spec.name) ?? key,
    methods,
    ...(isRecord(spec.events) ? { events: eventsOf(spec.events, files) } : {}),
    ...Object.fromEntries(functions),
  }
}

function eventsOf(events: Json, files: ReadonlyMap<string, string>): Json {
  return Object.fromEntries(
    Object.entries(events).flatMap(([type, event]) => {
      if (!isRecord(event)) return []
      const given = isRecord(event.methods) ? event.methods : {}
      const names = OF_EVENT[String(event.implementationType)] ?? {}
      const methods: Json = {}
      for (const name of new Set([...Object.keys(names), ...Object.keys(given)])) {
        const settings = isRecord(given[name]) ? given[name] : {}
        const candidates = (names[name] ?? [kebab(name)]).flatMap((file) => [
          `events-${type}-${file}`,
          `${type}-${file}`,
          `events-${file}`,
        ])
        const run = functionAt(files, textOf(settings.filePath), candidates)
        if (run !== null || isInline(settings)) methods[name] = { ...settings, ...(run === null ? {} : { run }) }
      }
      return [[type, { ...event, methods }]]
    }),
  )
}

/** The function in a file that is named, else in the first there is of these names. */
function functionAt(
  files: ReadonlyMap<string, string>,
  path: string | null,
  names: readonly string[],
): FunctionDefinition | null {
  if (path !== null) {
    const text = files.get(path.replace(/^\.?\//, ''))
    const kind = kindOf(path)
    return text === undefined || kind === null ? null : kind.read(text)
  }
  for (const name of names)
    for (const { ending, read } of KINDS) {
      const text = files.get(`${name}${ending}`)
      if (text !== undefined) return read(text)
    }
  return null
}

/** `spec` as a function: the YAML of that name is no function. */
function codeAt(files: ReadonlyMap<string, string>, name: string): FunctionDefinition | null {
  const code = files.get(`${name}.js`) ?? files.get(`${name}.ts`)
  return code === undefined ? null : { type: 'javascript', code }
}

function kindOf(path: string) {
  const fitting = KINDS.filter(({ ending }) => path.endsWith(ending))
  return fitting.toSorted((one, other) => other.ending.length - one.ending.length)[0] ?? null
}

function isInline(settings: Json): boolean {
  return settings.mapping !== undefined || settings.code !== undefined || settings.run !== undefined
}

/** `findById` → `find-by-id`, `fieldsFromApi` → `fields-from-api` */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
