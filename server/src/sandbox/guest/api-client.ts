import { parsedBody, readableBody } from './answers.ts'
import { freeze, host, isArray, isView, NativeArrayBuffer, NativeUint8Array, toText } from './intrinsics.ts'
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
  const answered = await ask('request', client, {
    method,
    uri: toText(uri),
    query: options.query === undefined && query === undefined ? undefined : { ...options.query, ...query },
    headers: options.headers,
    baseUri: options.baseUri,
    auth: options.auth,
    responseType: responseType === 'stream' ? 'arraybuffer' : responseType,
    ...carried(data),
  })
  if (returnFullResponse !== true) return readableBody(answered, responseType)
  return { data: parsedBody(answered, responseType), status: answered.status, headers: answered.headers }
}

function carried(data: unknown): { data?: unknown; dataBase64?: string } {
  if (data instanceof NativeArrayBuffer) return { dataBase64: host.encode(new NativeUint8Array(data), 'base64') }
  if (isView(data) && !isArray(data))
    return { dataBase64: host.encode(new NativeUint8Array(data.buffer, data.byteOffset, data.byteLength), 'base64') }
  return { data }
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
export function createApiClient(name: string): object {
  return freeze(createMethods(name))
}
