import type { Endpoint } from '@permea/contract'
import { z } from 'zod'

/**
 * Names that are sent with elements and have no meaning here: what an answer shows and clients send back with it, and what
 * the published client and exports of others know beside it. `FOLLOWING` counts too.
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
/** Selectors, counters and what an app has: `universalFlowId`, `parentRevision`, `operationsCount`, `hasUdm`. */
const FOLLOWING = /(?:Id|Uuid|Key)s?$|Revision$|Count$|^has[A-Z]/

/** Which fields of a body an endpoint knows nothing of; it gives none where the endpoint takes any. */
export function unknownFieldsOf(endpoint: Pick<Endpoint, 'body' | 'answer'>): (body: unknown) => string[] {
  const taken = endpoint.body === undefined ? null : namesOf(endpoint.body)
  if (taken === null) return () => []
  const shown = endpoint.answer === null ? null : namesOf(endpoint.answer)
  return (body) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return []
    return Object.keys(body).filter(
      (name) => !(taken.has(name) || shown?.has(name) || WITHOUT_MEANING.has(name) || FOLLOWING.test(name)),
    )
  }
}

/** Names of the fields that a shape has; null where it takes others too. */
function namesOf(shape: unknown): ReadonlySet<string> | null {
  if (shape instanceof z.ZodObject) {
    const { catchall } = shape._zod.def
    return catchall === undefined || catchall instanceof z.ZodNever ? new Set(Object.keys(shape.shape)) : null
  }
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodNullable || shape instanceof z.ZodDefault)
    return namesOf(shape.unwrap())
  if (shape instanceof z.ZodPipe) return namesOf(shape.in)
  if (shape instanceof z.ZodUnion) return together(shape.options.map(namesOf))
  if (shape instanceof z.ZodIntersection) return together([shape._zod.def.left, shape._zod.def.right].map(namesOf))
  return null
}

function together(parts: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  const known = parts.filter((part) => part !== null)
  return known.length < parts.length ? null : new Set(known.flatMap((part) => [...part]))
}
