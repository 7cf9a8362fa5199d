import type { z } from 'zod'
import type { ErrorKey } from './errors.ts'
import type { Permission } from './roles.ts'

/** Who may call: anybody, any valid token (a customer's sees only its own), or only an admin token. */
export type Access = 'public' | 'customer' | 'admin'

/** One row of the table from which the server's routes, OpenAPI and the client follow. */
export interface Endpoint {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `:name` marks a path parameter. */
  path: string
  summary: string
  access: Access
  /** What a role must allow, whoever asks in the workspace's own name; a customer's token is held to `access` alone. */
  needs: Permission
  query?: z.ZodObject
  body?: z.ZodType
  /** Whether the body is data that goes on (an input, a record), which may be as much as an event. */
  takesData?: true
  /** What a 2xx carries; null for an empty body. */
  answer: z.ZodType | null
  /** 200 where absent. */
  status?: 201 | 202
  /** Refusals beyond those every endpoint may give (see `refusalsOf`). */
  refusals: readonly ErrorKey[]
}

export type EndpointTable = Record<string, Endpoint>

/** Every refusal an endpoint may answer with: its own and those that follow from its access and shapes. */
export function refusalsOf(endpoint: Endpoint): ErrorKey[] {
  const keys = new Set<ErrorKey>(endpoint.refusals)
  if (endpoint.access !== 'public') keys.add('not_authenticated').add('access_denied')
  // What takes no body refuses one, so that nobody believes that it was read.
  if (endpoint.query !== undefined || endpoint.method !== 'GET') keys.add('invalid_input')
  return [...keys]
}
