import type { AuthOption } from '../integrations/connector.ts'
import { escapeHtml, formFields } from './connect-form.ts'

/** A page of the connect flow: its HTML, and what its content security policy has to allow beyond nothing. */
export interface Page {
  html: string
  /** Where its form may lead, beside this server. */
  formTargets: readonly string[]
}

/** Who connects what, for whom, as the pages say it. */
export interface Headline {
  appName: string
  logoUri: string | null
  workspaceName: string
  customerName: string
}

export const STYLE_PATH = '/connect/style.css'
export const SCRIPT_PATH = '/connect/result.js'

export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; display: grid; place-items: center; min-height: 100vh; background: Canvas; color: CanvasText }
main { width: min(26rem, 100vw - 2rem); padding: 2rem 0 }
h1 { font-size: 1.4rem; margin: 0 0 .25rem }
img { height: 2.5rem; max-width: 10rem }
.whom { margin: 0 0 1.5rem; opacity: .8 }
label, legend { display: block; font-weight: 600; margin-bottom: .25rem }
.check label { display: inline; font-weight: 400 }
.optional { font-weight: 400; opacity: .7 }
.help { margin: -.75rem 0 1rem; font-size: .9rem; opacity: .8; white-space: pre-line }
input:not([type=checkbox]), select, textarea { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; border: 1px solid GrayText; border-radius: .35rem; background: Field; color: FieldText }
fieldset { border: 1px solid GrayText; border-radius: .35rem; margin: 0 0 1rem }
button, .button { display: inline-block; font: inherit; font-weight: 600; padding: .6rem 1.2rem; margin-top: .5rem; border: 0; border-radius: .35rem; background: #1f5fd6; color: #fff; cursor: pointer; text-decoration: none }
button:focus-visible, .button:focus-visible, input:focus-visible, select:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
.choices button { display: block; width: 100%; text-align: left; margin: 0 0 .75rem }
.choices small { display: block; font-weight: 400 }
.problem { border-left: 4px solid #c22; padding: .5rem .75rem; margin: 0 0 1rem }
`

/** Tells the page that opened this one, and closes it. What is told holds no secrets. */
export const SCRIPT = `'use strict'
const result = document.querySelector('[data-message]')
const message = JSON.parse(result.dataset.message)
const origin = result.dataset.origin
if (origin !== '') {
  for (const target of [window.opener, window.parent]) {
    if (target !== null && target !== window) target.postMessage(message, origin)
  }
}
if (window.opener !== null) setTimeout(() => window.close(), 1000)
`

export function choicePage(headline: Headline, link: string, options: readonly [string, AuthOption][]): Page {
  const buttons = options.map(([key, option]) => {
    const title = escapeHtml(option.title ?? key)
    const description = option.description === undefined ? '' : `<small>${escapeHtml(option.description)}</small>`
    return `<button name="authOptionKey" value="${escapeHtml(key)}">${title}${description}</button>`
  })
  return page(
    headline,
    `<form method="post" action="/connect" class="choices">${hidden({ request: link })}${buttons.join('\n')}</form>`,
    ['https:'],
  )
}

export function formPage(
  headline: Headline,
  about: {
    link: string
    optionKey: string
    option: AuthOption
    values: unknown
    problem: string | null
    targets: readonly string[]
  },
): Page {
  const { option, problem } = about
  const description = option.description === undefined ? '' : `<p>${escapeHtml(option.description)}</p>`
  const told = problem === null ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`
  const fields = formFields(option.inputSchema, about.values)
  const form = `<form method="post" action="/connect">${hidden({ request: about.link, authOptionKey: about.optionKey, filled: '1' })}${fields}<button>Connect</button></form>`
  return page(headline, `${description}${told}${form}`, about.targets)
}

/** The last page: whoever opened it is told by a message, where it is known who that is. */
export function resultPage(
  headline: Headline | null,
  about: { title: string; text: string; message: object | null; origin: string | null; retryPath: string | null },
): Page {
  const data =
    about.message === null
      ? ''
      : ` data-message="${escapeHtml(JSON.stringify(about.message))}" data-origin="${escapeHtml(about.origin ?? '')}"`
  const retry =
    about.retryPath === null ? '' : `<p><a class="button" href="${escapeHtml(about.retryPath)}">Try again</a></p>`
  const script = about.message === null ? '' : `<script src="${SCRIPT_PATH}"></script>`
  return page(
    headline,
    `<div role="status"${data}><h2>${escapeHtml(about.title)}</h2><p>${escapeHtml(about.text)}</p></div>${retry}${script}`,
    [],
  )
}

function page(headline: Headline | null, body: string, formTargets: readonly string[]): Page {
  const title = headline === null ? 'Connect' : `Connect ${headline.appName}`
  const logo =
    headline?.logoUri != null && /^(?:https:|data:image\/)/.test(headline.logoUri)
      ? `<img src="${escapeHtml(headline.logoUri)}" alt="">`
      : ''
  const whom =
    headline === null
      ? ''
      : `<p class="whom">for ${escapeHtml(headline.customerName)} at ${escapeHtml(headline.workspaceName)}</p>`
  return {
    formTargets,
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main>
${logo}<h1>${escapeHtml(title)}</h1>
${whom}${body}
</main>
</body>
</html>
`,
  }
}

function hidden(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
}
