import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A product's own page, of another origin than the engine: a script, and what it is told of the engine at each load. */
export async function serveProductPage(
  script: string,
  engine: () => Readonly<Record<string, string>>,
): Promise<{ url: string } & Disposable> {
  const html = () => `<!doctype html><html lang="en"><title>Product</title><div id="root"></div>
<script id="engine" type="application/json">${JSON.stringify(engine())}</script><script type="module" src="/page.js"></script></html>`
  const server = createServer((request, response) =>
    request.url === '/page.js'
      ? void response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      : void response.writeHead(200, { 'content-type': 'text/html' }).end(html()),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    [Symbol.dispose]: () => void server.close(),
  }
}
