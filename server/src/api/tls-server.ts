import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'
import type { Certificate } from '../platform/tls-files.ts'
import { HEADS, REQUEST_MS_MAX } from './request-bodies.ts'

/** As long as the framework keeps connections of servers that it makes itself. */
const KEEP_ALIVE_MS = 72_000

/** The server that speaks TLS itself, with the same limits. Rooms see one type for both. */
export function tlsServer({ cert, key }: Certificate, handler: RequestListener): Server {
  const server = createServer({ ...HEADS, requestTimeout: REQUEST_MS_MAX, cert, key, minVersion: 'TLSv1.2' }, handler)
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.setTimeout(0)
  return server as unknown as Server
}
