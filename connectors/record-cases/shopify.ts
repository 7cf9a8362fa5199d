import '@shopify/shopify-api/adapters/node'
import { ApiVersion, LogSeverity, Session, shopifyApi } from '@shopify/shopify-api'
import { restResources } from '@shopify/shopify-api/rest/admin/2025-10'
import { recordCase } from './record-case.ts'

const created_at = '2026-01-01T00:00:00-05:00'
const updated_at = '2026-01-02T00:00:00-05:00'

const product = {
  id: 632910392,
  title: 'Engine',
  body_html: '<p>Analytical</p>',
  vendor: 'Babbage',
  product_type: 'Engines',
  handle: 'engine',
  status: 'active',
  tags: 'old, brass',
  variants: [],
  options: [],
  images: [],
  published_at: null,
  created_at,
  updated_at,
}

const customer = {
  id: 207119551,
  email: 'ada@example.com',
  phone: '+4420',
  first_name: 'Ada',
  last_name: 'Lovelace',
  note: null,
  tags: '',
  addresses: [],
  tax_exempt: false,
  state: 'disabled',
  currency: 'GBP',
  created_at,
  updated_at,
}

const order = {
  id: 450789469,
  name: '#1001',
  email: 'ada@example.com',
  phone: null,
  note: null,
  tags: '',
  line_items: [],
  shipping_address: {},
  customer: null,
  currency: 'GBP',
  total_price: '409.94',
  financial_status: 'paid',
  fulfillment_status: null,
  cancelled_at: null,
  created_at,
  updated_at,
}

/** The package's own classes of records, with a shop at this address. */
function shopAt(origin: string) {
  const shop = new URL(origin).host
  const api = shopifyApi({
    apiKey: 'k',
    apiSecretKey: 's',
    adminApiAccessToken: 't',
    isCustomStoreApp: true,
    isEmbeddedApp: false,
    apiVersion: ApiVersion.October25,
    hostName: shop,
    hostScheme: 'http',
    logger: { level: LogSeverity.Error },
    future: {},
    restResources,
  })
  const session = new Session({ id: '1', shop, state: '', isOnline: false, accessToken: 't' })
  const saved = async (record: { id: unknown; save(how: { update: boolean }): Promise<void> }, fields: object) => {
    Object.assign(record, fields)
    await record.save({ update: true })
    return { id: String(record.id) }
  }
  return { rest: api.rest, session, saved }
}
type Shop = ReturnType<typeof shopAt>

const common = {
  connector: 'shopify',
  makeApiClient: {
    slot: 'makeApiClient',
    credentials: { shop: 'acme.myshopify.com', access_token: 't' },
  },
  client: shopAt,
}

/** The page after is named in a header. */
const headers = {
  link: '<https://acme.myshopify.com/admin/api/2025-10/products.json?limit=250&page_info=p0>; rel="previous", <https://acme.myshopify.com/admin/api/2025-10/products.json?limit=250&page_info=p2>; rel="next"',
}

