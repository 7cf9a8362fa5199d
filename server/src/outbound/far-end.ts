import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_PRIVATE_KEY } from './far-end-key.ts'

/** For tests: a real listener on a loopback address that remembers who came. Its sockets end with it. */
export type FarEnd = AsyncDisposable & {
  port: number
  /** `http://host:port`, or `https://…` */
  url: string
  /** every connection that was ever accepted */
  sockets: Socket[]
}

/** Answers HTTP requests with `listener`. */
export function listenHttp(listener: RequestListener, where: { host?: string; port?: number } = {}): Promise<FarEnd> {
  return listen(createHttpServer(listener), { ...where, scheme: 'http' })
}

/** Answers HTTPS requests with the test certificate. */
export function listenHttps(listener: RequestListener): Promise<FarEnd> {
  const server = createHttpsServer({ cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_PRIVATE_KEY }, listener)
  return listen(server, { scheme: 'https' })
}

/** Hands over each connection as it is, for receivers that misbehave below HTTP. */
export function listenTcp(onSocket: (socket: Socket) => void, scheme = 'http'): Promise<FarEnd> {
  return listen(createTcpServer(onSocket), { scheme })
}

/** Ends each connection's request with a raw answer as soon as its first bytes arrive. */
export function listenRaw(answer: string, then: (socket: Socket) => void = () => {}): Promise<FarEnd> {
  return listenTcp((socket) => {
    socket.once('data', () => {
      socket.write(answer, 'latin1')
      then(socket)
    })
  })
}

/** Waits until a connection that the receiver accepted is gone, however it ended. */
export async function gone(socket: Socket | undefined): Promise<void> {
  assert.ok(socket !== undefined, 'nobody connected')
  const closed = Promise.withResolvers<void>()
  socket.once('close', closed.resolve)
  if (!socket.closed) await closed.promise
}

async function listen(server: Server, where: { host?: string; port?: number; scheme: string }): Promise<FarEnd> {
  const { host = '127.0.0.1', port = 0, scheme } = where
  const sockets: Socket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    port: address.port,
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
