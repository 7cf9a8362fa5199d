import { isRecord } from '../formulas/coercion.ts'
import type { ApiClient } from '../functions/function.ts'
import type { GuestRequest } from '../sandbox/call.ts'
import { objectIn } from './records.ts'

/**
 * A client whose requests are changed where an override says so: `{ apiRequests: [{ match: { path, method }, patch }] }`,
 * the query, headers and data of `patch` laid over those of every request that fits.
 */
export function overriding(client: ApiClient, override: unknown): ApiClient {
  const { apiRequests } = objectIn(override)
  const rules = Array.isArray(apiRequests) ? apiRequests.filter(isRecord) : []
  if (rules.length === 0) return client
  return {
    request(request, how) {
      const patches = rules.filter((rule) => fits(objectIn(rule.match), request)).map((rule) => objectIn(rule.patch))
      return client.request(patches.reduce(patched, request), how)
    },
  }
}

function fits(match: Record<string, unknown>, { uri, method }: GuestRequest): boolean {
  const isMethod = typeof match.method !== 'string' || match.method.toUpperCase() === method
  return isMethod && (typeof match.path !== 'string' || pattern(match.path).test(uri.split('?')[0] ?? ''))
}

/** `/tickets/{id}` fits whatever stands there. */
function pattern(path: string): RegExp {
  const parts = path.split(/\{[^{}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(`^${parts.join('[^/]+')}$`)
}

function patched(request: GuestRequest, patch: Record<string, unknown>): GuestRequest {
  const { query, headers, data } = patch
  return {
    ...request,
    ...(isRecord(query) ? { query: { ...request.query, ...query } } : {}),
    ...(isRecord(headers)
      ? {
          headers: {
            ...request.headers,
            ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
          },
        }
      : {}),
    ...(isRecord(data) ? { data: { ...objectIn(request.data), ...data } } : {}),
  }
}
