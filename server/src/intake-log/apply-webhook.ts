import { Refusal } from '../api/refusal.ts'
import type { ReceivedRequest } from '../external-events/handle.ts'
import type { ExternalReceive } from '../external-events/receive.ts'
import { hasWebhook } from '../external-events/store.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { RefusedRequestsRoom } from '../refused-requests/assembly.ts'
import type { LoggedWebhook } from './log-entry.ts'

/** Handles a request of an external app that was kept in the log. */
export interface ApplyWebhook {
  apply(webhook: LoggedWebhook): Promise<void>
}

export interface ApplyWebhookOptions {
  database: Database
  sealing: Sealing
  receive: Pick<ExternalReceive, 'atSubscription' | 'atGlobal'>
  refusedRequests: Pick<RefusedRequestsRoom, 'noteLater'>
}

export function createApplyWebhook({ database, sealing, receive, refusedRequests }: ApplyWebhookOptions): ApplyWebhook {
  return {
    async apply({ id, url, webhookUuid, workspaceId, requestSealed }) {
      // It was stored, and the process ended before it could say so: its record has the request's id.
      if (await hasWebhook(database.db, id)) return
      const request = openReceived(sealing, requestSealed)
      try {
        await (url === 'subscription'
          ? receive.atSubscription(webhookUuid, request)
          : receive.atGlobal(webhookUuid, request))
      } catch (error) {
        if (!(error instanceof Refusal) || error.key === 'overloaded' || error.key === 'unavailable') throw error
        const { key, message } = error
        const elementId = toWire('iwh', id)
        refusedRequests.noteLater({ workspaceId, elementId, reason: key, message, text: '' })
      }
    },
  }
}

/** A request as the log holds it. */
export function sealReceived(sealing: Sealing, { body, opened: _, ...request }: ReceivedRequest): string {
  return sealing.seal(JSON.stringify({ ...request, body: body.toString('base64') }))
}

function openReceived(sealing: Sealing, sealed: string): ReceivedRequest {
  const { body, ...request } = JSON.parse(sealing.open(sealed)) as Omit<ReceivedRequest, 'body' | 'opened'> & {
    body: string
  }
  return { ...request, body: Buffer.from(body, 'base64'), opened: null }
}
