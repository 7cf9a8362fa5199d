import type { Endpoint } from '@permea/contract'
import type { z } from 'zod'

// What a role without `payloads` or `secrets` is shown of an answer. What has no shape in the contract is masked unless it
// stands in one of the lists below, so a new field of unknown shape is masked until somebody says that it is a definition.

/** What events, records, requests and functions carried; and what was said of it, since messages of errors quote it. */
const PAYLOADS: ReadonlySet<string> = new Set([
  ...['input', 'output', 'outputs', 'event', 'payload', 'data', 'body', 'bodyBase64', 'value', 'fields', 'records'],
  ...['request', 'response', 'requestUrl', 'query', 'subscriptionRequest', 'subscriptionResponse', 'excerpt', 'path'],
  ...['logs', 'executionLogs', 'message', 'causedByError', 'meta', 'parameters'],
  ...['filter', 'drilldowns', 'clientAction', 'example', 'outputExample', 'rawFields', 'unifiedFields', 'notes'],
])

/** Of errors the class and key are shown, and nothing where they are a text alone. */
const ERRORS: ReadonlySet<string> = new Set(['error', 'errors', 'lastError'])

/** Secrets, and addresses that take events from whoever knows them. */
const SECRETS: ReadonlySet<string> = new Set([
  ...['secret', 'webhookSecret', 'previousSecret', 'token', 'credentials', 'connectorParameters', 'headers'],
  ...['webhookKey', 'webhookUri', 'globalWebhookUri', 'incomingWebhookUri', 'uri', 'url', 'downloadUrl'],
])

/** Definitions whose shape is the user's: flows and schemas mean nothing to whom they are masked. */
const DEFINITIONS: ReadonlySet<string> = new Set([
  ...['schema', 'inputSchema', 'outputSchema', 'configSchema', 'customOutputSchema', 'parametersSchema', 'appSchema'],
  ...['fieldsSchema', 'dataSourceSchema', 'connectorParametersSchema', 'config', 'outputMapping', 'tenantIdFormula'],
  ...['userIdFormula', 'importValue', 'exportValue', 'defaultImportValue', 'defaultExportValue', 'formula', 'settings'],
  ...['unifiedImportValue', 'unifiedExportValue', 'frozenImportFields', 'frozenExportFields', 'found', 'integration'],
  ...['frozenUnifiedExportFields', 'fullScan', 'pullLatest'],
])

/** Elements that stand in others: looked through by the names of their fields. */
const ELEMENTS: ReadonlySet<string> = new Set([
  ...['element', 'connection', 'integration', 'externalEventSubscription', 'appliedToIntegrations'],
])

/** Shapes that are definitions throughout, whatever their fields are called. */
const DEFINITION_SHAPES: ReadonlySet<string> = new Set([
  ...['Connector', 'ConnectorSpec', 'ConnectorEventSpec', 'ConnectorOperationSpec', 'ConnectionOption', 'FlowNode'],
  ...['DataCollectionSpec', 'FlowNodeType', 'FunctionDefinition', 'DedupeKey', 'CatalogueEntry', 'WebhookVendor'],
])

/** Endpoints whose whole answer is a schema. */
const IS_SCHEMA = /\/(?:schema|app-schema|node-schemas)$/

type Mask = (value: unknown) => unknown
const asItIs: Mask = (value) => value

const masks = new WeakMap<Endpoint, Mask>()

/** An answer without payloads and secrets; what is no payload stays the very same value. */
export function maskedAnswer(endpoint: Endpoint, answer: unknown): unknown {
  let mask = masks.get(endpoint)
  if (mask === undefined) {
    // What somebody's own account answers is theirs, the secret of a second factor too.
    const isOpen = endpoint.needs === 'account' || IS_SCHEMA.test(endpoint.path)
    mask = endpoint.answer === null || isOpen ? asItIs : compile(endpoint.answer, '', new Map())
    masks.set(endpoint, mask)
  }
  return mask(answer)
}

type Known = Map<unknown, Map<string, Mask>>

/** @param name of the field that the value stands in, whatever lists and records are between */
function compile(shape: z.ZodType, name: string, known: Known): Mask {
  const before = known.get(shape)?.get(name)
  if (before !== undefined) return before
  // Shapes name themselves in a round.
  let made: Mask = asItIs
  const byName = known.get(shape) ?? new Map<string, Mask>()
  known.set(
    shape,
    byName.set(name, (value) => made(value)),
  )
  made = maskOf(shape, name, known)
  byName.set(name, made)
  return made
}

/** What the library tells of a shape, of any kind. */
interface Definition {
  type: string
  shape?: Record<string, z.ZodType>
  catchall?: z.ZodType
  element?: z.ZodType
  valueType?: z.ZodType
  innerType?: z.ZodType
  in?: z.ZodType
  options?: z.ZodType[]
  getter?: () => z.ZodType
}

