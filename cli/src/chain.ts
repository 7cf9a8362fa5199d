import type { AppEvent, ExternalEvent, FlowNodes, FlowRun, IncomingWebhook, RefusedRequest } from '@permea/contract'
import type { Permea } from '@permea/sdk'
import type { z } from 'zod'

type Run = z.output<typeof FlowRun>
type AnyEvent = z.output<typeof AppEvent> | z.output<typeof ExternalEvent>

/** A line of a tree with what hangs on it. */
interface Branch {
  text: string
  below: Branch[]
}

/** What became of an event, down to the last node run and the deliveries that told of it; as lines of a tree. */
export async function treeOfEvent(permea: Permea, event: AnyEvent): Promise<string[]> {
  return drawn(await branchOfEvent(permea, event))
}

async function branchOfEvent(permea: Permea, event: AnyEvent): Promise<Branch> {
  const ids = event.launchedFlowRunIds
  const runs = await Promise.all(ids.map((id) => permea.flowRuns.get({ params: { id } }).catch(() => null)))
  const below: Branch[] = []
  for (const run of runs) if (run !== null) below.push(await branchOfRun(permea, run))
  for (const id of ids.filter((_, at) => runs[at] === null))
    below.push({ text: `run ${id}: no longer kept`, below: [] })
  if ('deliveryId' in event && event.deliveryId !== undefined)
    below.push(await branchOfDelivery(permea, event.deliveryId))
  if (ids.length === 0) below.push({ text: await whyNothing(permea, event), below: [] })
  const type = 'appEventType' in event ? (event.appEventType?.key ?? '') : (event.name ?? '')
  return {
    text: `event ${event.id} ${type} of ${event.user?.internalId ?? event.userId} at ${event.datetime}`,
    below,
  }
}

export async function treeOfRun(permea: Permea, run: Run): Promise<string[]> {
  return drawn(await branchOfRun(permea, run))
}

export async function treeOfDelivery(permea: Permea, id: string): Promise<string[]> {
  return drawn(await branchOfDelivery(permea, id))
}

/** What an external app sent, with the events that it became. */
export async function treeOfWebhook(permea: Permea, webhook: z.output<typeof IncomingWebhook>): Promise<string[]> {
  const answered = webhook.responseStatus === undefined ? '' : `, answered ${webhook.responseStatus}`
  const made = await Promise.all(
    webhook.collectedEventIds.map(async (id) => {
      const event = await permea.externalEvents.get({ params: { id } }).catch(() => null)
      return event === null ? { text: `event ${id}: no longer kept`, below: [] } : branchOfEvent(permea, event)
    }),
  )
  const repeated = (webhook.repeatedEventIds ?? []).map((id) => ({
    text: `event ${id} was there already: not made a second time`,
    below: [],
  }))
  const isNothing = made.length + repeated.length === 0
  const why = webhook.error?.message ?? (isNothing ? 'the function made no event of it' : null)
  return drawn({
    text: `incoming webhook ${webhook.id} at ${webhook.createdAt}: ${webhook.status}${answered}`,
    below: [...made, ...repeated, ...(why === null ? [] : [{ text: `stopped here: ${why}`, below: [] }])],
  })
}

/** A request that never became an event, with the reason. */
export function treeOfRefusal(refused: z.output<typeof RefusedRequest>): string[] {
  const { id, method, path, address, createdAt, status, reason, message, excerpt, notKept } = refused
  const whose = refused.user?.internalId ?? refused.userId ?? refused.claimedId
  const below = [
    { text: `stopped here: ${message} (${status} ${reason})`, below: [] },
    ...(excerpt === undefined ? [] : [{ text: `it began: ${excerpt.slice(0, 200)}`, below: [] }]),
    ...(notKept === 0 ? [] : [{ text: `${notKept} more like it were only counted`, below: [] }]),
  ]
  const from = whose === undefined ? address : `${whose}, ${address}`
  return drawn({ text: `refused request ${id}: ${method} ${path} from ${from} at ${createdAt}`, below })
}

