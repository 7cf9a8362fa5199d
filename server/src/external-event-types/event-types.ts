import type { ExternalEventTypeInput, FunctionDefinition } from '@permea/contract'
import type { z } from 'zod'
import { newElement, refusingTakenKey, withOwnUuid } from '../api/elements.ts'
import { checkSchema, schemaFromExample } from '../api/json-schema.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Functions } from '../functions/function.ts'
import { checkDedupeKey } from '../integrations/definition.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import { fromWire, type Ids, secretUuid, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type ExternalEventType, eventTypeLayerOf, type FunctionSlot, isNarrower, SLOTS } from './event-type.ts'
import {
  externalEventTypeById,
  externalEventTypesByIds,
  externalEventTypesByKey,
  insertExternalEventType,
  updateExternalEventType,
} from './store.ts'

type Input = z.output<typeof ExternalEventTypeInput>

/** Where a type is looked for, beside its selector. */
export interface EventTypeNarrowing {
  integrationId?: string | null | undefined
  integrationKey?: string | null | undefined
  connectionId?: string | null | undefined
}

export interface ExternalEventTypesOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  functions: Functions
  /** Connections are told of by the engine: a selector as the token may use it. */
  findConnection(principal: Principal, selector: string): Promise<{ id: string; integrationId: string | null }>
  /** Told, in the same transaction, when a type is archived or restored: its subscriptions follow. */
  facts: Facts<ExternalEventTypeFacts>
}

/** What happens to external event types. */
export interface ExternalEventTypeFacts {
  'external-event-type.archived': ExternalEventType
  'external-event-type.restored': ExternalEventType
}

/** Definitions of events of external apps that stand by themselves, in three layers. */
export interface ExternalEventTypes {
  /** By id or key; of several with one key, the one that the narrowing names, else the universal one. Archived ones too. */
  find(principal: Principal, selector: string, narrowing: EventTypeNarrowing): Promise<ExternalEventType>
  create(principal: Principal, input: Input): Promise<ExternalEventType>
  change(type: ExternalEventType, input: Input): Promise<ExternalEventType>
  archive(type: ExternalEventType): Promise<void>
  restore(type: ExternalEventType): Promise<ExternalEventType>
  generateSchema(type: ExternalEventType): Promise<ExternalEventType>
  /** The types that each follows, nearest first. */
  parentsOf(types: readonly ExternalEventType[]): Promise<(type: ExternalEventType) => ExternalEventType[]>
}

/** Which kinds of functions each slot takes (wire facts C.1). */
const KINDS: Record<FunctionSlot, readonly FunctionDefinition['type'][]> = {
  subscribe: ['javascript', 'rest-api-mapping'],
  handle: ['javascript', 'mapping'],
  unsubscribe: ['javascript', 'rest-api-mapping'],
  refresh: ['javascript', 'rest-api-mapping'],
}
const REQUIRED = ['subscribe', 'handle', 'unsubscribe'] as const

export function createExternalEventTypes(options: ExternalEventTypesOptions): ExternalEventTypes {
  return new TypeRegistry(options)
}

/** Where a type stands. */
interface EventTypeScope {
  integrationId: string | null
  connectionId: string | null
}

class TypeRegistry implements ExternalEventTypes {
  readonly #o: ExternalEventTypesOptions

  constructor(options: ExternalEventTypesOptions) {
    this.#o = options
  }

