import type { Permea } from '@permea/sdk'
import {
  createEngineProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  type Receiver,
  startReceiver,
  until,
} from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'

const SETTLES_MS_MAX = 60_000
const KILLED_AFTER_MS = 15

/** A product that nobody here wrote, as a story drives it. */
export interface Product {
  /** The ready-made connector that is used. */
  connectorKey: string
  input: Record<string, unknown>
  /** Of the first and the second subscription. */
  parameters?(index: number): Record<string, unknown>
  /** Where the product itself says that it sends to. */
  destinations(): Promise<readonly string[]>
  /** Makes something happen in it that it tells of. */
  cause(): Promise<unknown>
  /** A body like those that it sends. */
  forged?: unknown
  /** Writes these URLs into its file, and has it read them: of products that have no API for it. */
  configure?(urls: readonly string[]): Promise<void>
}

/** What a product sent, on its way through the engine. */
export interface Told {
  /** The payloads that were delivered, each with a good signature. */
  payloads: unknown[]
  /** The requests that the product sent. */
  requests: Awaited<ReturnType<Permea['incomingWebhooks']['getDetails']>>[]
}

export interface ProductStory extends AsyncDisposable {
  engine: EngineProcess
  receiver: Receiver
  /**
   * Registers with the product, makes something happen in it, and waits for `count` deliveries; sees to it that nobody else
   * can send in its name, and that nothing is left in it afterwards: of one subscription by itself, of the other one when
   * the engine is killed in between.
   */
  drive(product: Product, count: number): Promise<Told>
}

/** An engine in a process of its own, which may speak to the products at these ports. */
export async function startProductStory(ports: readonly number[]): Promise<ProductStory> {
  const closing = new AsyncDisposableStack()
  const receiver = closing.use(await startReceiver())
  const database = closing.use(await createTestDatabase())
  const engine = closing.use(
    await createEngineProcess({ databaseUrl: database.url, reachablePorts: [...ports, receiver.port] }),
  )
  await engine.start()
  return {
    engine,
    receiver,
    drive: (product, count) => drive({ engine, receiver }, product, count),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

interface House {
  engine: EngineProcess
  receiver: Receiver
}

async function drive(house: House, product: Product, count: number): Promise<Told> {
  const { engine, receiver } = house
  const { connectorKey, input } = product
  await engine.as({ isAdmin: true }).integrations.create({ body: { connectorKey } })
  const client = engine.as({ id: 'acme' })
  const connection = await client.connections.create({ body: { integrationKey: connectorKey, input } })
  expect(await client.connections.test({ params: { selector: connection.id } })).toEqual({ success: true })

  const first = await subscribed(house, product, connection.id)
  expect(await product.destinations()).toEqual([first.url])
  await product.cause()
  const posted = await until(`${count} deliveries have come`, SETTLES_MS_MAX, async () => {
    const there = receiver.received.filter((request) => request.path === first.path)
    return there.length >= count && there
  }).catch(async (error: unknown) => {
    const { items } = await client.incomingWebhooks.list()
    const refused = (await engine.as({ isAdmin: true }).refusedRequests.list()).items
    throw new Error(`${String(error)}; the product sent ${JSON.stringify({ items, refused })}`)
  })
  const payloads = posted.map(({ body, headers }) =>
    new Webhook(first.secret).verify(body, headers as Record<string, string>),
  )
  const { items } = await client.incomingWebhooks.list()
  const requests = await Promise.all(items.map(({ id }) => client.incomingWebhooks.getDetails({ params: { id } })))

  // The sender hears 401, unless the machine is so busy that it was answered before `handle` had looked.
  expect([200, 401]).toContain(await forge(first.url, product.forged ?? {}))
  await until('the forgery is refused', SETTLES_MS_MAX, async () => {
    const [last] = (await client.incomingWebhooks.list()).items
    return last?.error?.key === 'webhook_not_verified'
  })

  const second = await subscribed(house, product, connection.id, [first.url])
  expect(await product.destinations()).toEqual(expect.arrayContaining([first.url, second.url]))
  await client.externalEventSubscriptions.archive({ params: { id: first.id } })
  await product.configure?.([second.url])
  expect(await product.destinations()).toEqual([second.url])

  const removed = client.externalEventSubscriptions.archive({ params: { id: second.id } }).catch(() => null)
  await pause(KILLED_AFTER_MS)
  await engine.kill('SIGKILL')
  await removed
  await engine.start()
  // The request may have died before it was taken in: then it is asked for again, as its sender would.
  await client.externalEventSubscriptions.archive({ params: { id: second.id } })
  await product.configure?.([])
  await until('the product sends to nobody', SETTLES_MS_MAX, async () => (await product.destinations()).length === 0)
  return { payloads, requests: requests.reverse() }
}

/** Makes a subscription; where the product has no API for it, its URL is written into the file beside the others first. */
async function subscribed({ engine, receiver }: House, product: Product, connectionId: string, others: string[] = []) {
  const client = engine.as({ id: 'acme' })
  const path = `/${product.connectorKey}/${others.length}`
  const made = await client.externalEventSubscriptions.create({
    body: {
      connectionId,
      eventKey: 'events',
      parameters: product.parameters?.(others.length) ?? {},
      webhookUri: `${receiver.url}${path}`,
    },
  })
  const params = { id: made.id }
  const admin = engine.as({ isAdmin: true })
  const { incomingWebhookUri: url = '' } = await admin.externalEventSubscriptions.get({ params })
  if (product.configure !== undefined) {
    await product.configure([...others, url])
    await client.externalEventSubscriptions.subscribe({ params })
  }
  const now = await client.externalEventSubscriptions.get({ params })
  expect([now.status, now.error]).toEqual(['subscribed', undefined])
  return { id: made.id, url, secret: made.webhookSecret ?? '', path }
}

/** Sends what somebody who knows no secret would send, and gives the status of the answer. */
async function forge(url: string, body: unknown): Promise<number> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer guessed' },
    body: JSON.stringify(body),
  })
  await answer.body?.cancel()
  return answer.status
}
