import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Database, Tx } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Connector } from './connector.ts'
import {
  type ConnectorFilter,
  connectorById,
  connectorByKey,
  connectorByUuid,
  connectorsByIds,
  listConnectors,
} from './connector-store.ts'
import { type Integration, openParameters, parametersForOption } from './integration.ts'

/** The connectors of a workspace: its own, and the ready-made ones that every workspace has. */
export interface Connectors {
  readonly readyMadeKeys: readonly string[]
  /** Archived ones too, since connections of them go on working. Whoever is in a transaction asks in it. */
  byId(workspaceId: string, id: string, tx?: Tx): Promise<Connector | null>
  /** By id, uuid or key; of one key, the workspace's own comes first. Refuses what is not there. */
  find(principal: Pick<Principal, 'workspaceId'>, selector: string): Promise<Connector>
  /** The connector that an integration configures; null where it has none. */
  ofIntegration(integration: Integration, tx?: Tx): Promise<Connector | null>
  /** Those of many integrations of one workspace, by connector id. */
  ofIntegrations(workspaceId: string, integrations: readonly Integration[]): Promise<Map<string, Connector>>
  /**
   * What the operator gave for one way to connect, secrets open: what functions get as `connectorParameters`. Null for
   * what is of no single one, as a global webhook: then everything that was given.
   */
  parametersOf(integration: Pick<Integration, 'parametersSealed'>, optionKey: string | null): Record<string, unknown>
  /** One page of the workspace's own, newest first, and after the last of them the ready-made ones by name. */
  list(filter: ConnectorFilter, page: { limit: number; before: string | null }): Promise<Connector[]>
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

export function createConnectors(options: {
  database: Database
  sealing: Sealing
  readyMade: readonly Connector[]
}): Connectors {
  const { db } = options.database
  const { readyMade } = options
  const readyById = new Map(readyMade.map((each) => [each.id, each]))
  // Every call of a function asks for its connector.
  const load = createBatchLoader({ load: (ids) => connectorsByIds(db, ids) })
  const loadOwn = async (workspaceId: string, id: string) => {
    const row = await load(id)
    return row?.workspaceId === workspaceId ? row : null
  }

  async function ownOrReady(workspaceId: string, selector: string): Promise<Connector | null> {
    const id = fromWire('cnr', selector)
    if (id !== null) {
      const found = await connectors.byId(workspaceId, id)
      if (found !== null) return found
    }
    if (UUID.test(selector)) {
      const uuid = selector.toLowerCase()
      return (await connectorByUuid(db, workspaceId, uuid)) ?? readyMade.find((each) => each.uuid === uuid) ?? null
    }
    const own = await connectorByKey(db, workspaceId, selector)
    const ready = readyMade.find((each) => each.key === selector) ?? null
    // A copy that was given up does not hide what it was a copy of.
    return own !== null && (own.archivedAt === null || ready === null) ? own : ready
  }

  const connectors: Connectors = {
    readyMadeKeys: readyMade.map(({ key }) => key),
    async byId(workspaceId, id, tx) {
      const ready = readyById.get(id)
      if (ready !== undefined) return ready
      return tx === undefined ? loadOwn(workspaceId, id) : connectorById(tx, workspaceId, id)
    },
    async find({ workspaceId }, selector) {
      const found = await ownOrReady(workspaceId, selector)
      if (found === null) throw notFound('connector', selector)
      return found
    },
    async ofIntegration({ workspaceId, connectorId }, tx) {
      return connectorId === null ? null : connectors.byId(workspaceId, connectorId, tx)
    },
    async ofIntegrations(workspaceId, integrations) {
      const wanted = new Set(integrations.flatMap(({ connectorId }) => (connectorId === null ? [] : [connectorId])))
      const own = [...wanted].filter((id) => !readyById.has(id))
      const rows = await Promise.all(own.map((id) => loadOwn(workspaceId, id)))
      const ready = [...wanted].flatMap((id) => readyById.get(id) ?? [])
      return new Map([...rows.filter((row) => row !== null), ...ready].map((each) => [each.id, each]))
    },
    parametersOf: (integration, optionKey) =>
      parametersForOption(openParameters(options.sealing, integration), optionKey),
    async list(filter, { limit, before }) {
      // Ready-made ones come last, in a fixed order; the cursor of one of them says where to go on.
      const words = filter.search?.toLowerCase() ?? null
      const fitting = readyMade.filter(
        ({ name, key }) => words === null || name.toLowerCase().includes(words) || key.includes(words),
      )
      const last = before === null ? null : readyById.get(before)
      if (last !== null && last !== undefined) return fitting.slice(fitting.indexOf(last) + 1).slice(0, limit)
      const own = await listConnectors(db, filter, { limit, before })
      return [...own, ...fitting.slice(0, limit - own.length)]
    },
  }
  return connectors
}
