import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { externalEventTypesByKey } from '../external-event-types/store.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Integration } from '../integrations/integration.ts'
import type { Tx } from '../platform/database.ts'

export interface ConnectorEventsOptions {
  appOf: Connections['appOf']
  /** The connector that an integration configures; null where it has none (any more). */
  connectorOf(integration: Integration, tx: Tx): Promise<Connector | null>
}

/** Which events of external apps flows can wait for. */
export interface ConnectorEvents {
  /**
   * Why a flow cannot wait for an event; null where it can. Only events that the connector defines can be waited for: a
   * stand-alone External Event Type cannot, whatever its scope.
   *
   * @source seeds/002: "External Event Types cannot be used in Flow triggers"
   */
  problem(
    tx: Tx,
    of: { connection: Connection } | { integration: Integration },
    eventKey: string,
  ): Promise<string | null>
}

export function createConnectorEvents(options: ConnectorEventsOptions): ConnectorEvents {
  return {
    async problem(tx, of, eventKey) {
      const connector =
        'connection' in of
          ? ((await options.appOf(of.connection, tx))?.connector ?? null)
          : await options.connectorOf(of.integration, tx)
      // An integration may get its connector later; a connection without one cannot be.
      if (connector === null) return 'connection' in of ? 'the connector of the connection is gone' : null
      if (Object.hasOwn(connector.definition.events, eventKey)) return null
      const { workspaceId } = 'connection' in of ? of.connection : of.integration
      const isStandAlone = (await externalEventTypesByKey(tx, workspaceId, eventKey)).length > 0
      if (isStandAlone) {
        return (
          `${JSON.stringify(eventKey)} is an External Event Type, and External Event Types cannot be used in flow triggers: ` +
          'to consume its events, create an External Event Subscription and set its webhookUri to an address of yours'
        )
      }
      const known = Object.keys(connector.definition.events).join(', ')
      const which = known === '' ? 'it defines none' : `it defines ${known}`
      return `the connector ${JSON.stringify(connector.key)} defines no event ${JSON.stringify(eventKey)}; ${which}`
    },
  }
}
