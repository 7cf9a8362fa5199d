import type { EmbeddedConnection, ErrorData, Connection as WireConnection } from '@permea/contract'
import type { z } from 'zod'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { type Integration, integrationAnswer } from '../integrations/integration.ts'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'

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

/** What is told of a connection beside its row. */
export interface ConnectionSurroundings {
  integration: Integration | undefined
  /** Of the integration, else of its connector. */
  logoUri?: string
  customer: Customer | undefined
  canTest: boolean
  canRefreshCredentials: boolean
  now: Date
  /** Null where secrets are not shown. */
  sealing: Sealing | null
}

/** A connection as the API shows it. */
export function connectionAnswer(
  connection: Connection,
  around: ConnectionSurroundings,
): z.input<typeof WireConnection> {
  const { integration, customer, sealing } = around
  const isConnected = !connection.isDisconnected
  const error = connection.error ?? undefined
  return {
    id: toWire('con', connection.id),
    uuid: connection.uuid,
    key: connection.key ?? undefined,
    name: connection.name,
    meta: connection.meta ?? undefined,
    userId: toWire('cus', connection.customerId),
    tenantId: toWire('cus', connection.customerId),
    isTest: connection.isTest,
    connected: isConnected,
    disconnected: !isConnected,
    isDefunct: connection.isDefunct,
    state: isConnected ? 'READY' : 'CLIENT_ACTION_REQUIRED',
    errors: error === undefined ? undefined : [error],
    error,
    integrationId: connection.integrationId === null ? undefined : toWire('int', connection.integrationId),
    connectorId: toWire('cnr', connection.connectorId),
    authOptionKey: connection.authOptionKey,
    revision: connection.revision,
    createdAt: connection.createdAt.toISOString(),
    updatedAt: connection.updatedAt.toISOString(),
    lastActiveAt: connection.lastActiveAt?.toISOString(),
    nextCredentialsRefreshAt: connection.nextCredentialsRefreshAt?.toISOString(),
    nextRetryTimestamp: connection.nextRetryAt?.toISOString(),
    retryAttempts: connection.retryAttempts,
    canTest: around.canTest,
    canRefreshCredentials: around.canRefreshCredentials,
    archivedAt: connection.archivedAt?.toISOString(),
    user: customer === undefined ? undefined : customerAnswer(customer, around.now),
    integration:
      integration === undefined ? undefined : { ...integrationAnswer(integration), logoUri: around.logoUri ?? '' },
    ...(sealing === null ? {} : openSecrets(connection, sealing)),
  }
}

/** A connection as it is shown beside what belongs to it. */
export function embeddedConnection(connection: Connection): z.input<typeof EmbeddedConnection> {
  return {
    id: toWire('con', connection.id),
    key: connection.key ?? undefined,
    name: connection.name,
    userId: toWire('cus', connection.customerId),
    tenantId: toWire('cus', connection.customerId),
    integrationId: connection.integrationId === null ? undefined : toWire('int', connection.integrationId),
    connected: !connection.isDisconnected,
    disconnected: connection.isDisconnected,
    createdAt: connection.createdAt.toISOString(),
    updatedAt: connection.updatedAt.toISOString(),
  }
}

/** What formulas and functions see as `connection`. */
export function connectionVariable(connection: Connection): Record<string, unknown> {
  return { id: toWire('con', connection.id), name: connection.name, key: connection.key ?? undefined }
}

/** The secrets of a connection, open. */
export interface ConnectionSecrets {
  credentials: unknown
  input: unknown
  connectorParameters: unknown
}

/** Opens what is sealed; what there is none of is absent. */
export function openSecrets(connection: Connection, sealing: Sealing): Partial<ConnectionSecrets> {
  const open = (sealed: string): unknown => JSON.parse(sealing.open(sealed))
  return {
    ...(connection.credentialsSealed === null ? {} : { credentials: open(connection.credentialsSealed) }),
    ...(connection.inputSealed === null ? {} : { input: open(connection.inputSealed) }),
    ...(connection.connectorParametersSealed === null
      ? {}
      : { connectorParameters: open(connection.connectorParametersSealed) }),
  }
}

/** Null for what there is none of. */
export function sealValue(value: unknown, sealing: Sealing): string | null {
  return value === undefined || value === null ? null : sealing.seal(JSON.stringify(value))
}

/** Whose connection is meant where an admin's token says `integration key`. */
export interface OnBehalfOf {
  userId?: string | undefined
  tenantId?: string | undefined
  customerId?: string | undefined
}

/** What happens to connections. */
export interface ConnectionFacts {
  'connection.created': Connection
  /** What it had registered in the app must be taken back; its API client still works while this is done. */
  'connection.archived': Connection
  'connection.restored': Connection
  'connection.disconnected': Connection
  'connection.reconnected': Connection
}

/** Whether its credentials have run out by the clock. */
export function isExpired({ credentialsExpireAt }: Pick<Connection, 'credentialsExpireAt'>, now: Date): boolean {
  return credentialsExpireAt !== null && credentialsExpireAt <= now
}
