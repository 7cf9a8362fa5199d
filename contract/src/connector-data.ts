import { z } from 'zod'
import { DedupeKey } from './dedupe-key.ts'
import { type FunctionDefinition, FunctionInput, FunctionDefinition as StoredFunction } from './functions.ts'

const Schema = z.record(z.string(), z.unknown())
const Parameters = z.record(z.string(), z.unknown())

/** What can be done with the records of a collection. */
export const RECORD_METHODS = ['list', 'findById', 'match', 'search', 'create', 'update', 'delete', 'find'] as const
export type RecordMethod = (typeof RECORD_METHODS)[number]

/** How a collection tells of changes; `all` stands for the three of them. */
export const RECORD_EVENTS = ['created', 'updated', 'deleted'] as const
export type RecordEvent = (typeof RECORD_EVENTS)[number]

/** Functions of the whole collection. */
export const COLLECTION_FUNCTIONS = [
  'fieldsFromApi',
  'fieldsToApi',
  'recordFromFields',
  'recordFromApi',
  'recordToApi',
  'spec',
  'customFieldsSchema',
] as const
export type CollectionFunction = (typeof COLLECTION_FUNCTIONS)[number]

/** Where a function is: given as such, or as the vendor's files have it, with its kind beside it. */
const implementation = {
  implementationType: z.string().optional(),
  filePath: z.string().optional(),
  isIncomplete: z.boolean().optional(),
  parametersSchema: Schema.optional(),
}

const methodSettings = {
  ...implementation,
  filterFields: z.array(z.string()).optional(),
  fields: z.array(z.string()).optional(),
  requiredFields: z.array(z.string()).optional(),
  excludedFields: z.array(z.string()).optional(),
  queryFields: z.array(z.string()).optional(),
}

const Method = z.object({ ...methodSettings, run: StoredFunction.optional() })
const EventMethod = z.object({ ...implementation, run: StoredFunction.optional() })

/** Ways to find out what changed, the best first. */
export const EVENT_IMPLEMENTATIONS = [
  'webhook',
  'connector-event',
  'pull-latest-records',
  'custom-pull',
  'full-scan',
] as const

function eventFields<M extends z.ZodType>(method: M) {
  return {
    implementationType: z.enum(EVENT_IMPLEMENTATIONS).optional(),
    isIdOnly: z.boolean().optional(),
    /** Of a full scan: `ignoredFields`; of a connector's event: its `key` and parameters. */
    parameters: Parameters.optional(),
    methods: z.record(z.string(), method).optional(),
    /** Of a webhook: what identifies an event, so that one that comes again is made once. */
    dedupeKey: DedupeKey.optional(),
  }
}

const common = {
  name: z.string().min(1).max(500),
  type: z.string().optional(),
  description: z.string().max(10_000).optional(),
  parametersSchema: Schema.optional(),
  fieldsSchema: Schema.optional(),
  /** Each connection has fields of its own, which `customFieldsSchema` tells. */
  customFields: z.boolean().optional(),
  isHidden: z.boolean().optional(),
  relatedOperationKeys: z.array(z.string()).optional(),
  /** Collections of the connector that this one takes over what it does not say itself from. */
  extends: z
    .array(z.object({ key: z.string().optional(), path: z.string().optional(), parameters: Parameters.optional() }))
    .max(20)
    .optional(),
}

function slots<Fn extends z.ZodType>(fn: Fn) {
  return {
    fieldsFromApi: fn.optional(),
    fieldsToApi: fn.optional(),
    recordFromFields: fn.optional(),
    recordFromApi: fn.optional(),
    recordToApi: fn.optional(),
    spec: fn.optional(),
    customFieldsSchema: fn.optional(),
  }
}

/** A collection of records that a connector knows of. */
export const ConnectorCollection = z.object({
  ...common,
  methods: z.record(z.string(), Method),
  events: z.record(z.string(), z.object(eventFields(EventMethod))).optional(),
  ...slots(StoredFunction),
})
export type ConnectorCollection = z.infer<typeof ConnectorCollection>
export type CollectionMethod = z.infer<typeof Method>
export type CollectionEvent = NonNullable<ConnectorCollection['events']>[string]

/** The function of a method as it is given: as `run`, or in the fields that stand beside its kind. */
function functionOf({
  run,
  implementationType,
  mapping,
  code,
}: {
  run?: FunctionDefinition | undefined
  implementationType?: string | undefined
  mapping?: unknown
  code?: string | undefined
}): FunctionDefinition | undefined {
  if (run !== undefined) return run
  if (code !== undefined) return { type: 'javascript', code }
  if (mapping === undefined || implementationType === undefined) return undefined
  const read = StoredFunction.safeParse({ type: implementationType, mapping })
  return read.success ? read.data : undefined
}

const given = { run: FunctionInput.optional(), mapping: z.unknown().optional(), code: z.string().optional() }

const MethodInput = z.object({ ...methodSettings, ...given }).transform(({ mapping, code, run, ...rest }) => ({
  ...rest,
  run: functionOf({ run, mapping, code, implementationType: rest.implementationType }),
}))
const EventMethodInput = z.object({ ...implementation, ...given }).transform(({ mapping, code, run, ...rest }) => ({
  ...rest,
  run: functionOf({ run, mapping, code, implementationType: rest.implementationType }),
}))

/** The same as it may be given: functions as plain source, or as the vendor's files have them. */
export const ConnectorCollectionInput = z
  .object({
    ...common,
    methods: z.record(z.string(), MethodInput).optional(),
    events: z.record(z.string(), z.object(eventFields(EventMethodInput))).optional(),
    ...slots(FunctionInput),
  })
  .transform((collection): ConnectorCollection => ({ ...collection, methods: collection.methods ?? {} }))

/** How the fields of a universal data model and those of a connector's collections become each other: formulas. */
export const ConnectorUdm = z.object({
  defaultCollection: z.object({ key: z.string(), parameters: Parameters.optional() }).optional(),
  rootDirectory: z.unknown().optional(),
  collectionMappings: z
    .array(
      z.object({
        key: z.string(),
        parameters: Parameters.optional(),
        fieldsFromCollection: z.unknown().optional(),
        fieldsToCollection: z.unknown().optional(),
      }),
    )
    .optional(),
})
export type ConnectorUdm = z.infer<typeof ConnectorUdm>
