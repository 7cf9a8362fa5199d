import { type OrganizationResponse, WorkOS } from '@workos-inc/node'
import { recordCase, type Wire } from './record-case.ts'

const organization = {
  object: 'organization',
  id: 'org_1',
  name: 'Acme',
  external_id: 'a-1',
  metadata: { plan: 'pro' },
  domains: [],
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-02T00:00:00.000Z',
} satisfies Wire<OrganizationResponse>

export const WORKOS = [
  recordCase({
    connector: 'workos',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { apiKey: 'sk_1' } },
    client: (origin: string) => {
      const { hostname, port } = new URL(origin)
      return new WorkOS('sk_1', { apiHostname: hostname, port: Number(port), https: false })
    },
    collection: 'organizations',
    whole: organization,
    steps: [
      {
        method: 'list',
        given: { cursor: 'org_0' },
        vendor: async ({ organizations }) =>
          (await organizations.listOrganizations({ limit: 100, after: 'org_0', order: 'asc' })).data,
        answer: { object: 'list', data: [organization], list_metadata: { before: null, after: 'org_1' } },
        gives: {
          records: [{ id: 'org_1', name: 'Acme', createdTime: '2026-01-01T00:00:00.000Z' }],
          cursor: 'org_1',
        },
      },
      {
        method: 'findById',
        given: { id: 'org_1' },
        vendor: ({ organizations }) => organizations.getOrganization('org_1'),
        answer: organization,
        gives: { record: { id: 'org_1', fields: { external_id: 'a-1' } } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Acme', external_id: 'a-1', metadata: { plan: 'pro' } } },
        vendor: ({ organizations }) =>
          organizations.createOrganization({ name: 'Acme', externalId: 'a-1', metadata: { plan: 'pro' } }),
        answer: organization,
        gives: { id: 'org_1' },
      },
      {
        method: 'update',
        given: { id: 'org_1', fields: { name: 'Acme Ltd' } },
        vendor: ({ organizations }) => organizations.updateOrganization({ organization: 'org_1', name: 'Acme Ltd' }),
        answer: organization,
        gives: { id: 'org_1' },
      },
      {
        method: 'delete',
        given: { id: 'org_1' },
        vendor: ({ organizations }) => organizations.deleteOrganization('org_1'),
        answer: {},
        gives: {},
      },
    ],
  }),
]
