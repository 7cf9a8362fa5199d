import { Readable } from 'node:stream'
import { type Dispatcher, errors } from 'undici'
import { brokenAnswerOf, DialFailure, type OutboundOutcome, type ReceivedHeaders } from './outcome.ts'
import type { OutboundRequest, SendableRequest } from './request-check.ts'
import type { PooledSocket, SocketPool } from './socket-pool.ts'

/** A request whose body, and whose answer, need not fit into memory. */
export type OutboundStreamRequest = Omit<OutboundRequest, 'body' | 'timeoutMs' | 'responseBytesMax'> & {
  /** read as it is sent, never faster; or as in `send` */
  body?: Readable | string | Uint8Array | undefined
  /** of a body that is read: its length where it is known, else it is sent in chunks */
  bodyBytes?: number | undefined
  /** of a body that is read; beyond that the request is given up */
  bodyBytesMax?: number | undefined
  /** the longest time without a byte in either direction; default 60 s */
  idleTimeoutMs?: number | undefined
  /** of the answer's body; no bound where absent */
  responseBytesMax?: number | undefined
  /** for everything, to the end of the answer; default 10 minutes */
  timeoutMs?: number | undefined
}

/**
 * As in `send`, but `answered` comes with the headers: `body` is what follows, as it came over the wire (nothing is
 * decoded). It is read only as fast as it is taken, fails where the answer breaks off, takes too long or is longer than
 * `responseBytesMax`, and must be read to its end or destroyed.
 */
export type StreamedOutcome =
  | Exclude<OutboundOutcome, { kind: 'answered' }>
  | {
      kind: 'answered'
      status: number
      headers: ReceivedHeaders
      body: Readable
      durationMs: number
      remoteAddress: string | null
    }

/** What a streamed request is bounded by. */
export interface StreamLimits {
  idleTimeoutMs: number
  timeoutMs: number
  bodyBytes: number | null
  bodyBytesMax: number
}

/** The body that was to be sent is longer than allowed, or its source failed. */
class UnsendableBody extends Error {}

/**
 * One streamed request on its way. `onEnd` is called once, when nothing of it is under way any more.
 */
export class StreamAttempt implements Dispatcher.DispatchHandler {
  readonly #request: SendableRequest
  readonly #source: Readable | string | Uint8Array | null
  readonly #connections: SocketPool
  readonly #limits: StreamLimits
  readonly #resolve: (outcome: StreamedOutcome) => void
  readonly #onEnd: () => void
  readonly #startedAt = performance.now()
  #idleTimer: NodeJS.Timeout | null = null
  #timer: NodeJS.Timeout | null = null
  #signal: AbortSignal | null = null
  #leaveQueue: (() => void) | null = null
  #slot: PooledSocket | null = null
  #controller: Dispatcher.DispatchController | null = null
  #body: Readable | null = null
  #bodyBytes = 0
  #isSent: boolean
  #mayBeReceived = false
  #isOver = false

  constructor(options: {
    request: SendableRequest
    source: Readable | string | Uint8Array | null
    connections: SocketPool
    limits: StreamLimits
    resolve(outcome: StreamedOutcome): void
    onEnd(): void
  }) {
    this.#request = options.request
    this.#source = options.source
    this.#connections = options.connections
    this.#limits = options.limits
    this.#resolve = options.resolve
    this.#onEnd = options.onEnd
    this.#isSent = !(options.source instanceof Readable)
  }

