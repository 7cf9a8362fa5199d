import type {
  ConnectorEventSpec,
  ConnectorOperationSpec,
  ExternalApp,
  Connector as WireConnector,
} from '@permea/contract'
import type { z } from 'zod'
import { notFound } from '../api/refusal.ts'
import { toWire } from '../platform/ids.ts'
import type { Connector, ConnectorEvent, ConnectorOperation } from './connector.ts'

/** There is one version of each connector: the one it has now. */
export const CONNECTOR_VERSION = 'latest'

/** A connector as the API shows it; `withFunctions` for whoever may see how it works. */
export function connectorAnswer(
  connector: Connector,
  { publicUrl, withFunctions }: { publicUrl: string; withFunctions: boolean },
): z.input<typeof WireConnector> {
  const { definition } = connector
  const id = toWire('cnr', connector.id)
  const operations = Object.keys(definition.operations).length
  const collections = shownCollections(definition).length
  const options = Object.values(definition.options)
  const isReadyMade = connector.workspaceId === null
  return {
    id,
    uuid: connector.uuid,
    key: connector.key,
    name: connector.name,
    description: connector.description ?? undefined,
    meta: connector.meta ?? undefined,
    revision: connector.revision,
    createdAt: connector.createdAt.toISOString(),
    updatedAt: connector.updatedAt.toISOString(),
    archivedAt: connector.archivedAt?.toISOString(),
    logoUri: connector.logoUri ?? '',
    categories: connector.categories,
    isPublic: isReadyMade,
    isReadOnly: isReadyMade,
    externalAppId: id,
    baseUri: `${publicUrl}/connectors/${id}`,
    version: CONNECTOR_VERSION,
    operationsCount: operations,
    eventsCount: Object.keys(definition.events).length,
    dataCollectionsCount: collections,
    hasTest: definition.test !== undefined || options.some((option) => option.test !== undefined),
    hasAuthTest: options.some((option) => option.test !== undefined),
    hasOperations: operations > 0,
    hasData: collections > 0,
    parametersSchema: definition.parametersSchema,
    ...(withFunctions ? definition : {}),
  }
}

/** Keys of collections that stand for themselves: not those that others are made of. */
export function shownCollections({ data }: Connector['definition']): string[] {
  return Object.keys(data ?? {}).filter((key) => !key.startsWith('_'))
}

/** What an integration has of data. */
export function dataCounts(definition: Connector['definition']) {
  const dataCollectionsCount = shownCollections(definition).length
  return {
    hasData: dataCollectionsCount > 0,
    dataCollectionsCount,
    hasUdm: Object.keys(definition.udm ?? {}).length > 0,
  }
}

export function eventSpec(connector: Connector, key: string): z.input<typeof ConnectorEventSpec> {
  const event = part(connector.definition.events, key)
  if (event === null) throw notFound('event', key)
  return eventAnswer(key, event)
}

export function eventAnswer(key: string, event: ConnectorEvent): z.input<typeof ConnectorEventSpec> {
  const { name, description, implementationType, parametersSchema, schema, example } = event
  return { key, name, description, implementationType, parametersSchema, schema, example }
}

export function operationSpec(connector: Connector, key: string): z.input<typeof ConnectorOperationSpec> {
  const operation = part(connector.definition.operations, key)
  if (operation === null) throw notFound('operation', key)
  return operationAnswer(key, operation)
}

export function operationAnswer(key: string, operation: ConnectorOperation): z.input<typeof ConnectorOperationSpec> {
  const { name, description, inputSchema, outputSchema } = operation
  return { key, name, description, inputSchema, outputSchema }
}

/** The app that a connector is for: there is one for each connector. */
export function externalAppAnswer(connector: Connector): z.input<typeof ExternalApp> {
  const id = toWire('cnr', connector.id)
  const meta = connector.meta ?? {}
  return {
    id,
    uuid: connector.uuid,
    key: connector.key,
    name: connector.name,
    description: connector.description ?? undefined,
    logoUri: connector.logoUri ?? '',
    appUri: typeof meta.appUri === 'string' ? meta.appUri : '',
    apiDocsUri: typeof meta.apiDocsUri === 'string' ? meta.apiDocsUri : '',
    categories: connector.categories,
    popularity: 0,
    defaultConnectorId: id,
    isPublic: connector.workspaceId === null,
    isReadOnly: connector.workspaceId === null,
  }
}

/** An own property: keys come from URLs. */
function part<T>(parts: Record<string, T>, key: string): T | null {
  return Object.hasOwn(parts, key) ? (parts[key] ?? null) : null
}
