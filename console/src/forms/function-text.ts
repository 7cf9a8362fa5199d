/** What a function can be written as, and how that is called. */
export const FUNCTION_TYPES = {
  javascript: 'JavaScript',
  mapping: 'A value with formulas',
  'rest-api-mapping': 'One REST request',
  'graphql-api-mapping': 'One GraphQL request',
  'operation-mapping': 'An operation of the connector',
} as const
export type FunctionType = keyof typeof FUNCTION_TYPES

/** A function as it is edited: its code, or what it maps as JSON. */
export interface FunctionText {
  type: FunctionType
  text: string
  /** What else it says; kept as it is. */
  more: Record<string, unknown>
}

/** What the editor of a function begins with where it is written as something else than code. */
export const FUNCTION_STARTS: Record<Exclude<FunctionType, 'javascript'>, unknown> = {
  mapping: { id: { $var: '$.input.id' } },
  'rest-api-mapping': { method: 'GET', path: '/me' },
  'graphql-api-mapping': { path: '/graphql', operationType: 'query', requestMapping: [{ field: 'viewer' }] },
  'operation-mapping': { operationKey: '', inputMapping: { $var: '$.input' } },
}

/** Empty where there is none. */
export function textOfFunction(given: unknown): FunctionText | '' {
  if (typeof given !== 'object' || given === null) return ''
  const { type, code, mapping, ...more } = given as { type: FunctionType; code?: string; mapping?: unknown }
  return { type, text: type === 'javascript' ? (code ?? '') : JSON.stringify(mapping, null, 2), more }
}

/** The function that was written, or what is wrong with it. */
export function functionOf({ type, text, more }: FunctionText): object | string {
  if (type === 'javascript') return { type, code: text, ...more }
  try {
    return { type, mapping: JSON.parse(text) as unknown, ...more }
  } catch (error) {
    return `Not valid JSON: ${(error as Error).message}`
  }
}
