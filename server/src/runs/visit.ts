import type { PageReader } from '../flows/node-type.ts'
import type { PlannedNode } from '../flows/plan.ts'
import type { Slots } from './slots.ts'

/** One place in a run: a node with what it is given there. */
export interface Visit {
  node: PlannedNode
  path: string
  input: unknown
  fed: unknown
  /** The for-each item that begins here, as JSON text. */
  item: string | null
  /** The iteration of the for-each that it is in. */
  within: Iteration | null
  /** Which page it puts out, where it does so page by page. */
  page?: PageVisit
}

/** One page of what a node puts out page by page. */
export interface PageVisit {
  reader: PageReader
  /** Where it begins; null for the first. */
  from: string | null
  /** Where the next one begins, once this one is there; null where nothing follows (yet). */
  next: string | null
}

/** One round of a for-each: the outputs it gathers, and its own slots, so that rounds do not wait for each other. */
export interface Iteration {
  outputs: Map<string, unknown[]>
  slots: Map<string, Slots>
}

/** The value where it is an object with names, else one without any. */
export function namedFields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
