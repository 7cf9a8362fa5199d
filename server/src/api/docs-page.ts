import { contract, type Endpoint, type EndpointTable, ERRORS, refusalsOf } from '@permea/contract'
import type { z } from 'zod'
import { basePathOf } from '../platform/base-path.ts'

/** Where the page finds what lets it send requests; it can be read without. */
export const DOCS_SCRIPT = '/docs/try.js'

/** A readable reference of the API: plain HTML, printed once from the contract. */
export function docsPage(publicUrl: string): string {
  const groups = Object.entries(contract) as [string, EndpointTable][]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Permea API</title>
<style>
:root{color-scheme:light dark;--line:#8883;--dim:#5f6368;--accent:#0b6bcb}
@media(prefers-color-scheme:dark){:root{--dim:#a3a9b3;--accent:#8ab4f8}}
body{background:Canvas;color:CanvasText;font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}a{color:var(--accent)}h2{margin-top:3rem;border-bottom:1px solid var(--line)}
section{border:1px solid var(--line);border-radius:8px;padding:.5rem 1rem;margin:.75rem 0}
h3{font:600 1rem ui-monospace,monospace;margin:.25rem 0;overflow-wrap:anywhere}
p{margin:.25rem 0}label{display:block;margin:.5rem 0}label span{display:block;font-size:.875rem}
input,select,textarea{box-sizing:border-box;width:100%;padding:.4rem;border:1px solid #8888;border-radius:6px;background:transparent;color:inherit;font:.875rem ui-monospace,monospace}
select option{color:#000;background:#fff}
button{padding:.4rem 1rem;border:0;border-radius:6px;background:#3d53c5;color:#fff;font:inherit;font-weight:600;cursor:pointer}button:disabled{opacity:.6}
details{margin:.5rem 0}summary{cursor:pointer}pre{max-height:24rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8125rem}
small{color:var(--dim)}code{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow:auto;background:#8881;padding:1rem;border-radius:8px}
table{display:block;overflow-x:auto}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}
</style></head><body>
<h1>Permea API</h1>
<p>Base address <code>${escaped(publicUrl)}</code>. Machine-readable: <a href="${escaped(basePathOf(publicUrl))}/openapi.json">openapi.json</a>.</p>
<p>Send a token as <code>Authorization: Bearer …</code>: a JWT signed with the workspace secret, with <code>iss</code> (workspace key) and <code>id</code> (your customer’s id), or with <code>isAdmin: true</code>. Lists answer <code>{ "items": […], "cursor"? }</code>; with <code>?export=csv</code>, <code>json</code> or <code>ndjson</code> they come whole, as a file.</p>
<label><span>Token that requests of this page are sent with; it stays in this page</span><input id="token" type="password" autocomplete="off"></label>
<noscript><p>Without scripts the page can be read, but sends nothing.</p></noscript>
<nav>${groups.map(([group]) => `<a href="#${group}">${group}</a>`).join('')}<a href="#webhooks">webhooks</a><a href="#errors">errors</a></nav>
${groups.map(([group, table]) => `<h2 id="${group}">${group}</h2>${Object.values(table).map(endpointHtml).join('')}`).join('')}
<h2 id="webhooks">webhooks</h2>
<section><h3>POST /webhooks/app-event-subscriptions/{uuid}</h3><p>Events of one customer. The URL is the secret; no token is needed.</p></section>
<section><h3>POST /webhooks/app-events/{webhookKey}</h3><p>Events of any customer: by the customer’s token, else by the tenant id formula of the event type.</p></section>
<p>The body is one JSON object or an array of them (a batch). Answers: 200 all accepted, 207 some, 400 none; <code>results</code> has an <code>id</code> or an <code>error</code> per event, in order. An <code>Idempotency-Key</code> or <code>webhook-id</code> header makes a repeated request within 24 hours answer as the first did.</p>
<h2 id="errors">errors</h2>
<p>Every error is a bare object <code>{ type, key, message, data? }</code>.</p>
<table><tr><th>status</th><th>type</th><th>key</th><th>meaning</th></tr>
${Object.entries(ERRORS)
  .map(
    ([key, error]) =>
      `<tr id="${key}"><td>${error.status}</td><td>${error.type}</td><td><code>${key}</code></td><td>${escaped(error.meaning)}</td></tr>`,
  )
  .join('\n')}
</table>
<script type="module" src="${escaped(basePathOf(publicUrl))}${DOCS_SCRIPT}"></script>
</body></html>`
}

function endpointHtml(endpoint: Endpoint): string {
  const query = endpoint.query === undefined ? [] : Object.keys(endpoint.query.shape)
  const body = bodyFields(endpoint.body)
  const place = `data-method="${endpoint.method.toLowerCase()}" data-path="${escaped(endpoint.path.replaceAll(/:(\w+)/g, '{$1}'))}"`
  return `<section ${place}><h3>${endpoint.method} ${escaped(endpoint.path)}</h3><p>${escaped(endpoint.summary)}.</p>
<p><small>${endpoint.access === 'admin' ? 'admin token' : endpoint.access === 'customer' ? 'any token' : 'no token'}${
    query.length > 0 ? ` · query: <code>${query.join('</code> <code>')}</code>` : ''
  }${body.length > 0 ? ` · body: <code>${body.join('</code> <code>')}</code>` : ''} · refusals: ${refusalsOf(endpoint)
    .map((key) => `<a href="#${key}">${key}</a>`)
    .join(', ')}</small></p></section>`
}

function bodyFields(body: z.ZodType | undefined): string[] {
  return body !== undefined && 'shape' in body ? Object.keys(body.shape as object) : []
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
