import { type ICustomerResponse, type IProductResponse, Paddle } from '@paddle/paddle-node-sdk'
import { recordCase } from './record-case.ts'

const customer = {
  id: 'ctm_01hv6y1jedq4p1n0yqn5ba3ky4',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  marketing_consent: false,
  status: 'active',
  custom_data: { plan: 'pro' },
  locale: 'en',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-02T00:00:00.000Z',
  import_meta: null,
} satisfies ICustomerResponse

const product = {
  id: 'pro_01htz88xpr0mm7b3ta2pjkr7w2',
  name: 'Engine',
  type: 'standard',
  description: 'Analytical',
  tax_category: 'standard',
  image_url: null,
  custom_data: null,
  status: 'active',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-02T00:00:00.000Z',
  import_meta: null,
} satisfies IProductResponse

const page = (record: { id: string }, has_more: boolean) => ({
  data: [record],
  meta: {
    request_id: 'r',
    pagination: { per_page: 200, next: 'https://api.paddle.com/customers?after=x', has_more, estimated_total: 2 },
  },
})
const one = (data: object) => ({ data, meta: { request_id: 'r' } })

const common = {
  connector: 'paddle',
  makeApiClient: { slot: 'options.token.makeApiClient', credentials: { apiKey: 'pdl_1' } },
  client: (origin: string) => new Paddle('pdl_1', { environment: origin as never }),
}

export const PADDLE = [
  recordCase({
    ...common,
    collection: 'customers',
    whole: one(customer),
    steps: [
      {
        method: 'list',
        given: { cursor: 'ctm_0' },
        vendor: (paddle) => paddle.customers.list({ perPage: 200, after: 'ctm_0' }).next(),
        answer: page(customer, true),
        gives: {
          records: [{ id: customer.id, name: 'Ada Lovelace', createdTime: customer.created_at }],
          cursor: customer.id,
        },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: (paddle) => paddle.customers.list({ perPage: 1, email: ['ada@example.com'] }).next(),
        answer: page(customer, false),
        gives: { record: { id: customer.id } },
      },
      {
        method: 'findById',
        given: { id: customer.id },
        vendor: (paddle) => paddle.customers.get(customer.id),
        answer: one(customer),
        gives: { record: { id: customer.id } },
      },
      {
        method: 'create',
        given: { fields: { email: 'ada@example.com', custom_data: { plan: 'pro' }, status: 'archived' } },
        vendor: (paddle) => paddle.customers.create({ email: 'ada@example.com', customData: { plan: 'pro' } }),
        answer: one(customer),
        status: 201,
        gives: { id: customer.id },
      },
      {
        method: 'update',
        given: { id: customer.id, fields: { name: 'Ada King' } },
        vendor: (paddle) => paddle.customers.update(customer.id, { name: 'Ada King' }),
        answer: one(customer),
        gives: { id: customer.id },
      },
      {
        method: 'delete',
        given: { id: customer.id },
        vendor: (paddle) => paddle.customers.archive(customer.id),
        answer: one({ ...customer, status: 'archived' }),
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'products',
    whole: one(product),
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (paddle) => paddle.products.list({ perPage: 200 }).next(),
        answer: page(product, false),
        gives: { records: [{ id: product.id, name: 'Engine' }] },
      },
      {
        method: 'findById',
        given: { id: product.id },
        vendor: (paddle) => paddle.products.get(product.id),
        answer: one(product),
        gives: { record: { id: product.id } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Engine', tax_category: 'standard' } },
        vendor: (paddle) => paddle.products.create({ name: 'Engine', taxCategory: 'standard' }),
        answer: one(product),
        status: 201,
        gives: { id: product.id },
      },
      {
        method: 'update',
        given: { id: product.id, fields: { description: 'Difference' } },
        vendor: (paddle) => paddle.products.update(product.id, { description: 'Difference' }),
        answer: one(product),
        gives: { id: product.id },
      },
      {
        method: 'delete',
        given: { id: product.id },
        vendor: (paddle) => paddle.products.archive(product.id),
        answer: one({ ...product, status: 'archived' }),
        gives: {},
      },
    ],
  }),
]
