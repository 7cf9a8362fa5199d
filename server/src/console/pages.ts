import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { basePathOf } from '../platform/base-path.ts'
import { secretUuid } from '../platform/ids.ts'

/** What the built page has where the nonce of a response goes. */
const NONCE_MARK = '__PERMEA_NONCE__'
const ASSETS_FOR_SECONDS = 365 * 86_400
const RELOAD_SECONDS = 2

/**
 * Serves the built console: its page at every address below `/console`, so that each can be opened and shared, and its
 * hashed files for ever. While there is no build, a page says so and looks again.
 */
export async function mountPages(app: FastifyInstance, options: { dir: string; publicUrl: string }): Promise<void> {
  await app.register(fastifyStatic, { root: options.dir, serve: false, preCompressed: true, index: false })
  const basePath = basePathOf(options.publicUrl)
  const indexOf = rememberedIndex(path.join(options.dir, 'index.html'), `${basePath}/console/`)

  const show = async (reply: FastifyReply) => {
    const nonce = secretUuid()
    secure(reply, policyOf(nonce)).type('text/html; charset=utf-8').header('cache-control', 'no-store')
    const index = await indexOf()
    if (index === null) return reply.status(503).header('retry-after', String(RELOAD_SECONDS)).send(beingBuilt(nonce))
    return reply.send(index.replaceAll(NONCE_MARK, nonce))
  }
  app.get('/console', (_request, reply) => show(reply))
  app.get<{ Params: { '*': string } }>('/console/*', async (request, reply) => {
    const file = request.params['*']
    if (/^(?:assets\/)?[\w.-]+\.\w+$/.test(file)) {
      secure(reply, "default-src 'none'")
      return reply.sendFile(file, { maxAge: ASSETS_FOR_SECONDS * 1000, immutable: file.startsWith('assets/') })
    }
    return show(reply)
  })
}

/**
 * Scripts come from the console's own files only. Styles too, save the few that the page makes while it runs, which
 * carry the nonce of their response. Logos of apps may come from anywhere.
 */
function policyOf(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "font-src 'self'",
    'img-src https: http: data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function secure(reply: FastifyReply, policy: string): FastifyReply {
  return reply
    .header('content-security-policy', policy)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-opener-policy', 'same-origin-allow-popups')
    .header('cross-origin-resource-policy', 'same-origin')
}

/** The page as built, read again when the file changes; null while there is none. */
function rememberedIndex(file: string, base: string): () => Promise<string | null> {
  let known: { changedMs: number; text: string } | null = null
  return async () => {
    const changedMs = await stat(file).then(
      (stats) => stats.mtimeMs,
      () => null,
    )
    if (changedMs === null) return null
    if (known?.changedMs !== changedMs) {
      const text = (await readFile(file, 'utf8')).replaceAll('="./', `="${base}`)
      known = { changedMs, text }
    }
    return known.text
  }
}

function beingBuilt(nonce: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${RELOAD_SECONDS}"><title>Permea</title>
<style nonce="${nonce}">:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}main{max-width:32rem;padding:1rem}</style></head>
<body><main><h1>The console is being built</h1><p>This happens once after an install or an update and takes a few seconds. The page looks again by itself; the engine is at work already.</p>
<p>If it stays like this, the log of the engine says why.</p></main></body></html>`
}
