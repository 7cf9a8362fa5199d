import type { NodeAbout } from './node-about.ts'

const formula = (title: string, description: string) => ({ title, description, format: 'formula' })

const dataSource = {
  type: 'object',
  title: 'Data source',
  description: 'By its key; or a collection of the app, or a universal data model, named here',
  properties: {
    key: {
      type: 'string',
      title: 'Key',
      description: 'Of a data source of the workspace',
      format: 'data-source-key',
    },
    collectionKey: formula('Collection', 'Of the app’s connector, where no data source is named'),
    collectionParameters: formula('Parameters', 'Of the collection'),
    udm: formula('Data model', 'Such as tasks: the app’s own collection for it'),
    pullUpdatesIntervalSeconds: {
      type: 'number',
      title: 'Look every (seconds)',
      description: 'For what is newest; at least 60',
    },
    fullSyncIntervalSeconds: {
      type: 'number',
      title: 'Scan every (seconds)',
      description: 'Through everything; at least 60',
    },
  },
}
const mappingKey = {
  type: 'string',
  title: 'Key',
  description: 'Of a field mapping of the workspace',
  format: 'field-mapping-key',
}
const mappingOf = (properties: Record<string, unknown>) => ({
  type: 'object',
  title: 'Field mapping',
  description: 'Between fields of the app and of your application; none where it is empty',
  properties: { key: mappingKey, ...properties },
})
/** Of what is read, and of what is written. */
const reading = mappingOf({
  includeRawFields: {
    type: 'boolean',
    title: 'Raw fields too',
    description: 'The app’s own fields beside the mapped ones',
  },
})
const writing = mappingOf({ input: formula('Input', 'What is written, in the shape of your application') })
const id = formula('Record id', 'In the external app')
const dataLinkTable = {
  type: 'object',
  title: 'Data link table',
  properties: { key: { type: 'string', title: 'Key', format: 'data-link-table-key' } },
}
const direction = {
  type: 'string',
  title: 'Direction',
  description: 'import: from the external record to yours; export: the other way',
  enum: ['import', 'export', 'both'],
}
const linked = {
  dataLinkTable,
  direction,
  externalRecordId: formula('External record', 'Its id in the external app'),
  appRecordId: formula('Your record', 'Its id in your application'),
}

function about(title: string, summary: string, properties: Record<string, unknown>): NodeAbout {
  return { title, summary, config: { type: 'object', properties } }
}

/** What nodes for records are called and configured by. */
export const RECORD_NODE_ABOUT: Readonly<Record<string, NodeAbout>> = {
  'data-record-created-trigger': about('Record created', 'Starts the flow when a record was made in the app', {
    dataSource,
    fieldMapping: reading,
  }),
  'data-record-updated-trigger': about('Record changed', 'Starts the flow when a record was changed in the app', {
    dataSource,
    fieldMapping: reading,
  }),
  'data-record-deleted-trigger': about('Record deleted', 'Starts the flow when a record is gone from the app', {
    dataSource,
    fieldMapping: reading,
  }),
  'list-data-records': about('List records', 'Reads every record of the app that fits, as one list', {
    dataSource,
    filter: formula('Filter', 'Fields of the collection with the values that are wanted'),
    unifiedFilter: formula('Filter by model', 'The same in fields of the data model'),
    fieldMapping: reading,
  }),
  'search-data-records': about('Search records', 'Records of the app that fit some words, one page', {
    dataSource,
    query: formula('Words', 'What is looked for'),
    cursor: formula('Cursor', 'Of the page before'),
    fieldMapping: reading,
  }),
  'find-data-record-by-id': about('Find a record', 'The record of the app with an id', {
    dataSource,
    id,
    fieldMapping: reading,
  }),
  'lookup-data-record': about('Match a record', 'The record of the app with certain fields, or none', {
    dataSource,
    lookup: {
      type: 'object',
      title: 'Fields',
      properties: {
        query: formula('Fields', 'Of the collection'),
        universalQuery: formula('Fields of the model', 'Of the data model'),
      },
    },
    fieldMapping: reading,
  }),
  'create-data-record': about('Create a record', 'Makes a record in the app', { dataSource, fieldMapping: writing }),
  'update-data-record': about('Change a record', 'Changes a record in the app', {
    dataSource,
    id,
    fieldMapping: writing,
  }),
  'delete-data-record': about('Delete a record', 'Deletes a record in the app', { dataSource, id }),
  'find-or-create-data-record': about(
    'Find or create a record',
    'The record with certain fields; made where there is none',
    {
      dataSource,
      lookupFields: formula('Fields', 'That tell the record'),
      createData: formula('Data', 'What it is made of'),
      fieldMapping: writing,
    },
  ),
  'create-data-link': about('Link records', 'Remembers which record of the app is which of yours', linked),
  'find-data-link': about('Find a link', 'The record that another one is linked to, or none', {
    dataLinkTable,
    direction,
    recordId: formula('Record', 'The id that is known'),
  }),
  'delete-data-link': about('Remove a link', 'Forgets which record of the app is which of yours', linked),
}
