import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The stand-in for your application: takes every request and shows the last ones. */
export interface ExampleReceiver {
  url: string
  port: number
  stop(): Promise<void>
}

interface Seen {
  at: string
  method: string
  path: string
  body: string
}

const KEPT = 50
const BODY_CHARS_MAX = 100_000

/**
 * Listens on the loopback address: on the wanted port, so that its address is the same at every start, or on any free one
 * where that is taken. `GET /` is a page with what came in, `GET /received` the same as JSON.
 */
export async function startExampleReceiver(now: () => Date, wantedPort: number): Promise<ExampleReceiver> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/') {
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      })
      response.end(page(seen))
      return
    }
    if (request.method === 'GET' && request.url === '/received') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items: seen }))
      return
    }
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      if (body.length < BODY_CHARS_MAX) body += chunk
    })
    request.on('end', () => {
      seen.unshift({ at: now().toISOString(), method: request.method ?? '', path: request.url ?? '', body })
      seen.length = Math.min(seen.length, KEPT)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ received: true }))
    })
  })
  await listen(server, wantedPort).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error
    return listen(server, 0)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, stop: () => closed(server) }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function page(seen: readonly Seen[]): string {
  const rows = seen.map(
    (each) =>
      `<section><h2>${escaped(each.method)} ${escaped(each.path)} <small>${escaped(each.at)}</small></h2><pre>${escaped(each.body)}</pre></section>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Example receiver</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}
h2{font-size:1rem}small{font-weight:normal;opacity:.7}pre{background:#8882;padding:.75rem;border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}</style></head>
<body><h1>What the example receiver got</h1>
${rows.length === 0 ? '<p>Nothing yet. Post an event with the command that the engine printed.</p>' : rows.join('\n')}
</body></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
