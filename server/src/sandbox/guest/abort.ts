import { giveUp, lastAsked, setTimeout } from './waiting.ts'

type Listener = ((event: AbortEvent) => void) | { handleEvent(event: AbortEvent): void }

/** The event that a signal tells its listeners. */
interface AbortEvent {
  type: 'abort'
  target: AbortSignal
  currentTarget: AbortSignal
}

/** Whoever may make a signal fire. */
interface Firing {
  fire(signal: AbortSignal, reason: unknown): void
  make(): AbortSignal
}

const firing: { by: Firing | null } = { by: null }

function own(): Firing {
  if (firing.by === null) throw new Error('AbortSignal is not there yet')
  return firing.by
}

let isMakingOne = false

/**
 * `AbortSignal` of the web. `EventTarget` itself is not here: of events there is `abort`.
 *
 * @source DOM standard, "Aborting ongoing activities"
 */
export class AbortSignal {
  onabort: ((event: AbortEvent) => void) | null = null
  #isAborted = false
  #reason: unknown
  #listeners: { listener: Listener; isOnce: boolean }[] = []

  static {
    firing.by = {
      make() {
        isMakingOne = true
        const signal = new AbortSignal()
        isMakingOne = false
        return signal
      },
      fire: (signal, reason) => signal.#fire(reason),
    }
  }

  constructor() {
    if (!isMakingOne) throw new TypeError('Illegal constructor')
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = own().make()
    own().fire(signal, reason)
    return signal
  }

  static timeout(delayMs: number): AbortSignal {
    const delay = Number(delayMs)
    if (!Number.isInteger(delay) || delay < 0) throw new RangeError('The value of "delay" is out of range')
    const signal = own().make()
    setTimeout(
      () => own().fire(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      delay,
    )
    return signal
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const made = own().make()
    for (const signal of signals) {
      if (!(signal instanceof AbortSignal)) throw new TypeError('The "signals" argument must be of AbortSignals')
      if (signal.aborted) {
        own().fire(made, signal.reason)
        break
      }
      signal.addEventListener('abort', () => own().fire(made, signal.reason), { once: true })
    }
    return made
  }

  get aborted(): boolean {
    return this.#isAborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason
  }

  addEventListener(type: string, listener: Listener, options: { once?: boolean } | boolean = {}): void {
    if (type !== 'abort' || this.#listeners.some((each) => each.listener === listener)) return
    this.#listeners.push({ listener, isOnce: typeof options === 'object' && options.once === true })
  }

  removeEventListener(_type: string, listener: Listener): void {
    this.#listeners = this.#listeners.filter((each) => each.listener !== listener)
  }

  get [Symbol.toStringTag](): string {
    return 'AbortSignal'
  }

  #fire(reason: unknown): void {
    if (this.#isAborted) return
    this.#isAborted = true
    this.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason
    const event: AbortEvent = { type: 'abort', target: this, currentTarget: this }
    const told = this.#listeners
    this.#listeners = told.filter(({ isOnce }) => !isOnce)
    this.onabort?.(event)
    for (const { listener } of told)
      if (typeof listener === 'function') listener.call(this, event)
      else listener.handleEvent(event)
  }
}

/** `AbortController` of the web. */
export class AbortController {
  readonly #signal = own().make()

  get signal(): AbortSignal {
    return this.#signal
  }

  abort(reason?: unknown): void {
    own().fire(this.#signal, reason)
  }

  get [Symbol.toStringTag](): string {
    return 'AbortController'
  }
}

/** What the host answers, unless the signal fires first: then its reason, and the host gives the request up. */
export function orAborted<Value>(asking: () => Promise<Value>, signal: AbortSignal | null): Promise<Value> {
  if (signal === null) return asking()
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const answered = asking()
    const number = lastAsked()
    const stop = () => {
      reject(signal.reason)
      giveUp(number)
    }
    signal.addEventListener('abort', stop, { once: true })
    void answered.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
