import { z } from 'zod'

/** JavaScript (or TypeScript) whose default export is called with one argument. */
const JavascriptFunction = z.object({ type: z.literal('javascript'), code: z.string().max(1_000_000) })

/** Any value over the function's arguments; formulas inside are evaluated. */
const MappingFunction = z.object({ type: z.literal('mapping'), mapping: z.unknown() })

/** One request of the connection's API client. */
const RestApiMappingFunction = z.object({
  type: z.literal('rest-api-mapping'),
  mapping: z.object({
    path: z.string(),
    method: z.string(),
    requestMapping: z
      .object({
        pathParameters: z.unknown().optional(),
        query: z.unknown().optional(),
        data: z.unknown().optional(),
        headers: z.unknown().optional(),
      })
      .optional(),
    responseMapping: z.unknown().optional(),
  }),
})

/** One operation of the connector. */
const OperationMappingFunction = z.object({
  type: z.literal('operation-mapping'),
  mapping: z.object({
    operationKey: z.string(),
    inputMapping: z.unknown().optional(),
    outputMapping: z.unknown().optional(),
  }),
})

/** What users define behaviour with, wherever a slot takes a function. */
export const FunctionDefinition = z
  .discriminatedUnion('type', [JavascriptFunction, MappingFunction, RestApiMappingFunction, OperationMappingFunction])
  .meta({ id: 'FunctionDefinition' })
export type FunctionDefinition = z.infer<typeof FunctionDefinition>

/** The same as it may be given: plain source stands for JavaScript. */
export const FunctionInput = z
  .union([z.string().max(1_000_000), FunctionDefinition])
  .transform((given): FunctionDefinition => (typeof given === 'string' ? { type: 'javascript', code: given } : given))
