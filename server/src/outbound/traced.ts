import { type Tracing, traceHeaders } from '../platform/tracing.ts'
import type { Outbound } from './client.ts'

interface Asked {
  url: string
  method: string
  headers?: Record<string, string> | undefined
}

interface Came {
  kind: string
  status?: number
  reason?: string
}

/**
 * A client whose requests are spans beneath what sends them, and say so to who gets them. Requests that belong to no
 * trace go out as they are. The address is not told: it may hold what is secret.
 *
 * @source W3C Trace Context; OpenTelemetry Semantic Conventions, HTTP spans
 */
export function traced(outbound: Outbound, tracing: Tracing): Outbound {
  async function asSpan<R extends Asked, O extends Came>(request: R, send: (request: R) => Promise<O>): Promise<O> {
    const here = tracing.here()
    if (here === null) return send(request)
    const method = request.method.toUpperCase()
    const span = tracing.begin({
      name: method,
      kind: 'client',
      beneath: here,
      attributes: { 'http.request.method': method, ...serverOf(request.url) },
    })
    const told = span.place === null ? {} : traceHeaders(span.place)
    const outcome = await send({ ...request, headers: { ...told, ...request.headers } })
    const { status } = outcome
    const error = status === undefined ? (outcome.reason ?? outcome.kind) : status >= 400 ? String(status) : null
    span.end({
      attributes: {
        ...(status === undefined ? {} : { 'http.response.status_code': status }),
        ...(error === null ? {} : { 'error.type': error }),
      },
      error,
    })
    return outcome
  }

  return {
    ...outbound,
    send: (request) => asSpan(request, outbound.send),
    stream: (request) => asSpan(request, outbound.stream),
    publish: (message) => asSpan({ ...message, method: 'publish' }, outbound.publish),
    [Symbol.asyncDispose]: () => outbound[Symbol.asyncDispose](),
  }
}

function serverOf(url: string): Record<string, string | number> {
  if (!URL.canParse(url)) return {}
  const { protocol, hostname, port } = new URL(url)
  const usual = protocol === 'https:' ? 443 : 80
  return {
    'url.scheme': protocol.slice(0, -1),
    'server.address': hostname,
    'server.port': port === '' ? usual : Number(port),
  }
}
