import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Customer } from '../customers/customer.ts'
import type { Customers } from '../customers/registry.ts'
import { customerById } from '../customers/store.ts'
import type { Connectors } from '../integrations/connectors.ts'
import type { Integration } from '../integrations/integration.ts'
import { findIntegration } from '../integrations/routes.ts'
import { integrationById, integrationByKey } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'
import type { Apps, ConnectedApp } from './apps.ts'
import type { Connection, OnBehalfOf } from './connection.ts'
import { connectionById, connectionsMeant } from './store.ts'

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

/** Finds connections, customers and apps by what callers call them. */
export interface Registry {
  find(principal: Principal, selector: string, onBehalfOf?: OnBehalfOf): Promise<Connection>
  /** The same where nothing can be done with an archived one. */
  living(principal: Principal, selector: string, onBehalfOf?: OnBehalfOf): Promise<Connection>
  /** The customer that a token or, for admins, a request is about; null where none is named. */
  customerIdOf(principal: Principal, onBehalfOf: OnBehalfOf): Promise<string | null>
  /** The same where there must be one. Refuses an archived one. */
  customerFor(principal: Principal, onBehalfOf: OnBehalfOf): Promise<Customer>
  appFor(principal: Pick<Principal, 'workspaceId'>, selector: AppSelector): Promise<ConnectedApp>
}

export function createRegistry(options: {
  database: Database
  customers: Customers
  connectors: Connectors
  apps: Apps
}): Registry {
  const { database, apps } = options

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
    async living(principal, selector, onBehalfOf) {
      const connection = await registry.find(principal, selector, onBehalfOf)
      if (connection.archivedAt !== null) throw new Refusal('archived', 'the connection is archived; restore it first')
      return connection
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
  }
  return registry
}
