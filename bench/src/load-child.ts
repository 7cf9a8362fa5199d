import { connect, type Socket } from 'node:net'
import { answerParent } from './child.ts'
import { machineMs, type Spread, spreadOf } from './moments.ts'

/** Where events are sent, and as whom. */
export interface Target {
  path: string
  token: string
}

export interface Load {
  port: number
  /** Taken in turn. */
  targets: readonly Target[]
  connections: number
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

/** One keep-alive connection with a request that differs from event to event only in the moment it was sent. */
class Connection {
  readonly #socket: Socket
  readonly #requests: { bytes: Buffer; momentAt: number }[]
  readonly #onAnswer: (connection: Connection, status: number) => void
  #received = ''
  #turn: number
  sentAtMs = 0

  constructor(load: Load, turn: number, onAnswer: (connection: Connection, status: number) => void) {
    this.#requests = load.targets.map((target) => requestFor(target, load.bytes))
    this.#turn = turn
    this.#onAnswer = onAnswer
    this.#socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true })
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

function requestFor({ path, token }: Target, bytes: number): { bytes: Buffer; momentAt: number } {
  const event = {
    sentAt: MOMENT,
    orderId: 4711,
    customer: { name: 'Ada Lovelace', vip: true },
    lines: [1, 2, 3],
    note: '',
  }
  const note = 'x'.repeat(Math.max(0, bytes - JSON.stringify(event).length))
  const body = JSON.stringify({ ...event, note })
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `authorization: Bearer ${token}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const text = `${head.join('\r\n')}\r\n\r\n${body}`
  return { bytes: Buffer.from(text, 'latin1'), momentAt: text.indexOf(MOMENT) }
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

  const connections = Array.from({ length: load.connections }, (_, index) => new Connection(load, index, onAnswer))
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
