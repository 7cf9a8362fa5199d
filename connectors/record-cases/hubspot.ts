import { Client } from '@hubspot/api-client'
import { recordCase } from './record-case.ts'

const object = (properties: Record<string, string>) => ({
  id: '51',
  properties,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-02T00:00:00.000Z',
  archived: false,
})

const common = {
  connector: 'hubspot',
  makeApiClient: { slot: 'makeApiClient', credentials: { access_token: 'pat-1' } },
  client: (origin: string) => new Client({ accessToken: 'pat-1', basePath: origin, numberOfApiCallRetries: 0 }),
}

interface Objects {
  collection: 'contacts' | 'companies' | 'deals' | 'tickets'
  /** The properties that are read, with values. */
  properties: Record<string, string>
  name: string
  matched: string
}

const EQ = 'EQ' as never

/** All objects of the CRM have the same methods. */
function objects({ collection, properties, name, matched }: Objects) {
  const record = object(properties)
  const names = Object.keys(properties)
  const wanted = { [matched]: properties[matched] ?? '' }
  return recordCase({
    ...common,
    collection,
    whole: record,
    steps: [
      {
        method: 'list',
        given: { cursor: '50' },
        vendor: ({ crm }) => crm[collection].basicApi.getPage(100, '50', names),
        answer: { results: [record], paging: { next: { after: '51', link: '?after=51' } } },
        gives: {
          records: [{ id: '51', name, fields: properties, updatedTime: '2026-01-02T00:00:00.000Z' }],
          cursor: '51',
        },
        besides: ['archived'],
      },
      {
        method: 'search',
        given: { query: 'ada', cursor: '50' },
        vendor: ({ crm }) =>
          crm[collection].searchApi.doSearch({ query: 'ada', limit: 100, after: '50', properties: names }),
        answer: { total: 1, results: [record] },
        gives: { records: [{ id: '51' }] },
      },
      {
        method: 'match',
        given: { query: wanted },
        vendor: ({ crm }) => {
          const filters = Object.entries(wanted).map(([propertyName, value]) => ({ propertyName, operator: EQ, value }))
          return crm[collection].searchApi.doSearch({ filterGroups: [{ filters }], limit: 1, properties: names })
        },
        answer: { total: 1, results: [record] },
        gives: { record: { id: '51' } },
      },
      {
        method: 'findById',
        given: { id: '51' },
        vendor: ({ crm }) => crm[collection].basicApi.getById('51', names),
        answer: record,
        gives: { record: { id: '51', fields: properties } },
        besides: ['archived'],
      },
      {
        method: 'create',
        given: { fields: properties },
        vendor: ({ crm }) => crm[collection].basicApi.create({ properties }),
        answer: record,
        status: 201,
        gives: { id: '51' },
      },
      {
        method: 'update',
        given: { id: '51', fields: wanted },
        vendor: ({ crm }) => crm[collection].basicApi.update('51', { properties: wanted }),
        answer: record,
        gives: { id: '51' },
      },
      {
        method: 'delete',
        given: { id: '51' },
        vendor: ({ crm }) => crm[collection].basicApi.archive('51'),
        answer: {},
        status: 204,
        gives: {},
      },
    ],
  })
}

export const HUBSPOT = [
  objects({
    collection: 'contacts',
    properties: {
      email: 'ada@example.com',
      firstname: 'Ada',
      lastname: 'Lovelace',
      phone: '+4420',
      company: 'Acme',
      jobtitle: 'Countess',
      website: 'https://ada.example',
      address: '12 St James',
      city: 'London',
      country: 'UK',
      lifecyclestage: 'lead',
    },
    name: 'Ada Lovelace',
    matched: 'email',
  }),
  objects({
    collection: 'companies',
    properties: {
      name: 'Acme',
      domain: 'acme.example',
      phone: '+4420',
      industry: 'COMPUTER_SOFTWARE',
      address: '12 St James',
      city: 'London',
      country: 'UK',
      description: 'Engines',
    },
    name: 'Acme',
    matched: 'domain',
  }),
  objects({
    collection: 'deals',
    properties: {
      dealname: 'Engine',
      amount: '1500.00',
      dealstage: 'closedwon',
      pipeline: 'default',
      closedate: '2026-02-01T00:00:00Z',
      dealtype: 'newbusiness',
      description: 'One engine',
    },
    name: 'Engine',
    matched: 'dealname',
  }),
  objects({
    collection: 'tickets',
    properties: {
      subject: 'It leaks',
      content: 'Oil',
      hs_pipeline: '0',
      hs_pipeline_stage: '1',
      hs_ticket_priority: 'HIGH',
    },
    name: 'It leaks',
    matched: 'subject',
  }),
]
