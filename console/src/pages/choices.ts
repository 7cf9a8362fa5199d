import { permea } from '../api.ts'
import type { Choice } from '../records/url-state.ts'

const LIMIT = 500

/** What filters and forms let people choose from. */
export async function eventTypeChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.appEventTypes.list({ query: { limit: LIMIT } })
  return items.map((type) => ({ value: type.id, label: type.name }))
}

export async function customerChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.customers.list({ query: { limit: LIMIT } })
  return items.map((customer) => ({ value: customer.id, label: customer.name }))
}

export async function destinationChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.notificationEndpoints.list({ query: { limit: LIMIT, includeArchived: true } })
  return items.map((endpoint) => ({ value: endpoint.id, label: endpoint.name }))
}

export async function flowChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.flows.list({ query: { limit: LIMIT } })
  return items.map((flow) => ({ value: flow.id, label: flow.name }))
}

export async function integrationChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.integrations.list({ query: { limit: LIMIT } })
  return items.map((integration) => ({ value: integration.id, label: integration.name }))
}

export async function connectorChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.connectors.list({ query: { limit: LIMIT } })
  return items.map((connector) => ({
    value: connector.id,
    label: connector.isPublic ? `${connector.name} (ready-made)` : connector.name,
  }))
}

export async function connectionChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.connections.list({ query: { limit: LIMIT } })
  return items.map((connection) => ({
    value: connection.id,
    label: `${connection.name} of ${connection.user?.name ?? connection.userId}`,
  }))
}

export async function externalEventTypeChoices(): Promise<readonly Choice[]> {
  const { items } = await permea.externalEventTypes.list({ query: { limit: LIMIT } })
  return items.map((type) => ({ value: type.id, label: type.name }))
}

async function keysOf(
  of: (query: { limit: number }) => Promise<{ items: { key?: string | undefined; name: string }[] }>,
) {
  const { items } = await of({ limit: LIMIT })
  // One key stands for an element and for what integrations have of it.
  const byKey = new Map(items.flatMap(({ key, name }) => (key === undefined ? [] : [[key, name] as const])))
  return [...byKey].map(([value, name]) => ({ value, label: `${name} (${value})` }))
}

export const dataSourceKeyChoices = () => keysOf((query) => permea.dataSources.list({ query }))
export const fieldMappingKeyChoices = () => keysOf((query) => permea.fieldMappings.list({ query }))
export const dataLinkTableKeyChoices = () => keysOf((query) => permea.dataLinkTables.list({ query }))
