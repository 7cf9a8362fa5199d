import { ERRORS, type ErrorKey } from '@permea/contract'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Log } from '../platform/log.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import { createRefusedRequests, type RecorderOptions } from './recorder.ts'

/** The record of what is refused, as requests come in over HTTP. */
export interface RefusedRequestsRoom {
  /** A request that is refused as a whole. */
  noteRequest(request: FastifyRequest, refusal: { reason: ErrorKey; status: number; message: string }): void
  /** One event of a request, with its text. */
  noteEvent(request: FastifyRequest, refused: { reason: ErrorKey; message: string; text: string }): void
  /** An event that was taken in, and refused when it could be looked at. */
  noteLater(refused: { workspaceId: string; elementId: string; reason: ErrorKey; message: string; text: string }): void
  /** A message that was read from a broker, or one event of it. */
  noteMessage(refused: RefusedMessage): void
  settled(): Promise<void>
}

/** A message that was refused, and where it stands in its broker. */
export interface RefusedMessage {
  workspaceId: string
  elementId: string
  /** As in `NATS`. */
  method: string
  /** The broker's address and place, without credentials. */
  path: string
  /** Of the server. */
  address: string
  reason: ErrorKey
  message: string
  body: { text: string; contentType: string }
}

export interface RefusedRequestsRoomOptions extends Pick<RecorderOptions, 'database' | 'ids' | 'metrics'> {
  log: Log
  directory: WorkspaceDirectory
  workspaceStore: WorkspaceStore
}

/** Asked of an API all day by programs that work as they should, and nobody's loss. */
const NOT_NOTED: ReadonlySet<ErrorKey> = new Set(['not_found', 'already_exists', 'archived', 'run_not_active'])

/** So long it is remembered whether there is one workspace only. */
const ONLY_MS = 10_000

/** What is read of a body for its excerpt, in bytes. */
const LOOKED_AT_BYTES = 8192

export function createRefusedRequestsRoom(options: RefusedRequestsRoomOptions): RefusedRequestsRoom {
  const { database, directory, workspaceStore } = options
  const only = new LRUCache<'only', { id: string | null }>({ max: 1, ttl: ONLY_MS })
  const recorder = createRefusedRequests({
    ...options,
    workspaceByKey: async (key) => (await directory.byKey(key))?.id ?? null,
    async onlyWorkspace() {
      const known = only.get('only')
      if (known !== undefined) return known.id
      const all = await workspaceStore.all(database.db)
      const id = all.length === 1 ? (all[0]?.id ?? null) : null
      only.set('only', { id })
      return id
    },
  })

  function senderOf(request: FastifyRequest) {
    const { address, workspaceId, customerId, elementId } = request.sender
    const { method, url } = request
    return { method, url, address, workspaceId, customerId, elementId, authorization: request.headers.authorization }
  }

  return {
    noteRequest(request, refusal) {
      if (NOT_NOTED.has(refusal.reason) && !request.url.startsWith('/webhooks/')) return
      recorder.note({ ...senderOf(request), ...refusal, body: () => bodyIn(request) })
    },
    noteEvent(request, { reason, message, text }) {
      const body = () => ({ text, contentType: 'application/json' })
      recorder.note({ ...senderOf(request), reason, message, status: ERRORS[reason].status, body })
    },
    noteLater({ text, ...refused }) {
      const body = () => ({ text, contentType: 'application/json' })
      const { status } = ERRORS[refused.reason]
      // Its sender was answered long ago, and was whoever knew the address.
      const sender = { method: 'POST', url: '/webhooks/', address: '', customerId: null, authorization: undefined }
      recorder.note({ ...sender, ...refused, status, body })
    },
    noteMessage({ path, body, ...refused }) {
      const { status } = ERRORS[refused.reason]
      recorder.note({
        ...refused,
        ...{ status, url: path, customerId: null, authorization: undefined },
        body: () => body,
      })
    },
    settled: () => recorder.settled(),
  }
}

/** The beginning of a body, where it was read and is text. */
function bodyIn({ receivedBody, headers }: FastifyRequest): { text: string; contentType: string } {
  const isPacked = headers['content-encoding'] !== undefined
  const text = receivedBody === null || isPacked ? '' : receivedBody.subarray(0, LOOKED_AT_BYTES).toString('utf8')
  return { text, contentType: headers['content-type'] ?? '' }
}
