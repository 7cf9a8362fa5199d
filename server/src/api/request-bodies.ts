import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fieldsOfForm } from '../bodies/body-value.ts'
import type { Intake, Sender } from '../bodies/intake.ts'
import { parseJsonInTurns } from '../bodies/json.ts'
import { DEFINITION_VALUES_MAX, JSON_VALUES_MAX } from '../bodies/limits.ts'
import { Refusal } from './refusal.ts'

/** A head that is not whole after so long is refused, in milliseconds. */
export const HEAD_MS_MAX = 15_000
/** How exactly the limits on the time of heads and requests are kept. */
const CONNECTIONS_CHECK_MS = 2000
export const HEADS = { headersTimeout: HEAD_MS_MAX, connectionsCheckingInterval: CONNECTIONS_CHECK_MS }

/** A request that is not whole after so long is refused, in milliseconds, also where its body passes through to an app. */
export const REQUEST_MS_MAX = 600_000

/** Who was answered before the body was whole may still send for so long; what comes is thrown away. */
const LINGER_MS = 5000

/** Who sends a request, and to what. */
export interface RequestSender extends Sender {
  /** Where a token or the address of a webhook proves it. */
  customerId: string | null
  /** What the address of a webhook belongs to, as on the wire. */
  elementId: string | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it, as far as that is known; hooks add to it before the body is read. */
    sender: RequestSender
    /** The body as it came; null until it is read. */
    receivedBody: Buffer | null
    /** The answer under way: while it is not closed, the body counts as being in hand. */
    answerStream: ServerResponse
  }
}

/** Notes of every request where it comes from, before anything of its body is read. */
export function noteSenders(app: FastifyInstance): void {
  app.decorateRequest('sender')
  app.decorateRequest('answerStream')
  app.decorateRequest('receivedBody', null)
  app.addHook('onRequest', (request, reply, done) => {
    request.sender = { address: request.ip, owner: null, workspaceId: null, customerId: null, elementId: null }
    request.answerStream = reply.raw
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    if (!request.raw.complete) setTimeout(() => request.raw.complete || request.raw.destroy(), LINGER_MS).unref()
    done()
  })
}

/** The body of a request, within the budget that all requests share. */
export async function bodyOf(
  request: FastifyRequest,
  payload: Readable,
  intake: Intake,
  bytesMax?: number,
): Promise<Buffer> {
  const body = await intake.read(payload, {
    sender: request.sender,
    contentLength: request.headers['content-length'],
    until: request.answerStream,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  })
  request.receivedBody = body
  return body
}

/** What defines something is looked at value by value; what is only passed on may hold as much as an event. */
function valuesMaxOf({ routeOptions: { config } }: FastifyRequest): number {
  return (config as { takesData?: boolean }).takesData === true ? JSON_VALUES_MAX : DEFINITION_VALUES_MAX
}

/** JSON, forms, and the empty form bodies that clients send with body-less writes. */
export function readBodies(app: FastifyInstance, intake: Intake): void {
  app.removeAllContentTypeParsers()
  const text = async (request: FastifyRequest, payload: Readable) =>
    (await bodyOf(request, payload, intake)).toString('utf8')
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: Readable) => {
    const body = await text(request, payload)
    return body === '' ? undefined : parseJsonInTurns(body, valuesMaxOf(request))
  })
  app.addContentTypeParser('application/x-www-form-urlencoded', async (request: FastifyRequest, payload: Readable) => {
    const body = await text(request, payload)
    if (body === '') return undefined
    // Text that is sent without saying what it is comes under this type too.
    if (/^\s*[[{]/.test(body)) return parseJsonInTurns(body, valuesMaxOf(request))
    return fieldsOfForm(body)
  })
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    if ((await text(request, payload)) === '') return undefined
    throw new Refusal(
      'unsupported_content_type',
      `bodies are JSON or form data, not ${request.headers['content-type']}`,
    )
  })
}

/** A query without what clients leave out by writing `key=`. */
export function withoutBlanks(query: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query as Record<string, unknown>).filter(([, value]) => value !== ''))
}
