import { isDeepStrictEqual } from 'node:util'
import { contentLaidOver } from '../data-elements/data-element.ts'
import { isRecord } from '../formulas/coercion.ts'
import { bySelector, type CurrentElement, type ElementCalls, isReadyMade } from './current-elements.ts'
import { fileDataOf } from './element-files.ts'
import { type ElementKind, kindOfType } from './element-kinds.ts'
import {
  type FileProblem,
  type Json,
  type RefusedElement,
  refusedElement,
  selectorOf,
  type WorkspaceElement,
} from './workspace-element.ts'

/** What an import does to one element. */
export interface Step {
  selector: string
  element: WorkspaceElement
  /** Null: it is made. */
  current: CurrentElement | null
  /** What is given to the API; of a change only what differs. */
  body: Json
  /** Follows its parent again: what was its own is dropped first. */
  isReset: boolean
  integration: string | null
  parent: string | null
}

export interface Plan {
  create: Step[]
  update: Step[]
  archive: CurrentElement[]
  unchanged: number
  /** What stops all of it. */
  problems: FileProblem[]
  /** Elements that cannot be taken. */
  refused: RefusedElement[]
  /** What is taken without something that it names. */
  warnings: FileProblem[]
}

/** Works out what has to be done so that the workspace is as the files say; `isPartial` keeps what they do not have. */
export function planImport(
  files: readonly WorkspaceElement[],
  current: readonly CurrentElement[],
  isPartial: boolean,
  canonical: ElementCalls['canonical'],
): Plan {
  const existing = bySelector(current)
  const world = createWorld(files, current)
  const plan: Plan = { create: [], update: [], archive: [], unchanged: 0, problems: [], refused: [], warnings: [] }
  for (const element of files) {
    const found = existing.get(selectorOf(element)) ?? null
    if (found !== null && isReadyMade(found)) {
      plan.unchanged += 1
      continue
    }
    const owners = ownersOf(element, world, plan.warnings)
    if ('problem' in owners) plan.problems.push(owners.problem)
    else addStep(plan, withOwnUuid(element, world), found, { ...owners, world, canonical })
  }
  if (!isPartial) {
    const wanted = new Set(files.map(selectorOf))
    plan.archive = [...existing].flatMap(([selector, each]) =>
      wanted.has(selector) || isReadyMade(each) ? [] : [each],
    )
  }
  return plan
}

interface World {
  /** What an element will say of a field, by its selector: the files do, then the workspace. */
  valueOf(selector: string, field: string): unknown
  /** Selectors by kind and uuid, of the files and of the workspace; of several with one uuid the universal one's. */
  byUuid: ReadonlyMap<string, string>
  selectors: ReadonlySet<string>
}

function createWorld(files: readonly WorkspaceElement[], current: readonly CurrentElement[]): World {
  const living = current.filter((each) => !each.isArchived)
  const byUuid = new Map(living.map((each) => [uuidIn(each.kind.type, each.uuid), selectorOf(each)] as const))
  const narrowFirst = files.toSorted(
    (one, other) => Number(one.integrationKey === null) - Number(other.integrationKey === null),
  )
  for (const each of narrowFirst)
    if (each.uuid !== null) byUuid.set(uuidIn(each.kind.type, each.uuid), selectorOf(each))
  const saying = new Map<string, Json>(living.map((each) => [selectorOf(each), each.answer]))
  for (const each of files) saying.set(selectorOf(each), each.data)
  return {
    byUuid,
    selectors: new Set(saying.keys()),
    valueOf: (selector, field) => saying.get(selector)?.[field],
  }
}

function uuidIn(type: string, uuid: string): string {
  return `${type}:${uuid}`
}

/** Copies for integrations may come with the uuid of what they follow: then they get one of their own. */
function withOwnUuid(element: WorkspaceElement, world: World): WorkspaceElement {
  const { uuid } = element
  return uuid === null || world.byUuid.get(uuidIn(element.kind.type, uuid)) === selectorOf(element)
    ? element
    : { ...element, uuid: null }
}

interface Owners {
  integration: string | null
  parent: string | null
  connector: string | null
}

