import Razorpay from 'razorpay'
import { recordCase } from './record-case.ts'

const customer = {
  id: 'cust_1Aa00000000004',
  entity: 'customer',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  contact: '9123456780',
  gstin: null,
  notes: { plan: 'pro' },
  created_at: 1_767_225_600,
}

/** The package has the address of the real thing and no other. */
function clientAt(origin: string): Razorpay {
  const client = new Razorpay({ key_id: 'k', key_secret: 's' })
  const { api } = client as unknown as { api: { rq: { defaults: { baseURL: string } } } }
  api.rq.defaults.baseURL = origin
  return client
}

export const RAZORPAY = [
  recordCase({
    connector: 'razorpay',
    makeApiClient: { slot: 'options.key.makeApiClient', credentials: { keyId: 'k', keySecret: 's' } },
    client: clientAt,
    collection: 'customers',
    whole: customer,
    steps: [
      {
        method: 'list',
        given: { cursor: '100' },
        vendor: (razorpay) => razorpay.customers.all({ count: 100, skip: 100 }),
        answer: { entity: 'collection', count: 1, items: [customer] },
        gives: { records: [{ id: customer.id, name: 'Ada Lovelace', createdTime: '2026-01-01T00:00:00.000Z' }] },
      },
      {
        method: 'findById',
        given: { id: customer.id },
        vendor: (razorpay) => razorpay.customers.fetch(customer.id),
        answer: customer,
        gives: { record: { id: customer.id } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Ada Lovelace', email: 'ada@example.com', contact: '9123456780' } },
        vendor: (razorpay) =>
          razorpay.customers.create({ name: 'Ada Lovelace', email: 'ada@example.com', contact: '9123456780' }),
        answer: customer,
        gives: { id: customer.id },
      },
      {
        method: 'update',
        given: { id: customer.id, fields: { name: 'Ada King' } },
        vendor: (razorpay) => razorpay.customers.edit(customer.id, { name: 'Ada King' } as never),
        answer: customer,
        gives: { id: customer.id },
      },
    ],
  }),
]
