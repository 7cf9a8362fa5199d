import { toWire } from '../platform/ids.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { AttemptResult } from './attempt.ts'
import type { DeliveryItem } from './delivery.ts'

/** One try to deliver as a span beneath what the delivery follows from. */
export async function tracedAttempt(
  tracing: Tracing | null | undefined,
  { id, delivery, attemptsMade }: DeliveryItem,
  make: () => Promise<AttemptResult | null>,
): Promise<AttemptResult | null> {
  if (tracing === null || tracing === undefined) return make()
  const beneath = delivery.trace ?? null
  if (beneath === null) return tracing.within(null, make)
  const span = tracing.begin({
    name: 'deliver',
    beneath,
    attributes: {
      'permea.delivery.id': toWire('dlv', id),
      'permea.delivery.event_type': delivery.eventType,
      'permea.delivery.attempt': attemptsMade + 1,
    },
  })
  const result = await tracing.within(span.place, make)
  const outcome = result?.outcome ?? 'cut off'
  span.end({
    attributes: { 'permea.delivery.outcome': outcome },
    error: outcome === 'acknowledged' ? null : (result?.errorClass ?? outcome),
  })
  return result
}
