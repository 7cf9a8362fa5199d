import {
  apply,
  host,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  NativeError,
  NativeMap,
  NativePromise,
  parseJson,
  toJson,
  toText,
} from './intrinsics.ts'

/** What the host answered: the head as data, the body as bytes. */
export interface Answered {
  status: number
  /** Empty where nothing came beside the status. */
  statusText: string
  headers: Record<string, string>
  body: Uint8Array
  /** Whether the body is JSON, where a client asked for what it stands for. */
  isJson: boolean
  /** Whether the body, if it is JSON, may have numbers that a double does not hold. */
  isSuspect: boolean
}

interface Waiting {
  resolve(answered: Answered): void
  reject(error: unknown): void
}

interface Timer {
  dueMs: number
  action: (...args: unknown[]) => void
  args: unknown[]
}

const waiting = new NativeMap<number, Waiting>()
const timers = new NativeMap<number, Timer>()
const state = { calls: 0, timers: 0, elapsedMs: 0, isRunning: false, unsettled: 0 }

/** Remembers that something decides whether the function may go on: a function that does not wait for it fails. */
export function mustSettle<Value>(promise: Promise<Value>): Promise<Value> {
  state.unsettled += 1
  const settled = () => {
    state.unsettled -= 1
  }
  void promise.then(settled, settled)
  return promise
}

/** Whether the function ended without waiting for what it had to wait for. */
export function isUnsettled(): boolean {
  return state.unsettled > 0
}

/** Asks the host for something; the promise settles in a later slice. Calls are numbered in the order of asking. */
export function ask(kind: 'request' | 'fetch', client: string, request: object): Promise<Answered> {
  if (!state.isRunning) throw new NativeError('requests can be made only inside the function, not while it is loaded')
  const text = toJson({ client, request })
  state.calls += 1
  const number = state.calls
  return new NativePromise<Answered>((resolve, reject) => {
    mapSet(waiting, number, { resolve, reject })
    host.emit(kind, text)
  })
}

/** The number of what was asked last. */
export function lastAsked(): number {
  return state.calls
}

/** Tells the host that nobody wants an answer any more. It is asked for like anything else, so that a repetition is one. */
export function giveUp(number: number): void {
  if (mapGet(waiting, number) === undefined) return
  state.calls += 1
  host.emit('fetch', toJson({ client: '', request: { gaveUp: number } }))
}

/** An answer of the host, as the head in JSON and the body. */
export function settle(number: number, headJson: string, body: Uint8Array, isSuspect: number): void {
  const asked = mapGet(waiting, number) as Waiting | undefined
  mapDelete(waiting, number)
  const head = parseJson(headJson)
  if (head.kind === 'answered')
    asked?.resolve({
      status: head.status,
      statusText: head.statusText ?? '',
      headers: head.headers,
      isJson: head.isJson,
      body,
      isSuspect: isSuspect === 1,
    })
  else asked?.reject(hostError(head.error))
}

/** An error of the host is built here from plain data, so that it carries nothing of the host. */
function hostError({ message, ...rest }: { message: string; type?: string; key?: string; data?: unknown }): Error {
  const error = new NativeError(toText(message)) as Error & Record<string, unknown>
  if (rest.type !== undefined) error.type = rest.type
  if (rest.key !== undefined) error.key = rest.key
  if (rest.data !== undefined) error.data = rest.data
  return error
}

/** The time since the call began, as of this slice; timers that are due fire in their order. */
export function enter(elapsedMs: number): void {
  state.elapsedMs = elapsedMs
  state.isRunning = true
  for (;;) {
    const due = nextTimer()
    if (due === null || due.timer.dueMs > elapsedMs) break
    mapDelete(timers, due.id)
    void NativePromise.resolve().then(() => apply(due.timer.action, undefined, due.timer.args))
  }
  tellWake()
}

function nextTimer(): { id: number; timer: Timer } | null {
  let first: { id: number; timer: Timer } | null = null
  mapForEach(timers, (timer, id) => {
    if (first === null || (timer as Timer).dueMs < first.timer.dueMs)
      first = { id: id as number, timer: timer as Timer }
  })
  return first
}

function tellWake(): void {
  const next = nextTimer()
  host.emit('wake', next === null ? '' : toText(next.timer.dueMs))
}

/** `setTimeout` of the guest; the host waits, and the limit on the whole call goes on. */
export function setTimeout(action: unknown, delayMs?: unknown, ...args: unknown[]): number {
  if (typeof action !== 'function') throw new TypeError('setTimeout needs a function')
  if (!state.isRunning) throw new NativeError('timers can be set only inside the function, not while it is loaded')
  const delay = Number(delayMs)
  state.timers += 1
  mapSet(timers, state.timers, {
    dueMs: state.elapsedMs + (delay >= 1 ? delay : 1),
    action: action as Timer['action'],
    args,
  })
  tellWake()
  return state.timers
}

/** `clearTimeout` of the guest. */
export function clearTimeout(id: unknown): void {
  mapDelete(timers, id as number)
  tellWake()
}