/** Finds the integration, the parent and the connector that an element names. */
function ownersOf(element: WorkspaceElement, world: World, warnings: FileProblem[]): Owners | { problem: FileProblem } {
  const { kind, data, key, integrationKey } = element
  const said = (field: string, message: string): FileProblem => ({
    file: element.path,
    line: element.lineOf(field),
    message: `${field}: ${message}`,
  })
  const missing = (field: string, message: string) => ({ problem: said(field, message) })
  const owners: Owners = { integration: null, parent: null, connector: null }
  if (kind.type === 'integration' && (data.connectorUuid ?? data.connectorKey) !== undefined) {
    const byKey = `connector:${String(data.connectorKey)}`
    owners.connector =
      world.byUuid.get(uuidIn('connector', String(data.connectorUuid))) ?? (world.selectors.has(byKey) ? byKey : null)
    // Connectors that other systems come with are only named: the integration waits for one here.
    if (owners.connector === null)
      warnings.push(said('connectorUuid', `there is no connector ${String(data.connectorKey ?? data.connectorUuid)}`))
  }
  if (kind.layers === 'none') return owners
  const { integrationUuid, parentUuid } = data
  if (integrationKey === null && typeof integrationUuid === 'string') {
    const found = world.byUuid.get(uuidIn('integration', integrationUuid))
    if (found === undefined) return missing('integrationUuid', `there is no integration ${integrationUuid}`)
    element.integrationKey = found.slice('integration:'.length)
  }
  if (element.integrationKey === null) return owners
  owners.integration = `integration:${element.integrationKey}`
  if (!world.selectors.has(owners.integration))
    return missing('integrationUuid', `there is no integration ${element.integrationKey}`)
  const universal = selectorOf({ kind, key, integrationKey: null })
  const named = typeof parentUuid === 'string' ? world.byUuid.get(uuidIn(kind.type, parentUuid)) : undefined
  const isChild = hasParent(data)
  if (typeof parentUuid === 'string' && named === undefined && !world.selectors.has(universal))
    warnings.push(said('parentUuid', `there is no ${kind.type} ${parentUuid}; it follows none`))
  if (isChild) owners.parent = named ?? (world.selectors.has(universal) ? universal : null)
  if (owners.parent === selectorOf(element)) return missing('parentUuid', 'an element cannot follow itself')
  return owners
}

/** Older files name the parent by ids that mean nothing elsewhere: then it is the universal one of the same key. */
function hasParent(data: Json): boolean {
  return Object.entries(data).some(
    ([field, value]) => /^(?:parent(?:Uuid|Id)|universal\w+Id)$/.test(field) && typeof value === 'string',
  )
}

function addStep(
  plan: Plan,
  element: WorkspaceElement,
  current: CurrentElement | null,
  owners: Owners & { world: World; canonical: ElementCalls['canonical'] },
): void {
  const { kind, data } = element
  const selector = selectorOf(element)
  const isFollowing =
    owners.parent !== null && (data.isCustomized ?? data.customized) !== true && kind.inherited.length > 0
  const isBare = isFollowing && !kind.saysWhetherCustomized
  const fields = ['name', 'description', 'meta', ...kind.fields].filter(
    (field) => !isBare || !kind.inherited.includes(field),
  )
  const given: Json = Object.fromEntries(
    fields.flatMap((field) => {
      // Nothing, where the parent has something, has to be said.
      const isSaid = data[field] !== null || (owners.parent !== null && kind.copied.includes(field))
      return data[field] === undefined || !isSaid ? [] : [[field, data[field]]]
    }),
  )
  // Connectors with one way to connect may have its functions beside their own fields.
  if (kind.type === 'connector') Object.assign(given, oneWayOf(data))
  const read = owners.canonical(kind, {
    key: element.key,
    ...(element.uuid === null ? {} : { uuid: element.uuid }),
    ...given,
  })
  if ('message' in read) {
    const { field, message } = read
    plan.refused.push(refusedElement(element, field, `${field}: ${message}`))
    return
  }
  const { key: _key, uuid: _uuid, ...defined } = read.data
  const step: Omit<Step, 'body'> = {
    selector,
    element,
    current,
    isReset: isBare && current?.answer.isCustomized === true,
    integration: owners.integration,
    parent: owners.parent,
  }
  if (current === null) {
    const identity = { key: element.key, ...(element.uuid === null ? {} : { uuid: element.uuid }) }
    const said = kind.saysWhetherCustomized && owners.parent !== null ? { isCustomized: !isFollowing } : {}
    plan.create.push({ ...step, body: { ...identity, ...defined, ...said, ...connectorOf(owners) } })
    return
  }
  const body = { ...changesOf(kind, defined, fields, current), ...fromParent(kind, defined, fields, current, owners) }
  if (owners.connector !== null && owners.connector !== connectorSelector(current))
    Object.assign(body, connectorOf(owners))
  const isOther =
    kind.saysWhetherCustomized && owners.parent !== null && (current.answer.isCustomized === true) === isFollowing
  if (kind.saysWhetherCustomized && owners.parent !== null && (isOther || Object.keys(body).length > 0))
    body.isCustomized = !isFollowing
  if (Object.keys(body).length === 0 && !step.isReset) plan.unchanged += 1
  else plan.update.push({ ...step, body })
}

