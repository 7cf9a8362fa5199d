import type { ErrorData, ErrorType } from '@permea/contract'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import type { Customer } from '../customers/customer.ts'
import type { RecordWorks } from '../data-records/record-work.ts'
import type { Functions } from '../functions/function.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { OwnApi } from '../workspaces/own-api.ts'
import type { YourApp } from '../workspaces/your-app.ts'

/** What a step may use of the engine. */
export interface StepServices {
  outbound: Outbound
  yourApp: YourApp
  clock: Clock
  functions: Functions
  appCalls: Pick<AppCalls, 'apiClient' | 'runOperation'>
  ownApi: OwnApi
  records: RecordWorks
}

/** On whose behalf something outside is done, and for what: by an action, or by a node of a flow. */
export interface StepCall {
  services: StepServices
  workspaceId: string
  /** Null where an action is run for the workspace itself. */
  user: Customer | null
  connection: Connection | null
  integrationId: string | null
  /** The action or flow whose definition asks for it, as an id of the wire. */
  ownerId: string
  /** The node, or which part of an action. */
  slot: string
  /** The run it belongs to, as an id of the wire. */
  sourceId: string
  /** Of errors that nobody else gave a type. */
  errorType: ErrorType
  signal?: AbortSignal | undefined
  /** Keeps a line or an exchange in the record of the run. */
  log(record: Record<string, unknown>): void
}

/** What a step came to. The world's failures are data. */
export type StepOutcome =
  | { kind: 'done'; output: unknown }
  | { kind: 'failed'; error: ErrorData }
  /** Worth another try, not before `afterMs` if the far side said so. */
  | { kind: 'retry'; error: ErrorData; afterMs: number | null }

/** Statuses that say "not now": worth another try after a wait. */
export const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
