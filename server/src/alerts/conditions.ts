import { type Destination, destinationWireId } from '../deliveries/delivery.ts'
import { toWire } from '../platform/ids.ts'
import type { Condition } from './alert.ts'

/** The conditions that the engine raises, in one place: what they are called and how they read. */

const failingKey = (destinationId: string, percent: number | null) =>
  `webhook_endpoint_failing:${destinationId}${percent === null ? '' : `:${percent}`}`
const nowKey = (destinationId: string) => `webhook_endpoint_failing:${destinationId}:now`
export const pausedKey = (destinationId: string) => `webhook_endpoint_paused:${destinationId}`
export const subscriptionKey = (subscriptionId: string) => `subscription_failed:${subscriptionId}`
export const disconnectedKey = (connectionId: string) => `connection_disconnected:${connectionId}`
const quotaKey = (quota: string, isFull: boolean) => `quota_near:${quota}${isFull ? ':full' : ''}`
export const flowKey = (flowInstanceId: string) => `flow_failing:${flowInstanceId}`
export const backlogKey = (customerId: string) => `queue_backlog:${customerId}`

/** Every key that a destination's failures may have opened. */
export const failingKeys = (destinationId: string) => [
  ...[null, 50, 70, 90].map((percent) => failingKey(destinationId, percent)),
  nowKey(destinationId),
]

const QUOTA_WARNS_PERCENT = 80

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : 'an unreadable address')

export function endpointFailing(destination: Destination, percent: number | null, error: string | null): Condition {
  const why = error === null ? '' : `: ${error}`
  return {
    workspaceId: destination.workspaceId,
    key: failingKey(destination.id, percent),
    type: 'webhook_endpoint_failing',
    severity: percent !== null && percent >= 90 ? 'critical' : 'warning',
    description:
      percent === null
        ? `A delivery to ${hostOf(destination.url)} was given up after all its attempts${why}`
        : `Deliveries to ${hostOf(destination.url)} have failed without one success for ${percent} % of the five days after which it is paused${why}`,
    customerId: null,
    contextKey: destinationWireId(destination),
    details: { contextName: hostOf(destination.url), ...errorDetails(error) },
  }
}

/** Everything that was sent to it for a while failed. */
export function endpointFailingNow(
  destination: Destination,
  minutes: number,
  threshold: number,
  error: string | null,
): Condition {
  const why = error === null ? '' : `: ${error}`
  return {
    workspaceId: destination.workspaceId,
    key: nowKey(destination.id),
    type: 'webhook_endpoint_failing',
    severity: 'warning',
    description: `Every delivery to ${hostOf(destination.url)} has failed for ${minutes} minutes${why}`,
    customerId: null,
    contextKey: destinationWireId(destination),
    details: {
      contextName: hostOf(destination.url),
      ...errorDetails(error),
      threshold: { setting: 'deliveryFailingMinutes', value: threshold },
    },
  }
}

const errorDetails = (message: string | null) => (message === null ? {} : { lastError: { message } })

export function endpointPaused(destination: Destination): Condition {
  return {
    workspaceId: destination.workspaceId,
    key: pausedKey(destination.id),
    type: 'webhook_endpoint_paused',
    severity: 'critical',
    description: `Deliveries to ${hostOf(destination.url)} are paused: ${destination.pausedReason ?? 'by hand'}. What comes is kept.`,
    customerId: null,
    contextKey: destinationWireId(destination),
    details: { contextName: hostOf(destination.url) },
  }
}

export function subscriptionFailed(
  of: { workspaceId: string; id: string; customerId: string },
  attempts: number,
  message: string,
): Condition {
  return {
    workspaceId: of.workspaceId,
    key: subscriptionKey(of.id),
    type: 'subscription_failed',
    severity: 'warning',
    description: `An app event subscription could not be set up in ${attempts} attempts: ${message}`,
    customerId: of.customerId,
    contextKey: toWire('aes', of.id),
    details: { lastError: { message } },
  }
}

