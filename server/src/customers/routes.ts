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

type Located = Pick<CallOf<(typeof table)['get']>, 'principal' | 'params'>
type Selected = Pick<CallOf<(typeof table)['getByQuery']>, 'principal' | 'query'>

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
  const byPath = ({ principal, params }: Located) => customers.find(principal, params.selector ?? '')
  const byQuery = ({ principal, query }: Selected) => customers.find(principal, query.id ?? query.internalId ?? '')
  async function change(current: Customer, body: CallOf<(typeof table)['put']>['body']) {
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
    get: async (call) => answer(await byPath(call)),
    put: async (call) => change(await byPath(call), call.body),
    patch: async (call) => change(await byPath(call), call.body),
    archive: async (call) => customers.archive(await byPath(call)),
    restore: async (call) => answer(await customers.restore(await byPath(call))),
    getByQuery: async (call) => answer(await byQuery(call)),
    putByQuery: async (call) => change(await byQuery(call), call.body),
    patchByQuery: async (call) => change(await byQuery(call), call.body),
    archiveByQuery: async (call) => customers.archive(await byQuery(call)),
    restoreByQuery: async (call) => answer(await customers.restore(await byQuery(call))),
  })
}
