import type { FunctionDefinition } from '@permea/contract'
import { answerValue, bodyText } from '../bodies/body-value.ts'
import { FormulaTooLarge } from '../formulas/bounds.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import { isRecord } from '../formulas/coercion.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { GuestAnswer, GuestError, GuestRequest } from '../sandbox/call.ts'
import type { FunctionCall, FunctionFailure } from './function.ts'
import { graphqlErrors, graphqlProblem, graphqlRequest, graphqlResponse } from './graphql-mapping.ts'

type Definition<Type extends FunctionDefinition['type']> = Extract<FunctionDefinition, { type: Type }>

/** What a function that is no code came to, before it is masked and recorded. */
export type MappingOutcome =
  | { kind: 'returned'; value: unknown }
  | { kind: 'failed'; failure: FunctionFailure; error: GuestError }

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const

/** What can never work in a function that is no code; null where nothing is surely wrong. */
export function mappingProblem(definition: Exclude<FunctionDefinition, { type: 'javascript' }>): string | null {
  if (definition.type === 'rest-api-mapping') {
    if (methodOf(definition.mapping.method) === null)
      return `the method ${JSON.stringify(definition.mapping.method)} is not one of ${METHODS.join(', ')}`
    if (definition.mapping.path === '') return 'the request has no path'
  }
  if (definition.type === 'graphql-api-mapping') {
    const wrong = graphqlProblem(definition.mapping)
    if (wrong !== null) return wrong
  }
  const problem = checkFormula(definition.mapping)[0]
  return problem === undefined ? null : `${problem.path}: ${problem.message}`
}

/**
 * Evaluates a `mapping` over the argument, makes the one request of a `rest-api-mapping` or `graphql-api-mapping`, or runs the operation of an
 * `operation-mapping`. `counted` grows with what is sent.
 *
 * @source wire facts C.6; `{name}` in a path takes a path parameter, as in OpenAPI
 */
export async function callMapping(
  definition: Exclude<FunctionDefinition, { type: 'javascript' }>,
  call: Pick<FunctionCall, 'args' | 'clients' | 'runOperation' | 'signal' | 'context'>,
  counted: { requests: number },
): Promise<MappingOutcome> {
  try {
    switch (definition.type) {
      case 'mapping':
        return { kind: 'returned', value: await evaluateFormula(definition.mapping, call.args, whose(call.context)) }
      case 'rest-api-mapping':
        return await sendMapped(definition, call, counted)
      case 'graphql-api-mapping':
        return await askMapped(definition, call, counted)
      case 'operation-mapping':
        return await runMapped(definition, call)
    }
  } catch (error) {
    if (!(error instanceof FormulaTooLarge)) throw error
    return { kind: 'failed', failure: 'limit_exceeded', error: { message: error.message } }
  }
}

async function sendMapped(
  { mapping }: Definition<'rest-api-mapping'>,
  { args, clients, signal, context }: Pick<FunctionCall, 'args' | 'clients' | 'signal' | 'context'>,
  counted: { requests: number },
): Promise<MappingOutcome> {
  const client = clients?.apiClient
  if (client === undefined) return thrown('there is no API client for a request mapping here', 'no_api_client')
  const method = methodOf(mapping.method)
  if (method === null) return thrown(`the method ${JSON.stringify(mapping.method)} is not one of ${METHODS.join(', ')}`)
  const { pathParameters, query, data, headers } = mapping.requestMapping ?? {}
  const uri = filledPath(mapping.path, await evaluateFormula(pathParameters, args, whose(context)))
  if ('missing' in uri) return thrown(`the path parameter ${uri.missing} has no value`, 'path_parameter_missing')
  if ('wrong' in uri)
    return thrown(`the path parameter ${uri.wrong} would lead to another path`, 'path_parameter_wrong')
  const request: GuestRequest = { method, uri: uri.path }
  const [queryValue, dataValue, headerValues] = await Promise.all([
    evaluateFormula(query, args, whose(context)),
    evaluateFormula(data, args, whose(context)),
    evaluateFormula(headers, args, whose(context)),
  ])
  if (isRecord(queryValue)) request.query = queryValue
  if (dataValue !== undefined) request.data = dataValue
  if (isRecord(headerValues)) request.headers = textsOf(headerValues)
  counted.requests += 1
  const answer = await client.request(request, signal === undefined ? {} : { signal })
  if (answer.kind === 'failed') return { kind: 'failed', failure: 'thrown', error: answer.error }
  const body = valueOfAnswer(answer)
  if (mapping.responseMapping === undefined) return { kind: 'returned', value: body }
  const response = { data: body, headers: answer.headers, statusCode: answer.status }
  return {
    kind: 'returned',
    value: await evaluateFormula(mapping.responseMapping, { ...args, response }, whose(context)),
  }
}

