import { contract, type Endpoint, type EndpointTable } from '@permea/contract'
import { z } from 'zod'
import { nearestName } from './nearest-name.ts'

/** A field that nobody knows, by its path, and the one that may have been meant. */
export interface UnknownField {
  field: string
  meant: string | null
}

/**
 * Names that are sent with elements and have no meaning here: what an answer shows and clients send back with it, and what
 * the published client and exports of others know beside it.
 *
 * @source the request schemas of the published client
 */
const WITHOUT_MEANING = new Set([
  ...['id', 'uuid', 'key', 'name', 'description', 'meta', 'revision', 'state', 'errors', 'type', 'path', 'code', 'ui'],
  ...[
    'createdAt',
    'updatedAt',
    'archivedAt',
    'lastActiveAt',
    'isDeactivated',
    'isCustomized',
    'isUniversal',
    'isPublic',
  ],
  ...['isReadOnly', 'isTest', 'isDefault', 'disconnected', 'logoUri', 'logoBase64', 'categories', 'intent', 'prompt'],
  ...[
    'user',
    'customer',
    'integration',
    'connection',
    'connector',
    'parent',
    'universalParent',
    'externalApp',
    'layer',
  ],
  ...['connectorVersion', 'customCredentialsSchema', 'parametersSchema', 'credentials', 'credentialsSchema', 'udm'],
  ...[
    'fields',
    'enabled',
    'autoCreateInstances',
    'defaultPath',
    'aiCreditsRolling30DayLimit',
    'limits',
    'featureFlags',
  ],
  ...['apiClient', 'auth', 'publicKeys', 'jwksUri', 'settings', 'customState', 'connectionParameters', 'subscribedTo'],
  ...['input', 'connectorParameters', 'secret', 'workspaceSecret', 'userFieldsSchema', 'alertDeliverySettings'],
  ...['apiBaseUri', 'apiRequestHeaders', 'apiRequestQuery'],
  ...['appliedToIntegrations', 'overrides', 'requestId', 'dependencies', 'popularity', 'connected', 'isDefunct'],
  ...['customized', 'baseUri', 'authType', 'authOptions', 'spec', 'udms', 'helpUri', 'appUri', 'error', 'status'],
  ...[
    'defaultOutputSchema',
    'transformedOutputSchema',
    'outputSchema',
    'collectionSpec',
    'defaultCollectionParameters',
  ],
  ...['dataSourceSchema', 'globalWebhookUri', 'globalWebhookEventSelector', 'requestError', 'nextRetryTimestamp'],
  ...['flow', 'dataSource', 'fieldMapping', 'dataLinkTable', 'appDataSchema', 'externalEventSubscription', 'options'],
])
/** Names that select, count or follow what is sent, of the published client and not of any answer here. */
const OF_OTHERS = [
  ...['appUuid', 'workspaceId', 'testCustomerId', 'tenantKey', 'connectorUuid', 'integrationUuid', 'knowledgeBaseUuid'],
  ...[
    'externalAppId',
    'externalAppKey',
    'externalAppUuid',
    'connectedProductId',
    'membraneInstanceId',
    'workspaceElementId',
  ],
  ...[
    'connectionActionId',
    'connectionFlowId',
    'integrationActionId',
    'integrationFlowId',
    'universalActionId',
    'modelId',
  ],
  ...['universalFlowId', 'universalParentId', 'universalDataSourceId', 'universalFieldMappingId', 'parentRevision'],
  ...['universalFlowRevision', 'universalDataSourceRevision', 'universalFieldMappingRevision', 'connectorRevision'],
  ...[
    'agentSessionId',
    'buildingAgentSessionId',
    'scenarioTemplateId',
    'elementId',
    'grantId',
    'createdById',
    'updatedById',
  ],
  ...[
    'hasAuthTest',
    'hasData',
    'hasDocumentation',
    'hasEvents',
    'hasGlobalWebhooks',
    'hasMissingParameters',
    'hasOperations',
  ],
  ...[
    'hasReadme',
    'hasTest',
    'hasUdm',
    'hasWorker',
    'hasWorkspaces',
    'dataCollectionsCount',
    'eventsCount',
    'operationsCount',
  ],
  ...[
    'dataSourceUuid',
    'dataSourceRevision',
    'fieldMappingRevision',
    'appDataSchemaRevision',
    'flowRevision',
    'proxyKey',
    'clientKey',
    'jobId',
    'outputId',
  ],
]

