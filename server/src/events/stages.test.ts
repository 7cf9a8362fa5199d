import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Wish } from '../dispatch/dispatch.ts'
import type { AppEventSource } from '../event-types/store.ts'
import type { Ids } from '../platform/ids.ts'
import {
  addressesFound,
  addressesNamed,
  answerToEvents,
  type EventRequest,
  type IntakeRefusal,
  locate,
  nameKey,
  namesIn,
  type OwnedRequest,
  own,
  type Urls,
  wanted,
} from './stages.ts'
import type { SubscriptionSource } from './store.ts'

const WORKSPACE = '00000000-0000-4000-8000-000000000001'

function countingIds(): Ids {
  let drawn = 0
  return { next: () => `event-${++drawn}` } as Ids
}

function source(webhookUuid: string, over: Partial<SubscriptionSource> = {}): [string, SubscriptionSource] {
  return [
    webhookUuid,
    {
      webhookUuid,
      subscriptionId: `subscription-${webhookUuid}`,
      workspaceId: WORKSPACE,
      customerId: 'anna',
      appEventTypeId: 'type',
      isArchived: false,
      isCustomerArchived: false,
      isTypeArchived: false,
      validateEvents: false,
      schema: null,
      typeRevision: 'revision',
      ...over,
    },
  ]
}

const TYPE: AppEventSource = {
  id: 'type',
  workspaceId: WORKSPACE,
  tenantIdFormula: { $var: '$.of' },
  userIdFormula: null,
  validateEvents: true,
  schema: { type: 'object', properties: { n: { type: 'number' } } },
  webhookKey: 'global',
  revision: 'revision-of-type',
  archivedAt: null,
}

const URLS: Urls = {
  sources: new Map([source('lives'), source('archived', { isArchived: true })]),
  types: new Map([
    ['global', TYPE],
    ['gone', { ...TYPE, webhookKey: 'gone', archivedAt: new Date(0) }],
  ]),
}

const CUSTOMERS = new Map([
  [nameKey({ workspaceId: WORKSPACE, internalId: 'anna' }), { id: 'anna', isArchived: false }],
  [nameKey({ workspaceId: WORKSPACE, internalId: 'left' }), { id: 'left', isArchived: true }],
])

function request(target: EventRequest['target'], values: readonly unknown[], customerId: string | null): EventRequest {
  const principal =
    customerId === null
      ? null
      : {
          workspaceId: WORKSPACE,
          workspaceKey: '',
          isAdmin: false,
          customerId,
          actor: { kind: 'customer' as const, id: customerId, name: null, role: null },
        }
  const events = values.map((value) => ({ value, text: JSON.stringify(value) }))
  return { target, principal, isBatch: events.length !== 1, events, idempotencyKey: null, trace: null }
}

async function through(requests: readonly EventRequest[]): Promise<(OwnedRequest | IntakeRefusal)[]> {
  const ids = countingIds()
  const located = await Promise.all(requests.map((each) => locate(each, URLS)))
  return located.map((each) => own(each, CUSTOMERS, ids))
}

/** What became of a request, without the ids that are drawn. */
function outcome(of: OwnedRequest | IntakeRefusal | undefined): unknown {
  if (of === undefined || of.kind === 'refused') return of
  return of.events.map((each) => (each.kind === 'refused' ? each : { ...each, event: { ...each.event, id: 'drawn' } }))
}

const target = fc.oneof(
  fc
    .constantFrom('lives', 'archived', 'nowhere')
    .map((webhookUuid) => ({ kind: 'subscription' as const, webhookUuid })),
  fc.constantFrom('global', 'gone', 'nowhere').map((webhookKey) => ({ kind: 'global' as const, webhookKey })),
)
const value = fc.oneof(
  fc.record(
    {
      of: fc.oneof(fc.constantFrom('anna', 'left', 'nobody', '', 'an\0na', '\ud800'), fc.integer(), fc.jsonValue()),
      n: fc.oneof(fc.integer(), fc.string()),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
)
const anyRequest = fc
  .tuple(target, fc.array(value, { minLength: 1, maxLength: 4 }), fc.constantFrom('anna', null))
  .map(([at, values, customerId]) => request(at, values, customerId))

test('what becomes of a request never depends on those that came with it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRequest, { minLength: 1, maxLength: 6 }), async (requests) => {
      const together = await through(requests)
      for (const [index, each] of requests.entries()) {
        const [alone] = await through([each])
        expect(outcome(together[index])).toEqual(outcome(alone))
      }
    }),
    { numRuns: 300 },
  )
})

test('every event is answered in its place, and only those without a mistake are stored', async () => {
  await fc.assert(
    fc.asyncProperty(anyRequest, async (each) => {
      const [owned] = await through([each])
      if (owned === undefined || owned.kind === 'refused') return
      const { status, body } = answerToEvents(owned)
      const stored = wanted(owned, new Map()).map(({ event }) => event)
      expect(body.results).toHaveLength(each.events.length)
      const accepted = body.results.filter((result) => 'id' in result)
      expect(stored).toHaveLength(accepted.length)
      expect(status).toBe(accepted.length === body.results.length ? 200 : accepted.length === 0 ? 400 : 207)
      expect(stored.map(({ payload }) => payload)).toEqual(
        each.events.filter((_, index) => 'id' in (body.results[index] ?? {})).map(({ text }) => text),
      )
    }),
    { numRuns: 300 },
  )
})

test('a name that the database cannot hold is looked up by nobody and known to nobody', async () => {
  const at = { kind: 'global' as const, webhookKey: 'global' }
  const requests = [request(at, [{ of: 'an\0na' }], null), request(at, [{ of: '\ud800' }], null)]
  const located = await Promise.all(requests.map((each) => locate(each, URLS)))
  expect(namesIn(located)).toEqual([])
  expect(await through(requests)).toMatchObject([
    { events: [{ kind: 'refused', key: 'customer_unknown' }] },
    { events: [{ kind: 'refused', key: 'customer_unknown' }] },
  ])
})

test('an event at a global URL is shown under the stream of who wants it, and starts their runs', async () => {
  const requests = [request({ kind: 'global', webhookKey: 'global' }, [{ of: 'anna' }], null)]
  const [owned] = await through(requests)
  const found = addressesFound(await through(requests), addressesNamed(requests))
  expect([...found.values()]).toEqual([{ webhookKey: 'global', customerId: 'anna' }])
  if (owned?.kind !== 'owned') throw new Error('it is taken')
  const run = { nodeKey: 'trigger', flowInstanceId: 'instance', customerId: 'anna' } as Wish['wanted'][number]
  const wishes = new Map([[[...found.keys()][0] ?? '', { subscriptionId: 'stream', wanted: [run], waitFields: [] }]])
  expect(wanted(owned, wishes)).toMatchObject([
    { event: { subscriptionId: 'stream', customerId: 'anna' }, runs: [{ run: { flowInstanceId: 'instance' } }] },
  ])
})