export function externalSubscriptionFailed(
  of: { workspaceId: string; id: string; customerId: string; name: string },
  attempts: number,
  message: string,
): Condition {
  return {
    workspaceId: of.workspaceId,
    key: subscriptionKey(of.id),
    type: 'subscription_failed',
    severity: 'warning',
    description: `The external event subscription ${JSON.stringify(of.name)} failed ${attempts} times in a row: ${message}`,
    customerId: of.customerId,
    contextKey: toWire('ees', of.id),
    details: { contextName: of.name, lastError: { message } },
  }
}

export function connectionDisconnected(
  of: { workspaceId: string; id: string; customerId: string; name: string },
  message: string,
): Condition {
  return {
    workspaceId: of.workspaceId,
    key: disconnectedKey(of.id),
    type: 'connection_disconnected',
    severity: 'warning',
    description: `${of.name} connection lost access: ${message}`,
    customerId: of.customerId,
    contextKey: toWire('con', of.id),
    details: { contextName: of.name, lastError: { message } },
  }
}

interface Named {
  name: string
  internalId: string
}

const customerDetails = (customer: Named | null) =>
  customer === null ? {} : { customerName: customer.name, customerInternalId: customer.internalId }

export interface FlowFailure {
  failures: number
  /** There may be more than were looked at. */
  isMore: boolean
  threshold: number
  flowName: string
  customer: Named | null
  error: string
  runId: string
  nodeKey: string | null
  nodeKeys: string[]
}

export function flowFailing(
  of: { workspaceId: string; flowInstanceId: string; customerId: string },
  failure: FlowFailure,
): Condition {
  const { failures, isMore, flowName, customer, error, nodeKey, runId, nodeKeys, threshold } = failure
  const whose = customer === null ? '' : ` of ${customer.name}`
  return {
    workspaceId: of.workspaceId,
    key: flowKey(of.flowInstanceId),
    type: 'flow_failing',
    severity: 'warning',
    description: `The last ${failures}${isMore ? ' or more' : ''} runs of “${flowName}”${whose} failed: ${error}`,
    customerId: of.customerId,
    contextKey: toWire('cf', of.flowInstanceId),
    details: {
      contextName: flowName,
      ...customerDetails(customer),
      lastError: { message: error, recordId: runId, ...(nodeKey === null ? {} : { nodeKey }) },
      threshold: { setting: 'flowFailures', value: threshold },
      nodeKeys,
    },
  }
}

export function queueBacklog(
  of: { workspaceId: string; customerId: string; customer: Named | null; oldestId: string },
  waitingMs: number,
  threshold: number,
): Condition {
  const minutes = Math.floor(waitingMs / 60_000)
  return {
    workspaceId: of.workspaceId,
    key: backlogKey(of.customerId),
    type: 'queue_backlog',
    severity: minutes >= 60 ? 'critical' : 'warning',
    description: `Flow runs of ${of.customer?.name ?? 'a customer'} have waited to start for ${minutes} minutes`,
    customerId: of.customerId,
    contextKey: toWire('cus', of.customerId),
    details: {
      ...(of.customer === null ? {} : { contextName: of.customer.name }),
      ...customerDetails(of.customer),
      threshold: { setting: 'backlogMinutes', value: threshold },
    },
  }
}

/** A quota of the workspace is nearly used, or used up, which is an alert of its own. */
export function quotaNear(
  workspaceId: string,
  { quota, used, limit }: { quota: string; used: number; limit: number },
): Condition | null {
  const percent = limit === 0 ? 100 : Math.floor((used / limit) * 100)
  if (percent < QUOTA_WARNS_PERCENT) return null
  const isFull = used >= limit
  const said = `${used.toLocaleString('en')} of ${limit.toLocaleString('en')}`
  return {
    workspaceId,
    key: quotaKey(quota, isFull),
    type: 'quota_near',
    severity: isFull ? 'critical' : 'warning',
    description: isFull
      ? `The quota ${quota} is used up (${said}): what would go over it is refused`
      : `${percent} % of the quota ${quota} are used (${said})`,
    customerId: null,
    contextKey: null,
    details: { contextName: `quota ${quota}` },
  }
}
