/**
 * The published client selects elements in the path by a text and in the query by an object: `/integration/data/tickets?key=crm`
 * is `/integrations/crm/data/tickets`. Kinds whose endpoints are not written twice are found at their one path.
 *
 * @source @membranehq/sdk 0.28.3
 */
export function unselected(method: string, url: string): string {
  const [, singular = '', rest = '', search = ''] = SELECTED.exec(url) ?? []
  if (singular === '' || !isAlias(method, singular, rest)) return url
  const query = new URLSearchParams(search)
  const name = ['id', 'key', 'uuid'].find((each) => (query.get(each) ?? '') !== '')
  if (name === undefined) return url
  const selector = encodeURIComponent(query.get(name) ?? '')
  query.delete(name)
  return `/${singular}s/${selector}${rest}${query.size === 0 ? '' : `?${query}`}`
}

const SELECTED = /^\/(integration|app-event-type|field-mapping)((?:\/[^?]*)?)\?(.*)$/

/** Endpoints that are in the contract by themselves stay what they are. */
function isAlias(method: string, singular: string, rest: string): boolean {
  if (singular === 'field-mapping') return rest === '/app-schema' || rest === '/run'
  return singular !== 'integration' || rest !== '' || method !== 'GET'
}
