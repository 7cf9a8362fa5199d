import { type HttpRequestSpec, parseExactJson, type AppEventType as WireAppEventType } from '@permea/contract'
import type { z } from 'zod'
import type { Element } from '../api/elements.ts'
import {
  type LiteralSecrets,
  withKeptSecrets,
  withLiteralSecrets,
  withoutLiteralSecrets,
} from '../exchanges/literal-secrets.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'

/** A kind of internal event. */
export interface AppEventType extends Element {
  workspaceId: string
  schema: Record<string, unknown> | boolean | null
  example: unknown
  subscribeRequest: HttpRequestSpec | null
  unsubscribeRequest: HttpRequestSpec | null
  /** Secrets that stand in the requests, which are kept here as they are shown; null where none does. */
  secretsSealed: string | null
  tenantIdFormula: unknown
  userIdFormula: unknown
  /** Whether events that do not fit the schema are refused. */
  validateEvents: boolean
  /** The secret part of the global webhook's URL. */
  webhookKey: string
  /** Null: as the workspace has it. */
  payloadRetentionDays: number | null
}

export type Requests = Pick<AppEventType, 'subscribeRequest' | 'unsubscribeRequest'>

/** The requests with the secrets in them. */
export function openedRequests(
  sealing: Pick<Sealing, 'open'>,
  { subscribeRequest, unsubscribeRequest, secretsSealed }: Requests & Pick<AppEventType, 'secretsSealed'>,
): Requests {
  const shown = { subscribeRequest, unsubscribeRequest }
  if (secretsSealed === null) return shown
  return withLiteralSecrets(shown, parseExactJson(sealing.open(secretsSealed)) as LiteralSecrets) as Requests
}

/** The requests as they are stored: what is given as it is shown keeps the secrets that it had. */
export function sealedRequests(
  sealing: Sealing,
  given: Requests,
  before: Requests & Pick<AppEventType, 'secretsSealed'>,
): Requests & Pick<AppEventType, 'secretsSealed'> {
  const { shown, secrets } = withoutLiteralSecrets(withKeptSecrets(given, openedRequests(sealing, before)))
  return { ...(shown as Requests), secretsSealed: secrets === null ? null : sealing.seal(JSON.stringify(secrets)) }
}

/**
 * An event type as it is shown. What lets its reader post events for other customers, or speaks to your application
 * with its secrets, is for admins alone: a customer sees an empty address (the published shape wants a text) and no
 * requests or formulas.
 */
export function appEventTypeAnswer(
  type: AppEventType,
  publicUrl: string,
  isAdmin: boolean,
): z.input<typeof WireAppEventType> {
  const forAdmins = isAdmin
    ? {
        webhookKey: type.webhookKey,
        globalWebhookUri: `${publicUrl}/webhooks/app-events/${type.webhookKey}`,
        subscribeRequest: type.subscribeRequest ?? undefined,
        unsubscribeRequest: type.unsubscribeRequest ?? undefined,
        tenantIdFormula: type.tenantIdFormula ?? undefined,
        userIdFormula: type.userIdFormula ?? undefined,
      }
    : { webhookKey: '', globalWebhookUri: '' }
  return {
    id: toWire('aet', type.id),
    uuid: type.uuid,
    key: type.key,
    name: type.name,
    description: type.description ?? undefined,
    meta: type.meta ?? undefined,
    revision: type.revision,
    ...forAdmins,
    schema: type.schema ?? undefined,
    example: type.example ?? undefined,
    validateEvents: type.validateEvents,
    payloadRetentionDays: type.payloadRetentionDays ?? undefined,
    createdAt: type.createdAt.toISOString(),
    updatedAt: type.updatedAt.toISOString(),
    archivedAt: type.archivedAt?.toISOString(),
  }
}