/** An event that launched nothing: no flow waits for it, or none of this customer is enabled. */
async function whyNothing(permea: Permea, event: AnyEvent): Promise<string> {
  if ('error' in event && event.error !== undefined) return `stopped here: ${event.error.message}`
  const key = 'appEventType' in event ? event.appEventType?.key : undefined
  const { items } = await permea.flows.list({ query: { limit: 1000 } })
  const waiting = key === undefined ? items : items.filter((flow) => waitsFor(flow.nodes, key))
  if (waiting.length === 0)
    return `stopped here: no flow waits for events of this type${key === undefined ? '' : ` (${key})`}`
  const { items: instances } = await permea.flowInstances.list({ query: { userId: event.userId, limit: 1000 } })
  const ids = new Set(waiting.map((flow) => flow.id))
  const own = instances.filter((each) => each.flowId !== undefined && ids.has(each.flowId))
  const names = waiting.map((flow) => flow.key).join(', ')
  if (own.length === 0) return `stopped here: the customer has no instance of ${names}`
  const off = own.filter((each) => !each.enabled)
  if (off.length === own.length) return `stopped here: the customer’s instances of ${names} are disabled`
  return `stopped here: no run was launched; an instance of ${names} may have been enabled later`
}

function waitsFor(nodes: z.output<typeof FlowNodes>, key: string): boolean {
  return Object.values(nodes).some(({ config }) => JSON.stringify(config ?? null).includes(JSON.stringify(key)))
}

async function branchOfRun(permea: Permea, run: Run): Promise<Branch> {
  const nodes = Object.entries(run.nodes ?? {})
  const below: Branch[] = []
  for (const [key, counts] of nodes) below.push(await branchOfNode(permea, run, key, counts.state))
  for (const error of run.errors ?? []) below.push({ text: `failed: ${error.message}`, below: [] })
  if (run.state === 'queued') below.push({ text: 'waits for its turn', below: [] })
  if (run.nextAttemptAt !== undefined) below.push({ text: `is tried again at ${run.nextAttemptAt}`, below: [] })
  below.push(...(await branchesOfNotifications(permea, run)))
  const name = run.flowInstance?.name ?? run.name ?? ''
  return { text: `run ${run.id} ${name}: ${run.state}`, below }
}

async function branchOfNode(permea: Permea, run: Run, key: string, state: string): Promise<Branch> {
  const { items } = await permea.flowRuns.nodeRuns({ params: { id: run.id, nodeKey: key }, query: { limit: 20 } })
  const below = items.flatMap((each) => [
    ...each.errors.map((error) => ({ text: `failed: ${error.message}`, below: [] })),
    ...(each.status === 'completed' && each.outputs.length === 0
      ? [{ text: 'gave no output: nothing after it runs', below: [] }]
      : []),
    ...(each.attempts > 1 ? [{ text: `took ${each.attempts} attempts`, below: [] }] : []),
  ])
  const type = run.flowInstance?.nodes?.[key]?.type
  return { text: `${key}${type === undefined ? '' : ` (${type})`}: ${state}`, below }
}

async function branchesOfNotifications(permea: Permea, run: Run): Promise<Branch[]> {
  const { items } = await permea.deliveries
    .list({ query: { sourceId: run.id, from: new Date(run.startTime), limit: 20 } })
    .catch(() => ({ items: [] }))
  return items.map((each) => ({
    text: `notification ${each.id} ${each.eventType} to ${each.destinationId}: ${each.state}`,
    below: each.lastError === undefined ? [] : [{ text: `last attempt: ${each.lastError}`, below: [] }],
  }))
}

async function branchOfDelivery(permea: Permea, id: string): Promise<Branch> {
  const each = await permea.deliveries.get({ params: { id } }).catch(() => null)
  if (each === null) return { text: `delivery ${id}`, below: [] }
  const below = each.attempts.map((attempt) => ({
    text: `attempt: ${attempt.outcome} ${attempt.httpStatus ?? attempt.error ?? ''}`.trimEnd(),
    below: [],
  }))
  return { text: `delivery ${id}: ${each.state}`, below }
}

function drawn(branch: Branch, first = '', rest = ''): string[] {
  return [
    `${first}${branch.text}`,
    ...branch.below.flatMap((each, at) => {
      const isLast = at === branch.below.length - 1
      return drawn(each, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`)
    }),
  ]
}
