import { z } from 'zod'
import {
  dataElementInput,
  dataElementOutput,
  definitionEndpoints,
  instanceEndpoints,
  instanceSelector,
} from './data-elements.ts'
import type { EndpointTable } from './endpoint.ts'
import { listOf, paging, QueryBoolean } from './shapes.ts'

/** Remembers which record of an external app is which record of yours. */
export const DataLinkTable = z
  .object({ ...dataElementOutput, dataLinkTableId: z.string().optional() })
  .meta({ id: 'DataLinkTable' })

export const DataLinkTableInput = z.object({ ...dataElementInput, dataLinkTableId: z.string().nullish() })

/** `import`: from the external record to yours; `export`: the other way. */
export const DataLink = z
  .object({
    id: z.string(),
    dataLinkTableInstanceId: z.string(),
    externalRecordId: z.string(),
    appRecordId: z.string(),
    direction: z.enum(['import', 'export']),
  })
  .meta({ id: 'DataLink' })

export const DataLinkInput = z.object({
  externalRecordId: z.string().min(1).max(2000),
  appRecordId: z.string().min(1).max(2000),
  /** `both` stands for two links. */
  direction: z.enum(['import', 'export', 'both']),
})

/** What a link that goes is known by; what is absent fits all. */
const DataLinkFilter = z.object({
  externalRecordId: z.string().optional(),
  appRecordId: z.string().optional(),
  direction: z.enum(['import', 'export', 'both']).optional(),
})

const kind = { path: 'data-link-tables', name: 'data link table', answer: DataLinkTable, input: DataLinkTableInput }

export const DataLinkTableInstanceSelector = instanceSelector('dataLinkTableId', 'dataLinkTableKey').extend({
  dataLinkTableId: z.string().optional(),
  dataLinkTableKey: z.string().optional(),
})

const linkQuery = { ...paging, ...DataLinkFilter.shape }
const ofTable = z.object({
  connectionId: z.string().optional(),
  connectionKey: z.string().optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  instanceKey: z.string().optional(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  autoCreate: QueryBoolean.optional(),
})

export const dataLinkTables = {
  ...definitionEndpoints(kind),
  links: {
    method: 'GET',
    path: '/data-link-tables/:selector/links',
    summary: 'Links of a table on a connection, newest first',
    access: 'customer',
    needs: 'read',
    query: ofTable.extend(linkQuery),
    answer: listOf(DataLink),
    refusals: ['not_found'],
  },
  createLink: {
    method: 'POST',
    path: '/data-link-tables/:selector/links',
    summary: 'Link two records; a link that is there already becomes the newest',
    access: 'customer',
    needs: 'customers',
    query: ofTable,
    body: DataLinkInput,
    answer: null,
    refusals: ['not_found'],
  },
  deleteLink: {
    method: 'DELETE',
    path: '/data-link-tables/:selector/links',
    summary: 'Take links away',
    access: 'customer',
    needs: 'customers',
    query: ofTable,
    body: DataLinkFilter,
    answer: null,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable

export const dataLinkTableInstances = {
  ...instanceEndpoints({
    ...kind,
    path: 'data-link-table-instances',
    name: 'data link table of a connection',
    selector: DataLinkTableInstanceSelector,
  }),
  links: {
    method: 'GET',
    path: '/data-link-table-instance/links',
    summary: 'Links of the selected table, newest first',
    access: 'customer',
    needs: 'read',
    query: DataLinkTableInstanceSelector.extend(linkQuery),
    answer: listOf(DataLink),
    refusals: ['not_found'],
  },
  createLink: {
    method: 'POST',
    path: '/data-link-table-instance/links',
    summary: 'Link two records',
    access: 'customer',
    needs: 'customers',
    query: DataLinkTableInstanceSelector,
    body: DataLinkInput,
    answer: null,
    refusals: ['not_found'],
  },
  deleteLink: {
    method: 'DELETE',
    path: '/data-link-table-instance/links',
    summary: 'Take links away',
    access: 'customer',
    needs: 'customers',
    query: DataLinkTableInstanceSelector,
    body: DataLinkFilter,
    answer: null,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
