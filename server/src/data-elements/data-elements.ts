import { integrationNamed, ownName } from '../api/brought-in.ts'
import { newElement, refusingTakenKey, withOwnUuid } from '../api/elements.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Connection, OnBehalfOf } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationByKey } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire, type Ids, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { changedContent, type DataElement, type DataKind, givenContent, KINDS, layerOf } from './data-element.ts'
import { contentsOf } from './inheritance.ts'
import {
  archiveElementsBelow,
  elementById,
  elementByUuid,
  elementsByKey,
  insertElement,
  lockElement,
  updateElement,
} from './store.ts'

type Json = Record<string, unknown>

/** What narrows down which element of a key is meant. */
export interface Narrowing extends OnBehalfOf {
  integrationId?: string | null | undefined
  integrationKey?: string | null | undefined
  integrationUuid?: string | null | undefined
  connectionId?: string | null | undefined
  connectionKey?: string | null | undefined
  instanceKey?: string | null | undefined
}

/** What may be given of any kind; fields of its content beside these. */
export interface ElementInput extends Narrowing {
  uuid?: string | undefined
  key?: string | undefined
  name?: string | undefined
  description?: string | null | undefined
  meta?: Json | null | undefined
  parentId?: string | null | undefined
  parentUuid?: string | null | undefined
  parentKey?: string | null | undefined
  integration?: unknown
  isCustomized?: boolean | undefined
  [field: string]: unknown
}

/** Where an element is: what its layer follows from. */
export interface Scope {
  workspaceId: string
  integrationId: string | null
  connectionId: string | null
  customerId: string | null
}

export interface DataElementsOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  connections: Pick<Connections, 'find' | 'byId'>
  /** Values of a field mapping that follow from its defaults and the connector of its app. */
  generated(of: { workspaceId: string; integrationId: string | null; content: Json }): Promise<Json>
}

/** Elements of the data layer in their layers: a narrower one stands in for the wider one with its key, and follows it. */
export interface DataElements {
  /** By id, uuid, key or `integrationKey.key`; of a key the integration's where one is named, else the universal one. */
  find(principal: Principal, kind: DataKind, selector: string, narrowing: Narrowing): Promise<DataElement>
  integrationOf(principal: Principal, narrowing: Narrowing): Promise<Integration | null>
  connectionOf(principal: Principal, narrowing: Narrowing): Promise<Connection | null>
  create(principal: Principal, kind: DataKind, input: ElementInput): Promise<DataElement>
  /** Within a scope that is known: a connection's or customer's own of a definition. */
  createWithin(scope: Scope, kind: DataKind, parent: DataElement | null, input: ElementInput): Promise<DataElement>
  change(element: DataElement, input: ElementInput): Promise<DataElement>
  /** With all that follow it. */
  archive(element: DataElement): Promise<void>
  restore(element: DataElement): Promise<DataElement>
  /** Follows its parent again in everything. */
  reset(element: DataElement): Promise<DataElement>
  clone(element: DataElement): Promise<DataElement>
  /** A copy of a universal element for an integration; the one that is there already if there is one. */
  applyTo(principal: Principal, element: DataElement, integrationKey: string): Promise<DataElement>
}

