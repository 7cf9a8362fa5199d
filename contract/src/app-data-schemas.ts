import { z } from 'zod'
import {
  dataElementInput,
  dataElementOutput,
  definitionEndpoints,
  instanceEndpoints,
  instanceSelector,
} from './data-elements.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { JsonSchema } from './shapes.ts'

/** A schema of your app's data, the same for everybody or computed for each customer by `code`. */
export const AppDataSchema = z
  .object({
    ...dataElementOutput,
    schema: JsonSchema.optional(),
    code: z.string().optional(),
    error: ErrorData.optional(),
    appDataSchemaId: z.string().optional(),
  })
  .meta({ id: 'AppDataSchema' })

export const AppDataSchemaInput = z.object({
  ...dataElementInput,
  schema: JsonSchema.nullish(),
  /** JavaScript whose default export is given `{ user }` and returns a schema. */
  code: z.string().max(1_000_000).nullish(),
  appDataSchemaId: z.string().nullish(),
})

const kind = { path: 'app-data-schemas', name: 'app data schema', answer: AppDataSchema, input: AppDataSchemaInput }

export const appDataSchemas = definitionEndpoints(kind) satisfies EndpointTable

export const AppDataSchemaInstanceSelector = instanceSelector('appDataSchemaId', 'appDataSchemaKey').extend({
  appDataSchemaId: z.string().optional(),
  appDataSchemaKey: z.string().optional(),
})

export const appDataSchemaInstances = instanceEndpoints({
  ...kind,
  path: 'app-data-schema-instances',
  name: 'app data schema of a customer',
  selector: AppDataSchemaInstanceSelector,
}) satisfies EndpointTable