  start(signal: AbortSignal | undefined): void {
    const { timeoutMs, idleTimeoutMs } = this.#limits
    this.#timer = setTimeout(() => this.#expire(`within ${timeoutMs} ms`), timeoutMs)
    this.#idleTimer = setTimeout(() => this.#expire(`for ${idleTimeoutMs} ms`), idleTimeoutMs)
    if (signal !== undefined) {
      this.#signal = signal
      signal.addEventListener('abort', this.#onAbort)
    }
    this.#leaveQueue = this.#connections.acquire(this.#request.origin, (slot) => this.#sendOn(slot))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#mayBeReceived = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#isOver) return
    this.#idleTimer?.refresh()
    const body = new Readable({
      read: () => this.#controller?.resume(),
      destroy: (error, done) => {
        // Whoever takes the answer had enough of it; where it ended by itself, there is nothing left to end.
        this.#end({ isClean: false })
        done(error)
      },
    })
    // Whoever takes the body hears of its failure; until somebody does, it must not be an unhandled one.
    body.on('error', () => {})
    this.#body = body
    this.#resolve({
      kind: 'answered',
      status,
      headers: headers as ReceivedHeaders,
      body,
      durationMs: this.#durationMs(),
      remoteAddress: this.#slot?.remoteAddress ?? null,
    })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#idleTimer?.refresh()
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > this.#request.responseBytesMax) {
      this.#fail(
        { kind: 'aborted', message: '', durationMs: 0 },
        `the answer is longer than ${this.#request.responseBytesMax} bytes`,
      )
      return
    }
    if (this.#body?.push(chunk) === false) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    const body = this.#body
    // An answer that came before all of the body was sent leaves a connection that is good for nothing more.
    this.#end({ isClean: this.#isSent })
    body?.push(null)
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#isOver) return
    const durationMs = this.#durationMs()
    if (error instanceof DialFailure) {
      const { verdict, message } = error
      this.#fail(
        verdict.kind === 'forbidden'
          ? { ...verdict, message, durationMs }
          : { kind: 'unreachable', reason: verdict.reason, message, maybeReceived: false, durationMs },
        message,
      )
    } else if (error instanceof UnsendableBody) {
      this.#fail({ kind: 'aborted', message: error.message, durationMs }, error.message)
    } else if (
      error instanceof errors.InvalidArgumentError ||
      error instanceof errors.RequestContentLengthMismatchError
    ) {
      const message = 'the request cannot be written as HTTP/1.1'
      this.#fail({ kind: 'invalid', message }, message)
    } else {
      const broken = brokenAnswerOf(error, this.#request.peer, this.#body === null ? null : 200)
      this.#fail(
        {
          kind: 'unreachable',
          reason: broken.reason,
          message: broken.message,
          maybeReceived: this.#mayBeReceived,
          durationMs,
        },
        broken.message,
      )
    }
  }

  #sendOn(slot: PooledSocket): void {
    this.#slot = slot
    const { origin, path, method, headers } = this.#request
    const { bodyBytes } = this.#limits
    const source = this.#source
    const body = source instanceof Readable ? Readable.from(this.#bounded(source), { objectMode: false }) : source
    const framed =
      source instanceof Readable && bodyBytes !== null ? [...headers, 'content-length', String(bodyBytes)] : headers
    slot.client.dispatch({ origin, path, method, headers: framed, body }, this)
  }

  async *#bounded(source: Readable): AsyncGenerator<Uint8Array> {
    let bytes = 0
    try {
      for await (const chunk of source) {
        const part = chunk as Buffer
        bytes += part.length
        if (bytes > this.#limits.bodyBytesMax)
          throw new UnsendableBody(`the body is longer than ${this.#limits.bodyBytesMax} bytes`)
        this.#idleTimer?.refresh()
        yield part
      }
    } catch (error) {
      throw error instanceof UnsendableBody ? error : new UnsendableBody('the body to send broke off')
    }
    this.#isSent = true
  }

  readonly #onAbort = (): void => {
    const message = 'the caller gave up'
    this.#fail({ kind: 'aborted', message, durationMs: this.#durationMs() }, message)
  }

  #expire(howLong: string): void {
    const message = `nothing came from ${this.#request.peer} ${howLong}`
    const durationMs = this.#durationMs()
    this.#fail(
      { kind: 'unreachable', reason: 'timeout', message, maybeReceived: this.#mayBeReceived, durationMs },
      message,
    )
  }

  /** Before the answer it is the outcome; after its headers the body fails. */
  #fail(outcome: Exclude<StreamedOutcome, { kind: 'answered' }>, message: string): void {
    if (this.#isOver) return
    const body = this.#body
    this.#end({ isClean: false })
    if (body === null) this.#resolve(outcome)
    else body.destroy(new Error(message))
  }

  #end({ isClean }: { isClean: boolean }): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#leaveQueue?.()
    if (this.#slot !== null) {
      if (isClean) this.#connections.release(this.#slot)
      else this.#connections.discard(this.#slot)
    }
    this.#onEnd()
  }

  #durationMs(): number {
    return performance.now() - this.#startedAt
  }
}
