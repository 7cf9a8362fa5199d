import type { ErrorData, FunctionDefinition } from '@permea/contract'
import type { Allowance } from '../bodies/allowance.ts'
import type {
  ArgumentText,
  GuestAnswer,
  GuestRequest,
  SandboxFailure,
  SandboxLimits,
  SandboxLogLine,
} from '../sandbox/call.ts'
import type { ReturnedNames } from './returned-names.ts'

/**
 * Sends requests on somebody's behalf: a connection's to its app, the workspace's to your application. What a
 * function's `apiClient` and the request mappings use. Credentials stay behind it.
 */
export interface ApiClient {
  /** Never rejects. A refused answer is `failed` with the class that the connection's rules give it (wire facts C.5). */
  request(request: GuestRequest, how?: RequestManner): Promise<GuestAnswer>
}

/** How a request is made, whatever it asks for. */
export interface RequestManner {
  /** Ends it where it stands. */
  signal?: AbortSignal
  /** What receiving its answer may take in memory; where that is used up it fails. */
  allowance?: Allowance
}

/** On whose behalf a function is called. Ids are the database's where they are not said to be the wire's. */
export interface CallContext {
  workspaceId: string
  customerId: string | null
  integrationId: string | null
  connectionId: string | null
  /** Whose function it is, as an id of the wire: `eet_…`, `cnr_…`, `act_…`, `uf_…`. */
  ownerId: string
  /** Which function of it: `subscribe`, `handle`, `makeApiClient`, the key of a node. */
  slot: string
  /** What it is called for, as an id of the wire: an incoming webhook, a run. */
  sourceId: string | null
}

export interface FunctionCall {
  definition: FunctionDefinition
  context: CallContext
  /** The one argument, without API clients. */
  args: Record<string, unknown>
  /** What the argument holds besides, whatever the function is written in; its names in `args` keep their place. */
  text?: ArgumentText
  /** API clients by the name under which the argument holds them; `apiClient` is what request mappings use. */
  clients?: Readonly<Record<string, ApiClient>>
  /** For operation mappings. */
  runOperation?(key: string, input: unknown): Promise<FunctionOutcome>
  limits?: Partial<SandboxLimits>
  /** Ends the call where it stands. */
  signal?: AbortSignal
  /**
   * What must not be seen in its logs and errors, beside what the argument holds under names that secrets have
   * (`credentials`, `state`, `connectorParameters`, …): any value, of which every text counts.
   */
  secrets?: unknown
  /** Where some of what it returns may be left out: other names are told of in its logs. */
  returns?: ReturnedNames
  /** Whether it is kept in the record of calls; true where absent. Off for calls that other records show. */
  isRecorded?: boolean
}

export type FunctionOutcome = {
  /** Of the record of the call (database id). */
  callId: string
  /** Bounded, without secrets. */
  logs: SandboxLogLine[]
  cpuMs: number
  durationMs: number
  /** Requests it made, through API clients and by itself. */
  hostCalls: number
} & (
  | { kind: 'returned'; value: unknown }
  /** `error` is safe to store and to show: bounded, without secrets. */
  | { kind: 'failed'; failure: FunctionFailure; error: ErrorData }
)

/** Why a call failed: as the sandbox says it; what other kinds of functions fail of counts as thrown. */
export type FunctionFailure = SandboxFailure

/** What is wrong with a definition, and where in its source; lines and columns count from 1. */
export interface FunctionProblem {
  message: string
  line: number | null
  column: number | null
}

/** A customer, or the workspace itself. Database ids. */
export interface Whose {
  workspaceId: string
  customerId?: string | null
}

/** Calls what users wrote, whatever it is written in, and keeps a record of each call. */
export interface Functions {
  /**
   * Why a definition cannot be kept: syntax, no default export, a formula that cannot work. Null where it can. Loading
   * it takes of the time of those whose it is.
   */
  problem(definition: FunctionDefinition, fileName: string, whose?: Whose): Promise<FunctionProblem | null>
  /** Never rejects for what the function does. */
  call(call: FunctionCall): Promise<FunctionOutcome>
  /** Resolves when every call so far is in the record, or was given up for it. */
  settled(): Promise<void>
}
