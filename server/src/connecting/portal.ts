import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Customer } from '../customers/customer.ts'
import { basePathOf } from '../platform/base-path.ts'
import { toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { guarded, originOf } from './browser.ts'
import { escapeHtml } from './connect-form.ts'
import { lookOf, mayEmbed } from './connect-look.ts'
import { resultPage, STYLE_PATH, themePathOf } from './connect-page.ts'
import { type Speech, speechFor, worded } from './connect-texts.ts'
import { portalTexts } from './portal-texts.ts'

/** The page's own files, plain JavaScript that is served as it is. */
const FILES = ['portal.js', 'apps.js', 'webhooks.js', 'deliveries.js', 'engine.js', 'dom.js', 'portal.css']
const FILES_PATH = '/connect/portal'
const FORM_BYTES_MAX = 64 * 1024

export interface PortalOptions {
  log: Log
  directory: WorkspaceDirectory
  authenticate: Authenticate
  customers: { find(principal: Principal, selector: string): Promise<Customer> }
  publicUrl: string
}

/**
 * The page for customers. It is a user of the public API with the customer's token, which comes in the body of a form or
 * behind the `#` of the address.
 */
export function mountPortal(app: FastifyInstance, options: PortalOptions): void {
  const basePath = basePathOf(options.publicUrl)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (_request, text, done) => done(null, new URLSearchParams(text as string)),
  )
  for (const file of FILES) {
    const text = readFileSync(new URL(`../../../connect/portal/${file}`, import.meta.url), 'utf8')
    const type = file.endsWith('.css') ? 'text/css' : 'text/javascript'
    app.get(`${FILES_PATH}/${file}`, (_request, reply) =>
      reply
        .header('cache-control', 'public, max-age=300')
        .header('x-content-type-options', 'nosniff')
        .type(`${type}; charset=utf-8`)
        .send(text),
    )
  }
  app.get('/portal', (request, reply) => {
    const { token } = request.query as { token?: string }
    return token === undefined
      ? send(reply, blankPage(speechOf(request), basePath), null)
      : open(request, reply, token, 'referer')
  })
  app.post('/portal', (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    return open(request, reply, form.get('token') ?? '', 'origin')
  })

  async function open(request: FastifyRequest, reply: FastifyReply, token: string, from: 'origin' | 'referer') {
    const speech = speechOf(request)
    try {
      const principal = await options.authenticate(`Bearer ${token}`, 'customers')
      if (principal.isAdmin || principal.customerId === null)
        throw new Refusal('access_denied', 'the page for customers needs a customer’s token')
      const workspace = await options.directory.byId(principal.workspaceId)
      const origin = originOf(request, from)
      const isOwn = origin === null || origin === new URL(options.publicUrl).origin || hostOf(origin) === request.host
      const look = lookOf(workspace)
      if (!isOwn && !mayEmbed(look, origin))
        throw new Refusal('access_denied', `${origin} is not among the origins that the workspace allows`)
      const customer = await options.customers.find(principal, toWire('cus', principal.customerId))
      const html = portalPage({
        speech,
        token,
        origin: isOwn ? null : origin,
        basePath,
        themePath: `${basePath}${themePathOf(workspace)}`,
        logoUri: workspace.logoUri,
        workspaceName: workspace.name,
        customerName: customer.name,
        look,
      })
      return send(reply, html, origin, look.fontUrl != null)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      options.log.info({ key: error.key, message: error.message }, 'the page for customers could not be shown')
      return send(reply.status(error.status), nothingPage(speech, basePath), null)
    }
  }
}

const speechOf = (request: FastifyRequest) => speechFor(request.headers['accept-language'])
const hostOf = (origin: string) => new URL(origin).host

function send(reply: FastifyReply, html: string, origin: string | null, hasFont = false): FastifyReply {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    // The connect page in a dialog, and what apps ask in it.
    "frame-src 'self'",
    "form-action 'self'",
    'img-src https: data:',
    ...(hasFont ? ['font-src https:'] : []),
    `frame-ancestors ${origin ?? "'none'"}`,
    "base-uri 'none'",
  ]
  return guarded(reply).header('content-security-policy', policy.join('; ')).type('text/html; charset=utf-8').send(html)
}

interface PortalPage {
  speech: Speech
  token: string
  /** Of the page around this one; null where there is none. */
  origin: string | null
  basePath: string
  themePath: string
  logoUri: string | null
  workspaceName: string
  customerName: string
  look: ReturnType<typeof lookOf>
}

function portalPage(page: PortalPage): string {
  const { speech, token, origin } = page
  const texts = portalTexts(speech.language)
  // `<` would end the element that the data stand in.
  const data = JSON.stringify({ token, origin, texts, language: speech.language }).replaceAll('<', '\\u003c')
  const names = { app: '', workspace: page.workspaceName, customer: page.customerName }
  const logo =
    page.logoUri !== null && /^(?:https:|data:image\/)/.test(page.logoUri)
      ? `<img src="${escapeHtml(page.logoUri)}" alt="">`
      : ''
  const links = [
    [page.look.privacyUrl, speech.texts.privacy],
    [page.look.helpUrl, speech.texts.help],
  ].flatMap(([url, words]) =>
    url == null
      ? []
      : [`<a href="${escapeHtml(url)}" target="_blank" rel="noopener noreferrer">${escapeHtml(words ?? '')}</a>`],
  )
  return documentOf(
    page,
    `<main>
<header>${logo}<div><h1>${escapeHtml(texts.title)}</h1><p>${escapeHtml(worded(speech.texts.whom, names))}</p></div></header>
<nav aria-label="${escapeHtml(texts.title)}"></nav>
<p id="status" role="status"></p>
<div id="part" tabindex="-1"></div>
${links.length === 0 ? '' : `<p class="links">${links.join('')}</p>`}
</main>
<script type="application/json" id="portal-data">${data}</script>`,
    `<link rel="stylesheet" href="${escapeHtml(page.themePath)}">`,
  )
}

/** Without a token nothing is shown, except to who has one behind the `#`: the script goes on from there. */
function blankPage(speech: Speech, basePath: string): string {
  const { texts } = speech
  return documentOf(
    { speech, basePath },
    `<main><h1>${escapeHtml(texts.nothingTitle)}</h1><p>${escapeHtml(texts.nothingText)}</p></main>`,
    '',
  )
}

function nothingPage(speech: Speech, basePath: string): string {
  const { texts } = speech
  const about = {
    title: texts.nothingTitle,
    text: texts.nothingText,
    message: null,
    origin: null,
    retryPath: null,
    basePath,
  }
  return resultPage(null, { ...about, speech }).html
}

function documentOf({ speech, basePath }: { speech: Speech; basePath: string }, body: string, theme: string): string {
  return `<!doctype html>
<html lang="${speech.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(portalTexts(speech.language).title)}</title>
<link rel="stylesheet" href="${escapeHtml(basePath)}${STYLE_PATH}">
<link rel="stylesheet" href="${escapeHtml(basePath)}${FILES_PATH}/portal.css">
${theme}
</head>
<body>
${body}
<script type="module" src="${escapeHtml(basePath)}${FILES_PATH}/portal.js"></script>
</body>
</html>
`
}
