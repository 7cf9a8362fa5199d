/**
 * What one call of customers' JavaScript is given, may ask of its host, and comes to.
 * Everything that crosses is JSON: nothing of the host is ever reachable from the guest.
 */

import type { Allowance } from '../bodies/allowance.ts'

/** One call of the default export of a module. */
export interface SandboxCall {
  /** JavaScript as `checkSource` returned it: an ES module with a default export, or one that sets `module.exports`. */
  code: string
  /** Shown in stack traces and errors, as in `handle.js`. */
  fileName: string
  /** Whose function this is: noisy ones are kept apart by it, as in `eet:<id>:handle`. */
  owner: string
  /** Whose time it is: places and turns are shared out among payers, whatever functions each has. `owner` where absent. */
  payer?: string
  /** The one argument, as JSON text of an object. `text`, then `clients` are laid over it. */
  argsJson: string
  text?: ArgumentText
  /**
   * Names under which the argument holds an API client (`apiClient`, `externalApiClient`, `internalApiClient`,
   * `membrane`, …; wire facts C.5 and C.7). Each request of one arrives at `host.request` with its name.
   */
  clients: readonly string[]
  host: SandboxHost
  limits?: Partial<SandboxLimits>
  /** Ends the call where it stands, with `aborted`. */
  signal?: AbortSignal
}

/**
 * A text that the argument holds as it is and as the value that it stands for, such as the body of a request. It crosses
 * once, as the bytes that came; the guest makes the value, on its own time and memory. Names that stand in `argsJson`
 * keep their place there.
 */
export interface ArgumentText {
  /** Well-formed. */
  utf8: Buffer
  /** The name under which the argument holds the text. */
  as: string
  /** The names of the one value: what `JSON.parse` makes of the text, and where that refuses it, the text. */
  valueAs: readonly string[]
  /** Whether the value is the text, whatever `JSON.parse` would make of it. */
  isPlain?: true
  /** The name under which the argument gives the bytes in base64, made when somebody asks for them. */
  base64As?: string
}

/**
 * What a guest may ask for. The address policy, credentials and HTTP live behind it, never in the guest. What is
 * received is asked for at `allowance` before it is kept; where that says no, the guest is told so, whatever the host
 * answers.
 */
export interface SandboxHost {
  /** A call of an API client: `apiClient.post('/webhooks', data, options)`. Never rejects: what goes wrong is data. */
  request(client: string, request: GuestRequest, allowance: Allowance): Promise<GuestAnswer>
  /** The guest's `fetch(url, init)`. Never rejects. `signal` fires when the guest gives it up. */
  fetch(request: GuestRequest, allowance: Allowance, signal: AbortSignal): Promise<GuestAnswer>
}

export interface GuestRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'
  /** A path or a whole URL. */
  uri: string
  query?: Record<string, unknown>
  headers?: Record<string, string>
  /** A JSON value; sent as JSON unless it is a string and a content type says otherwise. */
  data?: unknown
  /** The body as it is, base64; takes the place of `data` (for `fetch` and binary bodies). */
  dataBase64?: string
  /** Of `fetch`: whether an answer that is kept will do. */
  cache?: 'force-cache' | 'reload'
  baseUri?: string
  auth?: { username: string; password: string }
  responseType?: 'json' | 'text' | 'arraybuffer'
}

/** An answer, whatever its status, or why there is none. `error` becomes what the guest's promise rejects with. */
export type GuestAnswer =
  | { kind: 'answered'; status: number; statusText?: string; headers: Record<string, string>; body: Buffer }
  | { kind: 'failed'; error: GuestError }

/** Arrives in the guest as an `Error` that carries `type`, `key` and `data`. */
export interface GuestError {
  message: string
  type?: string
  key?: string
  data?: unknown
}

export interface SandboxLimits {
  /** Sum of the time that the guest itself computes. */
  cpuMs: number
  /** From its first slice to its end, with what it waits for; waiting for a place does not count. */
  wallMs: number
  /** How long it may wait for places in all. */
  waitMs: number
  memoryBytes: number
  argsBytes: number
  resultBytes: number
  logBytes: number
  hostCalls: number
}

export interface SandboxLogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
}

export type SandboxFailure =
  /** The guest threw, or its promise was rejected. `error.data` is what it attached. */
  | 'thrown'
  | 'cpu_timeout'
  | 'wall_timeout'
  | 'memory'
  | 'limit_exceeded'
  /** It did not get its turn: too many were waiting, or it waited for too long. */
  | 'overloaded'
  /** It waits for a promise that nothing can settle. */
  | 'never_settles'
  /** It does not load: no default export, or a failure at its top level. */
  | 'load'
  | 'aborted'
  /** The sandbox itself failed, also when tried again. */
  | 'crashed'

export type SandboxOutcome = { logs: SandboxLogLine[]; cpuMs: number; durationMs: number; hostCalls: number } & (
  | { kind: 'returned'; resultJson: string | null }
  | {
      kind: 'failed'
      failure: SandboxFailure
      message: string
      /** Frames of the guest only. */
      stack: string | null
      line: number | null
      column: number | null
      /** `type`, `key`, `data` where the guest threw an error of its host or one that carries them. */
      error: GuestError
    }
)

/** What a source came to when it was loaded once. */
export type SourceCheck =
  /** `code` is what to keep and run: types stripped, nothing else changed, so that lines and columns stay. */
  { kind: 'loaded'; code: string } | { kind: 'refused'; message: string; line: number | null; column: number | null }

/** Why a process of the sandbox ended: its function did not stop and it was killed, it was gone, or never came up. */
export type LossReason = 'overrun' | 'lost' | 'not_started'

export interface SandboxStatus {
  children: number
  /** Children that are ready and wait to take the place of one that is killed. */
  inReserve: number
  busy: number
  waiting: number
  restarts: number
  isNetworkCutOff: boolean
  /**
   * Bytes in the engine: of requests and of answers that functions have not taken (`held`, and the most that it was
   * since the start), and of answers that were taken and are kept to repeat a call (`kept`).
   */
  requestBytes: { held: number; heldMost: number; kept: number }
}

export interface Sandbox extends AsyncDisposable {
  /** Strips types and loads the module once, without calling it: syntax, default export, top level. */
  checkSource(source: string, fileName: string, payer?: string): Promise<SourceCheck>
  run(call: SandboxCall): Promise<SandboxOutcome>
  /** For metrics and readiness. */
  status(): SandboxStatus
  start(): Promise<void>
  stop(): Promise<void>
}
