import { connect, type Socket } from 'node:net'
import { answerParent } from './child.ts'
import { machineMs, type Spread, spreadOf } from './moments.ts'
import { payloads } from './payloads.ts'

/** Where events are sent, and as whom. */
export interface Target {
  path: string
  token: string
}

export interface Load {
  /** Connections are shared out among several. */
  port: number | readonly number[]
  /** Taken in turn. */
  targets: readonly Target[]
  connections: number
  /** About how long each event is. */
  bytes: number
  /**
   * `closed`: every connection sends its next event when the last one is answered.
   * `open`: `batch` events every `everyMs`, whether the ones before are answered or not; waiting for a free connection
   * counts as latency.
   */
  pace: { kind: 'closed' } | { kind: 'open'; batch: number; everyMs: number }
  /** Ends after this long, or after so many events, whichever is first. */
  seconds: number
  countMax?: number
}

export interface LoadResult {
  accepted: number
  refused: number
  seconds: number
  startedAtMs: number
  latency: Spread
}

/** Requests that a connection has ready, each with an event of its own; then it begins anew with another moment. */
const REQUESTS = 20
/** Different events of one load. */
const ORDERS = 500
const NOWHERE: Target = { path: '/', token: '' }

/** One keep-alive connection with its requests made beforehand: only the moment of sending is filled in. */
class Connection {
  readonly #socket: Socket
  readonly #requests: { bytes: Buffer; momentAt: number }[]
  readonly #onAnswer: (connection: Connection, status: number) => void
  #received = ''
  #turn: number
  sentAtMs = 0

  constructor(
    load: Load,
    orders: readonly Record<string, unknown>[],
    turn: number,
    onAnswer: (connection: Connection, status: number) => void,
  ) {
    const count = load.targets.length * Math.max(1, Math.floor(REQUESTS / load.targets.length))
    this.#requests = Array.from({ length: count }, (_, index) =>
      requestFor(load.targets[index % load.targets.length] ?? NOWHERE, orders[(turn + index) % orders.length] ?? {}),
    )
    this.#turn = turn
    this.#onAnswer = onAnswer
    const ports = typeof load.port === 'number' ? [load.port] : load.port
    this.#socket = connect({ port: ports[turn % ports.length] ?? 0, host: '127.0.0.1', noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (chunk: string) => this.#read(chunk))
    // Without the other end there is nothing to measure, and nobody to wait for.
    this.#socket.on('end', () => process.exit(1))
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.once('error', reject)
    })
  }

  /** Only after the one before was answered: the bytes are used again. */
  send(sentAtMs: number): void {
    const request = this.#requests[this.#turn++ % this.#requests.length]
    if (request === undefined) throw new Error('there is no target')
    this.sentAtMs = sentAtMs
    request.bytes.write(momentText(sentAtMs), request.momentAt, 'latin1')
    this.#socket.write(request.bytes)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    this.#received = this.#received === '' ? chunk : this.#received + chunk
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received)?.[1]
    if (length === undefined) throw new Error(`an answer without length: ${this.#received.slice(0, headEnd)}`)
    if (this.#received.length < headEnd + 4 + Number(length)) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#onAnswer(this, status)
  }
}

const MOMENT = '0000000000.000'

function momentText(ms: number): string {
  return ms.toFixed(3).padStart(MOMENT.length, '0')
}

function requestFor({ path, token }: Target, order: Record<string, unknown>): { bytes: Buffer; momentAt: number } {
  const body = JSON.stringify({ sentAt: MOMENT, ...order })
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `authorization: Bearer ${token}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const text = `${head.join('\r\n')}\r\n\r\n${body}`
  return { bytes: Buffer.from(text, 'utf8'), momentAt: text.indexOf(MOMENT) }
}

async function run(load: Load): Promise<LoadResult> {
  const latencies: number[] = []
  let refused = 0
  let sent = 0
  let underWay = 0
  let finished: () => void = () => {}
  const allAnswered = new Promise<void>((resolve) => {
    finished = resolve
  })
  const free: Connection[] = []
  const due: number[] = []
  const countMax = load.countMax ?? Number.POSITIVE_INFINITY
  let isOver = false

  const send = (connection: Connection, atMs: number) => {
    sent += 1
    underWay += 1
    connection.send(atMs)
  }
  const onAnswer = (connection: Connection, status: number) => {
    const nowMs = machineMs()
    underWay -= 1
    if (status >= 200 && status < 300) latencies.push(nowMs - connection.sentAtMs)
    else refused += 1
    const next = due.shift()
    if (next !== undefined) return send(connection, next)
    if (load.pace.kind === 'closed' && nowMs < endMs && sent < countMax) return send(connection, nowMs)
    free.push(connection)
    if (underWay === 0 && (load.pace.kind === 'closed' || isOver)) finished()
  }

  const orders = payloads(ORDERS, load.bytes)
  const connections = Array.from(
    { length: load.connections },
    (_, index) => new Connection(load, orders, index, onAnswer),
  )
  await Promise.all(connections.map((each) => each.opened()))
  const startedAtMs = machineMs()
  const endMs = startedAtMs + load.seconds * 1000
  if (load.pace.kind === 'closed') for (const each of connections.slice(0, countMax)) send(each, machineMs())
  else {
    const { batch, everyMs } = load.pace
    free.push(...connections)
    let released = 0
    const timer = setInterval(() => {
      const nowMs = machineMs()
      for (let atMs = startedAtMs + released * everyMs; atMs <= nowMs && atMs < endMs; atMs += everyMs, released += 1) {
        for (let each = 0; each < batch && sent + due.length < countMax; each += 1) {
          const connection = free.pop()
          if (connection === undefined) due.push(atMs)
          else send(connection, atMs)
        }
      }
      if (nowMs < endMs && sent + due.length < countMax) return
      clearInterval(timer)
      isOver = true
      if (underWay === 0) finished()
    }, 1)
  }
  await allAnswered
  const seconds = (machineMs() - startedAtMs) / 1000
  for (const each of connections) each.close()
  return { accepted: latencies.length, refused, seconds, startedAtMs, latency: spreadOf(latencies) }
}

const asks = { run, async stop() {} }
export type LoadAsks = typeof asks

answerParent(asks)