export function createDataElements(options: DataElementsOptions): DataElements {
  return new ElementRegistry(options)
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

class ElementRegistry implements DataElements {
  readonly #o: DataElementsOptions

  constructor(options: DataElementsOptions) {
    this.#o = options
  }

  async find(principal: Principal, kind: DataKind, selector: string, narrowing: Narrowing): Promise<DataElement> {
    const { db } = this.#o.database
    const about = KINDS[kind]
    const id = fromWire(about.prefix, selector)
    const named =
      id !== null
        ? await elementById(db, principal.workspaceId, kind, id)
        : UUID.test(selector)
          ? await elementByUuid(db, principal.workspaceId, kind, selector.toLowerCase())
          : null
    if (named !== null || id !== null) {
      if (named === null || !maySee(principal, named)) throw notFound(about.name, selector)
      return named
    }
    const connection = await this.connectionOf(principal, narrowing)
    const integration = await this.integrationOf(principal, narrowing)
    const integrationId = connection?.integrationId ?? integration?.id ?? null
    const isNarrowed = connection !== null || integration !== null
    const found =
      (await this.#byKey(principal, kind, selector, isNarrowed ? integrationId : undefined)) ??
      (isNarrowed ? null : await this.#byDottedKey(principal, kind, selector))
    if (found === null) throw notFound(about.name, selector)
    return found
  }

  /** `undefined` where no integration is named: then the universal one, or the only one there is. */
  async #byKey(
    { workspaceId }: Pick<Principal, 'workspaceId'>,
    kind: DataKind,
    key: string,
    integrationId: string | null | undefined,
  ): Promise<DataElement | null> {
    const all = await elementsByKey(this.#o.database.db, workspaceId, kind, key)
    const living = all.filter((each) => each.archivedAt === null)
    const candidates = living.length > 0 ? living : all
    const universal = candidates.find((each) => each.integrationId === null)
    if (integrationId !== undefined)
      return candidates.find((each) => each.integrationId === integrationId) ?? universal ?? null
    if (universal !== undefined) return universal
    const [first] = candidates
    if (candidates.some((each) => each.integrationId !== first?.integrationId)) {
      const message = `several integrations have a ${KINDS[kind].name} ${JSON.stringify(key)}: give integrationKey`
      throw new Refusal('ambiguous_selector', message)
    }
    return first ?? null
  }

  async #byDottedKey(principal: Principal, kind: DataKind, selector: string): Promise<DataElement | null> {
    const dot = selector.indexOf('.')
    if (dot <= 0) return null
    const named = await integrationByKey(this.#o.database.db, principal.workspaceId, selector.slice(0, dot))
    return named === null ? null : this.#byKey(principal, kind, selector.slice(dot + 1), named.id)
  }

  async integrationOf(principal: Principal, narrowing: Narrowing): Promise<Integration | null> {
    const selector =
      given(narrowing.integrationId) ?? given(narrowing.integrationKey) ?? given(narrowing.integrationUuid)
    return selector === null ? null : findIntegration(this.#o.database, principal, selector)
  }

  async connectionOf(principal: Principal, narrowing: Narrowing): Promise<Connection | null> {
    const selector = given(narrowing.connectionId) ?? given(narrowing.connectionKey)
    return selector === null ? null : this.#o.connections.find(principal, selector, narrowing)
  }

  async create(principal: Principal, kind: DataKind, input: ElementInput): Promise<DataElement> {
    const connection = await this.connectionOf(principal, input)
    const named = connection === null ? integrationNamed(input) : null
    const integration = named === null ? null : await findIntegration(this.#o.database, principal, named)
    const scope: Scope = {
      workspaceId: principal.workspaceId,
      integrationId: connection?.integrationId ?? integration?.id ?? null,
      connectionId: connection?.id ?? null,
      customerId: connection?.customerId ?? null,
    }
    const parent = await this.#parentOf(principal, kind, scope, input)
    return withOwnUuid(input, scope.integrationId !== null, (given) => this.createWithin(scope, kind, parent, given))
  }

  async #parentOf(
    principal: Principal,
    kind: DataKind,
    scope: Scope,
    input: ElementInput,
  ): Promise<DataElement | null> {
    const { idName, universalIdName } = KINDS[kind]
    const names = [input.parentId, input.parentUuid, input.parentKey, input[idName], input[universalIdName]]
    const named = ownName(names)
    const isNarrow = scope.integrationId !== null || scope.connectionId !== null
    if (named !== null) {
      const parent = await this.#findParent(principal, kind, named)
      if (parent !== null) refuseParent(parent, scope)
      if (parent !== null || !isNarrow) return parent
    }
    if (!isNarrow || input.key === undefined) return null
    const wider = (await elementsByKey(this.#o.database.db, scope.workspaceId, kind, input.key)).filter(
      (each) => each.archivedAt === null,
    )
    const ofIntegration =
      scope.connectionId === null ? undefined : wider.find((each) => each.integrationId === scope.integrationId)
    return ofIntegration ?? wider.find((each) => each.integrationId === null) ?? null
  }

  /** Named by a uuid it may come later: elements are brought in without an order. */
  async #findParent(principal: Principal, kind: DataKind, selector: string): Promise<DataElement | null> {
    if (!UUID.test(selector)) return this.find(principal, kind, selector, {})
    return elementByUuid(this.#o.database.db, principal.workspaceId, kind, selector.toLowerCase())
  }

  async createWithin(
    scope: Scope,
    kind: DataKind,
    parent: DataElement | null,
    input: ElementInput,
  ): Promise<DataElement> {
    const { name } = KINDS[kind]
    const element = newElement(
      { ...input, key: input.key ?? parent?.key, name: input.name ?? parent?.name },
      this.#o,
      `a ${name}`,
    )
    const inherited = parent === null ? {} : await this.#inheritedBy(parent)
    const given = await this.#ownGiven({ ...scope, kind }, input, inherited)
    const content = changedContent({}, given, inherited)
    const created: DataElement = {
      ...element,
      description: input.description === undefined ? (parent?.description ?? null) : input.description,
      ...scope,
      kind,
      parentId: parent?.id ?? null,
      instanceKey: input.instanceKey ?? '',
      content,
      isCustomized: input.isCustomized ?? Object.keys(content).length > 0,
    }
    await refusingTakenKey(name, element.key, () => insertElement(this.#o.database.db, this.#o.sealing, created))
    return created
  }

  /** What is given, without what is generated anyway where the element is said to follow its parent. */
  async #ownGiven(
    at: Pick<DataElement, 'workspaceId' | 'integrationId' | 'kind'>,
    input: ElementInput,
    inherited: Json,
  ): Promise<Json> {
    const given = givenContent(at.kind, input)
    if (at.kind !== 'field-mapping' || input.isCustomized !== false) return given
    const made = await this.#o.generated({ ...at, content: { ...inherited, ...given } })
    return Object.fromEntries(Object.entries(given).filter(([name]) => made[name] === undefined))
  }

  async #inheritedBy(parent: DataElement, tx?: Tx): Promise<Json> {
    return (await contentsOf(tx ?? this.#o.database.db, [parent])).get(parent.id) ?? {}
  }

  change(element: DataElement, input: ElementInput): Promise<DataElement> {
    refuseArchived(element)
    return this.#locked(element, async (tx, current) => {
      const parent =
        current.parentId === null ? null : await elementById(tx, current.workspaceId, current.kind, current.parentId)
      const inherited = parent === null ? {} : await this.#inheritedBy(parent, tx)
      const given =
        parent === null ? givenContent(current.kind, input) : await this.#ownGiven(current, input, inherited)
      const content = changedContent(current.content, given, inherited)
      const isOther = JSON.stringify(content) !== JSON.stringify(current.content)
      return {
        ...current,
        key: input.key ?? current.key,
        name: input.name ?? current.name,
        description: input.description === undefined ? current.description : input.description,
        meta: input.meta === undefined ? current.meta : input.meta,
        content,
        isCustomized: input.isCustomized ?? (current.isCustomized || isOther),
      }
    })
  }

  async archive(element: DataElement): Promise<void> {
    if (element.archivedAt !== null) return
    const now = this.#o.clock.now()
    await this.#locked(element, async (tx, current) => {
      await archiveElementsBelow(tx, element.id, now)
      return { ...current, archivedAt: current.archivedAt ?? now }
    })
  }

  async restore(element: DataElement): Promise<DataElement> {
    if (element.archivedAt === null) return element
    return this.#locked(element, async (_tx, current) => ({ ...current, archivedAt: null }))
  }

  async reset(element: DataElement): Promise<DataElement> {
    refuseArchived(element)
    if (element.parentId === null) return element
    return this.#locked(element, async (_tx, current) => ({ ...current, content: {}, isCustomized: false }))
  }

  async clone(element: DataElement): Promise<DataElement> {
    const { workspaceId, integrationId, connectionId, customerId, kind, instanceKey, meta, description } = element
    const content = await this.#inheritedBy(element)
    return this.createWithin({ workspaceId, integrationId, connectionId, customerId }, kind, null, {
      ...content,
      key: `${element.key}-copy-${this.#o.ids.next().slice(-6)}`,
      name: `${element.name} (copy)`,
      description,
      meta,
      instanceKey,
    })
  }

  async applyTo(principal: Principal, element: DataElement, integrationKey: string): Promise<DataElement> {
    refuseArchived(element)
    const integration = await findIntegration(this.#o.database, principal, integrationKey)
    if (layerOf(element) !== 'universal') {
      throw new Refusal(
        'invalid_input',
        `only a universal ${KINDS[element.kind].name} can be applied to integrations`,
        {
          problems: [{ field: 'selector', message: 'not a universal one' }],
        },
      )
    }
    const { workspaceId, kind, key } = element
    const existing = (await elementsByKey(this.#o.database.db, workspaceId, kind, key)).find(
      (each) => each.integrationId === integration.id && each.archivedAt === null,
    )
    if (existing !== undefined) return existing
    const scope = { workspaceId, integrationId: integration.id, connectionId: null, customerId: null }
    return this.createWithin(scope, kind, element, {})
  }

  #locked(element: DataElement, change: (tx: Tx, current: DataElement) => Promise<DataElement>): Promise<DataElement> {
    return refusingTakenKey(KINDS[element.kind].name, element.key, () =>
      this.#o.database.transaction(async (tx) => {
        const changed = {
          ...(await change(tx, await lockElement(tx, element.id))),
          revision: secretUuid(),
          updatedAt: this.#o.clock.now(),
        }
        await updateElement(tx, this.#o.sealing, changed)
        return changed
      }),
    )
  }
}

export function given(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : text
}

/** Another customer's answers as what is not there. */
export function maySee(principal: Principal, element: Pick<DataElement, 'customerId'>): boolean {
  return principal.isAdmin || element.customerId === null || element.customerId === principal.customerId
}

function refuseArchived(element: DataElement): void {
  if (element.archivedAt !== null)
    throw new Refusal('archived', `${KINDS[element.kind].name} ${JSON.stringify(element.key)} is archived`)
}

/** A child is for fewer connections than its parent. */
function refuseParent(parent: DataElement, scope: Scope): void {
  const isWithin = parent.integrationId === null || parent.integrationId === scope.integrationId
  const isNarrower =
    layerOf(parent) !== 'connection' &&
    (scope.customerId !== null || (parent.integrationId === null && scope.integrationId !== null))
  if (isWithin && isNarrower) return
  throw new Refusal('invalid_input', 'parentId: an element follows one that is for more connections than itself', {
    problems: [{ field: 'parentId', message: 'give an integration or connection within what the parent is for' }],
  })
}
