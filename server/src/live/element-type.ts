import { fromWire } from '../platform/ids.ts'
import type { Audience } from './live.ts'

/** What the published client calls elements where that does not follow from their path. */
const TYPES: Record<string, string> = {
  'app-events': 'app-event-log-record',
  'external-events': 'external-event-log-record',
  'incoming-webhooks': 'incoming-webhook-log-record',
  'external-api-logs': 'external-api-log-record',
  'action-run-logs': 'action-run-log-record',
  act: 'action-run-log-record',
  self: 'customer',
  workspaces: 'workspace',
}

/** The kind of element that an endpoint is about: `/integrations/:integrationSelector/flows/:selector` is about a `flow`. */
export function elementTypeOf(path: string): string {
  const [, collection = '', , nested = ''] = path.split('/')
  if (/^\/(?:connections\/.*\/)?action.*\/run$/.test(path)) return 'action-run-log-record'
  const isLayered = nested === 'flows' || nested === 'actions'
  if (collection === 'connections' && isLayered) return `${nested.slice(0, -1)}-instance`
  const name = collection === 'integrations' && isLayered ? nested : collection
  return TYPES[name] ?? name.replace(/ies$/, 'y').replace(/s$/, '')
}

/** What customers see of a workspace's definitions. */
const OF_EVERYBODY = new Set(['flow', 'integration', 'connector', 'app-event-type', 'external-event-type', 'action'])

/** Who may hear that an element changed, as far as its answer says whose it is. */
export function audienceOf(elementType: string, answer: unknown): Audience {
  const { id, userId } = (answer ?? {}) as { id?: unknown; userId?: unknown }
  const owner = elementType === 'customer' ? id : userId
  const customerId = typeof owner === 'string' ? fromWire('cus', owner) : null
  if (customerId !== null) return { customerId }
  return OF_EVERYBODY.has(elementType) ? 'everybody' : 'admins'
}
