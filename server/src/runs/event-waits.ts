import { createHash } from 'node:crypto'
import { isNumber } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import { parseLocator, readAt } from '../formulas/locator.ts'
import type { Arrival } from './waits-store.ts'

/** Whose events: a customer's of one type, or those of one subscription at an external app. */
export type EventSource =
  | { kind: 'app'; appEventTypeId: string; customerId: string }
  | { kind: 'external'; subscriptionId: string }

/** An event that came, and where in it flows look for what they wait for. */
export interface CameEvent {
  eventId: string
  customerId: string
  source: EventSource
  payload: string
  fields: readonly string[]
}

/** One text for a source, a field and a value: what a run waits under, and what its event comes under. */
export function waitKey(source: EventSource, field: string, value: string): string {
  const whose = source.kind === 'app' ? [source.appEventTypeId, source.customerId] : [source.subscriptionId]
  const hash = createHash('sha256')
    .update(JSON.stringify([source.kind, ...whose, field, value]))
    .digest('hex')
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-')
}

/** A value as it is compared: a number and its text are the same. Null for what is no single value. */
export function comparedText(value: unknown): string | null {
  if (typeof value === 'string') return value
  return isNumber(value) || typeof value === 'boolean' ? String(value) : null
}

/** The keys under which events come; at once where nothing waits for any of them. */
export function arrivalsOf(events: readonly CameEvent[]): readonly Arrival[] | Promise<readonly Arrival[]> {
  return events.length === 0 ? [] : Promise.all(events.map(arrivalsOfOne)).then((each) => each.flat())
}

async function arrivalsOfOne({ payload, ...came }: CameEvent): Promise<Arrival[]> {
  return arrivalsIn(came, came.fields.some((field) => field !== '') ? await parseKnownJson(payload) : null)
}

/** The keys under which one event comes whose value is at hand. */
export function arrivalsIn(came: Omit<CameEvent, 'payload'>, event: unknown): Arrival[] {
  const { eventId, customerId, source, fields } = came
  return fields.flatMap((field) => {
    const value = field === '' ? '' : valueAt(event, field)
    return value === null ? [] : [{ key: waitKey(source, field, value), eventId, customerId }]
  })
}

function valueAt(event: unknown, field: string): string | null {
  const locator = parseLocator(field)
  return locator === null ? null : comparedText(readAt(event, locator, 'kept'))
}
