import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { basePathOf } from '../platform/base-path.ts'
import type { Metrics } from '../platform/metrics.ts'
import { productVersion } from '../platform/version.ts'
import { DOCS_SCRIPT, docsPage } from './docs-page.ts'
import { openApi } from './openapi.ts'

export interface HealthOptions {
  publicUrl: string
  metrics: Metrics
  /** Further documents that anybody may read, by path. */
  documents: Readonly<Record<string, object>>
  /** Resolves when the process can do its work; rejects with what it lacks, in words that anybody may read. */
  checkReady(): Promise<Record<string, unknown>>
}

/** Tokens are typed into the page: nothing else runs there, and no other page shows it. */
const DOCS_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "script-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')
const DOCS_TRY = readFileSync(new URL('docs-try.js', import.meta.url), 'utf8')

/** What anybody may ask the process itself: whether it is well, what it counts, what its API is. */
export function mountHealth(app: FastifyInstance, options: HealthOptions): void {
  const basePath = basePathOf(options.publicUrl)
  app.get('/', async (request, reply) => {
    const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '')
    if (wantsPage)
      return reply
        .header('vary', 'accept')
        .redirect(app.hasRoute({ method: 'GET', url: '/console' }) ? `${basePath}/console/` : `${basePath}/docs`, 302)
    return reply.header('vary', 'accept').send({ name: 'permea', status: 'ok', docs: `${basePath}/docs` })
  })
  const version = productVersion()
  app.get('/healthz', async () => ({ status: 'ok', version }))
  app.get('/readyz', async (_request, reply) => {
    try {
      const more = await options.checkReady()
      return { status: 'ready', ...more }
    } catch (error) {
      return reply.status(503).send({ status: 'not ready', reason: (error as Error).message })
    }
  })
  for (const path of ['/metrics', '/prometheus']) {
    app.get(path, async (_request, reply) =>
      reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
    )
  }
  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(await openApi(options.publicUrl))),
  )
  for (const [path, document] of Object.entries(options.documents)) {
    const text = JSON.stringify(document)
    app.get(path, async (_request, reply) => reply.type('application/json; charset=utf-8').send(text))
  }
  const page = docsPage(options.publicUrl)
  app.get('/docs', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', DOCS_POLICY).send(page),
  )
  app.get(DOCS_SCRIPT, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'no-cache').send(DOCS_TRY),
  )
}