/** What stands within the parts of elements that the published client and its files write, beside what is read here. */
const WITHIN_PARTS = new Set([
  ...[
    'filePath',
    'inheritedFromPath',
    'isIncomplete',
    'implementationType',
    'parametersSchema',
    'apiRequests',
    'udm',
    'ui',
  ],
  ...['credentialsSchema', 'customCredentialsSchema', 'proxyKey', 'enabled', 'oAuthConfig', 'userConfig', 'testInput'],
  ...[
    'isCustomized',
    'dependencies',
    'errors',
    'state',
    'appUuid',
    'hasReadme',
    'knowledgeBaseUuid',
    'udms',
    'helpUri',
  ],
  ...['isFullScan', 'extract', 'parse', 'filterFields', 'requiredFields', 'excludedFields', 'queryFields'],
])

const SELECTING = /(?:Id|Uuid|Key)s?$|Revision$|Count$|^has[A-Z]/

/** Every name that selects, counts or follows, as answers and queries have them. */
const SELECTORS: ReadonlySet<string> = new Set([
  ...OF_OTHERS,
  ...['id', 'uuid', 'key'],
  ...Object.values<EndpointTable>(contract)
    .flatMap((table) => Object.values(table))
    .flatMap(({ query, answer }) => [...fieldsOf(query), ...fieldsOf(answer)])
    .filter(([name, shape]) => SELECTING.test(name) && objectsIn(shape).length === 0)
    .map(([name]) => name),
])

/**
 * Which fields of a body an endpoint knows nothing of, in the body and in every object within it whose fields are fixed;
 * where an object takes any, those that are one of its own with a slip. Endpoints without a body take none.
 */
export function unknownFieldsOf({
  method,
  body,
  answer,
}: Pick<Endpoint, 'method' | 'body' | 'answer'>): (given: unknown) => UnknownField[] {
  // What comes with a request to read is not read.
  if (method === 'GET') return () => []
  const check = body === undefined ? null : checkOf(body, [answer], true)
  // Of what cannot be edited, clients send back what they were shown.
  const isEdit = method === 'PUT' || method === 'PATCH'
  const sentBack = new Set(isEdit ? objectsIn(answer).flatMap(({ shape }) => Object.keys(shape)) : [])
  return (given) => {
    const found: UnknownField[] = []
    if (body !== undefined) check?.(given, '', found)
    else if (typeof given === 'object' && given !== null)
      for (const field of Object.keys(given))
        if (!SELECTORS.has(field) && !sentBack.has(field)) found.push({ field, meant: null })
    return found
  }
}

type Check = (value: unknown, path: string, found: UnknownField[]) => void

/** Shapes that hold themselves come round again with what an answer shows in the same place. */
const made = new WeakMap<z.ZodObject, { shown: string; check: Check }>()

/** What looks through a value of this shape; null where there is nothing to find. `shown` is what an answer has there. */
function checkOf(shape: unknown, shown: readonly unknown[], isTop = false): Check | null {
  const inner = unwrapped(shape)
  if (inner instanceof z.ZodArray || inner instanceof z.ZodRecord) {
    const item = inner instanceof z.ZodArray ? inner.element : inner._zod.def.valueType
    const each = checkOf(item, shown.flatMap(itemsOf))
    return each === null
      ? null
      : (value, path, found) => eachOf(value, (name, item) => each(item, below(path, name), found))
  }
  if (inner instanceof z.ZodUnion) return checkOfOne(inner.options, shown, isTop)
  const objects = objectsIn(inner)
  return objects.length === 0 ? null : checkOfObject(objects, shown, isTop)
}

/** One of several shapes: the one that is named by `type`, or those that take the value. */
function checkOfOne(options: readonly unknown[], shown: readonly unknown[], isTop: boolean): Check | null {
  const checks = options.map((option) => ({ option, check: checkOf(option, shown, isTop) }))
  if (checks.every(({ check }) => check === null)) return null
  return (value, path, found) => {
    if (typeof value !== 'object' || value === null) return
    const named = checks.filter(({ option }) => isNamed(option, value))
    const [fewest = []] = (named.length > 0 ? named : taking(checks, value))
      .map(({ check }) => {
        const of: UnknownField[] = []
        check?.(value, path, of)
        return of
      })
      .toSorted((one, other) => one.length - other.length)
    found.push(...fewest)
  }
}

