/** Ids of the product that workspaces are brought from, 24 hexadecimal digits: no such id is of here. */
const FOREIGN_ID = /^[\da-f]{24}$/

/** Names of others in an element that may come from elsewhere. */
interface Named {
  integrationId?: string | null | undefined
  integrationKey?: string | null | undefined
  integrationUuid?: string | null | undefined
  /** The integration itself, as older exports hold it. */
  integration?: unknown
}

/** The first of these that may be an id, a key or a uuid of here; null where there is none. */
export function ownName(names: readonly unknown[]): string | null {
  const own = names.find((each) => typeof each === 'string' && each !== '' && !FOREIGN_ID.test(each))
  return own === undefined ? null : String(own)
}

/** Whether something is named, if only by what it was elsewhere. */
export function isNamed(names: readonly unknown[]): boolean {
  return names.some((each) => typeof each === 'string' && each !== '')
}

/** Which integration an element is of; beside an id from elsewhere the key that stands with it tells. */
export function integrationNamed(of: Named): string | null {
  const { integrationId, integrationKey, integrationUuid } = of
  const own = ownName([integrationId, integrationKey])
  if (own !== null) return own
  const { key, uuid } = Object(of.integration) as { key?: unknown; uuid?: unknown }
  const beside = isNamed([integrationId]) ? [key, integrationUuid, uuid] : [integrationUuid]
  return ownName(beside) ?? (isNamed([integrationId]) ? String(integrationId) : null)
}
