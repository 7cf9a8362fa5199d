import type { Connection as WireConnection } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Customer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customerById, customersByIds } from '../customers/store.ts'
import type { Connectors } from '../integrations/connectors.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationById, integrationByKey, integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Apps, type ConnectedApp, canTest } from './apps.ts'
import { type Connection, connectionAnswer, openSecrets } from './connection.ts'
import type { OnBehalfOf } from './connections.ts'
import { canRenew } from './credentials.ts'
import { connectionById, connectionsMeant, connectionsOfIntegrations } from './store.ts'

/** How a request names the app that is to be connected. */
export interface AppSelector {
  integrationId?: string | undefined
  integrationUuid?: string | undefined
  integrationKey?: string | undefined
  connectorId?: string | undefined
  connectorUuid?: string | undefined
  connectorKey?: string | undefined
  authOptionKey?: string | undefined
}

/** Finds connections, customers and apps by what callers call them, and shows connections. */
export interface Registry {
  find(principal: Principal, selector: string, onBehalfOf?: OnBehalfOf): Promise<Connection>
  /** The customer that a token or, for admins, a request is about; null where none is named. */
  customerIdOf(principal: Principal, onBehalfOf: OnBehalfOf): Promise<string | null>
  /** The same where there must be one. Refuses an archived one. */
  customerFor(principal: Principal, onBehalfOf: OnBehalfOf): Promise<Customer>
  appFor(principal: Pick<Principal, 'workspaceId'>, selector: AppSelector): Promise<ConnectedApp>
  answers(rows: readonly Connection[], how: { isWithSecrets: boolean }): Promise<z.input<typeof WireConnection>[]>
  answer(row: Connection, how?: { isWithSecrets: boolean }): Promise<z.input<typeof WireConnection>>
  /** The connections of the token's customer, by integration: what integrations are shown with. */
  ofIntegrations(
    principal: Principal,
    integrationIds: readonly string[],
  ): Promise<Map<string, z.input<typeof WireConnection>>>
}

export function createRegistry(options: {
  database: Database
  clock: Clock
  sealing: Sealing
  customers: Customers
  connectors: Connectors
  apps: Apps
}): Registry {
  const { database, apps, sealing } = options

  async function integrationMeant(workspaceId: string, selector: string): Promise<Integration | null> {
    const id = fromWire('int', selector)
    const byId = id === null ? null : await integrationById(database.db, workspaceId, id)
    return byId ?? (await integrationByKey(database.db, workspaceId, selector))
  }

  async function foundByName(
    workspaceId: string,
    selector: string,
    customerId: string | null,
  ): Promise<readonly Connection[]> {
    const scope = { workspaceId, customerId }
    const byKey = await connectionsMeant(database.db, { ...scope, key: selector, integrationId: null })
    if (byKey.length > 0) return byKey
    const integration = await integrationMeant(workspaceId, selector)
    if (integration === null) return []
    return connectionsMeant(database.db, { ...scope, key: null, integrationId: integration.id })
  }

  const registry: Registry = {
    async find(principal, selector, onBehalfOf = {}) {
      const { workspaceId } = principal
      const customerId = await registry.customerIdOf(principal, onBehalfOf)
      if (!principal.isAdmin && customerId === null) throw notFound('connection', selector)
      const id = fromWire('con', selector)
      const byId = id === null ? null : await connectionById(database.db, workspaceId, id)
      if (byId !== null) {
        // An admin's own customer only says whose connection a key means.
        const isSeen = principal.isAdmin || byId.customerId === customerId
        if (!isSeen) throw notFound('connection', selector)
        return byId
      }
      const [found, other] = await foundByName(workspaceId, selector, customerId)
      if (found === undefined) throw notFound('connection', selector)
      if (other !== undefined) {
        throw new Refusal(
          'ambiguous_selector',
          `${JSON.stringify(selector.slice(0, 200))} stands for several connections; name the customer, or use the id`,
        )
      }
      return found
    },
    async customerIdOf(principal, { userId, tenantId, customerId }) {
      const named = customerId ?? userId ?? tenantId
      return named === undefined ? principal.customerId : (await options.customers.find(principal, named)).id
    },
    async customerFor(principal, onBehalfOf) {
      const id = await registry.customerIdOf(principal, onBehalfOf)
      if (id === null) {
        throw new Refusal('invalid_input', 'whose connection: give userId, or use a customer’s token', {
          problems: [{ field: 'userId', message: 'required' }],
        })
      }
      const customer = await customerById(database.db, principal.workspaceId, id)
      if (customer === null) throw notFound('customer', id)
      if (customer.archivedAt !== null) throw new Refusal('archived', 'the customer is archived')
      return customer
    },
    async appFor(principal, selector) {
      const named = selector.integrationId ?? selector.integrationUuid ?? selector.integrationKey
      const connectorNamed = selector.connectorId ?? selector.connectorUuid ?? selector.connectorKey
      if (named === undefined && connectorNamed === undefined) {
        throw new Refusal('invalid_input', 'which app: give integrationId, integrationKey or connectorId', {
          problems: [{ field: 'integrationId', message: 'required' }],
        })
      }
      const integration = named === undefined ? null : await findIntegration(database, principal, named)
      if (integration !== null && integration.archivedAt !== null)
        throw new Refusal('archived', `integration ${integration.key} is archived`)
      const connector =
        integration === null
          ? await options.connectors.find(principal, connectorNamed ?? '')
          : await options.connectors.ofIntegration(integration)
      if (connector === null) throw notFound('connector of the integration', integration?.key ?? '')
      const app = apps.assemble(connector, integration, selector.authOptionKey ?? null)
      if (app === null) throw notFound('way to connect called', selector.authOptionKey ?? 'default')
      return app
    },
    async answers(rows, { isWithSecrets }) {
      const integrations = await integrationsByIds(
        database.db,
        rows.flatMap((row) => row.integrationId ?? []),
      )
      const customers = await customersByIds(
        database.db,
        rows.map((row) => row.customerId),
      )
      const now = options.clock.now()
      return Promise.all(
        rows.map(async (row) => {
          const connector = await options.connectors.byId(row.workspaceId, row.connectorId)
          const integration = integrations.get(row.integrationId ?? '')
          const app = connector === null ? null : apps.assemble(connector, integration ?? null, row.authOptionKey)
          return connectionAnswer(row, {
            integration,
            customer: customers.get(row.customerId),
            canTest: app !== null && canTest(app),
            canRefreshCredentials: app !== null && canRenew(app, openSecrets(row, sealing).credentials),
            now,
            sealing: isWithSecrets ? sealing : null,
          })
        }),
      )
    },
    async answer(row, how = { isWithSecrets: false }) {
      const [answer] = await registry.answers([row], how)
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
    async ofIntegrations({ customerId }, integrationIds) {
      if (customerId === null) return new Map()
      const rows = await connectionsOfIntegrations(database.db, customerId, integrationIds)
      const answers = await registry.answers(rows, { isWithSecrets: false })
      return new Map(answers.map((answer, index) => [rows[index]?.integrationId ?? '', answer]))
    },
  }
  return registry
}
