import type { WorkspaceQuotas } from '@permea/contract'

/** A workspace as the engine uses it; the secret is open here and never leaves but on purpose. */
export interface Workspace {
  id: string
  key: string
  name: string
  secret: string
  publicKeys: { name: string; publicKey: string }[]
  jwksUri: string | null
  /** Where relative addresses of `api-request-to-your-app` go. */
  appBaseUri: string | null
  logoUri: string | null
  webhookUri: string | null
  enabledWebhookEvents: string[]
  settings: Record<string, unknown>
  type: 'production' | 'development'
  isExample: boolean
  /** Its owners own the installation: they make and bound workspaces. */
  isMain: boolean
  quotas: WorkspaceQuotas
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}
