import { lookup as systemLookup } from 'node:dns/promises'
import { type Dispatcher, errors } from 'undici'
import type { Allowance } from '../bodies/allowance.ts'
import { decodeBody, unknownCodings } from '../bodies/content-coding.ts'
import type { AllowRule } from './address-policy.ts'
import type { BrokerMessage, BrokerOutcome } from './brokers/broker.ts'
import { createBrokers } from './brokers/brokers.ts'
import type { ReadOutcome, ReadRequest } from './brokers/reading.ts'
import { createDial, type Lookup } from './dial.ts'
import {
  brokenAnswerOf,
  DialFailure,
  type OutboundOutcome,
  type ReceivedHeaders,
  type UnreachableReason,
} from './outcome.ts'
import { checkRequest, type OutboundRequest, type SendableRequest } from './request-check.ts'
import { createSocketPool, type PooledSocket, type SocketPool } from './socket-pool.ts'
import { type OutboundStreamRequest, StreamAttempt, type StreamedOutcome } from './stream.ts'

/** Everything optional has a default; `allow` is the operator's, from `parseEgressAllow`. */
export type OutboundOptions = {
  allow: readonly AllowRule[]
  lookup?: Lookup
  /** default `Permea`; a request's own `user-agent` header wins */
  userAgent?: string
  /** from the name lookup to the end of the TLS handshake; default 5 s */
  connectTimeoutMs?: number
  /** As PEM: who signs certificates that are believed, beside those that the system believes. */
  certificates?: readonly string[] | undefined
  /** for a whole attempt that names none; default 15 s */
  timeoutMs?: number
  /** for an answer to a request that names none; default 10 MB */
  responseBytesMax?: number
}

