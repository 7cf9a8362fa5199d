import { z } from 'zod'
import { JsonSchema, Meta } from './shapes.ts'

/** A record of an external app. `fields` are as the collection's schema says, or as a field mapping made them. */
export const DataRecord = z
  .looseObject({
    id: z.string(),
    name: z.string().optional(),
    uri: z.string().optional(),
    iconUri: z.string().optional(),
    fields: Meta.optional(),
    /** As the app has them, where `fields` are mapped. */
    rawFields: Meta.optional(),
    /** The model that `unifiedFields` follow. */
    udm: z.string().optional(),
    unifiedFields: Meta.optional(),
    createdTime: z.string().optional(),
    updatedTime: z.string().optional(),
    deletedTime: z.string().optional(),
    createdById: z.string().optional(),
    updatedById: z.string().optional(),
  })
  .meta({ id: 'DataRecord' })
export type DataRecord = z.infer<typeof DataRecord>

const Methods = {
  list: z.object({ filterFields: z.array(z.string()).optional() }).optional(),
  search: z.object({}).optional(),
  match: z.object({ fields: z.array(z.string()).optional() }).optional(),
  findById: z.object({}).optional(),
  create: z
    .object({
      fields: z.array(z.string()).optional(),
      requiredFields: z.array(z.string()).optional(),
      excludedFields: z.array(z.string()).optional(),
    })
    .optional(),
  update: z
    .object({ fields: z.array(z.string()).optional(), excludedFields: z.array(z.string()).optional() })
    .optional(),
  delete: z.object({}).optional(),
  find: z.object({ queryFields: z.array(z.string()).optional() }).optional(),
}

const EventSpec = z.object({
  /** `push`: the app tells; `pull`: it is asked again and again. */
  type: z.enum(['push', 'pull']),
  isFullScan: z.boolean().optional(),
  isIdOnly: z.boolean().optional(),
})

/** What can be done with a collection of an external app; a method that is absent is not offered. */
export const DataCollectionSpec = z
  .object({
    type: z.literal('collection'),
    key: z.string().optional(),
    name: z.string(),
    parametersSchema: JsonSchema.optional(),
    fieldsSchema: JsonSchema.optional(),
    customFields: z.boolean().optional(),
    udm: z
      .record(
        z.string(),
        z.object({ fields: z.array(z.string()).optional(), extract: Meta.optional(), parse: Meta.optional() }),
      )
      .optional(),
    ...Methods,
    events: z
      .object({
        created: EventSpec.optional(),
        updated: EventSpec.optional(),
        deleted: EventSpec.optional(),
      })
      .optional(),
  })
  .meta({ id: 'DataCollectionSpec' })
export type DataCollectionSpec = z.infer<typeof DataCollectionSpec>

export const DataCollectionListItem = z
  .object({
    key: z.string(),
    name: z.string(),
    type: z.literal('collection'),
    isHidden: z.boolean().optional(),
    relatedOperationKeys: z.array(z.string()).optional(),
  })
  .meta({ id: 'DataCollectionListItem' })

/** Parts of a collection that a list does not reach by itself: each is another list. */
const Drilldown = z.object({ parameters: Meta.optional(), filter: Meta.optional() })

const parameters = Meta.optional()

/** Requests and answers of the methods of a collection, by the word of their URL. */
export const recordMethods = {
  list: {
    body: z.object({
      filter: z.unknown().optional(),
      unifiedFilter: z.unknown().optional(),
      cursor: z.string().optional(),
      parameters,
    }),
    answer: z.object({
      records: z.array(DataRecord),
      cursor: z.string().optional(),
      drilldowns: z.array(Drilldown).optional(),
    }),
  },
  search: {
    body: z.object({ query: z.string(), cursor: z.string().optional(), parameters }),
    answer: z.object({ records: z.array(DataRecord), cursor: z.string().optional() }),
  },
  match: {
    body: z.object({ query: Meta, parameters }),
    takesData: true,
    answer: z.object({ record: DataRecord.optional() }),
  },
  findById: {
    body: z.object({ id: z.string().min(1), udm: z.string().optional(), parameters }),
    answer: z.object({ record: DataRecord }),
  },
  create: { body: z.object({ fields: Meta, parameters }), takesData: true, answer: z.object({ id: z.string() }) },
  update: {
    body: z.object({ id: z.string().min(1), fields: Meta, parameters }),
    takesData: true,
    answer: z.object({ id: z.string() }),
  },
  delete: { body: z.object({ id: z.string().min(1), parameters }), answer: z.looseObject({}) },
} as const
