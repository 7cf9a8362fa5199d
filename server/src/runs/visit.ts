import type { PageReader } from '../flows/node-type.ts'
import type { PlannedNode } from '../flows/plan.ts'
import { LongWork } from '../platform/long-work.ts'
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

/** Fields up to this number are copied in one go. */
const FIELDS_AT_ONCE = 5000

/** The fields of a value and one more; of very many they are copied in slices, between which others have their turn. */
export function withField(
  value: unknown,
  name: string,
  field: unknown,
): Record<string, unknown> | Promise<Record<string, unknown>> {
  const fields = namedFields(value)
  const names = Object.keys(fields)
  return names.length <= FIELDS_AT_ONCE ? { ...fields, [name]: field } : copied(fields, names, [name, field])
}

async function copied(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[],
  [last, field]: [name: string, field: unknown],
): Promise<Record<string, unknown>> {
  const work = new LongWork()
  const copy: Record<string, unknown> = {}
  const put = (name: string, value: unknown) => {
    if (name === '__proto__')
      Object.defineProperty(copy, name, { value, enumerable: true, configurable: true, writable: true })
    else copy[name] = value
  }
  for (const name of names) {
    put(name, fields[name])
    if (work.isDue) await work.turn()
  }
  put(last, field)
  return copy
}
