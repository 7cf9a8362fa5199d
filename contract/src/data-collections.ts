import { z } from 'zod'
import { DataCollectionListItem, DataCollectionSpec, recordMethods } from './data-records.ts'
import type { EndpointTable } from './endpoint.ts'
import type { ErrorKey } from './errors.ts'

/** Parameters of a collection stand in the query, one pair each, beside a request of any method. */
const query = z.object({}).catchall(z.string())

const failing = ['not_found', 'archived', 'connection_failed', 'not_supported'] as const satisfies readonly ErrorKey[]
const at = '/connections/:connectionSelector/data/:key'
const method = { method: 'POST', access: 'customer', needs: 'test', query } as const

/** Collections of data in external apps, and the records in them. */
export const dataCollections = {
  list: {
    method: 'GET',
    path: '/connections/:connectionSelector/data',
    summary: 'Collections of a connection',
    access: 'customer',
    needs: 'read',
    answer: z.array(DataCollectionListItem),
    refusals: ['not_found'],
  },
  get: {
    method: 'GET',
    path: at,
    summary: 'What can be done with a collection, with the fields that the connection has of its own',
    access: 'customer',
    needs: 'read',
    query,
    answer: DataCollectionSpec,
    refusals: ['not_found', 'connection_failed'],
  },
  refresh: {
    ...method,
    path: `${at}/refresh`,
    summary: 'The same, computed anew',
    answer: DataCollectionSpec,
    refusals: ['not_found', 'connection_failed'],
    needs: 'customers',
  },
  listRecords: {
    ...method,
    path: `${at}/list`,
    summary: 'One page of records; `cursor` leads to the next one, `drilldowns` to what the list does not reach',
    ...recordMethods.list,
    refusals: failing,
  },
  searchRecords: {
    ...method,
    path: `${at}/search`,
    summary: 'Records that fit some words',
    ...recordMethods.search,
    refusals: failing,
  },
  matchRecord: {
    ...method,
    path: `${at}/match`,
    summary: 'The record with certain fields; no `record` where there is none',
    ...recordMethods.match,
    refusals: failing,
  },
  findRecordById: {
    ...method,
    path: `${at}/find-by-id`,
    summary: 'One record',
    ...recordMethods.findById,
    refusals: failing,
  },
  createRecord: {
    ...method,
    path: `${at}/create`,
    summary: 'Create a record; fields that cannot be written are left out',
    ...recordMethods.create,
    refusals: failing,
  },
  updateRecord: {
    ...method,
    path: `${at}/update`,
    summary: 'Change a record',
    ...recordMethods.update,
    refusals: failing,
  },
  deleteRecord: {
    ...method,
    path: `${at}/delete`,
    summary: 'Delete a record',
    ...recordMethods.delete,
    refusals: failing,
  },
  listOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/data',
    summary: 'Collections of the connector of an integration',
    access: 'customer',
    needs: 'read',
    answer: z.array(DataCollectionListItem),
    refusals: ['not_found'],
  },
  getOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/data/:key',
    summary: 'What can be done with a collection, without what only a connection knows',
    access: 'customer',
    needs: 'read',
    query,
    answer: DataCollectionSpec,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
