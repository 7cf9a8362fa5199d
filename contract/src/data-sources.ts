import { z } from 'zod'
import {
  connectionEndpoints,
  dataElementInput,
  dataElementOutput,
  definitionEndpoints,
  instanceEndpoints,
  instanceSelector,
  integrationEndpoints,
} from './data-elements.ts'
import { DataCollectionSpec } from './data-records.ts'
import type { EndpointTable } from './endpoint.ts'

const fields = {
  /** A universal data model: which collection of an app it is, the app's connector says. */
  udm: z.string().nullish(),
  collectionKey: z.string().nullish(),
  collectionParameters: z.unknown().optional(),
  pullUpdatesIntervalSeconds: z.number().min(0).nullish(),
  fullSyncIntervalSeconds: z.number().min(0).nullish(),
  /** Older: `/data/<collection>?<parameter>=…`. */
  path: z.string().nullish(),
  defaultPath: z.string().nullish(),
}

/** A named pointer to a collection, which flows, actions and field mappings refer to. */
export const DataSource = z
  .object({
    ...dataElementOutput,
    udm: z.string().optional(),
    collectionKey: z.string().optional(),
    collectionParameters: z.unknown().optional(),
    pullUpdatesIntervalSeconds: z.number().optional(),
    fullSyncIntervalSeconds: z.number().optional(),
    path: z.string().optional(),
    defaultPath: z.string().optional(),
    /** What the app's connector has for the model, where nothing is chosen. */
    defaultCollectionKey: z.string().optional(),
    defaultCollectionParameters: z.unknown().optional(),
    collectionSpec: DataCollectionSpec.optional(),
    dataSourceId: z.string().optional(),
    universalDataSourceId: z.string().optional(),
  })
  .meta({ id: 'DataSource' })

export const DataSourceInput = z.object({
  ...dataElementInput,
  ...fields,
  dataSourceId: z.string().nullish(),
  universalDataSourceId: z.string().nullish(),
})

const kind = { path: 'data-sources', name: 'data source', answer: DataSource, input: DataSourceInput }

export const dataSources = {
  ...definitionEndpoints(kind),
  ...integrationEndpoints(kind),
} as const satisfies EndpointTable

export const DataSourceInstanceSelector = instanceSelector('dataSourceId', 'dataSourceKey').extend({
  dataSourceId: z.string().optional(),
  dataSourceKey: z.string().optional(),
  universalDataSourceId: z.string().optional(),
  udm: z.string().optional(),
})

export const dataSourceInstances = {
  ...instanceEndpoints({
    ...kind,
    path: 'data-source-instances',
    name: 'data source of a connection',
    selector: DataSourceInstanceSelector,
  }),
  ...connectionEndpoints(kind),
} as const satisfies EndpointTable
