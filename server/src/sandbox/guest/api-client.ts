import { parsedBody, readableBody } from './answers.ts'
import { jsonBody, writtenBody } from './bodies.ts'
import { freeze, host, keys, toLower, toText } from './intrinsics.ts'
import { ask } from './waiting.ts'

/** The options of a request of an API client. */
interface Options {
  baseUri?: string
  headers?: Record<string, string>
  query?: Record<string, unknown>
  auth?: { username: string; password: string }
  returnFullResponse?: boolean
  responseType?: 'json' | 'text' | 'arraybuffer' | 'stream'
}

type Query = Record<string, unknown>

/** One request of a client, answered with what its caller reads. */
export async function send(
  client: string,
  method: string,
  uri: unknown,
  { data, query, options = {} }: { data?: unknown; query?: Query | undefined; options?: Options | undefined },
): Promise<unknown> {
  const { returnFullResponse, responseType } = options
  const { type, ...body } = carried(data)
  const answered = await ask('request', client, {
    method,
    uri: toText(uri),
    query: options.query === undefined && query === undefined ? undefined : { ...options.query, ...query },
    headers: withType(options.headers, type),
    baseUri: options.baseUri,
    auth: options.auth,
    responseType: responseType === 'stream' ? 'arraybuffer' : responseType,
    ...body,
  })
  if (returnFullResponse !== true) return readableBody(answered, responseType)
  return { data: parsedBody(answered, responseType), status: answered.status, headers: answered.headers }
}

/** The body of a request, and its type where the body itself says it. */
function carried(data: unknown): { data?: unknown; dataBase64?: string; type?: string } {
  const written = writtenBody(data)
  if (written === null) return { data: jsonBody(data) }
  const dataBase64 = host.encode(written.bytes, 'base64')
  return written.type === null ? { dataBase64 } : { dataBase64, type: written.type }
}

/** The caller's headers, and the type of the body where they do not name one. */
function withType(
  headers: Record<string, string> | undefined,
  type: string | undefined,
): Record<string, string> | undefined {
  if (type === undefined) return headers
  const given = { ...headers }
  for (const name of keys(given)) if (toLower(name) === 'content-type') return given
  return { ...given, 'content-type': type }
}

/** The methods that every client has. */
export function createMethods(client: string) {
  const withData = (method: string) => (uri: string, data?: unknown, options?: Options) =>
    send(client, method, uri, { data, options })
  return {
    get: (uri: string, query?: Query, options?: Options) => send(client, 'GET', uri, { query, options }),
    post: withData('POST'),
    put: withData('PUT'),
    patch: withData('PATCH'),
    delete: withData('DELETE'),
  }
}

/** `apiClient` as functions get it. */
export function createGuestApiClient(name: string): object {
  return freeze(createMethods(name))
}