async function askMapped(
  { mapping }: Definition<'graphql-api-mapping'>,
  { args, clients, signal, context }: Pick<FunctionCall, 'args' | 'clients' | 'signal' | 'context'>,
  counted: { requests: number },
): Promise<MappingOutcome> {
  const client = clients?.apiClient
  if (client === undefined) return thrown('there is no API client for a request mapping here', 'no_api_client')
  counted.requests += 1
  const answer = await client.request(await graphqlRequest(mapping, args), signal === undefined ? {} : { signal })
  if (answer.kind === 'failed') return { kind: 'failed', failure: 'thrown', error: answer.error }
  const body = valueOfAnswer(answer)
  const refused = graphqlErrors(body)
  if (refused !== null) {
    const { message, errors } = refused
    return {
      kind: 'failed',
      failure: 'thrown',
      error: { type: 'connection', key: 'graphql_errors', message, data: { errors } },
    }
  }
  const response = graphqlResponse(body, answer)
  if (mapping.responseMapping === undefined) return { kind: 'returned', value: response.data }
  return {
    kind: 'returned',
    value: await evaluateFormula(mapping.responseMapping, { ...args, response }, whose(context)),
  }
}

async function runMapped(
  { mapping }: Definition<'operation-mapping'>,
  { args, runOperation, context }: Pick<FunctionCall, 'args' | 'runOperation' | 'context'>,
): Promise<MappingOutcome> {
  if (runOperation === undefined) return thrown('there are no operations here', 'no_operations')
  const input =
    mapping.inputMapping === undefined ? args.input : await evaluateFormula(mapping.inputMapping, args, whose(context))
  const outcome = await runOperation(mapping.operationKey, input)
  if (outcome.kind === 'failed') {
    const { type, message, key, data } = outcome.error
    const error = { type, message, ...(key === undefined ? {} : { key }), ...(data === undefined ? {} : { data }) }
    return { kind: 'failed', failure: outcome.failure, error }
  }
  if (mapping.outputMapping === undefined) return { kind: 'returned', value: outcome.value }
  return {
    kind: 'returned',
    value: await evaluateFormula(mapping.outputMapping, { ...args, output: outcome.value }, whose(context)),
  }
}

/** Whose time formulas take: those of one customer must not delay others'. */
function whose({ customerId, workspaceId }: FunctionCall['context']): { owner: string } {
  return { owner: customerId ?? workspaceId }
}

function thrown(message: string, key?: string): MappingOutcome {
  return { kind: 'failed', failure: 'thrown', error: { message, ...(key === undefined ? {} : { key }) } }
}

function methodOf(text: string): GuestRequest['method'] | null {
  return METHODS.find((method) => method === text.toUpperCase()) ?? null
}

function filledPath(path: string, parameters: unknown): { path: string } | { missing: string } | { wrong: string } {
  let missing: string | null = null
  let wrong: string | null = null
  const filled = path.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = isRecord(parameters) && Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (value === undefined || value === null || value === '') missing ??= name
    // Of all values these alone change what is around them, however they are encoded (RFC 3986 section 5.2.4).
    if (/^\.{1,2}$/.test(String(value))) wrong ??= name
    return encodeURIComponent(String(value))
  })
  if (missing !== null) return { missing }
  return wrong === null ? { path: filled } : { wrong }
}

/** The value of an answer's body; null where it is empty. */
export function valueOfAnswer({ headers, body }: Extract<GuestAnswer, { kind: 'answered' }>): unknown {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return answerValue(bodyText(body, type) ?? body.toString('utf8'), type)
}

function textsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  )
}
