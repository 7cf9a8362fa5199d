import type { Endpoint } from '@permea/contract'
import type { FastifyInstance } from 'fastify'
import type { Alerts } from './alerts/alerts.ts'
import type { AppRequests } from './app-requests/assembly.ts'
import type { Audit } from './audit/assembly.ts'
import type { IntakeLimits } from './bodies/limits.ts'
import type { Role } from './config.ts'
import type { ConnectionParts } from './connections/connections.ts'
import type { Console, ConsoleOptions } from './console/console.ts'
import type { Customers } from './customers/registry.ts'
import type { Deliveries } from './deliveries/deliveries.ts'
import type { ExternalReceive } from './external-events/receive.ts'
import type { ExternalSubscriptions } from './external-subscriptions/subscriptions.ts'
import type { Flows } from './flows/flows.ts'
import type { Instances } from './flows/instances.ts'
import type { Functions } from './functions/function.ts'
import type { IngressLimits } from './ingress/ingress.ts'
import type { IntakeLog } from './intake-log/assembly.ts'
import type { Connectors } from './integrations/connectors.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { AllowRule } from './outbound/address-policy.ts'
import type { OutboundOptions } from './outbound/client.ts'
import type { SingleSignOnOptions } from './people/single-sign-on.ts'
import type { Clock } from './platform/clock.ts'
import type { Database } from './platform/database.ts'
import type { Log } from './platform/log.ts'
import type { Metrics } from './platform/metrics.ts'
import type { Ownership } from './platform/ownership.ts'
import type { Queue } from './platform/queue.ts'
import type { Sealing, SealingKey } from './platform/sealing.ts'
import type { Certificate } from './platform/tls-files.ts'
import type { Tracing } from './platform/tracing.ts'
import type { Pulls } from './pulls/pulls.ts'
import type { RefusedRequestsRoom } from './refused-requests/assembly.ts'
import type { Limits } from './runs/limits.ts'
import type { Runs } from './runs/runs.ts'
import type { WorkspaceDirectory } from './workspaces/directory.ts'
import type { WorkspaceStore } from './workspaces/store.ts'
import type { Tokens } from './workspaces/tokens.ts'

export interface EngineOptions {
  databaseUrl: string
  /** A standby that lists are read from, and how old its rows may be, in milliseconds; none where absent. */
  databaseReplica?: { url: string; lagMsMax: number } | null
  publicUrl: string
  sealingKeys: readonly SealingKey[]
  egressAllow: readonly AllowRule[]
  /** As PEM: who signs certificates that are believed beside those that the system believes. */
  egressCertificates?: readonly string[]
  /** Certificate and key in PEM, where the process speaks TLS itself. */
  tls?: Certificate | null
  /** Proxies in front of the engine, as addresses and networks; none where absent. */
  trustedProxies?: readonly string[]
  roles: ReadonlySet<Role>
  retentionDays: number
  /** Days that payloads are kept where neither workspace nor event type says; as long as the rest where absent. */
  payloadRetentionDays?: number | null
  /** Days that records of the audit log are kept; 365 where absent. */
  auditRetentionDays?: number
  /** Days for which partitions of growing tables exist ahead of time; 4 where absent. */
  partitionDaysAhead?: number
  clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  log: Log
  /** Most connections to the database, beside the one for locks. */
  connectionsMax?: number
  checkAnswers?: boolean
  onAnswered?(endpoint: Endpoint, status: number, key: string | null): void
  lookup?: OutboundOptions['lookup']
  ingressLimits?: Partial<IngressLimits>
  intakeLimits?: Partial<IntakeLimits>
  /** Time that a `handle` that does not say has before the sender of a webhook is answered; 800 ms where absent. */
  answerWithinMs?: number
  runLimits?: Partial<Limits>
  /** Longest attempt of a delivery, in milliseconds; 15 s where absent. */
  attemptTimeoutMs?: number
  /** The mail server that alerts go out by, and whom they are from; absent: none. */
  mail?: { url: string; from: string } | null
  /** Where people of the console may prove who they are, beside a password; absent: nowhere. */
  singleSignOn?: SingleSignOnOptions | null
  /** Absent: no console is served. */
  console?: ConsoleOptions | null
  /** Where the ready-made connectors are; those of this product where absent. */
  connectorsDirectory?: URL
  /** The intake log that events are taken in by; absent: straight into the database. */
  intakeLog?: IntakeLogPlace | null
  /** Where it is told in traces what is done; absent: nowhere. */
  tracing?: Tracing | null
  /** How often processes look after shards, queued jobs and forgotten rows, in milliseconds. */
  tickMs?: number
}

/** Where the intake log is, and how it is to be. */
export interface IntakeLogPlace {
  url: string
  prefix: string
  replicas: number
  bytesMax: number
}

/** Every room, built once. What is public here is for the start-up, the example and tests. */
export interface Engine extends AsyncDisposable {
  app: FastifyInstance
  database: Database
  sealing: Sealing
  queue: Queue
  runs: Runs
  deliveries: Deliveries
  notifications: Notifications
  alerts: Alerts
  /** Has what alerts follow from looked at now. */
  lookAfterAlerts(): Promise<void>
  /** Has payloads cut now that are kept no longer. */
  cutPayloads(): Promise<void>
  ownership: Ownership
  metrics: Metrics
  workspaceStore: WorkspaceStore
  directory: WorkspaceDirectory
  tokens: Tokens
  /** Null where none is served. */
  console: Console | null
  customers: Customers
  flows: Flows
  instances: Instances
  externalReceive: ExternalReceive
  pulls: Pulls
  functions: Functions
  connectors: Connectors
  connections: ConnectionParts
  appRequests: AppRequests
  refusedRequests: RefusedRequestsRoom
  audit: Audit
  externalSubscriptions: ExternalSubscriptions
  /** Null where events are taken straight into the database. */
  intakeLog: IntakeLog | null
  /** Begins to work: takes shards, does jobs. HTTP is opened by the caller. */
  start(): Promise<void>
  stop(): Promise<void>
}
