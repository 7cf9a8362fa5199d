import { setImmediate } from 'node:timers/promises'
import {
  contract,
  type Endpoint,
  type EndpointTable,
  ERRORS,
  ErrorData,
  IngressAnswer,
  refusalsOf,
} from '@permea/contract'
import { z } from 'zod'

type Json = Record<string, unknown>

/**
 * The contract as an OpenAPI document.
 *
 * @source OpenAPI Specification 3.1.0
 */
export async function openApi(publicUrl: string): Promise<Json> {
  printed ??= printContract()
  const { paths, schemas } = await printed
  return {
    openapi: '3.1.0',
    info: {
      title: 'Permea',
      version: '0.1.0',
      description: 'A self-hosted event engine for products that offer integrations to their customers.',
    },
    servers: [{ url: publicUrl }],
    security: [{ bearer: [] }],
    paths,
    components: { schemas, securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  }
}

/**
 * The contract does not change while the process lives, and printing it takes most of a second: it is printed for the
 * first who asks, in slices, so that nobody else waits for it.
 */
let printed: ReturnType<typeof printContract> | null = null
const SLICE_MS = 20

async function printContract(): Promise<{ paths: Record<string, Json>; schemas: Json }> {
  const paths: Record<string, Json> = {}
  const schemas: Json = {}
  const print = createPrinter(schemas)
  let sliceBegan = performance.now()
  for (const [group, table] of Object.entries(contract)) {
    for (const [name, endpoint] of Object.entries(table as EndpointTable)) {
      if (performance.now() - sliceBegan > SLICE_MS) {
        await setImmediate()
        sliceBegan = performance.now()
      }
      const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}')
      paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(group, name, endpoint, print) }
    }
  }
  for (const [path, summary] of [
    ['/webhooks/app-event-subscriptions/{uuid}', 'Events of one customer, one or a batch'],
    ['/webhooks/app-events/{webhookKey}', 'Events of any customer, by its token or by the tenant id formula'],
  ] as const) {
    paths[path] = { post: ingressOperation(path, summary, print) }
  }
  return { paths, schemas }
}

/** Prints shapes as JSON Schema; those with a name of their own become components and are referred to. */
type Printer = (shape: z.ZodType) => Json

function createPrinter(components: Json): Printer {
  // Most shapes stand at many endpoints, the one of errors at all of them.
  const known = new Map<z.ZodType, Json>()
  return (shape) => {
    const before = known.get(shape)
    if (before !== undefined) return before
    const { $schema: _, $defs, ...schema } = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' })
    for (const [name, definition] of Object.entries($defs ?? {})) components[name] = referring(definition)
    const printed = referring(schema) as Json
    known.set(shape, printed)
    return printed
  }
}

/** References into the shape become references into the document. */
function referring(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as unknown
}

function content(schema: Json): Json {
  return { 'application/json': { schema } }
}

function operation(group: string, name: string, endpoint: Endpoint, print: Printer): Json {
  const refusals = Map.groupBy(refusalsOf(endpoint), (key) => ERRORS[key].status)
  const responses: Json = {
    [String(endpoint.status ?? 200)]: {
      description: 'Done',
      ...(endpoint.answer === null ? {} : { content: content(print(endpoint.answer)) }),
    },
  }
  for (const [status, keys] of refusals) {
    responses[String(status)] = {
      description: keys.map((key) => `\`${key}\`: ${ERRORS[key].meaning}`).join('\n\n'),
      content: content(print(ErrorData)),
    }
  }
  return {
    operationId: `${group}.${name}`,
    tags: [group],
    summary: endpoint.summary,
    ...(endpoint.access === 'public' ? { security: [] } : {}),
    parameters: [...pathParameters(endpoint.path), ...queryParameters(endpoint, print)],
    ...(endpoint.body === undefined ? {} : { requestBody: { content: content(print(endpoint.body)) } }),
    responses,
  }
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/[:{](\w+)/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(endpoint: Endpoint, print: Printer): Json[] {
  if (endpoint.query === undefined) return []
  return Object.entries(endpoint.query.shape).map(([name, shape]) => ({
    name,
    in: 'query',
    required: false,
    schema: print(shape as z.ZodType),
  }))
}

function ingressOperation(path: string, summary: string, print: Printer): Json {
  return {
    operationId: path.includes('subscriptions') ? 'webhooks.appEventSubscription' : 'webhooks.appEvents',
    tags: ['webhooks'],
    summary,
    parameters: pathParameters(path),
    requestBody: { content: content({ oneOf: [{ type: 'object' }, { type: 'array', items: { type: 'object' } }] }) },
    responses: {
      '200': { description: 'All accepted', content: content(print(IngressAnswer)) },
      '207': { description: 'Some accepted', content: content(print(IngressAnswer)) },
      '400': { description: 'None accepted', content: content(print(ErrorData)) },
      '404': { description: 'No such URL', content: content(print(ErrorData)) },
      '410': { description: 'Archived', content: content(print(ErrorData)) },
      '503': { description: 'Overloaded; nothing was stored', content: content(print(ErrorData)) },
    },
  }
}
