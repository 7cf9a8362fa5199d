import type { Clock } from '../platform/clock.ts'
import { brokenUniqueRule } from '../platform/database-errors.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import { Refusal } from './refusal.ts'

/** What every element that a workspace defines has in common. */
export interface Element {
  id: string
  uuid: string
  key: string
  name: string
  description: string | null
  meta: Record<string, unknown> | null
  /** Changes with every change; opaque. */
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

interface ElementInput {
  uuid?: string | undefined
  key?: string | undefined
  name?: string | undefined
  description?: string | null | undefined
  meta?: Record<string, unknown> | null | undefined
}

/** The common part of a new element; the key follows from the name where none is given. */
export function newElement(input: ElementInput, from: { clock: Clock; ids: Ids }, what: string): Element {
  const key = input.key ?? (input.name === undefined ? undefined : keyOf(input.name))
  if (key === undefined || key === '') {
    throw new Refusal('invalid_input', `${what} needs a key or a name`, {
      problems: [{ field: 'key', message: 'required where there is no name' }],
    })
  }
  const now = from.clock.now()
  return {
    id: from.ids.next(),
    uuid: input.uuid ?? secretUuid(),
    key,
    name: input.name ?? key,
    description: input.description ?? null,
    meta: input.meta ?? null,
    revision: secretUuid(),
    createdAt: now,
    updatedAt: now,
    archivedAt: null,
  }
}

/** "Order Created!" → `order-created` */
function keyOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}.]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 100)
}

/** Runs a write and says which key is taken where a unique rule stops it. */
export async function refusingTakenKey<T>(what: string, key: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const rule = brokenUniqueRule(error)
    if (rule === null) throw error
    const isUuid = rule.includes('uuid')
    const taken = isUuid ? 'this uuid' : `key ${JSON.stringify(key)}`
    const field = isUuid ? 'uuid' : 'key'
    throw new Refusal('already_exists', `there is already another ${what} with ${taken}`, { field })
  }
}

/**
 * Makes an element. What is for an integration or a connection may come with the uuid of what it follows, as exports
 * have it: then it gets one of its own.
 */
export async function withOwnUuid<I extends { uuid?: string | undefined }, T>(
  input: I,
  isNarrow: boolean,
  create: (input: I) => Promise<T>,
): Promise<T> {
  try {
    return await create(input)
  } catch (error) {
    const isTaken = error instanceof Refusal && (error.data as { field?: string } | undefined)?.field === 'uuid'
    if (!isTaken || !isNarrow) throw error
    return create({ ...input, uuid: undefined })
  }
}
