import { createClient } from 'node-zendesk'
import type { Ticket } from 'node-zendesk/clients/core/tickets'
import { recordCase, type Wire } from './record-case.ts'

const ticket = {
  id: 35436,
  url: 'https://acme.zendesk.com/api/v2/tickets/35436.json',
  subject: 'The pipe leaks',
  description: 'It drips.',
  status: 'open',
  priority: 'high',
  type: 'incident',
  tags: ['pipes'],
  requester_id: 1,
  assignee_id: 2,
  group_id: 3,
  organization_id: 4,
  external_id: 't-1',
  custom_fields: [],
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
} satisfies Wire<Ticket>

const user = {
  id: 9873843,
  url: 'https://acme.zendesk.com/api/v2/users/9873843.json',
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  phone: '+4420',
  role: 'end-user',
  external_id: 'u-1',
  organization_id: 4,
  notes: '',
  tags: [],
  time_zone: 'London',
  locale: 'en-GB',
  verified: true,
  suspended: false,
  active: true,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
}

const page = { meta: { has_more: true, after_cursor: 'c2', before_cursor: 'c0' } }
const common = {
  connector: 'zendesk',
  makeApiClient: {
    slot: 'options.token.makeApiClient',
    credentials: { subdomain: 'acme', email: 'a@example.com', token: 't' },
  },
  client: (origin: string) => createClient({ username: 'a@example.com', token: 't', endpointUri: `${origin}/api/v2` }),
}

export const ZENDESK = [
  recordCase({
    ...common,
    collection: 'tickets',
    whole: { ticket },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: (zendesk) => zendesk.tickets.get(['tickets', { page: { after: 'c1' } }]),
        answer: { tickets: [ticket], ...page },
        gives: { records: [{ id: '35436', name: 'The pipe leaks' }], cursor: 'c2' },
      },
      {
        method: 'search',
        given: { query: 'drips', cursor: '2' },
        vendor: (zendesk) => zendesk.search.get(['search', { query: 'type:ticket drips', page: 2, per_page: 100 }]),
        answer: { results: [ticket], next_page: 'https://acme.zendesk.com/api/v2/search.json?page=3', count: 201 },
        gives: { records: [{ id: '35436' }], cursor: '3' },
      },
      {
        method: 'findById',
        given: { id: '35436' },
        vendor: (zendesk) => zendesk.tickets.show(35436),
        answer: { ticket },
        gives: { record: { id: '35436' } },
      },
      {
        method: 'create',
        given: { fields: { subject: 'The pipe leaks', description: 'It drips.', tags: ['pipes'] } },
        vendor: (zendesk) =>
          zendesk.tickets.create({
            ticket: { subject: 'The pipe leaks', description: 'It drips.', tags: ['pipes'] },
          } as never),
        answer: { ticket },
        status: 201,
        gives: { id: '35436' },
      },
      {
        method: 'update',
        given: { id: '35436', fields: { status: 'solved', description: 'is not written' } },
        vendor: (zendesk) => zendesk.tickets.update(35436, { ticket: { status: 'solved' } } as never),
        answer: { ticket },
        gives: { id: '35436' },
      },
      {
        method: 'delete',
        given: { id: '35436' },
        vendor: (zendesk) => zendesk.tickets.delete(35436),
        answer: {},
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'users',
    whole: { user },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: (zendesk) => zendesk.users.get(['users', { page: { after: 'c1' } }]),
        answer: { users: [user], meta: { has_more: false, after_cursor: 'c2' } },
        gives: { records: [{ id: '9873843', name: 'Ada Lovelace' }] },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: (zendesk) => zendesk.users.search({ query: 'email:"ada@example.com"' }),
        answer: { users: [{ ...user, id: 1, email: 'grada@example.com' }, user], next_page: null, count: 2 },
        gives: { record: { id: '9873843' } },
      },
      {
        method: 'findById',
        given: { id: '9873843' },
        vendor: (zendesk) => zendesk.users.show(9873843),
        answer: { user },
        gives: { record: { id: '9873843' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Ada Lovelace', email: 'ada@example.com' } },
        vendor: (zendesk) =>
          zendesk.users.create({ user: { name: 'Ada Lovelace', email: 'ada@example.com' } } as never),
        answer: { user },
        status: 201,
        gives: { id: '9873843' },
      },
      {
        method: 'update',
        given: { id: '9873843', fields: { suspended: true } },
        vendor: (zendesk) => zendesk.users.suspend(9873843),
        answer: { user },
        gives: { id: '9873843' },
      },
      {
        method: 'delete',
        given: { id: '9873843' },
        vendor: (zendesk) => zendesk.users.delete(9873843),
        answer: { user },
        gives: {},
      },
    ],
  }),
]
