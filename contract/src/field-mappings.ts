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
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { Formula, JsonSchema } from './shapes.ts'

const values = {
  /** Fields of the universal data model → fields of your app, and back. */
  defaultImportValue: Formula,
  defaultExportValue: Formula,
  /** Fields of the collection → fields of your app, and back; composed of the defaults where nobody wrote them. */
  importValue: Formula,
  exportValue: Formula,
  unifiedImportValue: Formula,
  unifiedExportValue: Formula,
  frozenImportFields: z.unknown().optional(),
  frozenExportFields: z.unknown().optional(),
  frozenUnifiedExportFields: z.unknown().optional(),
}
const formulas = Object.fromEntries(Object.keys(values).map((name) => [name, z.unknown().optional()])) as {
  [Name in keyof typeof values]: z.ZodOptional<z.ZodUnknown>
}
const direction = z.enum(['import', 'export', 'both'])

/** Turns records of a data source into the shape of your app, and back. */
export const FieldMapping = z
  .object({
    ...dataElementOutput,
    dataSourceId: z.string().optional(),
    dataSourceUuid: z.string().optional(),
    dataSourceKey: z.string().optional(),
    direction: direction.optional(),
    appSchema: JsonSchema.optional(),
    ...formulas,
    /** Of the collection that the data source points to. */
    dataSourceSchema: JsonSchema.optional(),
    dataSourceInstanceId: z.string().optional(),
    error: ErrorData.optional(),
    fieldMappingId: z.string().optional(),
    universalFieldMappingId: z.string().optional(),
  })
  .meta({ id: 'FieldMapping' })

export const FieldMappingInput = z.object({
  ...dataElementInput,
  dataSourceId: z.string().nullish(),
  dataSourceUuid: z.string().nullish(),
  dataSourceKey: z.string().nullish(),
  direction: direction.nullish(),
  appSchema: JsonSchema.nullish(),
  ...formulas,
  fieldMappingId: z.string().nullish(),
  universalFieldMappingId: z.string().nullish(),
})

const MappingRun = z.object({ direction: z.enum(['import', 'export']).optional(), input: z.unknown().optional() })
const MappingRunAnswer = z.object({ output: z.unknown().optional() })

const kind = { path: 'field-mappings', name: 'field mapping', answer: FieldMapping, input: FieldMappingInput }

export const fieldMappings = {
  ...definitionEndpoints(kind),
  ...integrationEndpoints(kind),
  appSchema: {
    method: 'GET',
    path: '/field-mappings/:selector/app-schema',
    summary: 'The schema of your app’s side',
    access: 'customer',
    needs: 'read',
    query: z.object({ integrationKey: z.string().optional(), connectionId: z.string().optional() }),
    answer: JsonSchema,
    refusals: ['not_found'],
  },
  run: {
    method: 'POST',
    path: '/field-mappings/:selector/run',
    summary: 'Map fields as the definition does, before any connection has its own: `import` or `export`',
    access: 'customer',
    needs: 'test',
    query: z.object({ integrationKey: z.string().optional(), integrationId: z.string().optional() }),
    body: MappingRun,
    takesData: true,
    answer: MappingRunAnswer,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable

export const FieldMappingInstanceSelector = instanceSelector('fieldMappingId', 'fieldMappingKey').extend({
  fieldMappingId: z.string().optional(),
  fieldMappingKey: z.string().optional(),
  universalFieldMappingId: z.string().optional(),
  dataSourceInstanceId: z.string().optional(),
})

export const fieldMappingInstances = {
  ...instanceEndpoints({
    ...kind,
    path: 'field-mapping-instances',
    name: 'field mapping of a connection',
    selector: FieldMappingInstanceSelector,
  }),
  ...connectionEndpoints(kind),
  run: {
    method: 'POST',
    path: '/field-mapping-instances/:id/run',
    summary: 'Map fields: of the collection to your app’s (`import`), or back (`export`)',
    access: 'customer',
    needs: 'test',
    body: MappingRun,
    takesData: true,
    answer: MappingRunAnswer,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
