import { sendEvents } from '@permea/sdk'
import { answering, type House, type Receiver, startReceiver } from '@permea/testkit'

/** A workspace where something happens: a customer, an event type, a flow that works and one that fails. */
export interface Workshop extends AsyncDisposable {
  receiver: Receiver
  customer: { id: string; name: string }
  eventType: { id: string; globalWebhookUri: string }
  flow: { id: string }
  /** Sends events of the customer and waits until all that follows is done. */
  send(events: readonly object[]): Promise<void>
}

/** Orders with lines are booked; those without make the receiver refuse, and the run fail. */
export async function openWorkshop(house: House): Promise<Workshop> {
  const receiver = await startReceiver()
  receiver.behave((request, response) =>
    (request.json as { lines?: unknown[] } | undefined)?.lines?.length === 0
      ? answering(422, { error: 'an order needs lines' })(request, response)
      : answering(200, { booked: true })(request, response),
  )
  const { admin } = house
  const customer = await admin.customers.create({
    body: { name: 'Acme Robotics', internalId: 'acme', fields: { plan: 'pro' } },
  })
  const eventType = await admin.appEventTypes.create({
    body: {
      key: 'order.created',
      name: 'Order created',
      example: { orderId: '1001', lines: [{ sku: 'a' }] },
      tenantIdFormula: { $var: '$.customer' },
    },
  })
  const flow = await admin.flows.create({
    body: {
      key: 'book-order',
      name: 'Book the order',
      nodes: {
        trigger: {
          type: 'app-event-trigger',
          name: 'Order created',
          config: { appEvent: { key: 'order.created' } },
          links: [{ key: 'shape' }],
        },
        shape: {
          type: 'transform-data',
          name: 'Shape the booking',
          config: { output: { id: { $var: '$.input.trigger.orderId' }, lines: { $var: '$.input.trigger.lines' } } },
          links: [{ key: 'book' }],
        },
        book: {
          type: 'custom-http-request',
          name: 'Book it',
          config: { request: { method: 'POST', uri: `${receiver.url}/bookings`, body: { $var: '$.input.shape' } } },
        },
      },
    },
  })
  await admin.notificationEndpoints.create({
    body: { name: 'Operations', url: `${receiver.url}/hooks`, eventTypes: ['flowRun.failed', 'alert.created'] },
  })
  await admin.flowInstances.create({ body: { flowId: flow.id, userId: customer.id, enabled: true } })
  await house.settle()
  return {
    receiver,
    customer,
    eventType,
    flow,
    async send(events) {
      await sendEvents(
        eventType.globalWebhookUri,
        events.map((event) => ({ customer: 'acme', ...event })),
      )
      await house.settle()
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
}

export const GOOD_ORDER = { orderId: '1001', lines: [{ sku: 'a', count: 2 }] }
export const BAD_ORDER = { orderId: '1002', lines: [] }
