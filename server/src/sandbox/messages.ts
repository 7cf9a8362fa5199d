/** What the engine and a child say to each other; each is the head of a frame. Bytes follow in the order of their lengths. */

export interface CallLimits {
  cpuMs: number
  memoryBytes: number
  resultBytes: number
  logBytes: number
  hostCalls: number
}

/** The moment of a slice. The guest's clock stands still within a slice, so that a call can be repeated exactly. */
export interface Moment {
  /** What `Date.now()` says. */
  nowMs: number
  /** Since the call began, for timers. */
  elapsedMs: number
}

/** Body: the source where `codeBytes` is above 0, then the arguments, then their text. */
export interface RunMessage {
  type: 'run'
  id: number
  hash: string
  codeBytes: number
  fileName: string
  clients: readonly string[]
  /** Null where the arguments have no text besides. */
  text: TextHead | null
  /** 32 bytes in hex: all randomness of the call follows from it. */
  seed: string
  moment: Moment
  limits: CallLimits
}

/** How many bytes of the body are the text, and what it is in the argument. */
export interface TextHead {
  bytes: number
  as: string
  valueAs: readonly string[]
  isPlain?: true
  base64As?: string
}

/** Body: the source, as it was written. */
export interface CheckMessage {
  type: 'check'
  id: number
  fileName: string
  limits: CallLimits
}

/** The head of an answer to a host call, and how many bytes of the body are its. */
export interface AnswerHead {
  call: number
  headJson: string
  bodyBytes: number
}

export interface ResumeMessage {
  type: 'resume'
  id: number
  moment: Moment
  answers: AnswerHead[]
}

/** The call is over for the engine: its memory can be used again. Nothing is answered. */
export interface DropMessage {
  type: 'drop'
  id: number
}

export type ToChild = RunMessage | CheckMessage | ResumeMessage | DropMessage

/** Said once, when the engine within is compiled. */
export interface ReadyReply {
  type: 'ready'
}

/** A failure as the guest library or the child describes it; every text is bounded. */
export interface Failed {
  failure: 'thrown' | 'cpu_timeout' | 'memory' | 'limit_exceeded' | 'never_settles' | 'load'
  name?: string | undefined
  message: string
  stack?: string | undefined
  type?: string | undefined
  key?: string | undefined
  data?: unknown
}

interface SliceReply {
  id: number
  /** Since the last reply of this call. */
  cpuUs: number
  /** What loading the function took on top of that. */
  loadUs: number
  logs: [level: string, message: string][]
  /** WebAssembly memory of this child, all functions together. */
  memoryBytes: number
  /** Hashes of functions that are no longer loaded. */
  forgotten: string[]
  /** Resident memory of the child, measured now and then. */
  rssBytes?: number
  /** Something in the child is not as it was; it should be replaced. */
  isWorn?: boolean
}

/** A host call that the guest made, whose request is so many bytes of the body. */
export interface HostCall {
  kind: 'request' | 'fetch'
  bytes: number
}

/** The call goes on when a host call is answered or the time has come. Body: the requests. */
export interface WaitingReply extends SliceReply {
  type: 'waiting'
  calls: HostCall[]
  wakeAtMs: number | null
}

/** Body: requests that were made in the last slice and are not waited for, then the result or the checked code. */
export interface DoneReply extends SliceReply {
  type: 'done'
  calls: HostCall[]
  outcome:
    | { kind: 'returned'; hasResult: boolean }
    | ({ kind: 'failed' } & Failed)
    | Refused
    /** The function is not loaded here, and its code was not sent: it was forgotten while the message was on its way. */
    | { kind: 'unknown' }
}

/** Why a source is not accepted. */
export interface Refused {
  kind: 'refused'
  message: string
  line: number | null
  column: number | null
}

export type FromChild = ReadyReply | WaitingReply | DoneReply
