import { createHash } from 'node:crypto'
import type { ErrorData, ConnectionRequest as WireRequest } from '@permea/contract'
import type { z } from 'zod'
import type { OAuth1Token } from '../connections/oauth1.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, secretUuid, toWire } from '../platform/ids.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import { endRequest, insertRequest, type RequestRow, updateRequest } from './request-store.ts'

/** What a redirect to the app needs to be completed. */
export interface RedirectLeg {
  optionKey: string
  redirectUri: string
  state: string
  /** Milliseconds since 1970 after which the answer comes too late. */
  expiresAtMs: number
  /** Of a cookie of the browser that was sent away: the answer must come from the same one. */
  browserHash: string
  codeVerifier: string | null
  oauth1Token: OAuth1Token | null
}

/** Who wants to connect what, and how far it has got. Sealed at rest. */
export interface ConnectPayload {
  integrationId?: string | undefined
  integrationKey?: string | undefined
  connectorId?: string | undefined
  connectorKey?: string | undefined
  connectionId?: string | undefined
  connectionKey?: string | undefined
  name?: string | undefined
  authOptionKey?: string | undefined
  allowMultipleConnections?: boolean | undefined
  redirectUri?: string | undefined
  connectorParameters?: Record<string, unknown> | undefined
  input?: unknown
  /** The page that asked, where it said so: the only one that is told by a message. */
  openerOrigin: string | null
  /** The secret part of the address of this request's page. */
  link: string
  /** A further request that ends with this one. */
  alsoEnds?: string | undefined
  leg?: RedirectLeg
}

/** For so long may a link be used. */
const LINK_MS = 24 * 3_600_000

/** Requests to connect, and who waits for what comes of them. */
export interface ConnectRequests {
  open(of: {
    workspaceId: string
    customerId: string
    /** Chosen by the client; made here where absent. */
    requestId?: string | undefined
    payload: Omit<ConnectPayload, 'link'>
  }): Promise<RequestRow>
  payloadOf(row: RequestRow): ConnectPayload
  /** Keeps how far it got. */
  keep(row: RequestRow, payload: ConnectPayload): Promise<void>
  end(
    row: RequestRow,
    to: { connectionId: string | null; error: ErrorData | null; isCancelled?: boolean; isLinkKept?: boolean },
  ): Promise<void>
  answer(row: RequestRow): z.input<typeof WireRequest>
  urlOf(payload: ConnectPayload): string
}

export function createConnectRequests(options: {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  ownership: Ownership
  publicUrl: string
}): ConnectRequests {
  const { database, clock, sealing } = options
  const requests: ConnectRequests = {
    async open({ workspaceId, customerId, requestId, payload }) {
      const id = options.ids.next()
      const link = secretUuid()
      const now = clock.now()
      return insertRequest(database.db, {
        id,
        workspaceId,
        customerId,
        requestId: requestId ?? toWire('crq', id),
        linkHash: hashOf(link),
        stateHash: null,
        payloadSealed: sealing.seal(JSON.stringify({ ...payload, link })),
        status: 'pending',
        connectionId: null,
        error: null,
        createdAt: now,
        expiresAt: new Date(now.getTime() + LINK_MS),
      })
    },
    payloadOf: (row) => JSON.parse(sealing.open(row.payloadSealed)) as ConnectPayload,
    async keep(row, payload) {
      const stateHash = payload.leg === undefined ? null : hashOf(payload.leg.state)
      await updateRequest(database.db, row.id, { payloadSealed: sealing.seal(JSON.stringify(payload)), stateHash })
    },
    async end(row, { connectionId, error, isCancelled = false, isLinkKept = error !== null }) {
      const status = error === null ? 'success' : isCancelled ? 'cancelled' : 'error'
      const also = fromWire('crq', requests.payloadOf(row).alsoEnds ?? '')
      await database.transaction(async (tx) => {
        for (const id of [row.id, ...(also === null ? [] : [also])]) {
          const ended = await endRequest(tx, id, { status, connectionId, error, isLinkKept })
          if (ended === null) continue
          const { workspaceId, requestId } = ended
          await options.ownership.notifyOnCommit(tx, { about: 'connection-request', workspaceId, requestId })
        }
      })
    },
    urlOf: ({ link }) => `${options.publicUrl}/connect?request=${link}`,
    answer(row) {
      const payload = requests.payloadOf(row)
      const { integrationId, integrationKey, connectorId, connectorKey, connectionId, connectionKey } = payload
      const { name, authOptionKey, allowMultipleConnections, redirectUri } = payload
      return {
        requestId: row.requestId,
        tenantId: toWire('cus', row.customerId),
        status: row.status,
        url: requests.urlOf(payload),
        integrationId,
        integrationKey,
        connectorId,
        connectorKey,
        connectionId,
        connectionKey,
        name,
        authOptionKey,
        allowMultipleConnections,
        redirectUri,
        resultConnectionId: row.connectionId === null ? undefined : toWire('con', row.connectionId),
        resultError: row.error ?? undefined,
        createdAt: row.createdAt.toISOString(),
        expiresAt: row.expiresAt.toISOString(),
      }
    },
  }
  return requests
}

/** What is looked for in place of a secret of a URL, so that a copy of the table opens nothing. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex')
}
