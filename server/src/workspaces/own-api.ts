import type { Readable } from 'node:stream'
import { ErrorData, parseExactJson } from '@permea/contract'
import type { FastifyInstance } from 'fastify'
import type { Allowance } from '../bodies/allowance.ts'
import type { ApiClient } from '../functions/function.ts'
import type { GuestAnswer, GuestError } from '../sandbox/call.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Tokens } from './tokens.ts'
import type { AppUser } from './your-app.ts'

/** A token lives as long as the longest call could need. */
const TOKEN_LIFE_SECONDS = 120
const TIMEOUT_MS = 60_000
/** Of an answer; the proxy of connections passes on more. */
const ANSWER_BYTES_MAX = 10 * 1024 * 1024
/**
 * Requests of one customer's functions that are under way at the same time. A function that runs an action that runs
 * a function, and so on, holds one for each: so it ends.
 */
const UNDER_WAY_MAX = 20

export interface OwnApiOptions {
  app(): FastifyInstance
  publicUrl: string
  directory: WorkspaceDirectory
  tokens: Tokens
}

/** The engine's own API for functions of users: `membrane`, also called `engineApiClient`. */
export interface OwnApi {
  /** With the rights of one customer, whoever wrote the function. An answer that is not 2xx is a failure. */
  clientFor(workspaceId: string, user: AppUser): ApiClient
}

/**
 * Requests go to the routes in this process, not over the network.
 *
 * @source wire facts C.7
 */
export function createOwnApi(options: OwnApiOptions): OwnApi {
  const underWay = new Map<string, number>()

  async function send(slot: string, work: () => Promise<GuestAnswer>): Promise<GuestAnswer> {
    const count = underWay.get(slot) ?? 0
    if (count >= UNDER_WAY_MAX)
      return failed({
        key: 'rate_limit_exceeded',
        message: `functions of this customer have ${UNDER_WAY_MAX} requests to this API under way already`,
      })
    underWay.set(slot, count + 1)
    try {
      return await work()
    } finally {
      const left = (underWay.get(slot) ?? 1) - 1
      if (left === 0) underWay.delete(slot)
      else underWay.set(slot, left)
    }
  }

  return {
    clientFor: (workspaceId, user) => ({
      request(request, how = {}) {
        const url = pathOf(request.uri, options.publicUrl)
        if (url === null)
          return Promise.resolve(failed({ key: 'invalid_request', message: 'the path leads out of this API' }))
        return send(`${workspaceId} ${user.internalId}`, async () => {
          const workspace = await options.directory.byId(workspaceId)
          const token = await options.tokens.signOwn(workspace, { id: user.internalId }, TOKEN_LIFE_SECONDS)
          for (const [name, value] of Object.entries(request.query ?? {}))
            if (value !== undefined && value !== null) url.searchParams.set(name, String(value))
          const sent = bodyOf(request)
          // Also ends what goes on of itself, as streams of events do, when enough of it was read.
          const over = new AbortController()
          const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(how.signal === undefined ? [] : [how.signal])]
          try {
            const answer = await options.app().inject({
              method: request.method,
              url: url.pathname + url.search,
              headers: {
                ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
                ...Object.fromEntries(Object.entries(request.headers ?? {}).map(([k, v]) => [k.toLowerCase(), v])),
                authorization: `Bearer ${token}`,
              },
              ...(sent === undefined ? {} : { payload: sent }),
              signal: AbortSignal.any([...signals, over.signal]),
              payloadAsStream: true,
            })
            const body = await bodyIn(answer.stream(), how.allowance)
            if (body === null) return failed({ key: 'limit_exceeded', message: 'the answer is longer than 10 MB' })
            return answered(answer.statusCode, answer.headers, body)
          } catch (error) {
            if (!signals.some((signal) => signal.aborted)) throw error
            return failed({ key: 'request_failed', message: 'this API did not answer in time' })
          } finally {
            over.abort()
          }
        })
      },
    }),
  }
}

/** The address as a path of this API; null where it is another's. */
function pathOf(uri: string, publicUrl: string): URL | null {
  const base = new URL(publicUrl.endsWith('/') ? publicUrl : `${publicUrl}/`)
  const text = URL.canParse(uri) ? uri : uri.replace(/^\/+/, '')
  if (!URL.canParse(text, base.href)) return null
  const url = new URL(text, base.href)
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return null
  // What stands in front of the engine may serve it below a path, which it does not know itself.
  url.pathname = url.pathname.slice(base.pathname.length - 1)
  return url
}

/** Null where it is too long, or longer than is allowed just now. */
async function bodyIn(stream: Readable, allowance: Allowance | undefined): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    const { length } = chunk as Buffer
    bytes += length
    if (bytes > ANSWER_BYTES_MAX || allowance?.take(length) === false) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function bodyOf({ data, dataBase64 }: { data?: unknown; dataBase64?: string }): Buffer | string | undefined {
  if (dataBase64 !== undefined) return Buffer.from(dataBase64, 'base64')
  if (data === undefined || data === null) return undefined
  return typeof data === 'string' ? data : JSON.stringify(data)
}

function answered(status: number, headers: Record<string, unknown>, body: Buffer): GuestAnswer {
  if (status >= 200 && status < 300) {
    const flat = Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    )
    return { kind: 'answered', status, headers: Object.fromEntries(flat), body }
  }
  const error = ErrorData.safeParse(parsed(body))
  if (!error.success) return failed({ key: 'request_failed', message: `this API answered ${status}`, data: { status } })
  const { type, key, message, data } = error.data
  return failed({ type, message, ...(key === undefined ? {} : { key }), ...(data === undefined ? {} : { data }) })
}

function parsed(body: Buffer): unknown {
  try {
    return parseExactJson(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function failed(error: GuestError): GuestAnswer {
  return { kind: 'failed', error: { type: 'custom_code', ...error } }
}
