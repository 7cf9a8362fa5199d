import { createHmac } from 'node:crypto'
import { LinearWebhookClient } from '@linear/sdk/webhooks'
import published from '@octokit/webhooks-examples' with { type: 'json' }
import { type ICustomerResponse, Paddle } from '@paddle/paddle-node-sdk'
import { serialization, WebhooksHelper } from 'square'
import Stripe from 'stripe'
import { ASANA } from './asana.ts'
import { GHOST } from './ghost.ts'
import { GITHUB } from './github.ts'
import { LINEAR } from './linear.ts'
import { PADDLE } from './paddle.ts'
import type { RecordCase } from './record-case.ts'
import { SHOPIFY } from './shopify.ts'
import { SQUARE } from './square.ts'
import { STRIPE } from './stripe.ts'
import { TRELLO } from './trello.ts'
import { ZENDESK } from './zendesk.ts'

/** What an app tells of: where it was registered, and what it signs with. */
interface Told {
  url: string
  secret: string
}

/** How a collection's webhook is registered, and a request that the app sends to it. */
export interface EventCase {
  of: RecordCase<unknown>
  type: 'created' | 'updated' | 'deleted'
  parameters?: Record<string, string>
  /** What is asked of the app to register, as in `POST /hooks`, and what the app answers. */
  registers: string
  answer: unknown
  headers?: Record<string, string>
  /** Whatever else is asked for at that. */
  others?: Record<string, unknown>
  /** The secret, where the app or a person gave it; where we make it, it is in what is asked. */
  secret: string | ((asked: string) => string)
  /** The vendor's package registering the same. */
  vendor(client: unknown, told: Told): Promise<unknown>
  /** Events of this collection, of this kind and of another. */
  body: unknown
  otherBody?: unknown
  sign(body: string, told: Told): Record<string, string>
  /** Whether the vendor's package takes the request, where it has a way to say so. */
  takes?(body: string, headers: Record<string, string>, told: Told): Promise<boolean> | boolean
  record: Record<string, unknown>
}

const caseOf = (cases: readonly RecordCase<unknown>[], collection: string) =>
  cases.find((each) => each.collection === collection) as RecordCase<unknown>

const hmac = (hash: string, secret: string, text: string, encoding: 'hex' | 'base64') =>
  createHmac(hash, secret).update(text).digest(encoding)
const nowSeconds = () => Math.floor(Date.now() / 1000)

const square = (type: 'created' | 'deleted') =>
  serialization[type === 'created' ? 'CustomerCreatedEvent' : 'CustomerDeletedEvent'].jsonOrThrow({
    merchantId: 'M1',
    type: `customer.${type}`,
    eventId: `e-${type}`,
    createdAt: '2026-01-01T00:00:00Z',
    data: { type: 'customer', id: 'CU1', object: { customer: { id: 'CU1', givenName: 'Ada' } } },
  })

const stripe = (type: 'customer.created' | 'customer.updated') => ({
  id: `evt_${type}`,
  object: 'event',
  type,
  data: { object: { id: 'cus_1', object: 'customer', name: 'Ada Lovelace' } },
})

const linear = (action: string) => ({
  action,
  type: 'Issue',
  actor: { id: 'user-1', name: 'Ada' },
  createdAt: '2026-01-01T00:00:00.000Z',
  organizationId: 'o',
  webhookId: 'w',
  webhookTimestamp: Date.now(),
  data: { id: 'issue-1', identifier: 'ENG-1', title: 'Mend the pipe', teamId: 'team-1', labelIds: [] },
})

const trello = (type: string) => ({
  model: { id: 'b1' },
  action: { id: `a-${type}`, type, date: '2026-01-01T00:00:00.000Z', data: { card: { id: 'c1', name: 'Mend' } } },
})

const zendesk = (type: string, id: string) => ({
  type: `zen:event-type:${type}`,
  account_id: 1,
  id: `e-${type}`,
  time: '2026-01-01T00:00:00Z',
  zendesk_event_version: '2022-11-06',
  subject: `zen:${type.split('.')[0]}:${id}`,
  detail: { id },
  event: {},
})