/** Those that take the value; all where none does, since it is refused anyway. */
function taking<T extends { option: unknown }>(options: readonly T[], value: object): readonly T[] {
  const found = options.filter(({ option }) => (option as z.ZodType).safeParse(value).success)
  return found.length > 0 ? found : options
}

function isNamed(option: unknown, value: object): boolean {
  const { type } = value as { type?: unknown }
  return objectsIn(option).some(
    ({ shape }) => shape.type instanceof z.ZodLiteral && shape.type.values.has(type as string),
  )
}

function checkOfObject(objects: readonly z.ZodObject[], shown: readonly unknown[], isTop: boolean): Check {
  const [first] = objects
  const known = first === undefined ? undefined : made.get(first)
  const shownObjects = shown.flatMap(objectsIn)
  const names = new Set(shownObjects.flatMap(({ shape }) => Object.keys(shape)))
  const place = `${isTop} ${[...names].sort().join()}`
  if (known?.shown === place) return known.check
  const own = Object.assign({}, ...objects.map(({ shape }) => shape)) as Record<string, z.ZodType>
  const takesOthers = objects.some(isLoose)
  const isKnown = (name: string) =>
    names.has(name) || (isTop ? WITHOUT_MEANING.has(name) || SELECTORS.has(name) : WITHIN_PARTS.has(name))
  const within = new Map<string, Check | null>()
  const check: Check = (value, path, found) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const [name, each] of Object.entries(value)) {
      if (Object.hasOwn(own, name)) within.get(name)?.(each, below(path, name), found)
      else if (!isKnown(name)) {
        const meant = nearestName(name, Object.keys(own))
        if (!takesOthers || meant !== null) found.push({ field: below(path, name), meant })
      }
    }
  }
  if (first !== undefined) made.set(first, { shown: place, check })
  for (const [name, shape] of Object.entries(own))
    within.set(
      name,
      checkOf(
        shape,
        shownObjects.flatMap((object) => object.shape[name] ?? []),
      ),
    )
  return check
}

function isLoose({ _zod }: z.ZodObject): boolean {
  const { catchall } = _zod.def
  return catchall !== undefined && !(catchall instanceof z.ZodNever)
}

/** The shape of what is sent, without what is made of it. */
function unwrapped(shape: unknown): unknown {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable || shape instanceof z.ZodDefault)
    return unwrapped(shape.unwrap())
  if (shape instanceof z.ZodPipe) return unwrapped(shape.in instanceof z.ZodTransform ? shape.out : shape.in)
  if (shape instanceof z.ZodLazy) return unwrapped(shape._zod.innerType)
  return shape
}

/** The objects that a value of this shape is: one, several at once, or one of several. */
function objectsIn(shape: unknown): z.ZodObject[] {
  const inner = unwrapped(shape)
  if (inner instanceof z.ZodObject) return [inner]
  if (inner instanceof z.ZodUnion) return inner.options.flatMap(objectsIn)
  if (inner instanceof z.ZodIntersection) return [inner._zod.def.left, inner._zod.def.right].flatMap(objectsIn)
  return []
}

function itemsOf(shape: unknown): unknown[] {
  const inner = unwrapped(shape)
  if (inner instanceof z.ZodArray) return [inner.element]
  if (inner instanceof z.ZodRecord) return [inner._zod.def.valueType]
  return inner instanceof z.ZodUnion ? inner.options.flatMap(itemsOf) : []
}

function fieldsOf(shape: unknown, depth = 0): [name: string, shape: unknown][] {
  if (depth > 5) return []
  const own = objectsIn(shape).flatMap((object) => Object.entries(object.shape))
  const below = [...own.map(([, each]) => each), ...itemsOf(shape)].flatMap((each) => fieldsOf(each, depth + 1))
  return [...own, ...below]
}

function eachOf(value: unknown, see: (name: string, item: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, item] of Object.entries(value)) see(name, item)
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