function maskOf(shape: z.ZodType, name: string, known: Known): Mask {
  if (DEFINITION_SHAPES.has(shape.meta()?.id ?? '')) return asItIs
  const { type, ...of } = shape.def as unknown as Definition
  const inner = of.innerType ?? of.in ?? (type === 'lazy' ? of.getter?.() : undefined)
  if (inner !== undefined) return compile(inner, name, known)
  switch (type) {
    case 'object':
      return objectMask(of, known)
    case 'array':
      return of.element === undefined ? outlineOf : eachOf(compile(of.element, name, known))
    case 'record':
      return of.valueType === undefined ? outlineOf : everyFieldOf(compile(of.valueType, name, known))
    case 'union':
      return unionMask(of.options ?? [], name, known)
    case 'string':
      return PAYLOADS.has(name) || SECRETS.has(name) || ERRORS.has(name) ? outlineOf : asItIs
    case 'number':
    case 'boolean':
    case 'enum':
    case 'literal':
    case 'null':
      return asItIs
    default:
      return unknownMask(name)
  }
}

function unknownMask(name: string): Mask {
  if (PAYLOADS.has(name) || SECRETS.has(name)) return outlineOf
  if (ELEMENTS.has(name)) return byNames
  return DEFINITIONS.has(name) ? asItIs : outlineOf
}

function objectMask({ shape = {}, catchall }: Omit<Definition, 'type'>, known: Known): Mask {
  const fields = new Map(Object.entries(shape).map(([name, field]) => [name, compile(field, name, known)]))
  const isLoose = catchall !== undefined && (catchall.def as unknown as Definition).type !== 'never'
  return (value) => {
    if (!isPlain(value)) return maskedUnlessPlain(value)
    return mapped(value, (name, each) => (fields.get(name) ?? (isLoose ? otherMask(name) : outlineOf))(each))
  }
}

/** A field beside those that are known. */
function otherMask(name: string): Mask {
  return (value) => byNames({ [name]: value } as object)[name as never]
}

/** The options of a union are told apart by what the value is. */
function unionMask(options: z.ZodType[], name: string, known: Known): Mask {
  const each = options.map((option) => ({ option, mask: compile(option, name, known) }))
  return (value) => {
    if (typeof value !== 'object' || value === null) {
      const isTyped = each.some(({ option, mask }) => mask === asItIs && option.safeParse(value).success)
      return isTyped ? value : unknownMask(name)(value)
    }
    const fitting = each.filter(({ option }) => option.safeParse(value).success)
    const [first] = fitting
    return first === undefined ? outlineOf(value) : first.mask(value)
  }
}

/** What is not described: an element's own words stay, what stands in fields with names of payloads does not. */
function byNames(value: object): object
function byNames(value: unknown): unknown
function byNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => byNames(each))
  if (!isPlain(value)) return maskedUnlessPlain(value)
  return mapped(value, (name, each) => {
    if (PAYLOADS.has(name) || SECRETS.has(name)) return outlineOf(each)
    if (ERRORS.has(name) && typeof each === 'string') return outlineOf(each)
    return DEFINITIONS.has(name) || name === 'nodes' ? each : byNames(each)
  })
}

function eachOf(mask: Mask): Mask {
  if (mask === asItIs) return asItIs
  return (value) => (Array.isArray(value) ? value.map(mask) : maskedUnlessPlain(value))
}

function everyFieldOf(mask: Mask): Mask {
  if (mask === asItIs) return asItIs
  return (value) => {
    if (!isPlain(value)) return maskedUnlessPlain(value)
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [nameOf(name), each === undefined ? each : mask(each)]),
    )
  }
}

function mapped(value: object, change: (name: string, each: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, each === undefined ? each : change(name, each)]),
  )
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !('toJSON' in value)
}

/** Texts that the contract knows stay; what turns itself into text (a long payload as it is stored) does not. */
function maskedUnlessPlain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? outlineOf(value) : value
}

/** Beyond this many in a list or an object the others are not told of. */
const SHOWN_MAX = 100
const DEPTH_MAX = 12

/** How a payload is built, and nothing of what stands in it. */
function outlineOf(value: unknown, depth = 0): unknown {
  if (value === null || value === undefined) return value
  if (typeof value === 'string') return '‹text›'
  if (typeof value === 'number' || typeof value === 'bigint') return '‹number›'
  if (typeof value === 'boolean') return '‹true or false›'
  if (depth >= DEPTH_MAX) return '‹more›'
  if (Array.isArray(value)) return value.slice(0, SHOWN_MAX).map((each) => outlineOf(each, depth + 1))
  if (!isPlain(value)) return '‹payload›'
  const entries = Object.entries(value).slice(0, SHOWN_MAX)
  return Object.fromEntries(entries.map(([name, each], index) => [nameOf(name, index), outlineOf(each, depth + 1)]))
}

/** Names of fields are shown where they look like such: objects have addresses and numbers of people as keys, too. */
function nameOf(name: string, index = 0): string {
  return /^[A-Za-z_$][A-Za-z_$-]{0,39}\d{0,2}$/.test(name) ? name : `‹field ${index + 1}›`
}
