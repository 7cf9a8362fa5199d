import { type ConnectorDefinition, type FunctionDefinition, RECORD_EVENTS, type RecordEvent } from '@permea/contract'
import { collectionOf, eventOf, strategyOf } from '../data-collections/collection.ts'

/** A change of records of a collection, as a subscription is of it. */
export interface RecordEventOf {
  type: RecordEvent
  collectionKey: string
}

/** The key under which a subscription to changes of a collection is kept: no event that a connector defines has such a one. */
export function recordEventKey({ type, collectionKey }: RecordEventOf): string {
  return `data-record-${type}:${collectionKey}`
}

export function recordEventOf(eventKey: string): RecordEventOf | null {
  const [, type, collectionKey = ''] = /^data-record-(created|updated|deleted):(.+)$/.exec(eventKey) ?? []
  const found = RECORD_EVENTS.find((each) => each === type)
  return found === undefined ? null : { type: found, collectionKey }
}

/** How a connector tells of an event of its own or of its records, or how it is asked for them. */
export interface EventFunctions {
  name: string
  /** Null where the app tells of it. */
  pullStrategy: string | null
  functions: Partial<Record<'subscribe' | 'handle' | 'unsubscribe' | 'refresh', FunctionDefinition>>
  /** What they are given beside what functions of other events are. */
  more: RecordEventArgs
}

/** So that the same functions may be those of several collections, and of all kinds of changes. */
export interface RecordEventArgs {
  recordEvent: RecordEventOf
  /** Of the collections that this one extends. */
  defaults: Record<string, unknown>
}

/** What a function of an event is given as its parameters, and beside them. */
export function recordArguments(parameters: Record<string, unknown>, more: RecordEventArgs | null) {
  if (more === null) return { parameters }
  return { parameters: { ...more.defaults, ...parameters }, recordEvent: more.recordEvent }
}

/** Null where the connector has no such collection, or no way to find out. */
export function recordEventFunctions(definition: ConnectorDefinition, of: RecordEventOf): EventFunctions | null {
  const collection = collectionOf(definition, of.collectionKey)
  const strategy = collection === null ? null : strategyOf(collection, of.type)
  if (collection === null || strategy === null) return null
  const methods = eventOf(collection, of.type)?.methods ?? {}
  const name = `${collection.name}: ${of.type}`
  const more = { recordEvent: of, defaults: collection.defaults }
  if (strategy === 'full-scan' || strategy === 'pull-latest-records')
    return { name, pullStrategy: strategy, functions: {}, more }
  const { subscribe, handle, unsubscribe, refresh } = Object.fromEntries(
    Object.entries(methods).map(([method, { run }]) => [method, run]),
  )
  const given = { subscribe, handle, unsubscribe, refresh }
  const functions = Object.fromEntries(Object.entries(given).filter(([, each]) => each !== undefined))
  return { name, pullStrategy: strategy === 'custom-pull' ? strategy : null, functions, more }
}
