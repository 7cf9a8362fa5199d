import { type DataCollectionSpec, dataCollections as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { failedConnection } from '../connections/failure.ts'
import type { Connector } from '../integrations/connector.ts'
import { shownCollections } from '../integrations/connector-answers.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import type { Database } from '../platform/database.ts'
import { type CollectionPlace, collectionOf } from './collection.ts'
import type { DataCollections } from './data-collections.ts'
import type { MethodOutcome } from './method-outcome.ts'
import { FunctionFailed } from './records.ts'

type Json = Record<string, unknown>

interface Located {
  principal: Principal
  params: Record<string, string>
  query: Json
  body?: { parameters?: Json | undefined } | undefined
}

export interface CollectionRoutesOptions {
  database: Database
  connections: Pick<Connections, 'find' | 'appOf'>
  collections: DataCollections
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration): Promise<Connector | null>
}

export function dataCollectionRoutes(options: CollectionRoutesOptions): RouteSet {
  const { connections, collections } = options
  const connectionOf = ({ principal, params }: Pick<Located, 'principal' | 'params'>) =>
    connections.find(principal, params.connectionSelector ?? '')
  /** The connection and the collection that a request is about. */
  async function located(call: Located): Promise<[Connection, CollectionPlace]> {
    const connection = await connectionOf(call)
    if (connection.archivedAt !== null) throw new Refusal('archived', 'the connection is archived')
    const parameters = { ...call.query, ...call.body?.parameters }
    return [connection, { key: call.params.key ?? '', parameters }]
  }
  async function spec(call: Located, isFresh: boolean) {
    const connection = await connectionOf(call)
    const place = { key: call.params.key ?? '', parameters: call.query }
    return specGiven(place.key, collections.spec(connection, place, { isFresh }))
  }
  async function connectorOf({ principal, params }: Pick<Located, 'principal' | 'params'>): Promise<Connector | null> {
    return options.connectorOf(await findIntegration(options.database, principal, params.integrationSelector ?? ''))
  }
  const context = { sourceId: null }

  return routeSet(table, {
    async list(call) {
      const app = await connections.appOf(await connectionOf(call))
      return app === null ? [] : listOf(app.connector)
    },
    get: (call) => spec(call, false),
    refresh: (call) => spec(call, true),
    async listRecords(call) {
      return givenBy(await collections.list(...(await located(call)), call.body, context))
    },
    async searchRecords(call) {
      return givenBy(await collections.search(...(await located(call)), call.body, context))
    },
    async matchRecord(call) {
      const record = givenBy(await collections.match(...(await located(call)), call.body.query, context))
      return record === null ? {} : { record }
    },
    async findRecordById(call) {
      const { id, udm } = call.body
      return { record: givenBy(await collections.findById(...(await located(call)), id, { ...context, udm })) }
    },
    async createRecord(call) {
      return givenBy(await collections.create(...(await located(call)), call.body.fields, context))
    },
    async updateRecord(call) {
      const { id, fields } = call.body
      return givenBy(await collections.update(...(await located(call)), id, fields, context))
    },
    async deleteRecord(call) {
      return givenBy(await collections.delete(...(await located(call)), call.body.id, context))
    },
    async listOfIntegration(call) {
      const connector = await connectorOf(call)
      return connector === null ? [] : listOf(connector)
    },
    async getOfIntegration(call) {
      const connector = await connectorOf(call)
      const found = connector === null ? null : collections.specOf(connector, call.params.key ?? '')
      if (found === null) throw notFound('collection', call.params.key ?? '')
      return found
    },
  })
}

function listOf({ definition }: Connector) {
  return shownCollections(definition).flatMap((key) => {
    const collection = collectionOf(definition, key)
    if (collection === null) return []
    const { name, isHidden, relatedOperationKeys } = collection
    return [{ key, name, type: 'collection' as const, isHidden, relatedOperationKeys }]
  })
}

/** What a collection is; a function of its own that fails, and its absence, as refusals. */
export async function specGiven(key: string, spec: Promise<DataCollectionSpec | null>): Promise<DataCollectionSpec> {
  const found = await spec.catch((error: unknown) => {
    throw error instanceof FunctionFailed ? failedConnection(error.error) : error
  })
  if (found === null) throw notFound('collection', key)
  return found
}

/** What a method gave; its failure as a refusal in the words and under the key of what went wrong. */
export function givenBy<T>(outcome: MethodOutcome<T>): T {
  if (outcome.kind === 'done') return outcome.value
  const { error, isGone } = outcome
  if (isGone === true || error.key === 'not_found') throw new Refusal('not_found', error.message, error.data)
  if (error.key === 'not_supported') throw new Refusal('not_supported', error.message)
  if (error.key === 'invalid_input') throw new Refusal('invalid_input', error.message)
  throw failedConnection(error)
}
