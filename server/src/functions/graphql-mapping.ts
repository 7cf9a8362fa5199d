import type { FunctionDefinition, GraphqlField } from '@permea/contract'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'

type GraphqlMapping = Extract<FunctionDefinition, { type: 'graphql-api-mapping' }>['mapping']

/** Fields within fields; deeper than this no API answers. */
const DEPTH_MAX = 30

/**
 * The request of a GraphQL mapping: one operation whose arguments stand in it as values, with formulas evaluated. An
 * argument that comes to nothing is left out.
 *
 * @source the published client's `GraphQLApiMappingSchema`; values as in the GraphQL specification (October 2021, 2.9)
 */
export async function graphqlRequest(mapping: GraphqlMapping, args: Record<string, unknown>): Promise<GuestRequest> {
  const selection = await selectionOf(mapping.requestMapping, args, 0)
  return { method: 'POST', uri: mapping.path, data: { query: `${mapping.operationType} ${selection}` } }
}

async function selectionOf(
  fields: readonly GraphqlField[],
  args: Record<string, unknown>,
  depth: number,
): Promise<string> {
  if (depth > DEPTH_MAX) throw new RangeError(`the request has fields deeper than ${DEPTH_MAX}`)
  const parts: string[] = []
  for (const { field, args: given, subFields } of fields) {
    const values = given === undefined ? {} : await evaluateFormula(given, args)
    const named = Object.entries((values ?? {}) as Record<string, unknown>).filter(([, value]) => value !== undefined)
    const list = named.map(([name, value]) => `${name}: ${literal(value)}`).join(', ')
    const below =
      subFields === undefined || subFields.length === 0 ? '' : ` ${await selectionOf(subFields, args, depth + 1)}`
    parts.push(`${field}${list === '' ? '' : `(${list})`}${below}`)
  }
  return `{ ${parts.join(' ')} }`
}

/** JSON but for the names of an object's fields, which stand without quotes. */
function literal(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  const fields = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{${fields.map(([name, each]) => `${name}: ${literal(each)}`).join(', ')}}`
}

/** What is wrong with a GraphQL mapping by itself: names that are none would change what is around them. */
export function graphqlProblem(mapping: GraphqlMapping): string | null {
  if (mapping.path === '') return 'the request has no path'
  if (mapping.requestMapping.length === 0) return 'the request asks for no field'
  const wrong = wrongName(mapping.requestMapping, 0)
  return wrong === null ? null : `${JSON.stringify(wrong)} is no name of a field or argument`
}

function wrongName(fields: readonly GraphqlField[], depth: number): string | null {
  if (depth > DEPTH_MAX) return '…'
  for (const { field, args, subFields } of fields) {
    // An alias, a fragment on a type and directives may stand with a field's name.
    if (!/^(?:\.\.\. *on +)?[_A-Za-z][\w]*(?: *: *[_A-Za-z]\w*)?$/.test(field.trim())) return field
    const named = Object.keys(args ?? {}).find((name) => !/^(?:\$?)[_A-Za-z]\w*$/.test(name))
    const wrong = named ?? wrongName(subFields ?? [], depth + 1)
    if (wrong !== null && wrong !== undefined) return wrong
  }
  return null
}

/** The errors of a GraphQL answer, which come with a status of success. */
export function graphqlErrors(body: unknown): { message: string; errors: unknown[] } | null {
  const errors = typeof body === 'object' && body !== null ? (body as { errors?: unknown }).errors : undefined
  if (!Array.isArray(errors) || errors.length === 0) return null
  const { message } = (errors[0] ?? {}) as { message?: unknown }
  return {
    message: typeof message === 'string' ? message : 'the app answered with errors',
    errors: errors.slice(0, 10),
  }
}

/**
 * What a response mapping sees as `response`: `data` holds the fields that were asked for, and the whole body as well,
 * for mappings that go through `data.data`.
 */
export function graphqlResponse(
  body: unknown,
  { headers, status }: Extract<GuestAnswer, { kind: 'answered' }>,
): Record<string, unknown> {
  const whole = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  const inner = typeof whole.data === 'object' && whole.data !== null ? (whole.data as Record<string, unknown>) : {}
  return { data: { ...whole, ...inner }, headers, statusCode: status }
}