  async find(principal: Principal, selector: string, narrowing: EventTypeNarrowing): Promise<ExternalEventType> {
    const { db } = this.#o.database
    const id = fromWire('eet', selector)
    const byId = id === null ? null : await externalEventTypeById(db, principal.workspaceId, id)
    if (byId !== null) {
      // What a customer may not see of another's connection answers as what is not there.
      if (byId.connectionId !== null && !principal.isAdmin)
        await this.#o.findConnection(principal, toWire('con', byId.connectionId)).catch(() => {
          throw notFound('external event type', selector)
        })
      return byId
    }
    const found = await externalEventTypesByKey(db, principal.workspaceId, selector)
    const scope = await this.#scopeOf(principal, narrowing)
    const isNarrowed = scope.integrationId !== null || scope.connectionId !== null
    const all = principal.isAdmin
      ? found
      : found.filter((type) => type.connectionId === null || type.connectionId === scope.connectionId)
    const within = all.filter(
      (type) =>
        !isNarrowed ||
        ((type.connectionId === null || type.connectionId === scope.connectionId) &&
          (type.integrationId === null || type.integrationId === scope.integrationId)),
    )
    const [first] = within
    if (first === undefined) throw notFound('external event type', selector)
    const peers = within.filter((type) => (type.archivedAt === null) === (first.archivedAt === null))
    if (isNarrowed) return peers.toSorted((a, b) => (isNarrower(a, b) ? -1 : 1))[0] ?? first
    const universal = peers.find((type) => eventTypeLayerOf(type) === 'universal')
    if (universal !== undefined) return universal
    if (peers.length > 1)
      throw new Refusal('ambiguous_selector', `several external event types have the key ${JSON.stringify(selector)}`)
    return first
  }

  async create(principal: Principal, input: Input): Promise<ExternalEventType> {
    const scope = await this.#scopeOf(principal, input)
    const isNarrow = scope.integrationId !== null || scope.connectionId !== null
    return withOwnUuid(input, isNarrow, (given) => this.#createWithin(principal, scope, given))
  }

  async #createWithin(principal: Principal, scope: EventTypeScope, input: Input): Promise<ExternalEventType> {
    const named = await this.#namedParent(principal, input, scope)
    // A child that names its parent has its parent's key and name, if it has none of its own.
    const element = newElement({ ...input, key: input.key ?? named?.key }, this.#o, 'an external event type')
    const parent = named ?? (await this.#widerOf(principal, element.key, scope))
    const blank: ExternalEventType = {
      ...element,
      name: input.name ?? parent?.name ?? element.name,
      workspaceId: principal.workspaceId,
      ...scope,
      parentId: parent?.id ?? null,
      rootId: parent?.rootId ?? element.id,
      parametersSchema: null,
      schema: null,
      example: null,
      subscribe: null,
      handle: null,
      unsubscribe: null,
      refresh: null,
      dedupeKey: null,
      payloadRetentionDays: null,
    }
    const type = merged(blank, input)
    await this.#check(type, input)
    await refusingTakenKey('external event type', type.key, () =>
      insertExternalEventType(this.#o.database.db, this.#o.sealing, type),
    )
    return type
  }

  async change(type: ExternalEventType, input: Input): Promise<ExternalEventType> {
    if (type.archivedAt !== null)
      throw new Refusal('archived', `external event type ${JSON.stringify(type.key)} is archived`)
    const changed = merged(type, input)
    await this.#check(changed, input)
    return this.#save(changed)
  }

  async archive(type: ExternalEventType): Promise<void> {
    if (type.archivedAt !== null) return
    await this.#save({ ...type, archivedAt: this.#o.clock.now() }, 'external-event-type.archived')
  }

  async restore(type: ExternalEventType): Promise<ExternalEventType> {
    if (type.archivedAt === null) return type
    const root = await externalEventTypeById(this.#o.database.db, type.workspaceId, type.rootId)
    if (root !== null && root.id !== type.id && root.archivedAt !== null)
      throw new Refusal('archived', `the type that this one follows, ${JSON.stringify(root.key)}, is archived`)
    return this.#save({ ...type, archivedAt: null }, 'external-event-type.restored')
  }

  async generateSchema(type: ExternalEventType): Promise<ExternalEventType> {
    if (type.archivedAt !== null)
      throw new Refusal('archived', `external event type ${JSON.stringify(type.key)} is archived`)
    const parents = (await this.parentsOf([type]))(type)
    const example = [type, ...parents].find((each) => (each.example ?? null) !== null)?.example ?? null
    if (example === null)
      throw new Refusal('invalid_input', 'there is no example to derive a schema from', {
        problems: [{ field: 'example', message: 'missing' }],
      })
    return this.#save({ ...type, schema: schemaFromExample(example) })
  }

  async parentsOf(types: readonly ExternalEventType[]): Promise<(type: ExternalEventType) => ExternalEventType[]> {
    const known = new Map<string, ExternalEventType>()
    for (let wanted = idsOfParents(types); wanted.length > 0; ) {
      const found = await externalEventTypesByIds(this.#o.database.db, wanted)
      for (const [id, type] of found) known.set(id, type)
      wanted = idsOfParents([...found.values()]).filter((id) => !known.has(id))
    }
    return (type) => {
      const parents: ExternalEventType[] = []
      for (let at = type.parentId; at !== null; ) {
        const parent = known.get(at)
        if (parent === undefined) break
        parents.push(parent)
        at = parent.parentId
      }
      return parents
    }
  }

  async #save(type: ExternalEventType, fact?: keyof ExternalEventTypeFacts): Promise<ExternalEventType> {
    const saved = { ...type, revision: secretUuid(), updatedAt: this.#o.clock.now() }
    await refusingTakenKey('external event type', saved.key, () =>
      this.#o.database.transaction(async (tx) => {
        await updateExternalEventType(tx, this.#o.sealing, saved)
        if (fact !== undefined) await this.#o.facts.record(tx, fact, saved)
      }),
    )
    return saved
  }

  async #scopeOf(principal: Principal, narrowing: EventTypeNarrowing): Promise<EventTypeScope> {
    if (isGiven(narrowing.connectionId)) {
      const connection = await this.#o.findConnection(principal, narrowing.connectionId)
      return { integrationId: connection.integrationId, connectionId: connection.id }
    }
    const selector = isGiven(narrowing.integrationId) ? narrowing.integrationId : narrowing.integrationKey
    if (!isGiven(selector)) return { integrationId: null, connectionId: null }
    return { integrationId: (await findIntegration(this.#o.database, principal, selector)).id, connectionId: null }
  }

  /** The parent that the input names by its id or key. */
  async #namedParent(
    principal: Principal,
    input: Input,
    scope: { integrationId: string | null; connectionId: string | null },
  ): Promise<ExternalEventType | null> {
    if (!isGiven(input.parentId)) return null
    const parent = await this.find(principal, input.parentId, {})
    if (parent.archivedAt !== null)
      throw new Refusal('archived', `the parent ${JSON.stringify(parent.key)} is archived`)
    if (!isNarrower(scope, parent)) {
      throw new Refusal('invalid_input', 'parentId: a child is for fewer connections than its parent', {
        problems: [
          { field: 'parentId', message: 'give an integrationId or connectionId within what the parent is for' },
        ],
      })
    }
    return parent
  }

  /** The nearest wider one with the same key. */
  async #widerOf(
    principal: Principal,
    key: string,
    scope: { integrationId: string | null; connectionId: string | null },
  ): Promise<ExternalEventType | null> {
    if (scope.integrationId === null && scope.connectionId === null) return null
    const wider = (await externalEventTypesByKey(this.#o.database.db, principal.workspaceId, key))
      .filter((type) => type.archivedAt === null && isNarrower(scope, type))
      .toSorted((a, b) => (isNarrower(a, b) ? -1 : 1))
    return wider[0] ?? null
  }

  async #check(type: ExternalEventType, input: Input): Promise<void> {
    if (input.type !== undefined && input.type !== 'webhook') {
      throw new Refusal('invalid_input', `type: ${JSON.stringify(input.type)} is not supported; it must be "webhook"`, {
        problems: [{ field: 'type', message: 'only webhook is supported' }],
      })
    }
    for (const schema of [type.parametersSchema, type.schema])
      if (schema !== null) await checkSchema(schema, type.workspaceId)
    checkDedupeKey('dedupeKey', type.dedupeKey)
    const problems: { field: string; message: string; line?: number; column?: number }[] = []
    for (const slot of SLOTS) {
      const definition = type[slot]
      const isMissing = definition === null && type.parentId === null
      if (isMissing && (REQUIRED as readonly string[]).includes(slot)) {
        problems.push({ field: slot, message: `${slot} is required` })
        continue
      }
      // What stays as it is was loaded when it was saved.
      if (definition === null || input[slot] === undefined) continue
      if (!KINDS[slot].includes(definition.type)) {
        problems.push({ field: slot, message: `${slot} is ${KINDS[slot].join(' or ')}, not ${definition.type}` })
        continue
      }
      const problem = await this.#o.functions.problem(definition, `${slot}.js`, type)
      if (problem !== null) {
        const place = problem.line === null ? {} : { line: problem.line, column: problem.column ?? 1 }
        problems.push({ field: slot, message: problem.message, ...place })
      }
    }
    const [first] = problems
    if (first === undefined) return
    const at = first.line === undefined ? '' : ` (line ${first.line}, column ${first.column})`
    throw new Refusal('invalid_function', `${first.field}: ${first.message}${at}`, { problems })
  }
}

function isGiven(selector: string | null | undefined): selector is string {
  return selector !== undefined && selector !== null && selector !== ''
}

function idsOfParents(types: readonly ExternalEventType[]): string[] {
  return types.flatMap((type) => (type.parentId === null ? [] : [type.parentId]))
}

/** The fields that the input gives, laid over what is there. */
function merged(current: ExternalEventType, input: Input): ExternalEventType {
  const given = <F extends keyof Input & keyof ExternalEventType>(field: F) =>
    input[field] === undefined ? current[field] : (input[field] as ExternalEventType[F])
  return {
    ...current,
    key: input.key ?? current.key,
    name: input.name ?? current.name,
    description: given('description'),
    meta: given('meta'),
    parametersSchema: given('parametersSchema'),
    schema: given('schema'),
    example: given('example'),
    subscribe: given('subscribe'),
    handle: given('handle'),
    unsubscribe: given('unsubscribe'),
    refresh: given('refresh'),
    dedupeKey: given('dedupeKey'),
    payloadRetentionDays: given('payloadRetentionDays'),
  }
}
