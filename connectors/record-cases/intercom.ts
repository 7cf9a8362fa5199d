import { type Intercom, IntercomClient } from 'intercom-client'
import { recordCase, type Wire } from './record-case.ts'

const contact = {
  type: 'contact',
  id: '5ba682d23d7cf92bef87bfd4',
  role: 'user',
  external_id: 'u-1',
  email: 'ada@example.com',
  name: 'Ada Lovelace',
  phone: '+4420',
  avatar: null as never,
  owner_id: 1,
  signed_up_at: 1_767_225_600,
  last_seen_at: 1_767_225_600,
  unsubscribed_from_emails: false,
  created_at: 1_767_225_600,
  updated_at: 1_767_312_000,
} satisfies Wire<Intercom.Contact>

export const INTERCOM = [
  recordCase({
    connector: 'intercom',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: 'dG9r' } },
    client: (origin: string) => new IntercomClient({ token: 'dG9r', environment: origin, maxRetries: 0 }),
    collection: 'contacts',
    whole: contact,
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: async (intercom) => (await intercom.contacts.list({ per_page: 150, starting_after: 'c1' })).data,
        answer: {
          type: 'list',
          data: [contact],
          total_count: 1,
          pages: { type: 'pages', page: 1, next: { per_page: 150, starting_after: 'c2' }, total_pages: 2 },
        } satisfies Wire<Intercom.ContactList>,
        gives: {
          records: [
            {
              id: contact.id,
              name: 'Ada Lovelace',
              createdTime: '2026-01-01T00:00:00.000Z',
              updatedTime: '2026-01-02T00:00:00.000Z',
            },
          ],
          cursor: 'c2',
        },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: async (intercom) =>
          (
            await intercom.contacts.search({
              query: { operator: 'AND', value: [{ field: 'email', operator: '=', value: 'ada@example.com' }] },
              pagination: { per_page: 1 },
            })
          ).data,
        answer: { type: 'list', data: [contact], total_count: 1, pages: { type: 'pages', page: 1, total_pages: 1 } },
        gives: { record: { id: contact.id } },
      },
      {
        method: 'findById',
        given: { id: contact.id },
        vendor: (intercom) => intercom.contacts.find({ contact_id: contact.id }),
        answer: contact,
        gives: { record: { id: contact.id } },
      },
      {
        method: 'create',
        given: { fields: { email: 'ada@example.com', role: 'lead' } },
        vendor: (intercom) => intercom.contacts.create({ email: 'ada@example.com', role: 'lead' } as never),
        answer: contact,
        gives: { id: contact.id },
      },
      {
        method: 'update',
        given: { id: contact.id, fields: { name: 'Ada King' } },
        vendor: (intercom) => intercom.contacts.update({ contact_id: contact.id, name: 'Ada King' }),
        answer: contact,
        gives: { id: contact.id },
      },
      {
        method: 'delete',
        given: { id: contact.id },
        vendor: (intercom) => intercom.contacts.delete({ contact_id: contact.id }),
        answer: { type: 'contact', id: contact.id, deleted: true },
        gives: {},
      },
    ],
  }),
]
