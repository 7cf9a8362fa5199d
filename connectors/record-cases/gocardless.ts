import { GoCardlessClient } from 'gocardless-nodejs'
import { recordCase, type Wire } from './record-case.ts'

const customer = {
  id: 'CU0123',
  email: 'ada@example.com',
  given_name: 'Ada',
  family_name: 'Lovelace',
  company_name: null,
  phone_number: null,
  address_line1: '12 St James',
  address_line2: null,
  address_line3: null,
  city: 'London',
  region: null,
  postal_code: 'SW1Y',
  country_code: 'GB',
  language: 'en',
  metadata: {},
  created_at: '2026-01-01T00:00:00.000Z',
} satisfies Wire<Awaited<ReturnType<GoCardlessClient['customers']['find']>>>

/** The package has the address of the real thing and that of its sandbox. */
function clientAt(origin: string): GoCardlessClient {
  const client = new GoCardlessClient('live_1')
  Object.assign((client as unknown as { _api: object })._api, { _baseUrl: origin })
  return client
}

export const GOCARDLESS = [
  recordCase({
    connector: 'gocardless',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: 'live_1' } },
    client: clientAt,
    collection: 'customers',
    whole: { customers: customer },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: (gocardless) => gocardless.customers.list({ limit: 500 as never, after: 'c1' }),
        answer: { customers: [customer], meta: { cursors: { before: null, after: 'c2' }, limit: 500 } },
        gives: { records: [{ id: 'CU0123', name: 'Ada Lovelace', createdTime: customer.created_at }], cursor: 'c2' },
      },
      {
        method: 'findById',
        given: { id: 'CU0123' },
        vendor: (gocardless) => gocardless.customers.find('CU0123'),
        answer: { customers: customer },
        gives: { record: { id: 'CU0123' } },
      },
      {
        method: 'create',
        given: { fields: { email: 'ada@example.com', given_name: 'Ada' } },
        vendor: (gocardless) => gocardless.customers.create({ email: 'ada@example.com', given_name: 'Ada' }),
        answer: { customers: customer },
        status: 201,
        gives: { id: 'CU0123' },
      },
      {
        method: 'update',
        given: { id: 'CU0123', fields: { metadata: { plan: 'pro' } } },
        vendor: (gocardless) => gocardless.customers.update('CU0123', { metadata: { plan: 'pro' } }),
        answer: { customers: customer },
        gives: { id: 'CU0123' },
      },
      {
        method: 'delete',
        given: { id: 'CU0123' },
        vendor: (gocardless) => gocardless.customers.remove('CU0123'),
        answer: { customers: customer },
        gives: {},
      },
    ],
  }),
]