const signedByZendesk: Pick<EventCase, 'answer' | 'others' | 'secret' | 'sign'> = {
  answer: { webhook: { id: 'w1' } },
  others: { 'GET /api/v2/webhooks/w1/signing_secret': { signing_secret: { algorithm: 'SHA256', secret: 'zs' } } },
  secret: 'zs',
  sign(body, { secret }) {
    const time = new Date().toISOString()
    return {
      'x-zendesk-webhook-signature': hmac('sha256', secret, `${time}${body}`, 'base64'),
      'x-zendesk-webhook-signature-timestamp': time,
      'x-zendesk-webhook-invocation-id': `i-${hmac('sha256', 'i', body, 'hex').slice(0, 8)}`,
    }
  },
}

const customer = { id: 'ctm_1', name: 'Ada', email: 'ada@example.com' } as ICustomerResponse
/** What GitHub publishes as examples. */
const examples = published as unknown as { name: string; examples: { action: string; issue: { number: number } }[] }[]
const issueOf = (action: string) => {
  const issues = examples.find(({ name }) => name === 'issues')?.examples ?? []
  const found = issues.find((each) => each.action === action)
  if (found === undefined) throw new Error(`there is no example of ${action}`)
  return found
}

type Square = { webhooks: { subscriptions: { create(request: object): Promise<unknown> } } }

