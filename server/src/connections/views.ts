import type { Connection as WireConnection } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { customersByIds } from '../customers/store.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Connectors } from '../integrations/connectors.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Apps, canTest } from './apps.ts'
import { type Connection, connectionAnswer, openSecrets } from './connection.ts'
import { canRenew } from './credentials.ts'
import { connectionsOfIntegrations } from './store.ts'

type Answer = z.input<typeof WireConnection>

/** Connections as the API shows them. */
export interface ConnectionViews {
  answers(rows: readonly Connection[], how: { isWithSecrets: boolean }): Promise<Answer[]>
  answer(row: Connection, how?: { isWithSecrets: boolean }): Promise<Answer>
  /** The connections of the token's customer, by integration: what integrations are shown with. */
  ofIntegrations(principal: Principal, integrationIds: readonly string[]): Promise<Map<string, Answer>>
}

export function createConnectionViews(options: {
  database: Database
  clock: Clock
  sealing: Sealing
  connectors: Connectors
  apps: Apps
}): ConnectionViews {
  const { database, apps, sealing } = options

  async function connectorsOf(rows: readonly Connection[]): Promise<Map<string, Connector | null>> {
    const byId = new Map(rows.map((row) => [row.connectorId, row.workspaceId]))
    const found = [...byId].map(
      async ([id, workspaceId]) => [id, await options.connectors.byId(workspaceId, id)] as const,
    )
    return new Map(await Promise.all(found))
  }

  const views: ConnectionViews = {
    async answers(rows, { isWithSecrets }) {
      const integrations = await integrationsByIds(
        database.db,
        rows.flatMap((row) => row.integrationId ?? []),
      )
      const customers = await customersByIds(
        database.db,
        rows.map((row) => row.customerId),
      )
      const connectors = await connectorsOf(rows)
      const now = options.clock.now()
      return rows.map((row) => {
        const connector = connectors.get(row.connectorId) ?? null
        const integration = integrations.get(row.integrationId ?? '')
        const app = connector === null ? null : apps.assemble(connector, integration ?? null, row.authOptionKey)
        return connectionAnswer(row, {
          integration,
          logoUri: integration?.logoUri || connector?.logoUri || '',
          customer: customers.get(row.customerId),
          canTest: app !== null && canTest(app),
          canRefreshCredentials: app !== null && canRenew(app, openSecrets(row, sealing).credentials),
          now,
          sealing: isWithSecrets ? sealing : null,
        })
      })
    },
    async answer(row, how = { isWithSecrets: false }) {
      const [answer] = await views.answers([row], how)
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
    async ofIntegrations({ customerId }, integrationIds) {
      if (customerId === null) return new Map()
      const rows = await connectionsOfIntegrations(database.db, customerId, integrationIds)
      const answers = await views.answers(rows, { isWithSecrets: false })
      return new Map(answers.map((answer, index) => [rows[index]?.integrationId ?? '', answer]))
    },
  }
  return views
}
