import { z } from 'zod'
import { DataCollectionSpec, recordMethods } from './data-records.ts'
import { DataSourceInstanceSelector } from './data-sources.ts'
import type { EndpointTable } from './endpoint.ts'
import type { ErrorKey } from './errors.ts'
import { Meta } from './shapes.ts'

const failing = ['not_found', 'connection_failed', 'not_supported'] as const satisfies readonly ErrorKey[]
const at = '/data-source-instance/collection'
const method = {
  method: 'POST',
  access: 'customer',
  needs: 'test',
  query: DataSourceInstanceSelector,
  refusals: failing,
} as const

/** Records of the collection that a connection's data source points to. */
export const dataSourceRecords = {
  collection: {
    method: 'GET',
    path: at,
    summary: 'What can be done with the collection that it points to',
    access: 'customer',
    needs: 'read',
    query: DataSourceInstanceSelector,
    answer: DataCollectionSpec,
    refusals: ['not_found', 'connection_failed'],
  },
  listRecords: { ...method, path: `${at}/list`, summary: 'One page of its records', ...recordMethods.list },
  searchRecords: { ...method, path: `${at}/search`, summary: 'Records that fit some words', ...recordMethods.search },
  matchRecord: { ...method, path: `${at}/match`, summary: 'The record with certain fields', ...recordMethods.match },
  findRecordById: { ...method, path: `${at}/find-by-id`, summary: 'One record', ...recordMethods.findById },
  createRecord: { ...method, path: `${at}/create`, summary: 'Create a record', ...recordMethods.create },
  updateRecord: { ...method, path: `${at}/update`, summary: 'Change a record', ...recordMethods.update },
  deleteRecord: { ...method, path: `${at}/delete`, summary: 'Delete a record', ...recordMethods.delete },
  findRecords: {
    ...method,
    path: `${at}/find`,
    summary: 'Older: records by a query; a list with a filter does the same',
    body: z.object({ query: z.unknown().optional(), cursor: z.string().optional() }),
    answer: recordMethods.search.answer,
  },
  unifiedFieldsToNative: {
    method: 'POST',
    path: '/data-source-instance/unified-fields-to-native',
    summary: 'Fields of the universal data model as the app has them',
    access: 'customer',
    needs: 'test',
    query: DataSourceInstanceSelector,
    body: z.looseObject({ unifiedFields: Meta.optional() }),
    takesData: true,
    answer: Meta,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
