import { askedOf } from '../integrations/asked.ts'
import type { AuthOption, Connector } from '../integrations/connector.ts'
import type { Connectors } from '../integrations/connectors.ts'
import { type Integration, openParameters, parametersForOption } from '../integrations/integration.ts'
import { offeredOptions } from '../integrations/options.ts'
import { integrationsByIds } from '../integrations/store.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
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

/** Finds what connections are connections to. */
export interface Apps {
  /** Null where the connector is gone, or has no such way to connect any more. */
  of(
    connection: Pick<Connection, 'workspaceId' | 'connectorId' | 'integrationId' | 'authOptionKey'>,
    tx?: Tx,
  ): Promise<ConnectedApp | null>
  /** The same for something that is about to be connected; the first way to connect where none is named. */
  assemble(connector: Connector, integration: Integration | null, optionKey: string | null): ConnectedApp | null
  /** Ways to connect that are offered, by key. */
  offered(connector: Connector, integration: Integration | null): [string, AuthOption][]
}

export function createApps(options: { database: Database; sealing: Sealing; connectors: Connectors }): Apps {
  const { db } = options.database
  // Every call of a function asks for its app.
  const loadIntegration = createBatchLoader({ load: (ids) => integrationsByIds(db, ids) })
  const integrationOf = async (id: string, tx: Tx | undefined) =>
    (tx === undefined ? await loadIntegration(id) : (await integrationsByIds(tx, [id])).get(id)) ?? null
  const apps: Apps = {
    async of(connection, tx) {
      const { workspaceId, connectorId, integrationId } = connection
      const connector = await options.connectors.byId(workspaceId, connectorId, tx)
      if (connector === null) return null
      const integration = integrationId === null ? null : await integrationOf(integrationId, tx)
      return apps.assemble(connector, integration, connection.authOptionKey)
    },
    assemble(connector, integration, optionKey) {
      const all = Object.entries(connector.definition.options)
      const entry =
        all.find(([key]) => key === optionKey) ??
        // A connection that names no way means the first.
        (optionKey === null || optionKey === 'default' ? apps.offered(connector, integration)[0] : undefined)
      if (entry === undefined) return null
      const [key, option] = entry
      const parameters =
        integration === null ? {} : parametersForOption(openParameters(options.sealing, integration), key)
      const asked = askedOf(option, integration === null ? null : parameters)
      return { connector, optionKey: key, option: asked, integration, parameters }
    },
    offered(connector, integration) {
      const given = integration === null ? NO_PARAMETERS : openParameters(options.sealing, integration)
      return offeredOptions(connector.definition, integration, given).map(({ key, option }) => [key, option])
    },
  }
  return apps
}

const NO_PARAMETERS = { shared: null, byOption: {} }

/** The function of a slot: the way to connect has its own, or the connector has one for all. */
export function functionInSlot(app: ConnectedApp, slot: 'makeApiClient' | 'test' | 'disconnect') {
  return app.option[slot] ?? app.connector.definition[slot]
}

/** Under which the schema of what is asked for is remembered; integrations of one connector may ask for different things. */
export function inputRevision({ connector, optionKey, option }: ConnectedApp): string {
  const { properties, required } = option.inputSchema ?? {}
  return `${connector.revision} ${optionKey} input ${JSON.stringify([Object.keys(asObject(properties)), required])}`
}

/** Whether the app can be asked if the credentials are good. */
export function canTest(app: ConnectedApp): boolean {
  return functionInSlot(app, 'test') !== undefined
}

/** Its members where it is an object, none where it is something else. */
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
