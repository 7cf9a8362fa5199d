import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { logOf, paging, Timestamp, timeBounds } from './shapes.ts'

/** JavaScript (or TypeScript) whose default export is called with one argument. */
const JavascriptFunction = z.object({
  type: z.literal('javascript'),
  code: z.string().max(1_000_000),
  /** Of a `handle`: milliseconds until the sender is answered 200 all the same, and the work goes on behind it; 800 where absent. */
  answerWithinMs: z.number().int().min(100).max(10_000).optional(),
})

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

/** A field of a GraphQL request; values of `args` are formulas. */
const GraphqlField: z.ZodType<GraphqlField> = z.lazy(() =>
  z.object({
    field: z.string(),
    args: z.record(z.string(), z.unknown()).optional(),
    subFields: z.array(GraphqlField).optional(),
  }),
)
export interface GraphqlField {
  field: string
  args?: Record<string, unknown> | undefined
  subFields?: GraphqlField[] | undefined
}

/** One GraphQL request of the connection's API client. */
const GraphqlApiMappingFunction = z.object({
  type: z.literal('graphql-api-mapping'),
  mapping: z.object({
    path: z.string(),
    operationType: z.enum(['query', 'mutation']),
    requestMapping: z.array(GraphqlField),
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
  .discriminatedUnion('type', [
    JavascriptFunction,
    MappingFunction,
    RestApiMappingFunction,
    GraphqlApiMappingFunction,
    OperationMappingFunction,
  ])
  .meta({ id: 'FunctionDefinition' })
export type FunctionDefinition = z.infer<typeof FunctionDefinition>

/** The same as it may be given: plain source stands for JavaScript. */
export const FunctionInput = z
  .union([z.string().max(1_000_000), FunctionDefinition])
  .transform((given): FunctionDefinition => (typeof given === 'string' ? { type: 'javascript', code: given } : given))

/** `returned`, or why a call failed. */
export const FunctionCallOutcome = z.enum([
  'returned',
  'thrown',
  'cpu_timeout',
  'wall_timeout',
  'memory',
  'limit_exceeded',
  'overloaded',
  'never_settles',
  'load',
  'aborted',
  'crashed',
])
export type FunctionCallOutcome = z.infer<typeof FunctionCallOutcome>

const LogLine = z.object({ level: z.enum(['debug', 'info', 'warn', 'error']), message: z.string() })

/** A call of a function: neither what it was given nor what it returned, and no secrets. */
export const FunctionCall = z
  .object({
    id: z.string(),
    /** Whose function it is: an external event type, a connector, an action, a flow. */
    ownerId: z.string(),
    /** Which function of it. */
    slot: z.string(),
    /** On behalf of what it was called: an incoming webhook, a run. */
    sourceId: z.string().optional(),
    userId: z.string().optional(),
    integrationId: z.string().optional(),
    connectionId: z.string().optional(),
    outcome: FunctionCallOutcome,
    error: ErrorData.optional(),
    logs: z.array(LogLine).optional(),
    cpuMs: z.number(),
    durationMs: z.number(),
    hostCalls: z.number().int(),
    createdAt: Timestamp,
  })
  .meta({ id: 'FunctionCall' })

/** An answer that was recorded, for a request of a function that is tried out: the first that fits is taken, once. */
const RecordedAnswer = z.object({
  /** Any method where absent. */
  method: z.string().optional(),
  /** Any address where absent; a path fits whatever the query is. */
  uri: z.string().optional(),
  status: z.number().int().min(100).max(599).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.unknown().optional(),
})

export const FunctionTrialInput = z.object({
  function: FunctionInput,
  /**
   * Shown as the name of the file in errors. What a `handle`, `subscribe`, `unsubscribe` or `refresh` returns is looked at
   * as for a real call; slots of connectors are named with their place, as in `globalWebhooks.app.handle`.
   */
  slot: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'a slot has letters, digits, dots, dashes and underscores only')
    .optional(),
  args: z.record(z.string(), z.unknown()).optional(),
  /** Whose API client the function gets; its requests are really sent. */
  connectionId: z.string().optional(),
  /** Instead of a connection: nothing is sent. */
  answers: z.array(RecordedAnswer).max(100).optional(),
})

/** What a function did when it was tried out. */
export const FunctionTrial = z
  .object({
    callId: z.string(),
    /** `refused`: it returned what its slot does not take, or says itself that it failed; `error` is what a real call comes to. */
    outcome: z.enum([...FunctionCallOutcome.options, 'refused']),
    value: z.unknown().optional(),
    error: ErrorData.optional(),
    logs: z.array(LogLine),
    cpuMs: z.number(),
    durationMs: z.number(),
    /** In the order in which they were made; `status` is absent where no answer came. */
    requests: z.array(
      z.object({ client: z.string(), method: z.string(), uri: z.string(), status: z.number().int().optional() }),
    ),
  })
  .meta({ id: 'FunctionTrial' })

export const functions = {
  list: {
    method: 'GET',
    path: '/function-calls',
    summary: 'Calls of functions, newest first',
    access: 'admin',
    needs: 'read',
    query: z.object({
      ...paging,
      ...timeBounds,
      ownerId: z.string().optional(),
      sourceId: z.string().optional(),
      slot: z.string().optional(),
      /** `failed` stands for every outcome but `returned`. */
      outcome: z.enum([...FunctionCallOutcome.options, 'failed']).optional(),
      connectionId: z.string().optional(),
      customerId: z.string().optional(),
      userId: z.string().optional(),
    }),
    answer: logOf(FunctionCall),
    refusals: [],
  },
  get: {
    method: 'GET',
    path: '/function-calls/:id',
    summary: 'One call of a function',
    access: 'admin',
    needs: 'read',
    answer: FunctionCall,
    refusals: ['not_found'],
  },
  test: {
    method: 'POST',
    path: '/functions/test',
    summary: 'Try a function out: against a connection, or with answers that were recorded',
    access: 'admin',
    needs: 'test',
    body: FunctionTrialInput,
    takesData: true,
    answer: FunctionTrial,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
