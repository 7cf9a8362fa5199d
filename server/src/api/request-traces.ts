import type { FastifyInstance, FastifyRequest } from 'fastify'
import { placeIn, type Span, type TracePlace, type Tracing } from '../platform/tracing.ts'

/** The spans of requests under way. */
export interface RequestTraces {
  /** Begins and ends them; before any route is mounted. */
  mount(app: FastifyInstance): void
  /** Where a request stands; null where it is in no trace. */
  placeOf(request: FastifyRequest): TracePlace | null
  /** Does something as part of a request. */
  within<T>(request: FastifyRequest, work: () => T): T
}

const NOWHERE: RequestTraces = { mount() {}, placeOf: () => null, within: (_request, work) => work() }

/**
 * A span for each request at the API and at webhook URLs, named by the route: the address itself has what proves the
 * sender. Pages, health checks and metrics have none.
 *
 * @source OpenTelemetry Semantic Conventions, HTTP spans
 */
export function createRequestTraces(tracing: Tracing | null): RequestTraces {
  if (tracing === null) return NOWHERE
  const spans = new WeakMap<FastifyRequest, Span>()
  const placeOf = (request: FastifyRequest) => spans.get(request)?.place ?? null
  return {
    mount(app) {
      app.addHook('onRequest', (request, _reply, done) => {
        const { url: route } = request.routeOptions
        if (route !== undefined && !UNTOLD.test(route))
          spans.set(
            request,
            tracing.begin({
              name: `${request.method} ${route}`,
              kind: 'server',
              beneath: placeIn(request.headers),
              attributes: {
                'http.request.method': request.method,
                'http.route': route,
                'url.scheme': request.protocol,
              },
            }),
          )
        done()
      })
      app.addHook('onResponse', (request, reply, done) => {
        const status = reply.statusCode
        const error = status >= 500 ? String(status) : null
        spans.get(request)?.end({
          attributes: { 'http.response.status_code': status, ...(error === null ? {} : { 'error.type': error }) },
          error,
        })
        done()
      })
    },
    placeOf,
    within: (request, work) => tracing.within(placeOf(request), work),
  }
}

const UNTOLD =
  /^\/(?:|healthz|readyz|metrics|prometheus|docs|openapi\.json|asyncapi\.json|(?:console|connect|portal|live)(?:[/.].*)?|\*)$/