const ONE_WAY = /^(?:type|inputSchema|getOAuthConfig|getTokenData|getCredentials\w+|refreshCredentials)$/

function oneWayOf(data: Json): Json {
  if (isRecord(data.options) && Object.keys(data.options).length > 0) return {}
  return Object.fromEntries(Object.entries(data).filter(([field]) => ONE_WAY.test(field)))
}

function connectorOf({ connector }: Owners): Json {
  return connector === null ? {} : { connectorKey: connector.slice('connector:'.length) }
}

function connectorSelector({ connector }: CurrentElement): string | null {
  return connector === null
    ? null
    : selectorOf({ kind: kindOfType('connector'), key: connector.key, integrationKey: null })
}

/** The fields that differ, with null or what the engine starts from for what the file no longer has. */
function changesOf(kind: ElementKind, given: Json, fields: readonly string[], current: CurrentElement): Json {
  const said = fileDataOf(current)
  const body: Json = {}
  for (const [field, value] of Object.entries(given)) {
    const defined = kind.definedIn(field, value)
    const isSaid = isSame(field, defined, said[field]) || isLaidOverParent(kind, field, defined, current)
    const isKept = isSaid || isSame(field, defined, currentValue(kind, field, current))
    if (!isKept && !isSame(field, defined, current.unmasked?.[field])) body[field] = value
  }
  // What a file of a child leaves out is its parent's.
  const isTakenOver = (field: string) =>
    current.parent !== null &&
    (kind.copied.includes(field) ||
      (kind.inherited.includes(field) && isSame(field, current.answer[field], current.parent.answer[field])))
  const gone = fields.filter(
    (field) => field !== 'name' && given[field] === undefined && said[field] !== undefined && !isTakenOver(field),
  )
  for (const field of gone) {
    if (kind.type === 'connector' && field === 'options' && given.type !== undefined) continue
    body[field] = field in kind.defaults ? kind.defaults[field] : null
  }
  if (isRecord(body.optionsConfig))
    body.optionsConfig = withParameters(body.optionsConfig, current.answer.optionsConfig)
  return body
}

/** Of what lies over the parent's field by field, an element answers with both. */
function isLaidOverParent(
  kind: ElementKind,
  field: string,
  value: unknown,
  { answer, parent }: CurrentElement,
): boolean {
  if (!kind.saysWhetherCustomized || parent === null || !kind.inherited.includes(field)) return false
  return isSame(field, contentLaidOver(parent.answer[field], value), answer[field])
}

/** What the file leaves to the parent, where the element has something else. */
function fromParent(
  kind: ElementKind,
  given: Json,
  fields: readonly string[],
  { answer }: CurrentElement,
  { parent, world }: Owners & { world: World },
): Json {
  if (parent === null) return {}
  const left = fields.filter((field) => kind.copied.includes(field) && given[field] === undefined)
  return Object.fromEntries(
    left.flatMap((field) => {
      const otherwise = kind.defaults[field] ?? null
      const wanted = world.valueOf(parent, field) ?? otherwise
      return isSame(field, wanted, answer[field] ?? otherwise) ? [] : [[field, wanted]]
    }),
  )
}

/** The fields of a connector with one way to connect are those of its option `default`. */
function currentValue(kind: ElementKind, field: string, { answer }: CurrentElement): unknown {
  if (kind.type !== 'connector' || !ONE_WAY.test(field)) return kind.definedIn(field, answer[field])
  const options = isRecord(answer.options) ? answer.options : {}
  return isRecord(options.default) ? options.default[field] : undefined
}

/** Secrets that are kept there stay: no file has them. */
function withParameters(config: Json, current: unknown): Json {
  const kept = isRecord(current) ? current : {}
  return Object.fromEntries(
    Object.entries(config).map(([key, option]) => {
      const { parameters } = isRecord(kept[key]) ? kept[key] : {}
      return [key, { ...(option as Json), ...(parameters === undefined ? {} : { parameters }) }]
    }),
  )
}

/**
 * Order counts, since the first key of an object may make it a formula; of the nodes of a flow it does not, and not in
 * `meta`, which has no formulas and is kept without its order.
 */
function isSame(field: string, one: unknown, other: unknown): boolean {
  if (field === 'meta') return isDeepStrictEqual(one, other)
  const text = (value: unknown) =>
    JSON.stringify(field === 'nodes' && isRecord(value) ? Object.entries(value).toSorted(byKey) : value)
  return text(one) === text(other)
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
