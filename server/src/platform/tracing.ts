/*
 * Traces: which span is beneath which, across processes and across what is stored. What OpenTelemetry needs is loaded
 * only where the environment asks for it (`tracing-sdk.ts`); everywhere else `Tracing | null` is null, and nothing here
 * costs anything.
 */

/**
 * A place in a trace as it is stored and passed on: a `traceparent`, behind a space the `tracestate` where there is one.
 * With `~` in front what is there begins a trace of its own that is linked to this place.
 *
 * @source W3C Trace Context
 */
export type TracePlace = string

export interface SpanOptions {
  name: string
  kind?: 'internal' | 'server' | 'client' | 'consumer'
  /** Null or absent: a trace begins here. */
  beneath?: TracePlace | null
  /** An id that is known beforehand: 16 hexadecimal digits. */
  spanId?: string
  /** The id of a trace that begins here: 32 hexadecimal digits. */
  traceId?: string
  startedAt?: Date
  attributes?: Record<string, string | number | boolean>
}

export interface Span {
  /** What is beneath it begins here; null where nobody keeps the trace and nobody asked for it to be passed on. */
  readonly place: TracePlace | null
  end(more?: { attributes?: Record<string, string | number | boolean>; error?: string | null }): void
}

export interface Tracing {
  begin(options: SpanOptions): Span
  /** Does something beneath a place: requests that it sends and lines that it logs say so. */
  within<T>(place: TracePlace | null, work: () => T): T
  /** Where what is being done now stands; null where that is in no trace. */
  here(): TracePlace | null
  /** Sends what is not sent yet, for a moment at most. */
  stop(): Promise<void>
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/
const STATE_CHARS_MAX = 512
/** Trace and span ids of zeros stand for none. */
const NONE = /^0+$/

/** The place that the headers of a request name; null where they name none that counts. */
export function placeIn(headers: Readonly<Record<string, string | string[] | undefined>>): TracePlace | null {
  const parent = headers.traceparent
  if (typeof parent !== 'string') return null
  const [, version = 'ff', traceId = '0', spanId = '0', flags = '00'] = TRACEPARENT.exec(parent.trim()) ?? []
  const isBroken =
    version === 'ff' || NONE.test(traceId) || NONE.test(spanId) || (version === '00' && parent.trim().length > 55)
  if (isBroken) return null
  const given = headers.tracestate
  const state = (Array.isArray(given) ? given.join(',') : (given ?? '')).trim()
  const isPassedOn = state !== '' && state.length <= STATE_CHARS_MAX && /^[\x20-\x7e]+$/.test(state)
  return `00-${traceId}-${spanId}-${flags}${isPassedOn ? ` ${state}` : ''}`
}

/** The headers that tell whoever gets a request where in the trace it stands. */
export function traceHeaders(place: TracePlace): Record<string, string> {
  const { parent, state } = parentAndState(place)
  return { traceparent: parent, ...(state === null ? {} : { tracestate: state }) }
}

export function parentAndState(place: TracePlace): { parent: string; state: string | null } {
  const space = place.indexOf(' ')
  return space === -1
    ? { parent: place, state: null }
    : { parent: place.slice(0, space), state: place.slice(space + 1) }
}

/** What a line of the log says of where it stands. */
export function traceFields(place: TracePlace | null): { trace_id?: string; span_id?: string } {
  return place === null ? {} : { trace_id: place.slice(3, 35), span_id: place.slice(36, 52) }
}

/** One of several things that came together: each is a trace of its own, linked to what brought them. */
export function linkedTo(place: TracePlace | null): TracePlace | null {
  return place === null ? null : `~${place}`
}

export function isLink(place: TracePlace): boolean {
  return place.startsWith('~')
}

/** The id of the trace in which something stands; one that only is linked has a trace by the id of `itself`, a UUID. */
export function traceIdOf(place: TracePlace, itself: string): string {
  return isLink(place) ? hexOf(itself) : place.slice(3, 35)
}

/** The place beneath the span of something whose span has the id of `spanIdOf(id)`, which itself is at `place`. */
export function beneathItself(place: TracePlace, itself: { id: string; traceOf: string }): TracePlace {
  const { parent, state } = parentAndState(isLink(place) ? place.slice(1) : place)
  const flags = parent.slice(53, 55)
  const beneath = `00-${traceIdOf(place, itself.traceOf)}-${spanIdOf(itself.id)}-${flags}`
  return state === null ? beneath : `${beneath} ${state}`
}

/** The span of what has a UUID, wherever it is worked: its last 16 digits, which differ from id to id. */
export function spanIdOf(id: string): string {
  return hexOf(id).slice(16)
}

export function hexOf(id: string): string {
  return id.replaceAll('-', '')
}
