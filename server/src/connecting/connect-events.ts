import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import { Refusal } from '../api/refusal.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { connectionError } from '../connections/failure.ts'
import { connectionById } from '../connections/store.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { ConnectStep } from './connect.ts'
import { requestsByName } from './request-store.ts'

/** A stream ends after this time; clients open another one. */
const STREAM_MS = 15 * 60_000
const BEAT_MS = 20_000
const STREAMS_MAX = 1_000
/** Of these, streams of one customer, and of tokens of one workspace that are no customer's. */
const STREAMS_OF_CUSTOMER_MAX = 50
const STREAMS_OF_WORKSPACE_MAX = 500

/** Tells whoever waits for a request to connect what came of it, by server-sent events and by the page's message. */
export interface ConnectEvents {
  mount(app: FastifyInstance): void
  /** What the page that asked is told; holds no secrets. */
  messageFor(step: Extract<ConnectStep, { kind: 'connected' | 'failed' }>, requestId: string): Promise<object>
  stop(): void
}

interface Stream {
  workspaceId: string
  /** Null for an admin, who hears of any customer's. */
  customerId: string | null
  requestId: string
  reply: FastifyReply
  endsAtMs: number
}

export function createConnectEvents(options: {
  database: Database
  ownership: Ownership
  authenticate: Authenticate
  connections: ConnectionParts
}): ConnectEvents {
  const { database, connections } = options
  const streams = new Set<Stream>()
  let beating: NodeJS.Timeout | null = null

  options.ownership.listen({
    noticed(notice) {
      if (notice.about !== 'connection-request') return
      for (const stream of streams)
        if (stream.workspaceId === notice.workspaceId && stream.requestId === notice.requestId)
          // Who is not told now asks again: streams end by themselves.
          tell(stream).catch(() => stream.reply.raw.end())
    },
  })

  async function tell(stream: Stream): Promise<void> {
    const { workspaceId, customerId, requestId } = stream
    const [row, another] = await requestsByName(database.db, { workspaceId, customerId, requestId })
    // Nobody can say whose is meant.
    if (another !== undefined) return void stream.reply.raw.end()
    if (row === undefined || row.status === 'pending') return
    const connection =
      row.connectionId === null ? null : await connectionById(database.db, workspaceId, row.connectionId)
    const message =
      connection === null
        ? failureMessage(
            requestId,
            row.error ?? connectionError('connection_failed', 'the request was cancelled'),
            null,
          )
        : await successMessage(requestId, connection)
    stream.reply.raw.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  }

  async function successMessage(requestId: string, connection: Parameters<typeof connections.views.answer>[0]) {
    const answer = await connections.views.answer(connection)
    return { source: 'integration.app', requestId, type: 'newConnectionCreated', connection: answer }
  }

  function beat(): void {
    for (const stream of streams) {
      if (stream.endsAtMs < performance.now()) stream.reply.raw.end()
      else stream.reply.raw.write(': still here\n\n')
    }
  }

  async function open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { token } = request.query as { token?: string }
    const { requestId = '' } = request.params as { requestId?: string }
    const principal = await options.authenticate(
      token === undefined ? request.headers.authorization : `Bearer ${token}`,
      'customers',
    )
    if (!principal.isAdmin && principal.customerId === null)
      throw new Refusal('access_denied', 'a customer’s token, or an admin’s, is needed')
    if (streams.size >= STREAMS_MAX) throw new Refusal('overloaded', 'too many are waiting already')
    const { workspaceId, customerId } = principal
    const own = [...streams].filter((each) => each.workspaceId === workspaceId && each.customerId === customerId)
    if (own.length >= (customerId === null ? STREAMS_OF_WORKSPACE_MAX : STREAMS_OF_CUSTOMER_MAX))
      throw new Refusal('rate_limit_exceeded', 'too many streams of the same token are open; end some of them first')
    const stream: Stream = { workspaceId, customerId, requestId, reply, endsAtMs: performance.now() + STREAM_MS }
    reply.hijack()
    const given = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
    reply.raw.writeHead(200, {
      ...(Object.fromEntries(given) as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    reply.raw.write(': open\n\n')
    streams.add(stream)
    beating ??= setInterval(beat, BEAT_MS)
    reply.raw.on('close', () => {
      streams.delete(stream)
      if (streams.size > 0 || beating === null) return
      clearInterval(beating)
      beating = null
    })
    // It may be over already.
    await tell(stream)
  }

  return {
    mount(app) {
      app.get('/sse/connection-events/:requestId', open)
      app.addHook('preClose', async () => {
        for (const stream of streams) stream.reply.raw.end()
      })
    },
    messageFor: (step, requestId) =>
      step.kind === 'connected'
        ? successMessage(requestId, step.connection)
        : Promise.resolve(failureMessage(requestId, step.error, step.row.connectionId)),
    stop() {
      for (const stream of streams) stream.reply.raw.end()
    },
  }
}

function failureMessage(requestId: string, error: { message: string }, connectionId: string | null): object {
  return {
    source: 'integration.app',
    requestId,
    type: 'newConnectionFailure',
    error: error.message,
    errorData: error,
    ...(connectionId === null ? {} : { connectionId: toWire('con', connectionId) }),
  }
}
