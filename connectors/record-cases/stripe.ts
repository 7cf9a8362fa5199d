import Stripe from 'stripe'
import { recordCase, type Wire } from './record-case.ts'

const customer = {
  id: 'cus_1',
  object: 'customer',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  phone: '+4420',
  description: null,
  address: { line1: '12 St James', line2: null, city: 'London', state: null, postal_code: 'SW1Y', country: 'GB' },
  metadata: { plan: 'pro' },
  balance: 0,
  currency: 'gbp',
  delinquent: false,
  livemode: false,
  created: 1_767_225_600,
} satisfies Wire<Stripe.Customer>

const product = {
  id: 'prod_1',
  object: 'product',
  name: 'Engine',
  active: true,
  description: 'Analytical',
  default_price: 'price_1',
  images: [],
  metadata: {},
  statement_descriptor: null,
  unit_label: null,
  url: null,
  livemode: false,
  created: 1_767_225_600,
  updated: 1_767_225_601,
} satisfies Wire<Stripe.Product>

const price = {
  id: 'price_1',
  object: 'price',
  product: 'prod_1',
  currency: 'gbp',
  unit_amount: 1500,
  recurring: { interval: 'month', interval_count: 1 },
  nickname: 'Monthly',
  active: true,
  metadata: {},
  type: 'recurring',
  livemode: false,
  created: 1_767_225_600,
} satisfies Wire<Stripe.Price>

const page = (record: { id: string }, path: string) => ({
  object: 'list' as const,
  data: [record],
  has_more: true,
  url: path,
})

const common = {
  connector: 'stripe',
  makeApiClient: { slot: 'options.secret-key.makeApiClient', credentials: { apiKey: 'sk_test_1' } },
  client: (origin: string) => {
    const { hostname, port } = new URL(origin)
    return new Stripe('sk_test_1', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false })
  },
}

export const STRIPE = [
  recordCase({
    ...common,
    collection: 'customers',
    whole: customer,
    steps: [
      {
        method: 'list',
        given: { cursor: 'cus_0', filter: { email: 'ada@example.com' } },
        vendor: (stripe) => stripe.customers.list({ limit: 100, starting_after: 'cus_0', email: 'ada@example.com' }),
        answer: page(customer, '/v1/customers'),
        gives: {
          records: [{ id: 'cus_1', name: 'Ada Lovelace', createdTime: '2026-01-01T00:00:00.000Z' }],
          cursor: 'cus_1',
        },
      },
      {
        method: 'search',
        given: { query: 'ada "countess"' },
        vendor: (stripe) =>
          stripe.customers.search({
            query: String.raw`name~"ada \"countess\"" OR email~"ada \"countess\""`,
            limit: 100,
          }),
        answer: {
          object: 'search_result',
          data: [customer],
          has_more: true,
          next_page: 'p2',
          url: '/v1/customers/search',
        } satisfies Wire<Stripe.ApiSearchResult<Stripe.Customer>>,
        gives: { records: [{ id: 'cus_1' }], cursor: 'p2' },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: (stripe) => stripe.customers.list({ email: 'ada@example.com', limit: 1 }),
        answer: page(customer, '/v1/customers'),
        gives: { record: { id: 'cus_1', fields: { phone: '+4420' } } },
      },
      {
        method: 'findById',
        given: { id: 'cus_1' },
        vendor: (stripe) => stripe.customers.retrieve('cus_1'),
        answer: customer,
        gives: { record: { id: 'cus_1', fields: { email: 'ada@example.com' } } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Ada', address: { city: 'London' }, metadata: { plan: 'pro' } } },
        vendor: (stripe) =>
          stripe.customers.create({ name: 'Ada', address: { city: 'London' }, metadata: { plan: 'pro' } }),
        answer: customer,
        gives: { id: 'cus_1' },
      },
      {
        method: 'update',
        given: { id: 'cus_1', fields: { name: 'Ada King', metadata: { plan: '' } } },
        vendor: (stripe) => stripe.customers.update('cus_1', { name: 'Ada King', metadata: { plan: '' } }),
        answer: customer,
        gives: { id: 'cus_1' },
      },
      {
        method: 'delete',
        given: { id: 'cus_1' },
        vendor: (stripe) => stripe.customers.del('cus_1'),
        answer: { id: 'cus_1', object: 'customer', deleted: true } satisfies Wire<Stripe.DeletedCustomer>,
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'products',
    whole: product,
    steps: [
      {
        method: 'list',
        given: { filter: { active: true } },
        vendor: (stripe) => stripe.products.list({ limit: 100, active: true }),
        answer: { ...page(product, '/v1/products'), has_more: false },
        gives: { records: [{ id: 'prod_1', name: 'Engine' }] },
      },
      {
        method: 'search',
        given: { query: 'engine', cursor: 'p2' },
        vendor: (stripe) =>
          stripe.products.search({ query: 'name~"engine" OR description~"engine"', limit: 100, page: 'p2' }),
        answer: { object: 'search_result', data: [product], has_more: false, next_page: null, url: '' },
        gives: { records: [{ id: 'prod_1' }] },
      },
      {
        method: 'findById',
        given: { id: 'prod_1' },
        vendor: (stripe) => stripe.products.retrieve('prod_1'),
        answer: product,
        gives: { record: { id: 'prod_1' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Engine', images: ['https://a.example/1.png', 'https://a.example/2.png'] } },
        vendor: (stripe) =>
          stripe.products.create({ name: 'Engine', images: ['https://a.example/1.png', 'https://a.example/2.png'] }),
        answer: product,
        gives: { id: 'prod_1' },
      },
      {
        method: 'update',
        given: { id: 'prod_1', fields: { active: false } },
        vendor: (stripe) => stripe.products.update('prod_1', { active: false }),
        answer: product,
        gives: { id: 'prod_1' },
      },
      {
        method: 'delete',
        given: { id: 'prod_1' },
        vendor: (stripe) => stripe.products.del('prod_1'),
        answer: { id: 'prod_1', object: 'product', deleted: true } satisfies Wire<Stripe.DeletedProduct>,
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'prices',
    whole: price,
    steps: [
      {
        method: 'list',
        given: { filter: { product: 'prod_1', type: 'recurring' } },
        vendor: (stripe) => stripe.prices.list({ limit: 100, product: 'prod_1', type: 'recurring' }),
        answer: { ...page(price, '/v1/prices'), has_more: false },
        gives: { records: [{ id: 'price_1', name: 'Monthly' }] },
      },
      {
        method: 'findById',
        given: { id: 'price_1' },
        vendor: (stripe) => stripe.prices.retrieve('price_1'),
        answer: price,
        gives: { record: { id: 'price_1' } },
      },
      {
        method: 'create',
        given: {
          fields: { product: 'prod_1', currency: 'gbp', unit_amount: 1500, recurring: { interval: 'month' } },
        },
        vendor: (stripe) =>
          stripe.prices.create({
            product: 'prod_1',
            currency: 'gbp',
            unit_amount: 1500,
            recurring: { interval: 'month' },
          }),
        answer: price,
        gives: { id: 'price_1' },
      },
      {
        method: 'update',
        given: { id: 'price_1', fields: { active: false, unit_amount: 2 } },
        vendor: (stripe) => stripe.prices.update('price_1', { active: false }),
        answer: price,
        gives: { id: 'price_1' },
      },
    ],
  }),
]