export const SHOPIFY = [
  recordCase<Shop>({
    ...common,
    collection: 'products',
    whole: { product },
    steps: [
      {
        method: 'list',
        given: { cursor: 'p1' },
        vendor: ({ rest, session }) => rest.Product.all({ session, limit: 250, page_info: 'p1' }),
        answer: { products: [product] },
        headers,
        gives: { records: [{ id: '632910392', name: 'Engine', createdTime: created_at }], cursor: 'p2' },
      },
      {
        method: 'findById',
        given: { id: '632910392' },
        vendor: ({ rest, session }) => rest.Product.find({ session, id: 632910392 }),
        answer: { product },
        gives: { record: { id: '632910392' } },
      },
      {
        method: 'create',
        given: { fields: { title: 'Engine', vendor: 'Babbage' } },
        vendor: ({ rest, session, saved }) =>
          saved(new rest.Product({ session }), { title: 'Engine', vendor: 'Babbage' }),
        answer: { product },
        status: 201,
        gives: { id: '632910392' },
      },
      {
        method: 'update',
        given: { id: '632910392', fields: { status: 'draft' } },
        vendor: ({ rest, session, saved }) => saved(new rest.Product({ session }), { id: 632910392, status: 'draft' }),
        answer: { product },
        gives: { id: '632910392' },
      },
      {
        method: 'delete',
        given: { id: '632910392' },
        vendor: ({ rest, session }) => rest.Product.delete({ session, id: 632910392 }),
        answer: {},
        gives: {},
      },
    ],
  }),
  recordCase<Shop>({
    ...common,
    collection: 'customers',
    whole: { customer },
    steps: [
      {
        method: 'list',
        given: {},
        vendor: ({ rest, session }) => rest.Customer.all({ session, limit: 250 }),
        answer: { customers: [customer] },
        gives: { records: [{ id: '207119551', name: 'Ada Lovelace' }] },
      },
      {
        method: 'search',
        given: { query: 'Lovelace' },
        vendor: ({ rest, session }) => rest.Customer.search({ session, query: 'Lovelace', limit: 250 }),
        answer: { customers: [customer] },
        gives: { records: [{ id: '207119551' }] },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: ({ rest, session }) => rest.Customer.search({ session, query: 'email:"ada@example.com"', limit: 1 }),
        answer: { customers: [customer] },
        gives: { record: { id: '207119551' } },
      },
      {
        method: 'findById',
        given: { id: '207119551' },
        vendor: ({ rest, session }) => rest.Customer.find({ session, id: 207119551 }),
        answer: { customer },
        gives: { record: { id: '207119551' } },
      },
      {
        method: 'create',
        given: { fields: { email: 'ada@example.com', first_name: 'Ada' } },
        vendor: ({ rest, session, saved }) =>
          saved(new rest.Customer({ session }), { email: 'ada@example.com', first_name: 'Ada' }),
        answer: { customer },
        status: 201,
        gives: { id: '207119551' },
      },
      {
        method: 'update',
        given: { id: '207119551', fields: { note: 'Countess' } },
        vendor: ({ rest, session, saved }) =>
          saved(new rest.Customer({ session }), { id: 207119551, note: 'Countess' }),
        answer: { customer },
        gives: { id: '207119551' },
      },
      {
        method: 'delete',
        given: { id: '207119551' },
        vendor: ({ rest, session }) => rest.Customer.delete({ session, id: 207119551 }),
        answer: {},
        gives: {},
      },
    ],
  }),
  recordCase<Shop>({
    ...common,
    collection: 'orders',
    whole: { order },
    steps: [
      {
        method: 'list',
        given: {},
        vendor: ({ rest, session }) => rest.Order.all({ session, limit: 250, status: 'any' }),
        answer: { orders: [order] },
        gives: { records: [{ id: '450789469', name: '#1001' }] },
      },
      {
        method: 'findById',
        given: { id: '450789469' },
        vendor: ({ rest, session }) => rest.Order.find({ session, id: 450789469 }),
        answer: { order },
        gives: { record: { id: '450789469' } },
      },
      {
        method: 'create',
        given: { fields: { line_items: [{ title: 'Engine', price: '9.99', quantity: 1 }] } },
        vendor: ({ rest, session, saved }) =>
          saved(new rest.Order({ session }), { line_items: [{ title: 'Engine', price: '9.99', quantity: 1 }] }),
        answer: { order },
        status: 201,
        gives: { id: '450789469' },
      },
      {
        method: 'update',
        given: { id: '450789469', fields: { tags: 'brass' } },
        vendor: ({ rest, session, saved }) => saved(new rest.Order({ session }), { id: 450789469, tags: 'brass' }),
        answer: { order },
        gives: { id: '450789469' },
      },
      {
        method: 'delete',
        given: { id: '450789469' },
        vendor: ({ rest, session }) => rest.Order.delete({ session, id: 450789469 }),
        answer: {},
        gives: {},
      },
    ],
  }),
]
