/** Where configurations name other elements, by key or as `{ key }`; and elements of which kind. */
const REFERENCES: Readonly<Record<string, string>> = {
  appEvent: 'app-event-type',
  appEventType: 'app-event-type',
  appEventTypeKey: 'app-event-type',
  dataSource: 'data-source',
  dataSourceKey: 'data-source',
  fieldMapping: 'field-mapping',
  fieldMappingKey: 'field-mapping',
  appDataSchema: 'app-data-schema',
  dataLinkTable: 'data-link-table',
  action: 'action',
  actionKey: 'action',
}

/** An element that a configuration names, and where it does. */
interface Reference {
  type: string
  key: string
  field: string
}

/** Keys that configurations name, wherever they stand. What a formula gives is known only when it runs. */
export function* referencesIn(value: unknown, at = ''): Generator<Reference> {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* referencesIn(each, `${at}.${index}`)
    return
  }
  if (!isRecord(value)) return
  for (const [name, each] of Object.entries(value)) {
    const field = at === '' ? name : `${at}.${name}`
    const type = REFERENCES[name]
    const key = isRecord(each) ? each.key : each
    if (type !== undefined && typeof key === 'string') yield { type, key, field }
    else yield* referencesIn(each, field)
  }
}

/** What an element hangs on, as the API answers it: what it follows, what it is of, and what its content names. */
export function dependenciesOf(of: {
  parent: Dependency | null
  integration?: Dependency | null
  content?: unknown
}): (Dependency & { type: 'PARENT' | 'CONFIGURATION' })[] {
  const named = new Map(
    [...referencesIn(of.content)].map(({ type, key }) => [`${type}:${key}`, { elementType: type, key }]),
  )
  return [
    ...(of.parent === null ? [] : [{ type: 'PARENT' as const, ...of.parent }]),
    ...[...(of.integration == null ? [] : [of.integration]), ...named.values()].map((each) => ({
      type: 'CONFIGURATION' as const,
      ...each,
    })),
  ]
}

interface Dependency {
  elementType: string
  key?: string
  element?: { id: string; key?: string; name: string }
}

/** An integration as what an element hangs on, as it stands beside that. */
export function integrationDependency(
  integration: { id: string; key?: string | undefined; name: string } | undefined,
): Dependency | null {
  if (integration === undefined) return null
  const { id, key, name } = integration
  const named = key === undefined ? {} : { key }
  return { elementType: 'integration', ...named, element: { id, ...named, name } }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