export const EVENT_CASES: readonly EventCase[] = [
  {
    of: caseOf(SQUARE, 'customers'),
    type: 'created',
    registers: 'POST /v2/webhooks/subscriptions',
    answer: { subscription: { id: 'wh1', signature_key: 'sk' } },
    secret: 'sk',
    vendor: (client, { url }) =>
      (client as Square).webhooks.subscriptions.create({
        idempotencyKey: url.slice(-36),
        subscription: {
          name: 'Permea',
          enabled: true,
          eventTypes: ['customer.created'],
          notificationUrl: url,
        },
      }),
    body: square('created'),
    otherBody: square('deleted'),
    sign: (body, { secret, url }) => ({
      'x-square-hmacsha256-signature': hmac('sha256', secret, url + body, 'base64'),
    }),
    takes: (requestBody, headers, { secret, url }) =>
      WebhooksHelper.verifySignature({
        requestBody,
        signatureHeader: headers['x-square-hmacsha256-signature'] ?? '',
        signatureKey: secret,
        notificationUrl: url,
      }),
    record: { id: 'CU1', name: 'Ada' },
  },
  {
    of: caseOf(STRIPE, 'customers'),
    type: 'created',
    registers: 'POST /v1/webhook_endpoints',
    answer: { id: 'we_1', secret: 'whsec_1' },
    secret: 'whsec_1',
    vendor: (client, { url }) =>
      (client as Stripe).webhookEndpoints.create({ url, enabled_events: ['customer.created'] }),
    body: stripe('customer.created'),
    otherBody: stripe('customer.updated'),
    sign: (payload, { secret }) => ({
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret }),
    }),
    takes: (body, headers, { secret }) =>
      Stripe.webhooks.constructEvent(body, headers['stripe-signature'] ?? '', secret).id === 'evt_customer.created',
    record: { id: 'cus_1', name: 'Ada Lovelace' },
  },
  {
    of: caseOf(LINEAR, 'issues'),
    type: 'updated',
    registers: 'POST /graphql',
    answer: { data: { webhookCreate: { success: true, webhook: { id: 'w1' }, lastSyncId: 1 } } },
    secret: (asked) => (JSON.parse(asked) as { variables: { input: { secret: string } } }).variables.input.secret,
    vendor: (client, { url, secret }) =>
      (client as { createWebhook(input: object): Promise<unknown> }).createWebhook({
        url,
        label: 'Permea',
        teamId: 'team-1',
        resourceTypes: ['Issue'],
        secret,
      }),
    body: linear('update'),
    otherBody: linear('remove'),
    sign: (body, { secret }) => ({
      'linear-signature': hmac('sha256', secret, body, 'hex'),
      'linear-delivery': `d-${hmac('sha256', 'd', body, 'hex').slice(0, 8)}`,
    }),
    takes: (body, headers, { secret }) =>
      new LinearWebhookClient(secret).verify(Buffer.from(body), headers['linear-signature'] ?? ''),
    record: { id: 'issue-1', name: 'Mend the pipe', fields: { teamId: 'team-1' } },
  },
  {
    of: caseOf(TRELLO, 'cards'),
    type: 'created',
    registers: 'POST /1/webhooks',
    answer: { id: 'w1' },
    secret: 's',
    vendor: (client, { url }) =>
      (client as { webhooks: { createWebhook(given: object): Promise<unknown> } }).webhooks.createWebhook({
        idModel: '5abbe4b7ddc1b351ef961400',
        callbackURL: url,
        description: 'Permea',
      }),
    body: trello('copyCard'),
    otherBody: trello('updateCard'),
    sign: (body, { secret, url }) => ({ 'x-trello-webhook': hmac('sha1', secret, body + url, 'base64') }),
    record: { id: 'c1' },
  },
  {
    ...signedByZendesk,
    of: caseOf(ZENDESK, 'tickets'),
    type: 'deleted',
    registers: 'POST /api/v2/webhooks',
    vendor: (client, { url }) =>
      (client as { webhooks: { create(given: object): Promise<unknown> } }).webhooks.create({
        webhook: {
          name: `Permea ${url.slice(-8)}`,
          endpoint: url,
          http_method: 'POST',
          request_format: 'json',
          status: 'active',
          subscriptions: ['zen:event-type:ticket.soft_deleted', 'zen:event-type:ticket.permanently_deleted'],
        },
      }),
    body: zendesk('ticket.soft_deleted', '35436'),
    record: { id: '35436' },
  },
  {
    ...signedByZendesk,
    of: caseOf(ZENDESK, 'users'),
    type: 'created',
    registers: 'POST /api/v2/webhooks',
    vendor: (client, { url }) =>
      (client as { webhooks: { create(given: object): Promise<unknown> } }).webhooks.create({
        webhook: {
          name: `Permea ${url.slice(-8)}`,
          endpoint: url,
          http_method: 'POST',
          request_format: 'json',
          status: 'active',
          subscriptions: ['zen:event-type:user.created'],
        },
      }),
    body: zendesk('user.created', '9873843'),
    record: { id: '9873843' },
  },
  {
    of: caseOf(SHOPIFY, 'orders'),
    type: 'updated',
    registers: 'POST /admin/api/2025-10/webhooks.json',
    answer: { webhook: { id: 901431826 } },
    others: { 'GET /admin/api/2025-10/webhooks.json': { webhooks: [] } },
    secret: 'shpss_1',
    vendor(client, { url }) {
      const { rest, session, saved } = client as {
        rest: { Webhook: new (given: object) => { id: unknown; save(how: { update: boolean }): Promise<void> } }
        session: object
        saved(record: object, fields: object): Promise<unknown>
      }
      return saved(new rest.Webhook({ session }), { topic: 'orders/updated', address: url, format: 'json' })
    },
    body: { id: 450789469, name: '#1001', updated_at: '2026-01-02T00:00:00-05:00' },
    sign: (body, { secret }) => ({
      'x-shopify-hmac-sha256': hmac('sha256', secret, body, 'base64'),
      'x-shopify-topic': 'orders/updated',
      'x-shopify-webhook-id': 'b54557e4',
    }),
    record: { id: '450789469', name: '#1001' },
  },
  {
    of: caseOf(PADDLE, 'customers'),
    type: 'created',
    registers: 'POST /notification-settings',
    answer: { data: { id: 'ntfset_1', endpoint_secret_key: 'pdl_ntfset_1', subscribed_events: [] }, meta: {} },
    others: { 'GET /notification-settings': { data: [], meta: {} } },
    secret: 'pdl_ntfset_1',
    vendor: (client, { url }) =>
      (client as Paddle).notificationSettings.create({
        description: 'Permea',
        destination: url,
        type: 'url',
        subscribedEvents: ['customer.created' as never],
      }),
    body: {
      event_id: 'evt_1',
      event_type: 'customer.created',
      occurred_at: '2026-01-01T00:00:00Z',
      notification_id: 'ntf_1',
      data: customer,
    },
    sign(body, { secret }) {
      const time = nowSeconds()
      return { 'paddle-signature': `ts=${time};h1=${hmac('sha256', secret, `${time}:${body}`, 'hex')}` }
    },
    takes: async (body, headers, { secret }) => {
      const read = await new Paddle('k').webhooks.unmarshal(body, secret, headers['paddle-signature'] ?? '')
      return (read.data as { id?: string }).id === customer.id
    },
    record: { id: 'ctm_1', name: 'Ada' },
  },
  {
    of: caseOf(GITHUB, 'issues'),
    type: 'updated',
    registers: 'POST /repos/octocat/hello/hooks',
    parameters: { owner: 'octocat', repository: 'hello' },
    answer: { id: 1 },
    secret: (asked) => (JSON.parse(asked) as { config: { secret: string } }).config.secret,
    vendor: (client, { url, secret }) =>
      (client as { repos: { createWebhook(given: object): Promise<unknown> } }).repos.createWebhook({
        owner: 'octocat',
        repo: 'hello',
        name: 'web',
        active: true,
        events: ['issues'],
        config: { url, content_type: 'json', secret, insecure_ssl: '0' },
      }),
    body: issueOf('edited'),
    otherBody: issueOf('opened'),
    sign: (body, { secret }) => ({
      'x-github-event': 'issues',
      'x-github-delivery': hmac('sha256', 'd', body, 'hex').slice(0, 12),
      'x-hub-signature-256': `sha256=${hmac('sha256', secret, body, 'hex')}`,
    }),
    record: { id: String(issueOf('edited').issue.number) },
  },
  {
    of: caseOf(GHOST, 'posts'),
    type: 'updated',
    registers: 'POST /ghost/api/admin/webhooks',
    answer: { webhooks: [{ id: 'w1' }] },
    secret: (asked) => (JSON.parse(asked) as { webhooks: [{ secret: string }] }).webhooks[0].secret,
    vendor: (client, { url, secret }) =>
      (client as { webhooks: { add(given: object): Promise<unknown> } }).webhooks.add({
        event: 'post.edited',
        target_url: url,
        name: 'Permea',
        secret,
      }),
    body: {
      post: { current: { id: '6a1', title: 'Anew', status: 'draft' }, previous: { title: 'Old' } },
      event: 'post.edited',
    },
    sign(body, { secret }) {
      const time = Date.now()
      return { 'x-ghost-signature': `sha256=${hmac('sha256', secret, `${body}${time}`, 'hex')}, t=${time}` }
    },
    record: { id: '6a1', name: 'Anew' },
  },
  {
    of: caseOf(ASANA, 'tasks'),
    type: 'created',
    registers: 'POST /api/1.0/webhooks',
    answer: { data: { gid: 'w1', active: true } },
    headers: { 'x-hook-secret': 'as' },
    secret: 'as',
    vendor: async (client, { url }) => {
      const { WebhooksApi } = await import('asana')
      const filters = [{ resource_type: 'task', action: 'added' }]
      const api = new WebhooksApi(client as never)
      return api.createWebhook({ data: { resource: '1300', target: url, filters } }, {})
    },
    body: {
      events: [
        {
          action: 'added',
          resource: { gid: '1200', resource_type: 'task', resource_subtype: 'default_task' },
          parent: { gid: '1300', resource_type: 'project' },
          created_at: '2026-01-01T00:00:00.000Z',
        },
        {
          action: 'added',
          resource: { gid: '1200', resource_type: 'task', resource_subtype: 'default_task' },
          parent: { gid: '1400', resource_type: 'section' },
          created_at: '2026-01-01T00:00:00.000Z',
        },
      ],
    },
    otherBody: { events: [] },
    sign: (body, { secret }) => ({ 'x-hook-signature': hmac('sha256', secret, body, 'hex') }),
    record: { id: '1200' },
  },
]
