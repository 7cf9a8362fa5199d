import type { ErrorData } from '@permea/contract'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Connectors } from './connectors.ts'
import { type Integration, openParameters } from './integration.ts'
import { lacksParameters, offeredOptions } from './options.ts'

/** What elements say of integrations that nobody can connect, by the integration's id; nothing of those that are well. */
export type TroublesOf = (integrations: Iterable<Integration>) => Promise<ReadonlyMap<string, ErrorData>>

/**
 * An element of an integration that lacks its connector, or parameters which that requires, cannot work either.
 *
 * @source wire data facts 7.2 and 8.1
 */
export function createTroubles({
  connectors,
  sealing,
}: {
  connectors: Pick<Connectors, 'ofIntegrations'>
  sealing: Sealing
}): TroublesOf {
  return async (integrations) => {
    const all = [...integrations]
    const [first] = all
    if (first === undefined) return new Map()
    const byId = await connectors.ofIntegrations(first.workspaceId, all)
    const isTroubled = (integration: Integration) => {
      const connector = byId.get(integration.connectorId ?? '')
      if (connector === undefined) return true
      const parameters = openParameters(sealing, integration)
      const offered = offeredOptions(connector.definition, integration, parameters)
      return lacksParameters(connector.definition, offered, parameters)
    }
    return new Map(all.filter(isTroubled).map((each) => [each.id, troubleOf(each)]))
  }
}

function troubleOf({ id, key, name }: Integration): ErrorData {
  return {
    type: 'dependency_error',
    message: 'the integration that it is of has errors',
    data: { workspaceElementReference: { type: 'integration', id: toWire('int', id), key, name } },
  }
}
