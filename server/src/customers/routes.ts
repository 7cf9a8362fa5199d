import { customers as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import { Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { type Customer, customerAnswer } from './customer.ts'
import type { Customers } from './registry.ts'
import { customerById, listCustomers, sealedCredentials, setCredentials } from './store.ts'

export interface CustomerRoutesOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  directory: WorkspaceDirectory
  customers: Customers
}

const ACTIVE_WITHIN_MS = 30 * 86_400_000

export function customerRoutes(options: CustomerRoutesOptions): RouteSet {
  const { database, clock, customers, sealing } = options
  const answer = (customer: Customer) => customerAnswer(customer, clock.now())

  async function storeCredentials(customer: Customer, credentials: unknown): Promise<void> {
    if (credentials !== undefined) {
      await setCredentials(
        database.db,
        customer.id,
        credentials === null ? null : sealing.seal(JSON.stringify(credentials)),
      )
    }
  }
  async function withCredentials(customer: Customer) {
    const sealed = await sealedCredentials(database.db, customer.id)
    return {
      ...answer(customer),
      ...(sealed === null ? {} : { credentials: JSON.parse(sealing.open(sealed)) as unknown }),
    }
  }
  async function change({ principal, params, body }: CallOf<(typeof table)['put']>) {
    const current = await customers.find(principal, params['selector'] ?? '')
    const changed = await customers.save({
      ...current,
      name: body.name ?? current.name,
      internalId: body.internalId ?? current.internalId,
      fields: body.fields ?? current.fields,
      meta: body.meta === undefined ? current.meta : body.meta,
      isTest: body.isTest ?? current.isTest,
    })
    await storeCredentials(changed, body.credentials)
    return answer(changed)
  }

  return routeSet(table, {
    async self({ principal }) {
      const workspace = await options.directory.byId(principal.workspaceId)
      const about = {
        workspaceId: toWire('ws', workspace.id),
        workspaceKey: workspace.key,
        workspaceName: workspace.name,
        isAdmin: principal.isAdmin,
      }
      const customer =
        principal.customerId === null ? null : await customerById(database.db, workspace.id, principal.customerId)
      return customer === null ? about : { ...(await withCredentials(customer)), ...about }
    },
    async patchSelf({ principal, body }) {
      const customer =
        principal.customerId === null
          ? null
          : await customerById(database.db, principal.workspaceId, principal.customerId)
      if (customer === null) throw new Refusal('invalid_input', 'only a customer’s token has a self to change')
      await storeCredentials(customer, body.credentials)
      return withCredentials(customer)
    },
    async list({ principal, query }) {
      const page = pageOf(query, 'cus')
      const edge = new Date(clock.now().getTime() - ACTIVE_WITHIN_MS)
      const filter = {
        workspaceId: principal.workspaceId,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
        isTest: query.isTest ?? null,
        activeSince: query.isActive === true ? edge : null,
        inactiveSince: query.isActive === false ? edge : null,
      }
      return listAnswer(await listCustomers(database.db, filter, page), page, 'cus', answer)
    },
    async create({ principal, body }) {
      const name = body.name ?? body.internalId
      const internalId = body.internalId ?? body.name
      if (name === undefined || internalId === undefined) {
        throw new Refusal('invalid_input', 'a customer needs a name or an internalId', {
          problems: [{ field: 'name', message: 'required where there is no internalId' }],
        })
      }
      const customer = await customers.create(principal.workspaceId, { ...body, name, internalId })
      await storeCredentials(customer, body.credentials)
      return answer(customer)
    },
    async get({ principal, params }) {
      return answer(await customers.find(principal, params['selector'] ?? ''))
    },
    put: change,
    patch: change,
    async archive({ principal, params }) {
      await customers.archive(await customers.find(principal, params['selector'] ?? ''))
    },
    async restore({ principal, params }) {
      return answer(await customers.restore(await customers.find(principal, params['selector'] ?? '')))
    },
  })
}
