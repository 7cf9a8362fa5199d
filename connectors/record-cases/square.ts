import { type Square, SquareClient } from 'square'
import { recordCase } from './record-case.ts'

/** As it comes over the wire; what the package reads of it stands beside. */
const customer = {
  id: 'JDKYHBWT1D4F8MFH63DBMEN8Y4',
  given_name: 'Ada',
  family_name: 'Lovelace',
  company_name: 'Engines',
  nickname: 'Ada',
  email_address: 'ada@example.com',
  phone_number: '+4420',
  address: { address_line_1: '12 St James', locality: 'London', postal_code: 'SW1Y', country: 'GB' },
  birthday: '1815-12-10',
  reference_id: 'u-1',
  note: '',
  creation_source: 'THIRD_PARTY',
  group_ids: [],
  version: 1,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
}

export const SQUARE = [
  recordCase({
    connector: 'square',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: 'EAAA' } },
    client: (origin: string) => new SquareClient({ token: 'EAAA', baseUrl: origin, maxRetries: 0 }),
    collection: 'customers',
    whole: { customer },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: async (square) =>
          readable({ customers: (await square.customers.list({ limit: 100, cursor: 'c1' })).data }),
        answer: { customers: [customer], cursor: 'c2' },
        gives: {
          records: [
            {
              id: customer.id,
              name: 'Ada Lovelace',
              createdTime: '2026-01-01T00:00:00Z',
              updatedTime: '2026-01-02T00:00:00Z',
            },
          ],
          cursor: 'c2',
        },
      },
      {
        method: 'match',
        given: { query: { email_address: 'ada@example.com' } },
        vendor: async (square) =>
          readable(
            await square.customers.search({
              limit: 1n,
              query: { filter: { emailAddress: { exact: 'ada@example.com' } } },
            }),
          ),
        answer: { customers: [customer] },
        gives: { record: { id: customer.id } },
      },
      {
        method: 'findById',
        given: { id: customer.id },
        vendor: async (square) => readable(await square.customers.get({ customerId: customer.id })),
        answer: { customer },
        gives: { record: { id: customer.id } },
      },
      {
        method: 'create',
        given: { fields: { given_name: 'Ada', email_address: 'ada@example.com' } },
        vendor: async (square) =>
          readable(await square.customers.create({ givenName: 'Ada', emailAddress: 'ada@example.com' })),
        answer: { customer },
        gives: { id: customer.id },
      },
      {
        method: 'update',
        given: { id: customer.id, fields: { note: 'Countess' } },
        vendor: async (square) =>
          readable(await square.customers.update({ customerId: customer.id, note: 'Countess' })),
        answer: { customer },
        gives: { id: customer.id },
      },
      {
        method: 'delete',
        given: { id: customer.id },
        vendor: (square) => square.customers.delete({ customerId: customer.id }),
        answer: {},
        gives: {},
      },
    ],
  }),
]

/** Versions are read as numbers that JSON has no form for. */
function readable({ customer, customers }: { customer?: Square.Customer; customers?: Square.Customer[] }) {
  return [customer, ...(customers ?? [])].map((each) => ({ id: each?.id }))
}
