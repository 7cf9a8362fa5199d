import type { ErrorData } from '@permea/contract'

/** A customer's link to an external app. Secrets are sealed here. */
export interface Connection {
  id: string
  workspaceId: string
  customerId: string
  integrationId: string | null
  connectorId: string
  authOptionKey: string
  uuid: string
  key: string | null
  name: string
  meta: Record<string, unknown> | null
  isTest: boolean
  credentialsSealed: string | null
  inputSealed: string | null
  connectorParametersSealed: string | null
  credentialsVersion: number
  credentialsExpireAt: Date | null
  nextCredentialsRefreshAt: Date | null
  isDisconnected: boolean
  isDefunct: boolean
  error: ErrorData | null
  retryAttempts: number
  nextRetryAt: Date | null
  lastActiveAt: Date | null
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}