/** The one way out of the engine. */
export type Outbound = AsyncDisposable & {
  /**
   * Sends one request once and says what came of it; never throws for what the world does.
   *
   * Redirects are answers like any other and are not followed. Cookies are not kept. Connections are kept open and used
   * again for the same origin. Nothing is ever sent twice: a connection that breaks under a request is `unreachable`,
   * whatever the method, and repeating is up to the caller (`maybeReceived` tells whether it is certainly safe). Before
   * a kept connection is used again, a close that has already arrived is noticed and a new connection made instead.
   */
  send(request: OutboundRequest): Promise<OutboundOutcome>
  /** The same for bodies that need not fit into memory: under the same checks, and as little is sent twice. */
  stream(request: OutboundStreamRequest): Promise<StreamedOutcome>
  /** Hands a message to a broker once: NATS, Redis, RabbitMQ, queues and topics of clouds. Never throws for what the world does. */
  publish(message: BrokerMessage): Promise<BrokerOutcome>
  /** Reads messages of a broker, over a connection of its own, until it is closed. */
  read(request: ReadRequest): Promise<ReadOutcome>
  /** Connections that are open now: for metrics and tests. */
  connectionCount(): { origins: number; slots: number; idle: number }
  /** Refuses new requests, waits for those under way (each has its time limit), then closes every connection. */
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 5_000
const TIMEOUT_MS = 15_000
const RESPONSE_BYTES_MAX = 10 * 1024 * 1024
const STREAM_IDLE_MS = 60_000
const STREAM_TIMEOUT_MS = 600_000
const NOTHING = Buffer.alloc(0)

/**
 * Makes the HTTP client for everything that leaves the engine: deliveries, subscribe requests, flow nodes, user `fetch`
 * and OAuth. HTTP/1.1 only. See `Dial` for which addresses are reached and how, `OutboundOutcome` for what comes back.
 * Opens nothing by itself.
 *
 * @source seeds/002 on rejected addresses; the limits follow Standard Webhooks and what receivers of webhooks see
 */
export function createOutbound(options: OutboundOptions): Outbound {
  const dial = createDial({
    allow: options.allow,
    lookup: options.lookup ?? ((hostname) => systemLookup(hostname, { all: true })),
    connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    certificates: options.certificates,
  })
  const connections = createSocketPool(dial)
  const brokers = createBrokers({ dial, send: (request) => client.send(request) })
  const defaults = {
    userAgent: options.userAgent ?? 'Permea',
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    responseBytesMax: options.responseBytesMax ?? RESPONSE_BYTES_MAX,
  }
  let underWay = 0
  let isClosing = false
  const allSettled = Promise.withResolvers<void>()

  async function close(): Promise<void> {
    isClosing = true
    if (underWay === 0) allSettled.resolve()
    await allSettled.promise
    await Promise.all([connections.destroy(), brokers.close()])
  }

  function whyNot(signal: AbortSignal | undefined): { kind: 'aborted'; message: string; durationMs: number } | null {
    const why = isClosing ? 'the client is closed' : signal?.aborted ? 'the caller gave up' : null
    return why === null ? null : { kind: 'aborted', message: why, durationMs: 0 }
  }
  function settled(): void {
    underWay -= 1
    if (isClosing && underWay === 0) allSettled.resolve()
  }

  const client: Outbound = {
    send(request) {
      const checked = checkRequest(request, defaults)
      if ('kind' in checked) return Promise.resolve(checked)
      const aborted = whyNot(request.signal)
      if (aborted !== null) return Promise.resolve(aborted)
      underWay += 1
      return new Promise((resolve) => {
        new Attempt(checked, connections, (outcome) => {
          settled()
          resolve(outcome)
        }).start(request)
      })
    },
    stream({ body = null, bodyBytes, bodyBytesMax, idleTimeoutMs = STREAM_IDLE_MS, ...request }) {
      const timeoutMs = request.timeoutMs ?? STREAM_TIMEOUT_MS
      const responseBytesMax = request.responseBytesMax ?? Number.POSITIVE_INFINITY
      const checked = checkRequest({ ...request, timeoutMs, responseBytesMax }, defaults)
      if ('kind' in checked) {
        // Nothing of an answer can be here: nothing was sent.
        if (checked.kind === 'answered') throw new Error('an answer before anything was sent')
        return Promise.resolve(checked)
      }
      const aborted = whyNot(request.signal)
      if (aborted !== null) return Promise.resolve(aborted)
      underWay += 1
      return new Promise((resolve) => {
        new StreamAttempt({
          request: checked,
          source: body,
          connections,
          limits: {
            idleTimeoutMs,
            timeoutMs,
            bodyBytes: bodyBytes ?? null,
            bodyBytesMax: bodyBytesMax ?? Number.POSITIVE_INFINITY,
          },
          resolve,
          onEnd: settled,
        }).start(request.signal)
      })
    },
    async publish(message) {
      const aborted = whyNot(message.signal)
      if (aborted !== null) return aborted
      underWay += 1
      try {
        return await brokers.publish(message)
      } finally {
        settled()
      }
    },
    async read(request) {
      const aborted = whyNot(undefined)
      return aborted === null ? brokers.read(request) : { kind: 'unreachable', message: aborted.message }
    },
    connectionCount: () => connections.count(),
    close,
    [Symbol.asyncDispose]: close,
  }
  return client
}

type AnsweredOutcome = Extract<OutboundOutcome, { kind: 'answered' }>
type Done = (outcome: OutboundOutcome | Promise<OutboundOutcome>) => void

/**
 * One request on its way. It is undici's handler itself, because this is the hot path: undici's `request` would build
 * a stream for every answer and could not let go of a request that waits for a connection.
 */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #request: SendableRequest
  readonly #connections: SocketPool
  readonly #done: Done
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | null = null
  #signal: AbortSignal | null = null
  #allowance: Allowance | null = null
  #leaveQueue: (() => void) | null = null
  #slot: PooledSocket | null = null
  #phase: 'waiting for a free connection' | 'connecting' | 'waiting for the answer' | 'reading the answer' =
    'waiting for a free connection'
  #isSettled = false
  #status = 0
  #statusText = ''
  #headers: ReceivedHeaders = {}
  #body: Buffer = NOTHING
  #bodyBytes = 0

  constructor(request: SendableRequest, connections: SocketPool, done: Done) {
    this.#request = request
    this.#connections = connections
    this.#done = done
  }

  start({ signal, allowance }: Pick<OutboundRequest, 'signal' | 'allowance'>): void {
    this.#timer = setTimeout(expire, this.#request.timeoutMs, this)
    if (allowance !== undefined) this.#allowance = allowance
    if (signal !== undefined) {
      this.#signal = signal
      signal.addEventListener('abort', this.#onAbort)
    }
    this.#leaveQueue = this.#connections.acquire(this.#request.origin, (slot) => this.#sendOn(slot))
  }

  /** The attempt's time is up. */
  expire(): void {
    const { peer, timeoutMs } = this.#request
    const message = `no complete answer from ${peer} within ${timeoutMs} ms, while ${this.#phase}`
    this.#giveUp(this.#unreachable('timeout', message))
  }

  onRequestStart(): void {
    this.#phase = 'waiting for the answer'
  }

  onResponseStart(
    _controller: unknown,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText = '',
  ): void {
    if (status < 200) return
    this.#phase = 'reading the answer'
    this.#status = status
    this.#statusText = statusText
    // undici types what may be sent and what is received alike; a received header always has a value.
    this.#headers = headers as ReceivedHeaders
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#isSettled) return
    const room = this.#request.responseBytesMax - this.#bodyBytes
    const isTruncated = chunk.length > room
    if (!this.#append(isTruncated ? chunk.subarray(0, room) : chunk)) {
      this.#giveUp(this.#overAllowance())
      return
    }
    if (!isTruncated) return
    this.#answer({ isTruncated })
    this.#dropSlot()
  }

  onResponseEnd(): void {
    if (this.#isSettled) return
    const slot = this.#slot
    this.#answer({ isTruncated: false })
    if (slot !== null) this.#connections.release(slot)
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#isSettled) return
    if (error instanceof DialFailure) {
      const { verdict, message } = error
      const outcome: OutboundOutcome =
        verdict.kind === 'forbidden'
          ? { ...verdict, message, durationMs: this.#durationMs() }
          : this.#unreachable(verdict.reason, message)
      this.#giveUp(outcome)
      return
    }
    if (error instanceof errors.InvalidArgumentError) {
      this.#giveUp({ kind: 'invalid', message: 'the request cannot be written as HTTP/1.1' })
      return
    }
    const broken = brokenAnswerOf(error, this.#request.peer, this.#phase === 'reading the answer' ? this.#status : null)
    this.#giveUp(this.#unreachable(broken.reason, broken.message))
  }

  #sendOn(slot: PooledSocket): void {
    this.#slot = slot
    this.#phase = 'connecting'
    const { origin, path, method, headers, body } = this.#request
    slot.client.dispatch({ origin, path, method, headers, body }, this)
  }

  /**
   * One growing buffer rather than a list: an answer in millions of tiny chunks costs no more than its bytes. False
   * where the buffer, which is what the allowance counts, may not be so large.
   */
  #append(chunk: Buffer): boolean {
    const bytes = this.#bodyBytes + chunk.length
    if (this.#bodyBytes === 0) {
      if (this.#allowance?.take(chunk.length) === false) return false
      // Most answers are one chunk, and are handed over as they are. The next one, if any, does not fit and copies.
      this.#body = chunk
    } else {
      if (bytes > this.#body.length) {
        const capacity = Math.max(bytes, Math.min(2 * this.#body.length, this.#bodyBytesMost()))
        if (this.#allowance?.take(capacity - this.#body.length) === false) return false
        const grown = Buffer.allocUnsafe(capacity)
        this.#body.copy(grown, 0, 0, this.#bodyBytes)
        this.#body = grown
      }
      chunk.copy(this.#body, this.#bodyBytes)
    }
    this.#bodyBytes = bytes
    return true
  }

  /** What the buffer need never exceed: the far end's word counts only to keep it smaller. */
  #bodyBytesMost(): number {
    const said = Number(this.#headers['content-length'])
    const { responseBytesMax } = this.#request
    return said < responseBytesMax ? said : responseBytesMax
  }

  /** The body as it was received is held no longer. */
  #giveBack(): void {
    this.#allowance?.give(this.#body.length)
    this.#body = NOTHING
  }

  #answer({ isTruncated }: { isTruncated: boolean }): void {
    this.#isSettled = true
    this.#stopListening()
    const encoding = this.#headers['content-encoding']
    const outcome = this.#answered(this.#headers, this.#body.subarray(0, this.#bodyBytes), isTruncated)
    this.#done(encoding === undefined || this.#bodyBytes === 0 ? outcome : this.#decode(outcome, String(encoding)))
  }

  async #decode(outcome: AnsweredOutcome, encoding: string): Promise<OutboundOutcome> {
    const bytesMax = this.#request.responseBytesMax
    const decoded = await decodeBody(outcome.body, encoding, { bytesMax, allowance: this.#allowance, mayBeCut: true })
    if (decoded === null) return outcome
    if (decoded !== 'over' && decoded.body === outcome.body && unknownCodings(encoding).length > 0) return outcome
    if (decoded === 'over') {
      this.#giveBack()
      return this.#overAllowance()
    }
    if (decoded.body !== outcome.body) this.#giveBack()
    const { 'content-encoding': _coding, 'content-length': _length, ...headers } = outcome.headers
    return this.#answered(headers, decoded.body, outcome.bodyTruncated || decoded.isTruncated)
  }

  #answered(headers: ReceivedHeaders, body: Buffer, bodyTruncated: boolean): AnsweredOutcome {
    const remoteAddress = this.#slot?.remoteAddress ?? null
    const durationMs = this.#durationMs()
    const status = { status: this.#status, statusText: this.#statusText }
    return { kind: 'answered', ...status, headers, body, bodyTruncated, durationMs, remoteAddress }
  }

  readonly #onAbort = (): void => {
    this.#giveUp({ kind: 'aborted', message: 'the caller gave up', durationMs: this.#durationMs() })
  }

  #giveUp(outcome: OutboundOutcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#giveBack()
    this.#stopListening()
    this.#leaveQueue?.()
    this.#dropSlot()
    this.#done(outcome)
  }

  #dropSlot(): void {
    if (this.#slot !== null) this.#connections.discard(this.#slot)
  }

  #stopListening(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #overAllowance(): OutboundOutcome {
    const message = 'more is being received than may be held at the same time'
    return { kind: 'aborted', message, durationMs: this.#durationMs() }
  }

  #unreachable(reason: UnreachableReason, message: string): OutboundOutcome {
    const maybeReceived = this.#phase === 'waiting for the answer' || this.#phase === 'reading the answer'
    return { kind: 'unreachable', reason, message, maybeReceived, durationMs: this.#durationMs() }
  }

  #durationMs(): number {
    return performance.now() - this.#startedAt
  }
}

function expire(attempt: Attempt): void {
  attempt.expire()
}
