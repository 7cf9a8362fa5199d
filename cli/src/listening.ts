import { setTimeout as wait } from 'node:timers/promises'
import type { Delivery, DeliveryMessage, WorkspaceEventType } from '@permea/contract'
import type { z } from 'zod'
import { changes } from './live.ts'
import type { Printer } from './printer.ts'
import type { Target } from './target.ts'

type Message = z.output<typeof DeliveryMessage>
type Waiting = z.output<typeof Delivery>

export interface ListenOptions {
  target: Target
  printer: Printer
  signal: AbortSignal
  /** Null: messages are only printed. */
  url: string | null
  eventTypes: (typeof WorkspaceEventType.options)[number][]
  isPrinting: boolean
  replayLast: number
  name: string
  isOnce: boolean
  isStopping: boolean
}

const RETRY_MS = 2000
const FORWARD_TIMEOUT_MS = 15_000
const PAGE = 100
/** What is stored in the same moment may be seen out of order: that long is looked back. */
const OVERLAP_MS = 60_000
const EXTERNAL_EVENT = 'external-event'

/**
 * Takes notifications from an endpoint of its own that is paused: the engine keeps what comes for it, here it is taken,
 * oldest first, and settled once the address took it. Deliveries of external events go to where they go; copies of them
 * come here.
 */
export async function listen(options: ListenOptions): Promise<void> {
  const { target, printer, signal } = options
  const endpoint = await ownEndpoint(options)
  if (endpoint === null) return
  printer.note(
    `Listening to ${target.url}${options.url === null ? '' : `, forwarding to ${options.url}`}; Ctrl-C ends it.`,
  )
  if (endpoint.secret !== undefined) printer.note(`The secret to verify with: ${endpoint.secret}`)
  const copied = await replayed(options)
  let from = new Date()
  for await (const _ of changes(target, signal, printer.note)) {
    const startedAt = new Date(Date.now() - OVERLAP_MS)
    try {
      if (await takeWaiting(options, endpoint.id)) return
      if (await forwardCopies(options, { eventType: EXTERNAL_EVENT, from }, copied)) return
      // Samples that `permea trigger` sent: nothing waits for an answer to them.
      if (await forwardCopies(options, { destinationId: endpoint.id, state: 'cancelled', from }, copied)) return
      from = startedAt
    } catch (error) {
      if (signal.aborted) return
      printer.note(`waiting: ${(error as Error).message}`)
    }
  }
}

/** The endpoint of this listener, made where there is none; null where it was to be taken away. */
async function ownEndpoint({ target, eventTypes, name, isStopping }: ListenOptions) {
  const { notificationEndpoints } = target.permea
  const { items } = await notificationEndpoints.list({ query: { limit: 1000 } })
  const found = items.find((each) => each.name === name && each.url === LISTENER_URL)
  if (isStopping) {
    if (found !== undefined) await notificationEndpoints.archive({ params: { id: found.id } })
    return null
  }
  if (found === undefined) {
    const made = await notificationEndpoints.create({ body: { name, url: LISTENER_URL, eventTypes, ordered: true } })
    await notificationEndpoints.pause({ params: { id: made.id } })
    return made
  }
  await notificationEndpoints.patch({ params: { id: found.id }, body: { eventTypes } })
  if (found.state !== 'paused') await notificationEndpoints.pause({ params: { id: found.id } })
  // The old secret was shown once; whoever starts anew needs one to verify with.
  return notificationEndpoints.rotateSecret({ params: { id: found.id }, body: { overlapSeconds: 0 } })
}

/** Nothing answers at this name, ever (RFC 2606): what is for a listener is taken by it. */
export const LISTENER_URL = 'https://permea-listen.invalid/'

/** Forwards what waits, oldest first; true where one was enough. */
async function takeWaiting(options: ListenOptions, endpointId: string): Promise<boolean> {
  const { target, signal } = options
  for (;;) {
    const waiting = await allWaiting(target, endpointId)
    if (waiting.length === 0) return false
    for (const delivery of waiting.toReversed()) {
      if (!(await forwardUntilTaken(options, delivery))) return false
      if (options.isOnce || signal.aborted) return true
    }
  }
}

async function allWaiting({ permea }: Target, destinationId: string): Promise<Waiting[]> {
  const waiting: Waiting[] = []
  let cursor: string | undefined
  do {
    const page = await permea.deliveries.list({
      query: { destinationId, state: 'pending', limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    })
    waiting.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return waiting
}

/** Tries until the address takes it; false where the signal came first. */
async function forwardUntilTaken(options: ListenOptions, { id }: Waiting): Promise<boolean> {
  const { permea } = options.target
  while (!options.signal.aborted) {
    const message = await permea.deliveries.message({ params: { id } })
    const answer = await forward(options, message)
    if (answer.isTaken) {
      await permea.deliveries.acknowledge({
        params: { id },
        body: { httpStatus: answer.status, durationMs: answer.durationMs },
      })
      return true
    }
    await wait(RETRY_MS, undefined, { signal: options.signal }).catch(() => {})
  }
  return false
}

async function forward({ url, printer, isPrinting, signal }: ListenOptions, message: Message) {
  if (isPrinting) print(printer, message)
  const beganMs = performance.now()
  if (url === null) return { isTaken: true, status: 200, durationMs: 0 }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: message.headers,
      body: message.body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(FORWARD_TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    const durationMs = Math.round(performance.now() - beganMs)
    if (!isPrinting) said(printer, message, String(response.status))
    return { isTaken: response.status >= 200 && response.status < 300, status: response.status, durationMs }
  } catch (error) {
    const { message: text, cause } = error as Error & { cause?: { code?: string } }
    if (!signal.aborted) said(printer, message, `not taken (${cause?.code ?? text}); it is tried again`)
    return { isTaken: false, status: 0, durationMs: 0 }
  }
}

function said(printer: Printer, { eventType, deliveryId }: Message, what: string): void {
  printer.value({ eventType, deliveryId, answer: what }, () => `${eventType}  ${deliveryId}  → ${what}`)
}

function print(printer: Printer, message: Message): void {
  printer.value(message, () =>
    [...Object.entries(message.headers).map(([name, value]) => `${name}: ${value}`), '', message.body, ''].join('\n'),
  )
}

/** The last deliveries of the workspace, sent here once more, oldest first. */
async function replayed(options: ListenOptions): Promise<Set<string>> {
  const copied = new Set<string>()
  if (options.replayLast === 0) return copied
  const { permea } = options.target
  const { items } = await permea.deliveries.list({ query: { limit: options.replayLast } })
  for (const { id, eventType } of items.toReversed()) {
    if (eventType === EXTERNAL_EVENT) copied.add(id)
    await forward(options, await permea.deliveries.message({ params: { id } }))
  }
  return copied
}

/** Copies of deliveries that go elsewhere or nowhere, made since `from`; true where one was enough. */
async function forwardCopies(
  options: ListenOptions,
  wanted: { from: Date; eventType?: string; destinationId?: string; state?: 'cancelled' },
  copied: Set<string>,
): Promise<boolean> {
  const { permea } = options.target
  let cursor: string | undefined
  const found: string[] = []
  do {
    const page = await permea.deliveries.list({
      query: { ...wanted, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    })
    found.push(...page.items.map((each) => each.id))
    cursor = page.cursor
  } while (cursor !== undefined)
  for (const id of found.toReversed()) {
    if (copied.has(id)) continue
    copied.add(id)
    await forward(options, await permea.deliveries.message({ params: { id } }))
    if (options.isOnce) return true
  }
  return false
}
