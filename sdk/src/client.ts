import type { Contract, Endpoint } from '@permea/contract'
import type { CallOptions, EndpointCall, LooseInput } from './endpoint-call.ts'
import facts from './facts.json' with { type: 'json' }
import { errorFrom, PermeaError } from './permea-error.ts'
import { pathWith, queryText } from './request-url.ts'
import { createTokenSource, type TokenSource } from './token-source.ts'

/** One function per endpoint of the contract, under its group: `permea.flowRuns.get({ params: { id } })`. */
export type Permea = {
  readonly [Group in keyof Contract]: {
    readonly [Name in keyof Contract[Group]]: Contract[Group][Name] extends infer E extends Endpoint
      ? EndpointCall<E>
      : never
  }
}

export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>

export type PermeaOptions = {
  /** Where the engine is, with the path it is mounted at, if any: `https://permea.example.com`. */
  baseUrl: string
  /** Takes the place of the global `fetch`. */
  fetch?: FetchFunction | undefined
  /** Takes the place of `JSON.parse` for answers: to keep the text of numbers that a double does not hold, say. */
  parseJson?: ((text: string) => unknown) | undefined
} & (
  | { token: string; fetchToken?: undefined }
  | {
      token?: undefined
      /** Called for the first request and again each time the engine no longer takes the token. */
      fetchToken: () => Promise<string>
    }
)

/**
 * A client of the engine at `baseUrl`. Nothing is sent until one of its functions is called.
 *
 * Every function resolves with the answer, rejects with `PermeaError` where the engine refuses, and with whatever
 * `fetch` rejected with where the engine could not be reached. Nothing is tried again, save once with a new token.
 * Answers are not checked against their shapes, so that a newer engine may answer with more.
 */
export function createPermea(options: PermeaOptions): Permea {
  const connection: Connection = {
    baseUrl: options.baseUrl.replace(/\/+$/, ''),
    tokens: createTokenSource(options.fetchToken ?? options.token),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    parseJson: options.parseJson ?? JSON.parse,
  }
  const groups = Object.entries<Record<string, string>>(facts.endpoints).map(([group, table]) => {
    const calls = Object.entries(table).map(([name, line]) => [name, callOf(connection, line)])
    return [group, Object.fromEntries(calls)]
  })
  return Object.fromEntries(groups) as Permea
}

interface Connection {
  baseUrl: string
  tokens: TokenSource
  fetch: FetchFunction
  parseJson: (text: string) => unknown
}

/** What a call needs to know of its endpoint. */
interface Request {
  method: string
  path: string
  isPublic: boolean
  hasAnswer: boolean
}

/** `line` is a row of what is printed from the contract: `GET /self`, `DELETE /flows/:selector empty`. */
function callOf(connection: Connection, line: string) {
  const [method = '', path = '', ...marks] = line.split(' ')
  const request = { method, path, isPublic: marks.includes('public'), hasAnswer: !marks.includes('empty') }
  return (input: LooseInput = {}, options: CallOptions = {}) => call(connection, request, input, options)
}

async function call(
  connection: Connection,
  endpoint: Request,
  input: LooseInput,
  options: CallOptions,
): Promise<unknown> {
  const path = pathWith(endpoint.path, input.params ?? {})
  const url = `${connection.baseUrl}${path}${queryText(input.query ?? {})}`
  const response = await withToken(connection, endpoint, (headers) =>
    connection.fetch(url, {
      method: endpoint.method,
      headers: { ...headers, ...(input.body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }),
  )
  const text = await response.text()
  if (!response.ok) throw errorFrom(`${endpoint.method} ${path}`, response.status, text)
  if (!endpoint.hasAnswer) return undefined
  try {
    return connection.parseJson(text)
  } catch (cause) {
    const message = `${endpoint.method} ${path} was answered with ${response.status} and something other than JSON`
    throw new PermeaError({ status: response.status, message, cause })
  }
}

/** A request refused for its token did nothing, so it is safe to send it again with a new one, whatever its method. */
async function withToken(
  { tokens }: Connection,
  endpoint: Request,
  send: (headers: Record<string, string>) => Promise<Response>,
): Promise<Response> {
  if (endpoint.isPublic) return send({})
  const token = await tokens.get()
  const response = await send({ authorization: `Bearer ${token}` })
  if (response.status !== 401 || !tokens.forget(token)) return response
  await response.body?.cancel()
  return send({ authorization: `Bearer ${await tokens.get()}` })
}
