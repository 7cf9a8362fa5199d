import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_PRIVATE_KEY } from '../../server/src/outbound/far-end-key.ts'
import { freePort } from '../../server/src/platform/free-port.ts'

/** What a receiver on plain HTTP does with a request. */
type HttpBehaviour = (response: ServerResponse, request: IncomingMessage, canaryUrl: string) => void

const json = { 'content-type': 'application/json' }
const MEGABYTE = 1024 * 1024
/** Small on the wire; 64 MB when unfolded. Made when it is first wanted: it takes half a second. */
const gzipBomb = () => {
  bomb ??= gzipSync(Buffer.alloc(64 * MEGABYTE))
  return bomb
}
let bomb: Buffer | null = null

const status =
  (code: number, headers: Record<string, string> = {}): HttpBehaviour =>
  (response) => {
    response.writeHead(code, { ...json, ...headers }).end('{"code":"as told"}')
  }

const redirect =
  (code: number): HttpBehaviour =>
  (response, _request, canaryUrl) => {
    response.writeHead(code, { location: `${canaryUrl}/from/${code}` }).end()
  }

/** Well-behaved as far as HTTP goes. */
const ON_HTTP = {
  healthy: status(200),
  'slow 200': (response) => setTimeout(() => status(200)(response, response.req, ''), 250),
  'empty 204': (response) => response.writeHead(204).end(),
  'server error 500': status(500),
  'not found 404': status(404),
  'gone 410': status(410),
  'redirect 301': redirect(301),
  'redirect 302': redirect(302),
  'redirect 307': redirect(307),
  'redirect 308': redirect(308),
  'redirect to a private address': (response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  '429 without Retry-After': status(429),
  '429 in 120 seconds': status(429, { 'retry-after': '120' }),
  '429 until a moment in five minutes': (response) =>
    status(429, { 'retry-after': new Date(Date.now() + 300_000).toUTCString() })(response, response.req, ''),
  '429 with a negative number': status(429, { 'retry-after': '-120' }),
  '429 with words': status(429, { 'retry-after': 'when we are back' }),
  '429 in a thousand million seconds': status(429, { 'retry-after': '1000000000' }),
  '429 with a date long past': status(429, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
  'hangs before its headers': () => {},
  'hangs in its body': (response) => response.writeHead(200, { ...json, 'content-length': '100' }).write('{"so":"far'),
  'ten megabytes': (response) => response.writeHead(200, json).end(Buffer.alloc(10 * MEGABYTE, 'x')),
  'ten megabytes of error': (response) => response.writeHead(500, json).end(Buffer.alloc(10 * MEGABYTE, 'x')),
  'gzip bomb': (response) => response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipBomb()),
  'zeroes and broken characters': (response) =>
    response.writeHead(500, { 'content-type': 'text/plain' }).end(Buffer.from([0, 0xff, 0xd8, 0, 0xc3, 0x28, 0x0a])),
  'slow drip': (response) => {
    response.writeHead(200, json)
    const dripping = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(dripping))
  },
  'tells its secrets': (response) =>
    response
      .writeHead(500, { ...json, 'set-cookie': 'session=hush' })
      .end('{"token":"hush","nested":{"password":"hush"}}'),
} as const satisfies Record<string, HttpBehaviour>

/** Below HTTP: what is done with the connection once the request is there. */
const ON_TCP = {
  'half a body': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"so":"far'),
  'connection reset': (socket) => socket.resetAndDestroy(),
  'hangs up without a word': (socket) => socket.end(),
  'does not speak HTTP': (socket) => socket.end('220 smtp.example.com ESMTP\r\n'),
  'headers without end': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    socket.write(`x-long: ${'x'.repeat(100_000)}\r\n`)
  },
} as const satisfies Record<string, (socket: Socket) => void>

/** The receivers that live on a server of the zoo; others (no such host, a forbidden address) need none. */
export type ZooReceiver = keyof typeof ON_HTTP | keyof typeof ON_TCP | 'plain where TLS was meant' | 'self-signed'

/** Real servers at the far end, each of which misbehaves in a way of its own. */
export interface ReceiverZoo extends AsyncDisposable {
  urlOf(receiver: ZooReceiver): string
  /** A port on loopback on which nobody listens. */
  closedPort: number
  /** What came to the place to which the redirects point. */
  canaryVisits: string[]
}

export async function startReceiverZoo(): Promise<ReceiverZoo> {
  await using stack = new AsyncDisposableStack()
  const canaryVisits: string[] = []
  const canary = createHttpServer((request, response) => {
    canaryVisits.push(request.url ?? '')
    response.end()
  })
  const canaryUrl = `http://127.0.0.1:${await listen(stack, canary)}`
  const http = createHttpServer((request, response) => {
    const behaviour: HttpBehaviour | undefined = ON_HTTP[nameIn(request.url) as keyof typeof ON_HTTP]
    request.resume().on('end', () => behaviour?.(response, request, canaryUrl))
  })
  const tcp = createTcpServer((socket) => {
    let text = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const behaviour = ON_TCP[nameIn(/^POST (\S+) /.exec(text)?.[1]) as keyof typeof ON_TCP]
      if (behaviour === undefined) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      else if (isWhole(text)) behaviour(socket)
    })
  })
  const https = createHttpsServer({ cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_PRIVATE_KEY }, (_request, response) =>
    response.end('{}'),
  )
  const ports = { http: await listen(stack, http), tcp: await listen(stack, tcp), https: await listen(stack, https) }
  const all = stack.move()
  return {
    canaryVisits,
    closedPort: await freePort(),
    urlOf(receiver) {
      if (receiver === 'self-signed') return `https://127.0.0.1:${ports.https}/`
      if (receiver === 'plain where TLS was meant') return `https://127.0.0.1:${ports.tcp}/`
      const port = receiver in ON_HTTP ? ports.http : ports.tcp
      return `http://127.0.0.1:${port}/${encodeURIComponent(receiver)}`
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

const nameIn = (path: string | undefined) => decodeURIComponent(path?.slice(1) ?? '')

function isWhole(request: string): boolean {
  const length = Number(/content-length: (\d+)/i.exec(request)?.[1] ?? 0)
  const bodyAt = request.indexOf('\r\n\r\n') + 4
  return bodyAt > 3 && request.length >= bodyAt + length
}

/** Listens on a free port of loopback until the stack is disposed of, with everybody who is connected. */
async function listen(stack: AsyncDisposableStack, server: Server | NetServer): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stack.defer(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}
