import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { brokenUniqueRule } from '../platform/database-errors.ts'
import type { Facts } from '../platform/facts.ts'
import { fromWire, type Ids } from '../platform/ids.ts'
import type { Customer } from './customer.ts'
import { customerById, customerByInternalId, insertCustomer, touchCustomer, updateCustomer } from './store.ts'

/** What happens to customers. */
export interface CustomerFacts {
  'customer.created': { id: string; workspaceId: string }
  'customer.archived': Customer
  'customer.restored': Customer
}

export interface CustomersOptions {
  database: Database
  clock: Clock
  ids: Ids
  facts: Facts<CustomerFacts>
  /** Makes every process forget the tokens it verified. */
  forgetTokens(): Promise<void>
  /** What is known of customers that were erased, or are being. */
  erased: ErasedCustomers
}

/** Whom nobody may make again by chance, and whom nobody may restore. */
export interface ErasedCustomers {
  /** Whether a customer with this id of yours was erased. */
  hadName(tx: Tx, workspaceId: string, internalId: string): Promise<boolean>
  isBeingErased(tx: Tx, customerId: string): Promise<boolean>
}

export interface Customers {
  /** The customer behind a token: made at first use, refreshed, refused where archived. */
  ensure(
    workspaceId: string,
    claims: { internalId: string; name: string | undefined; fields: Record<string, unknown> | undefined },
  ): Promise<string>
  create(
    workspaceId: string,
    input: {
      internalId: string
      name: string
      fields?: Record<string, unknown> | undefined
      meta?: Record<string, unknown> | null | undefined
      isTest?: boolean | undefined
    },
  ): Promise<Customer>
  /** By id or internal id. A customer's token finds only its own. */
  find(principal: Principal, selector: string): Promise<Customer>
  save(customer: Customer): Promise<Customer>
  archive(customer: Customer): Promise<void>
  restore(customer: Customer): Promise<Customer>
}

export function createCustomers(options: CustomersOptions): Customers {
  const { database, clock, ids } = options
  return {
    async ensure(workspaceId, claims) {
      const wanted = {
        id: ids.next(),
        workspaceId,
        internalId: claims.internalId,
        name: claims.name ?? null,
        fields: claims.fields,
      }
      const found = await database.transaction(async (tx) => {
        const touched = await touchCustomer(tx, wanted, clock.now())
        if (touched.isNew) {
          if (await options.erased.hadName(tx, workspaceId, claims.internalId))
            throw new Refusal(
              'access_denied',
              'the customer of this token was erased; whoever is to come back is created anew with POST /customers',
            )
          await options.facts.record(tx, 'customer.created', { id: touched.id, workspaceId })
        }
        return touched
      })
      if (found.archivedAt !== null) throw new Refusal('access_denied', 'the customer of this token is archived')
      return found.id
    },
    async create(workspaceId, input) {
      const now = clock.now()
      const customer: Customer = {
        id: ids.next(),
        workspaceId,
        internalId: input.internalId,
        name: input.name,
        fields: input.fields ?? {},
        meta: input.meta ?? null,
        isTest: input.isTest ?? false,
        createdAt: now,
        updatedAt: now,
        lastActiveAt: null,
        archivedAt: null,
      }
      await refusingTaken(
        () =>
          database.transaction(async (tx) => {
            await insertCustomer(tx, customer, null)
            await options.facts.record(tx, 'customer.created', customer)
          }),
        customer.internalId,
      )
      return customer
    },
    async find(principal, selector) {
      const id = fromWire('cus', selector)
      const byId = id === null ? null : await customerById(database.db, principal.workspaceId, id)
      const customer = byId ?? (await customerByInternalId(database.db, principal.workspaceId, selector))
      if (customer === null || (!principal.isAdmin && customer.id !== principal.customerId))
        throw notFound('customer', selector)
      return customer
    },
    async save(customer) {
      if (customer.archivedAt !== null)
        throw new Refusal('archived', `customer ${JSON.stringify(customer.internalId)} is archived`)
      const changed = { ...customer, updatedAt: clock.now() }
      await refusingTaken(() => updateCustomer(database.db, changed), changed.internalId)
      return changed
    },
    async archive(customer) {
      if (customer.archivedAt !== null) return
      const now = clock.now()
      await database.transaction(async (tx) => {
        await updateCustomer(tx, { ...customer, archivedAt: now, updatedAt: now })
        await options.facts.record(tx, 'customer.archived', customer)
      })
      await options.forgetTokens()
    },
    async restore(customer) {
      const restored = { ...customer, archivedAt: null, updatedAt: clock.now() }
      if (customer.archivedAt === null) return customer
      await database.transaction(async (tx) => {
        if (await options.erased.isBeingErased(tx, customer.id))
          throw new Refusal('archived', 'the customer is being erased, which cannot be undone')
        await updateCustomer(tx, restored)
        await options.facts.record(tx, 'customer.restored', restored)
      })
      return restored
    },
  }
}

async function refusingTaken(write: () => Promise<void>, internalId: string): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (brokenUniqueRule(error) === null) throw error
    throw new Refusal('already_exists', `there is already a customer with internalId ${JSON.stringify(internalId)}`)
  }
}
