import type { DedupeKey, FunctionDefinition, ExternalEventType as WireExternalEventType } from '@permea/contract'
import type { z } from 'zod'
import type { Element } from '../api/elements.ts'
import { schemaFromExample } from '../api/json-schema.ts'
import { toWire } from '../platform/ids.ts'

/** The four functions of an event of an external app. */
export const SLOTS = ['subscribe', 'handle', 'unsubscribe', 'refresh'] as const
export type FunctionSlot = (typeof SLOTS)[number]

/** What a child may say itself, beside its name. */
const FIELDS = ['parametersSchema', 'schema', 'example', 'dedupeKey', ...SLOTS] as const

/** An event of an external app that stands by itself, or what one integration or connection has in its place. */
export interface ExternalEventType extends Element {
  workspaceId: string
  integrationId: string | null
  connectionId: string | null
  parentId: string | null
  /** The top of its chain; its own id where it has no parent. */
  rootId: string
  /** Null where it has a parent and follows it. */
  parametersSchema: Record<string, unknown> | boolean | null
  schema: Record<string, unknown> | boolean | null
  example: unknown
  subscribe: FunctionDefinition | null
  handle: FunctionDefinition | null
  unsubscribe: FunctionDefinition | null
  refresh: FunctionDefinition | null
  dedupeKey: DedupeKey | null
  /** Null: as the workspace has it. */
  payloadRetentionDays: number | null
}

export type EventTypeLayer = 'universal' | 'integration' | 'connection'

export function eventTypeLayerOf(type: Pick<ExternalEventType, 'integrationId' | 'connectionId'>): EventTypeLayer {
  if (type.connectionId !== null) return 'connection'
  return type.integrationId === null ? 'universal' : 'integration'
}

const WIDTH: Record<EventTypeLayer, number> = { universal: 0, integration: 1, connection: 2 }

/** Whether `inner` is for fewer connections than `outer`, all of them also `outer`'s. */
export function isNarrower(
  inner: Pick<ExternalEventType, 'integrationId' | 'connectionId'>,
  outer: Pick<ExternalEventType, 'integrationId' | 'connectionId'>,
): boolean {
  if (WIDTH[eventTypeLayerOf(inner)] <= WIDTH[eventTypeLayerOf(outer)]) return false
  return outer.integrationId === null || outer.integrationId === inner.integrationId
}

/**
 * The definition that applies to a connection: of the members of one chain, for each field that of the narrowest that
 * has it. Archived members do not count, the top always does.
 *
 * @source seeds/002 "Scoping": universal → integration → connection
 */
export function resolved(
  family: readonly ExternalEventType[],
  connection: { id: string; integrationId: string | null },
): ResolvedEventType {
  const applying = family
    .filter((type) => type.archivedAt === null || type.id === type.rootId)
    .filter((type) => type.connectionId === null || type.connectionId === connection.id)
    .filter((type) => type.integrationId === null || type.integrationId === connection.integrationId)
    .sort((a, b) => WIDTH[eventTypeLayerOf(b)] - WIDTH[eventTypeLayerOf(a)])
  const root = family.find((type) => type.id === type.rootId)
  if (root === undefined) throw new Error('a chain of types has a top')
  const narrowest = applying[0] ?? root
  const has = (field: (typeof FIELDS)[number]) =>
    applying.find((type) => type[field] !== null && type[field] !== undefined)
  const slot = (name: FunctionSlot) => {
    const type = has(name)
    const definition = type?.[name] ?? null
    return type === undefined || definition === null ? null : { definition, ownerId: type.id }
  }
  return {
    rootId: root.id,
    key: root.key,
    name: narrowest.name,
    isArchived: root.archivedAt !== null,
    revision: applying.map((type) => type.revision).join(':'),
    parametersSchema: has('parametersSchema')?.parametersSchema ?? null,
    schema: has('schema')?.schema ?? null,
    subscribe: slot('subscribe'),
    handle: slot('handle'),
    unsubscribe: slot('unsubscribe'),
    refresh: slot('refresh'),
  }
}

/** A function, and the type that it is written in. */
export interface ResolvedSlot {
  definition: FunctionDefinition
  ownerId: string
}

export interface ResolvedEventType extends Record<FunctionSlot, ResolvedSlot | null> {
  rootId: string
  key: string
  name: string
  isArchived: boolean
  /** Changes with every change of what it is made of. */
  revision: string
  parametersSchema: Record<string, unknown> | boolean | null
  schema: Record<string, unknown> | boolean | null
}

/**
 * A type as it is shown: with what it inherits from `parents` (nearest first). Sources are for admins, since they are
 * the workspace's and may hold what a customer must not know.
 */
export function externalEventTypeAnswer(
  type: ExternalEventType,
  parents: readonly ExternalEventType[],
  isAdmin: boolean,
): z.input<typeof WireExternalEventType> {
  const chain = [type, ...parents]
  const value = <F extends (typeof FIELDS)[number]>(field: F) =>
    chain.find((each) => each[field] !== null && each[field] !== undefined)?.[field] ?? undefined
  const example = value('example')
  const universal = parents.find((each) => eventTypeLayerOf(each) === 'universal')
  const functions = isAdmin
    ? {
        subscribe: value('subscribe'),
        handle: value('handle'),
        unsubscribe: value('unsubscribe'),
        refresh: value('refresh'),
      }
    : {}
  return {
    id: toWire('eet', type.id),
    uuid: type.uuid,
    key: type.key,
    name: type.name,
    description: type.description ?? undefined,
    meta: type.meta ?? undefined,
    revision: type.revision,
    type: 'webhook',
    layer: eventTypeLayerOf(type),
    isUniversal: eventTypeLayerOf(type) === 'universal',
    universalParentId: universal === undefined ? undefined : toWire('eet', universal.id),
    integrationId: type.integrationId === null ? undefined : toWire('int', type.integrationId),
    connectionId: type.connectionId === null ? undefined : toWire('con', type.connectionId),
    parentId: type.parentId === null ? undefined : toWire('eet', type.parentId),
    overrides: type.parentId === null ? undefined : FIELDS.filter((field) => (type[field] ?? null) !== null),
    parametersSchema: value('parametersSchema'),
    schema: value('schema') ?? (example === undefined ? undefined : schemaFromExample(example)),
    example,
    dedupeKey: value('dedupeKey'),
    payloadRetentionDays: type.payloadRetentionDays ?? undefined,
    ...functions,
    createdAt: type.createdAt.toISOString(),
    updatedAt: type.updatedAt.toISOString(),
    archivedAt: type.archivedAt?.toISOString(),
  }
}
