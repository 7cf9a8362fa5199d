import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { Customers } from '../customers/registry.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import { type DataElement, type DataKind, KINDS, layerOf } from './data-element.ts'
import { type DataElements, type ElementInput, given, maySee, type Narrowing } from './data-elements.ts'
import { type ElementReach, elementById, narrowestElementByKey, ownByKey } from './store.ts'

/** What says which element of a connection or customer is meant. */
export interface InstanceSelector extends Narrowing {
  id?: string | undefined
  parentId?: string | null | undefined
  parentKey?: string | null | undefined
  autoCreate?: boolean | undefined
  [name: string]: unknown
}

/** What connections and customers have of definitions: made when they are asked for, narrower than those. */
export interface DataInstances {
  /** The living one that is selected; made where it is missing and `autoCreate` asks for it. */
  select(principal: Principal, kind: DataKind, selector: InstanceSelector): Promise<DataElement>
  /** The same for restoring: where none lives, the one that was made last. */
  selectArchived(principal: Principal, kind: DataKind, selector: InstanceSelector): Promise<DataElement>
  create(principal: Principal, kind: DataKind, selector: InstanceSelector, input: ElementInput): Promise<DataElement>
  /** Changes it; makes it where it is missing. */
  put(principal: Principal, kind: DataKind, selector: InstanceSelector, input: ElementInput): Promise<DataElement>
  byId(principal: Principal, kind: DataKind, selector: string): Promise<DataElement>
  /** What counts for a connection, its own or a wider one. */
  narrowest(
    principal: Principal,
    kind: DataKind,
    connection: Connection,
    selector: string,
    instanceKey: string,
  ): Promise<DataElement>
}

export function createDataInstances(options: {
  database: Database
  elements: DataElements
  connections: Pick<Connections, 'find' | 'byId'>
  customers: Pick<Customers, 'find'>
}): DataInstances {
  const { database, elements, connections, customers } = options

  /** Whose it is, by what is named: a connection, a customer's connection to an integration, or a customer. */
  async function reachOf(principal: Principal, kind: DataKind, selector: InstanceSelector): Promise<ElementReach> {
    const { workspaceId } = principal
    if (KINDS[kind].instancesOf === 'customer') {
      const named = given(selector.userId) ?? given(selector.tenantId)
      const customerId = named === null ? principal.customerId : (await customers.find(principal, named)).id
      if (customerId === null) throw missing('userId', 'whose: give userId, or use a customer’s token')
      return { workspaceId, connectionId: null, customerId, integrationId: null }
    }
    const connection =
      (await elements.connectionOf(principal, selector)) ?? (await ofIntegration(principal, kind, selector))
    const { id: connectionId, customerId, integrationId } = connection
    if (connection.archivedAt !== null) throw notFound('connection', String(selector.connectionId ?? connectionId))
    return { workspaceId, connectionId, customerId, integrationId }
  }

  /** The customer's connection to the integration that is named, or that the definition is of. */
  async function ofIntegration(principal: Principal, kind: DataKind, selector: InstanceSelector): Promise<Connection> {
    const integration = await elements.integrationOf(principal, selector)
    const integrationId =
      integration?.id ?? (await elements.find(principal, kind, wantedOf(kind, selector), {})).integrationId
    if (integrationId === null)
      throw missing('connectionId', 'of which connection: give connectionId, connectionKey or integrationKey')
    return connections.find(principal, toWire('int', integrationId), selector)
  }

  async function placeOf(principal: Principal, kind: DataKind, selector: InstanceSelector) {
    const wanted = wantedOf(kind, selector)
    const reach = await reachOf(principal, kind, selector)
    const instanceKey = given(selector.instanceKey) ?? ''
    const byId = fromWire(KINDS[kind].prefix, wanted) === null ? null : await elements.find(principal, kind, wanted, {})
    const key = byId?.key ?? wanted
    const definition = { ...reach, connectionId: null, customerId: null }
    const own = await ownByKey(database.db, kind, reach, key, instanceKey)
    const parent =
      byId !== null && layerOf(byId) === 'integration'
        ? byId
        : ((await narrowestElementByKey(database.db, kind, definition, key, '')) ?? byId)
    return { reach, own, parent, key, instanceKey }
  }

  async function make(place: Awaited<ReturnType<typeof placeOf>>, kind: DataKind, input: ElementInput) {
    const { reach, parent, key, instanceKey } = place
    if (parent === null) throw notFound(KINDS[kind].name, key)
    return elements.createWithin(reach, kind, parent, { ...input, key, instanceKey })
  }

  const instances: DataInstances = {
    async byId(principal, kind, selector) {
      const { prefix, name } = KINDS[kind]
      const id = fromWire(prefix, selector)
      const found = id === null ? null : await elementById(database.db, principal.workspaceId, kind, id)
      if (found === null || layerOf(found) !== 'connection' || !maySee(principal, found)) throw notFound(name, selector)
      return found
    },
    async select(principal, kind, selector) {
      if (given(selector.id) !== null) return instances.byId(principal, kind, String(selector.id))
      const place = await placeOf(principal, kind, selector)
      const living = place.own.find((each) => each.archivedAt === null)
      if (living !== undefined) return living
      if (selector.autoCreate !== true) throw notFound(KINDS[kind].name, place.key)
      try {
        return await make(place, kind, {})
      } catch (error) {
        // Somebody else made it at the same moment: then it is that one.
        if (!(error instanceof Refusal) || error.key !== 'already_exists') throw error
        return instances.select(principal, kind, { ...selector, autoCreate: false })
      }
    },
    async selectArchived(principal, kind, selector) {
      if (given(selector.id) !== null) return instances.byId(principal, kind, String(selector.id))
      const place = await placeOf(principal, kind, selector)
      const [first] = place.own
      if (first === undefined) throw notFound(KINDS[kind].name, place.key)
      return first
    },
    async create(principal, kind, selector, input) {
      const place = await placeOf(principal, kind, { ...input, ...selector })
      if (place.own.some((each) => each.archivedAt === null))
        throw new Refusal('already_exists', `the ${KINDS[kind].name} is there already`)
      return make(place, kind, input)
    },
    async put(principal, kind, selector, input) {
      if (given(selector.id) !== null)
        return elements.change(await instances.byId(principal, kind, String(selector.id)), input)
      const place = await placeOf(principal, kind, { ...input, ...selector })
      const living = place.own.find((each) => each.archivedAt === null)
      return living === undefined ? make(place, kind, input) : elements.change(living, input)
    },
    async narrowest(principal, kind, connection, selector, instanceKey) {
      const id = fromWire(KINDS[kind].prefix, selector)
      const key = id === null ? selector : (await elements.find(principal, kind, selector, {})).key
      const { workspaceId, id: connectionId, customerId, integrationId } = connection
      const reach = { workspaceId, connectionId, customerId, integrationId }
      const found = await narrowestElementByKey(database.db, kind, reach, key, instanceKey)
      if (found === null) throw notFound(KINDS[kind].name, selector)
      return found
    },
  }
  return instances
}

/** The definition that is meant, by id or key. */
function wantedOf(kind: DataKind, selector: InstanceSelector): string {
  const { idName, keyName, universalIdName } = KINDS[kind]
  const names = [idName, keyName, universalIdName, 'parentId', 'parentKey']
  const wanted = names.map((name) => selector[name]).find((each) => typeof each === 'string' && each !== '')
  if (typeof wanted !== 'string') throw missing('id', `give id, ${idName} or ${keyName}`)
  return wanted
}

function missing(field: string, message: string): Refusal {
  return new Refusal('invalid_input', message, { problems: [{ field, message: 'required' }] })
}
