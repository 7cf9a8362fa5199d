import { type Connection, embeddedConnection } from '../connections/connection.ts'
import { connectionsByIds } from '../connections/store.ts'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { customersByIds } from '../customers/store.ts'
import { type Integration, integrationAnswer } from '../integrations/integration.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { TroublesOf } from '../integrations/troubles.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { type DataElement, KINDS, layerOf } from './data-element.ts'
import { contentFrom, parentsOf } from './inheritance.ts'

type Json = Record<string, unknown>

/** What else is told of an element beside what is stored: what follows from the connector of its app. */
export interface Derived {
  /** Fields of the answer; they take the place of those of the content. */
  fields: Json
  errors: readonly Json[]
}

export interface Surroundings {
  element: DataElement
  content: Json
  integration: Integration | null
  connection: Connection | null
  /** Shown by itself rather than in a list. */
  isAlone: boolean
}

/** How elements look on the wire, with what belongs beside them; a page at a time. */
export interface DataElementViews {
  one(element: DataElement): Promise<Json>
  many(elements: readonly DataElement[]): Promise<Json[]>
}

export function createDataElementViews(options: {
  database: Database
  clock: Clock
  derive(of: Surroundings): Promise<Derived>
  troublesOf: TroublesOf
}): DataElementViews {
  const { database, clock } = options
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  async function many(elements: readonly DataElement[]): Promise<Json[]> {
    const { db } = database
    const [above, integrations, connections, customers] = await Promise.all([
      parentsOf(db, elements),
      integrationsByIds(db, present(elements.map((each) => each.integrationId))),
      connectionsByIds(db, present(elements.map((each) => each.connectionId))),
      customersByIds(db, present(elements.map((each) => each.customerId))),
    ])
    const troubles = await options.troublesOf(integrations.values())
    return Promise.all(
      elements.map(async (element) => {
        const parents = above(element)
        const integration = integrations.get(element.integrationId ?? '')
        const connection = connections.get(element.connectionId ?? '')
        const content = contentFrom(element, parents)
        const derived = await options.derive({
          element,
          content,
          integration: integration ?? null,
          connection: connection ?? null,
          isAlone: elements.length === 1,
        })
        const beside = { parents, integration, connection, customer: customers.get(element.customerId ?? '') }
        const trouble = troubles.get(element.integrationId ?? '')
        const errors = trouble === undefined ? derived.errors : [...derived.errors, trouble]
        return answerOf(element, { ...content, ...derived.fields }, errors, beside, clock.now())
      }),
    )
  }

  return {
    many,
    async one(element) {
      const [answer] = await many([element])
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
  }
}

function answerOf(
  element: DataElement,
  content: Json,
  errors: readonly Json[],
  beside: {
    parents: readonly DataElement[]
    integration: Integration | undefined
    connection: Connection | undefined
    customer: Customer | undefined
  },
  now: Date,
): Json {
  const { prefix, idName, universalIdName } = KINDS[element.kind]
  const { integration, connection, customer, parents } = beside
  const [parent] = parents
  const universal = parents.find((each) => layerOf(each) === 'universal')
  const customerId = element.customerId === null ? undefined : toWire('cus', element.customerId)
  const parentId = element.parentId === null ? undefined : toWire(prefix, element.parentId)
  const universalId = universal === undefined ? undefined : toWire(prefix, universal.id)
  return {
    ...content,
    id: toWire(prefix, element.id),
    uuid: element.uuid,
    key: element.key,
    name: element.name,
    description: element.description ?? undefined,
    meta: element.meta ?? undefined,
    revision: element.revision,
    createdAt: element.createdAt.toISOString(),
    updatedAt: element.updatedAt.toISOString(),
    archivedAt: element.archivedAt?.toISOString(),
    layer: layerOf(element),
    state: errors.length === 0 ? 'READY' : 'CONFIGURATION_ERROR',
    errors: errors.length === 0 ? undefined : [...errors],
    integrationId: element.integrationId === null ? undefined : toWire('int', element.integrationId),
    integrationKey: integration?.key,
    integrationUuid: integration?.uuid,
    connectionId: element.connectionId === null ? undefined : toWire('con', element.connectionId),
    instanceKey: element.instanceKey === '' ? undefined : element.instanceKey,
    parentId,
    parentUuid: parent?.uuid,
    universalParentId: universalId,
    // A connection's element names what it follows in the words of its kind.
    ...(layerOf(element) === 'connection' ? { [idName]: parentId } : {}),
    [universalIdName]: universalId,
    isUniversal: layerOf(element) === 'universal',
    isCustomized: element.parentId !== null && element.isCustomized,
    userId: customerId,
    tenantId: customerId,
    integration: integration === undefined ? undefined : integrationAnswer(integration),
    connection: connection === undefined ? undefined : embeddedConnection(connection),
    user: customer === undefined ? undefined : customerAnswer(customer, now),
  }
}
