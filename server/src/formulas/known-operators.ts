const NAMES = [
  'var',
  'copy',
  'tpl',
  'record',
  'lookup',
  'plain',
  'map',
  'concat',
  'firstName',
  'lastName',
  'iterate',
  'case',
  'extractDate',
  'extractTime',
  'findExternalRecordId',
  'findAppRecordId',
  'eval',
  'and',
  'or',
  'mergeObjects',
  'firstNotEmpty',
  'domainFromEmail',
  'formula',
  'jsonata',
  'dataSchemaRef',
] as const

/** An operator's name without its `$`. */
export type OperatorName = (typeof NAMES)[number]

const BY_KEY: ReadonlyMap<string, OperatorName> = new Map(NAMES.map((name) => [`$${name}`, name]))

/**
 * Which operator an object is; undefined for a plain object. The first key decides alone: further keys do not matter,
 * and an unknown `$foo` is a key like any other.
 *
 * @source observed on the published client
 */
export function operatorOf(value: Record<string, unknown>): OperatorName | undefined {
  for (const firstKey in value) return Object.hasOwn(value, firstKey) ? BY_KEY.get(firstKey) : undefined
  return undefined
}
