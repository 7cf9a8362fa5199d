import type { QueryValue } from './endpoint-call.ts'

/**
 * The path of an endpoint with its parameters put in, each as one segment whatever characters it has.
 *
 * Refuses what no URL can carry as a segment: the empty text, and `.` and `..`, which every URL parser resolves away
 * even when they are percent-encoded, so that the request would reach another endpoint.
 *
 * @source WHATWG URL, "single-dot" and "double-dot URL path segment"
 */
export function pathWith(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = params[name]
    if (typeof value !== 'string') throw new TypeError(`${path} needs params.${name}`)
    if (value === '' || value === '.' || value === '..') {
      throw new TypeError(`${JSON.stringify(value)} cannot be params.${name} of ${path}: no URL can carry it`)
    }
    return encodeURIComponent(value)
  })
}

/** `?name=value&…` with dates in ISO 8601 and without what is undefined; empty where nothing is left. */
export function queryText(query: Readonly<Record<string, QueryValue>>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.append(name, value instanceof Date ? value.toISOString() : String(value))
  }
  return search.size === 0 ? '' : `?${search}`
}
