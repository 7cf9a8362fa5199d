import type { Wish } from '../../../server/src/dispatch/dispatch.ts'
import type { SubscriptionSource } from '../../../server/src/events/store.ts'

/** What is defined before anything comes in: streams of customers, and flows that want their events. */
export interface Scene {
  sources: ReadonlyMap<string, SubscriptionSource>
  wishes: ReadonlyMap<string, Wish>
  urls: readonly string[]
}

const id = (kind: number, number: number) =>
  `00000000-0000-7000-8000-${String(kind).padStart(8, '0')}${number.toString(16).padStart(4, '0')}`
const WORKSPACE = id(1, 1)

/**
 * Three customers with a stream each. The first's events start a run, the second's one that keeps an order, the third's
 * one of each kind, of which one goes alone.
 */
export function sceneOf(): Scene {
  const urls = [1, 2, 3].map((number) => id(2, number))
  const sources = new Map(urls.map((url, index) => [url, sourceOf(url, index + 1)]))
  const wishes = new Map(
    urls.map((url, index): [string, Wish] => {
      const number = index + 1
      const flows = [
        ...(number === 2 ? [] : [wanted(number, { number: number * 16, isOrdered: false })]),
        ...(number === 1 ? [] : [wanted(number, { number: number * 16 + 1, isOrdered: true })]),
      ]
      return [url, { subscriptionId: id(3, number), wanted: flows, waitFields: [] }]
    }),
  )
  return { sources, wishes, urls }
}

function sourceOf(webhookUuid: string, number: number): SubscriptionSource {
  return {
    webhookUuid,
    subscriptionId: id(3, number),
    workspaceId: WORKSPACE,
    customerId: id(4, number),
    appEventTypeId: id(5, 1),
    isArchived: false,
    isCustomerArchived: false,
    isTypeArchived: false,
    validateEvents: false,
    schema: null,
    typeRevision: '1',
  }
}

function wanted(
  customer: number,
  { number, isOrdered }: { number: number; isOrdered: boolean },
): Wish['wanted'][number] {
  return {
    subscriptionId: id(3, customer),
    appEventTypeId: id(5, 1),
    customerId: id(4, customer),
    instanceKey: '',
    nodeKey: 'start',
    flowInstanceId: id(6, number),
    connectionId: null,
    integrationId: null,
    flowId: null,
    universalFlowId: null,
    versionId: id(7, 1),
    isOrdered,
    concurrency: customer === 3 ? 1 : null,
    waitFields: null,
  }
}
