import { isRecord } from '../formulas/coercion.ts'
import { filesOfConnector } from './connector-files.ts'
import { type CurrentElement, isReadyMade } from './current-elements.ts'
import type { ElementKind } from './element-kinds.ts'
import { pathOf, TOP_FOLDER } from './layout.ts'
import { type Json, selectorOf } from './workspace-element.ts'
import { writeYaml } from './yaml-file.ts'

/** What a file says of an element, in the order of the file. Secrets are not among it. */
export function fileDataOf(element: CurrentElement): Json {
  const { kind, answer, key, uuid, integrationUuid, parentUuid, connector } = element
  const data: Json = { uuid, key, name: answer.name, description: answer.description, meta: answer.meta }
  if (kind.layers !== 'none') {
    Object.assign(data, { integrationUuid, parentUuid, instanceKey: answer.instanceKey })
    if (parentUuid !== null) data.isCustomized = isCustomized(kind, answer)
  }
  if (connector !== null) Object.assign(data, { connectorUuid: connector.uuid, connectorKey: connector.key })
  for (const field of kind.fields) data[field] = fieldOf(element, field)
  const said = (field: string) =>
    isSaid(kind, field, data[field]) || (kind.copied.includes(field) && isUnlikeParent(element, field))
  return Object.fromEntries(Object.keys(data).flatMap((field) => (said(field) ? [[field, data[field] ?? null]] : [])))
}

/** Without a word of it the element would be made with what its parent has. */
function isUnlikeParent({ kind, answer, parent }: CurrentElement, field: string): boolean {
  const textIn = ({ [field]: value }: Json) => JSON.stringify(value ?? kind.defaults[field] ?? null)
  return parent !== null && textIn(answer) !== textIn(parent.answer)
}

/** External event types say field by field what is their own. */
function isCustomized(kind: ElementKind, answer: Json): boolean {
  return kind.type === 'external-event-type'
    ? Array.isArray(answer.overrides) && answer.overrides.length > 0
    : answer.isCustomized === true
}

function fieldOf({ kind, answer, connector }: CurrentElement, field: string): unknown {
  const value = answer[field]
  // What follows from the connector, or from where the engine runs, is nobody's definition.
  if (kind.type === 'integration' && field === 'logoUri' && (value === '' || value === connector?.logoUri))
    return undefined
  if (field === 'oAuthCallbackUri' && String(value).endsWith('/oauth-callback')) return undefined
  if (kind.type === 'external-event-type' && answer.parentId !== undefined && kind.inherited.length === 0) {
    const own = Array.isArray(answer.overrides) ? answer.overrides : []
    return field === 'type' || own.includes(field) ? value : undefined
  }
  // Parameters of ways to connect are secrets of the operator.
  if (field === 'optionsConfig' && isRecord(value)) return withoutParameters(value)
  return value === undefined ? undefined : kind.definedIn(field, value)
}

function withoutParameters(config: Json): Json | undefined {
  const kept = Object.entries(config).flatMap(([key, option]) => {
    const { parameters: _, ...rest } = isRecord(option) ? option : {}
    return Object.keys(rest).length === 0 ? [] : [[key, rest] as const]
  })
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

function isSaid(kind: ElementKind, field: string, value: unknown): boolean {
  if (value === undefined || value === null) return false
  return !(field in kind.defaults) || field === 'type' || JSON.stringify(value) !== JSON.stringify(kind.defaults[field])
}

/** The files of elements, by path with the top folder; `elements` are all of their kinds, which their places depend on. */
export function filesOf(
  elements: readonly CurrentElement[],
  isWanted: (element: CurrentElement) => boolean = () => true,
): Map<string, string> {
  const files = new Map<string, string>()
  for (const [element, path] of placed(elements)) {
    if (!isWanted(element)) continue
    const data = fileDataOf(element)
    if (element.kind.type !== 'connector') {
      files.set(`${TOP_FOLDER}/${path}`, writeYaml(data))
      continue
    }
    const { main, files: beside } = filesOfConnector(data)
    files.set(`${TOP_FOLDER}/${path}`, writeYaml(main))
    const folder = `${TOP_FOLDER}/${path.split('/').slice(0, 2).join('/')}/development/src`
    for (const [name, text] of beside) files.set(`${folder}/${name}`, text)
  }
  return files
}

/** Elements that files hold, each with the path of its main file. */
export function placed(elements: readonly CurrentElement[]): Map<CurrentElement, string> {
  const held = elements.filter((each) => !each.isArchived && !isReadyMade(each))
  const wanted = new Map<string, number>()
  const rootOf = (each: CurrentElement) => `${each.kind.folder}/${each.key}`
  for (const each of held)
    if (each.kind.layers === 'root') wanted.set(rootOf(each), (wanted.get(rootOf(each)) ?? 0) + 1)
  const sorted = held.toSorted((one, other) => (selectorOf(one) < selectorOf(other) ? -1 : 1))
  return new Map(sorted.map((each) => [each, pathOf(each, wanted.get(rootOf(each)) === 1)]))
}
