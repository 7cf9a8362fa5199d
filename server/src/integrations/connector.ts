import type { ConnectorDefinition } from '@permea/contract'

export type {
  AuthOption,
  ConnectorDefinition,
  ConnectorEvent,
  ConnectorOperation,
} from '@permea/contract'

/** The URL that an external app posts events of all connections of an integration to. */
export function globalWebhookUri(publicUrl: string, webhookUuid: string): string {
  return `${publicUrl}/webhooks/global/${webhookUuid}`
}

/** What the engine knows of an external app. */
export interface Connector {
  id: string
  /** Null for the ready-made ones that every workspace has. */
  workspaceId: string | null
  uuid: string
  key: string
  name: string
  description: string | null
  meta: Record<string, unknown> | null
  logoUri: string | null
  categories: string[]
  definition: ConnectorDefinition
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}
