import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A request as a receiver saw it. */
export interface Received {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** The body as it came. */
  bytes: Buffer
  /** The body parsed as JSON, where it is. */
  json: unknown
}

export type Behaviour = (request: Received, response: ServerResponse) => void | Promise<void>

/** A real HTTP server at the far end that does what the test tells it. */
export interface Receiver extends AsyncDisposable {
  url: string
  port: number
  received: Received[]
  /** How requests are answered from now on; 200 with `{}` until told otherwise. */
  behave(behaviour: Behaviour): void
  /** Resolves when `count` requests (that `matches`) have come. */
  waitFor(count: number, matches?: (request: Received) => boolean): Promise<Received[]>
}

/** Answers with a status and JSON. */
export function answering(status: number, json: unknown = {}, headers: Record<string, string> = {}): Behaviour {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json))
  }
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  let behaviour: Behaviour = answering(200)
  let waiters: (() => void)[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      const body = bytes.toString('utf8')
      const seen: Received = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body,
        bytes,
        json: parsed(body),
      }
      received.push(seen)
      void Promise.resolve(behaviour(seen, response)).catch(() => response.destroy())
      const woken = waiters
      waiters = []
      for (const wake of woken) wake()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    behave(next) {
      behaviour = next
    },
    async waitFor(count, matches = () => true) {
      for (;;) {
        const seen = received.filter(matches)
        if (seen.length >= count) return seen
        await new Promise<void>((resolve) => waiters.push(resolve))
      }
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
