import type { AuthOption, Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'
import type { Connection } from './connection.ts'

/** What a connection is a connection to. */
export interface ConnectedApp {
  connector: Connector
  optionKey: string
  option: AuthOption
  integration: Integration | null
  /** What the operator gave for this app: client ids and secrets. Open. */
  parameters: Record<string, unknown>
}

/** Where connectors and what operators gave for them come from. */
export interface AppSource {
  connectorById(workspaceId: string, id: string): Promise<Connector | null>
  /** Parameters of an integration for an auth option, secret ones open. */
  parametersOf(integration: Integration, optionKey: string): Record<string, unknown>
}

/** Finds what connections are connections to. */
export interface Apps {
  /** Null where the connector is gone, or has no such way to connect any more. */
  of(connection: Connection): Promise<ConnectedApp | null>
  /** The same for something that is about to be connected; the first auth option where none is named. */
  assemble(connector: Connector, integration: Integration | null, optionKey: string | null): ConnectedApp | null
}

export function createApps(options: { database: Database; source: AppSource }): Apps {
  const apps: Apps = {
    async of(connection) {
      const connector = await options.source.connectorById(connection.workspaceId, connection.connectorId)
      if (connector === null) return null
      const { integrationId } = connection
      const integration =
        integrationId === null
          ? null
          : ((await integrationsByIds(options.database.db, [integrationId])).get(integrationId) ?? null)
      return apps.assemble(connector, integration, connection.authOptionKey)
    },
    assemble(connector, integration, optionKey) {
      const entries = Object.entries(connector.definition.options)
      // A connector with one way to connect calls it what it likes; connections made without naming one mean it.
      const entry =
        optionKey === null || (optionKey === 'default' && connector.definition.options.default === undefined)
          ? entries.find(([, option]) => option.enabled !== false)
          : entries.find(([key]) => key === optionKey)
      if (entry === undefined) return null
      const [key, option] = entry
      const parameters = integration === null ? {} : options.source.parametersOf(integration, key)
      return { connector, optionKey: key, option, integration, parameters }
    },
  }
  return apps
}
