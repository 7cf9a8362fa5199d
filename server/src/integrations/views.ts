import type { ConnectorSpec, Integration as WireIntegration } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Connector } from './connector.ts'
import { CONNECTOR_VERSION, dataCounts, eventAnswer, operationAnswer } from './connector-answers.ts'
import type { Connectors } from './connectors.ts'
import { type Integration, integrationAnswer, openParameters } from './integration.ts'
import { lacksParameters, offeredOptions, optionAnswer } from './options.ts'

/** A customer's connection as the API shows it. */
export type ConnectionAnswer = { id: string } & Record<string, unknown>

/** Connections of the customer whom a token speaks for, by integration id; none for a token of the workspace. */
export type ConnectionsOf = (
  principal: Principal,
  integrationIds: readonly string[],
) => Promise<ReadonlyMap<string, ConnectionAnswer>>

/** Integrations as the API shows them: with what follows from their connectors, and the connection of who asks. */
export interface IntegrationViews {
  answers(principal: Principal, integrations: readonly Integration[]): Promise<z.input<typeof WireIntegration>[]>
  answer(principal: Principal, integration: Integration): Promise<z.input<typeof WireIntegration>>
  spec(connector: Connector, integration: Integration): z.input<typeof ConnectorSpec>
}

/** So it is with one that was brought in and names a connector that is not here. */
const WITHOUT_CONNECTOR: Partial<z.input<typeof WireIntegration>> = {
  state: 'CONFIGURATION_ERROR',
  errors: [{ type: 'configuration', key: 'not_found', message: 'it has no connector: nobody can connect its app' }],
}

export function createIntegrationViews(options: {
  sealing: Sealing
  connectors: Connectors
  oAuthCallbackUri: string
  connectionsOf: ConnectionsOf
}): IntegrationViews {
  const { sealing, connectors } = options

  function optionsFor(connector: Connector, integration: Integration) {
    const parameters = openParameters(sealing, integration)
    const offered = offeredOptions(connector.definition, integration, parameters)
    const callbackUri = integration.oAuthCallbackUri ?? options.oAuthCallbackUri
    return { parameters, offered, answers: offered.map((each) => optionAnswer(each, callbackUri)) }
  }

  function ofConnector(connector: Connector, integration: Integration): Partial<z.input<typeof WireIntegration>> {
    const { definition } = connector
    const { parameters, offered, answers } = optionsFor(connector, integration)
    const operationsCount = Object.keys(definition.operations).length
    const eventsCount = Object.keys(definition.events).length
    const isLacking = lacksParameters(definition, offered, parameters)
    return {
      logoUri: integration.logoUri || connector.logoUri || '',
      connectorVersion: CONNECTOR_VERSION,
      externalAppId: toWire('cnr', connector.id),
      oAuthCallbackUri: integration.oAuthCallbackUri ?? options.oAuthCallbackUri,
      state: isLacking ? 'CONFIGURATION_ERROR' : 'READY',
      hasMissingParameters: isLacking,
      hasOperations: operationsCount > 0,
      operationsCount,
      hasEvents: eventsCount > 0,
      eventsCount,
      hasGlobalWebhooks: Object.keys(definition.globalWebhooks).length > 0,
      ...dataCounts(definition),
      authType: offered[0]?.option.type,
      authOptions: answers,
    }
  }

  /** What only an operator may see: secrets among it. */
  function configured(integration: Integration): Partial<z.input<typeof WireIntegration>> {
    const { shared, byOption } = openParameters(sealing, integration)
    const keys = new Set([...Object.keys(integration.optionsConfig ?? {}), ...Object.keys(byOption)])
    const config = [...keys].map((key) => {
      const parameters = byOption[key]
      return [
        key,
        { ...integration.optionsConfig?.[key], ...(parameters === undefined ? {} : { parameters }) },
      ] as const
    })
    return {
      parameters: shared ?? undefined,
      ...(config.length === 0 ? {} : { optionsConfig: Object.fromEntries(config) }),
    }
  }

  const views: IntegrationViews = {
    async answers(principal, integrations) {
      const [byId, connections] = await Promise.all([
        connectors.ofIntegrations(principal.workspaceId, integrations),
        principal.customerId === null || integrations.length === 0
          ? new Map<string, ConnectionAnswer>()
          : options.connectionsOf(
              principal,
              integrations.map((each) => each.id),
            ),
      ])
      return integrations.map((integration) => {
        const connector = byId.get(integration.connectorId ?? '')
        return {
          ...integrationAnswer(integration),
          ...(connector === undefined ? WITHOUT_CONNECTOR : ofConnector(connector, integration)),
          ...(principal.isAdmin ? configured(integration) : {}),
          connection: connections.get(integration.id),
        }
      })
    },
    async answer(principal, integration) {
      const [answer] = await views.answers(principal, [integration])
      if (answer === undefined) throw new Error('an integration was not answered')
      return answer
    },
    spec(connector, integration) {
      const { definition } = connector
      const { answers } = optionsFor(connector, integration)
      return {
        key: connector.key,
        name: connector.name,
        logoUri: connector.logoUri ?? '',
        description: connector.description ?? undefined,
        auth: answers[0],
        options: answers,
        inputSchema: answers[0]?.inputSchema,
        parametersSchema: definition.parametersSchema,
        operations: Object.entries(definition.operations).map(([key, operation]) => operationAnswer(key, operation)),
        events: Object.entries(definition.events).map(([key, event]) => eventAnswer(key, event)),
        globalWebhooks: Object.entries(definition.globalWebhooks).map(([key, { name, description }]) => ({
          key,
          name,
          description,
        })),
      }
    },
  }
  return views
}
