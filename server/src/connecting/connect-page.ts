import type { ConnectLook } from '@permea/contract'
import type { AuthOption } from '../integrations/connector.ts'
import { escapeHtml, formFields } from './connect-form.ts'
import { type ConnectTexts, ENGLISH, type Speech, worded } from './connect-texts.ts'

/** A page of the connect flow: its HTML, and what its content security policy has to allow beyond nothing. */
export interface ConnectPage {
  html: string
  /** Where its form may lead, beside this server. */
  formTargets: readonly string[]
  /** Whether its style sheet loads a font from elsewhere. */
  hasFont: boolean
}

/** Who connects what, for whom, as the pages say it. */
export interface Headline {
  speech: Speech
  look: ConnectLook
  /** What stands before every path of the engine. */
  basePath: string
  /** The style sheet of the workspace. */
  themePath: string
  appName: string
  logoUri: string | null
  workspaceName: string
  customerName: string
}

export const STYLE_PATH = '/connect/style.css'
export const SCRIPT_PATH = '/connect/result.js'
export const THEME_PATH = '/connect/theme'

/** The style sheet of a workspace: another address where it may be another one. */
export function themePathOf(workspace: { key: string; updatedAt: Date }): string {
  return `${THEME_PATH}/${encodeURIComponent(workspace.key)}/${workspace.updatedAt.getTime().toString(36)}.css`
}

export const STYLE = `
:root { color-scheme: light dark; --primary: #1f5fd6; --on-primary: #fff; --radius: 6px; --font: system-ui, sans-serif; font: 16px/1.5 var(--font) }
:root { --back: light-dark(#fff, #16181d); --ink: light-dark(#1a1d23, #eceef2); --soft: light-dark(#555d6b, #b1b8c4); --edge: light-dark(#767e8c, #8b93a1); --bad: light-dark(#b3202f, #ff8a94) }
body { margin: 0; display: grid; place-items: center; min-height: 100vh; background: var(--back); color: var(--ink) }
main { width: min(26rem, 100vw - 2rem); padding: 2rem 0 }
h1 { font-size: 1.4rem; margin: 0 0 .25rem }
h2 { font-size: 1.1rem; margin: 0 0 .5rem }
img { height: 2.5rem; max-width: 10rem }
.letter { display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: var(--radius); background: light-dark(#e4e7ee, #363c49); font-weight: 700; margin-bottom: .5rem }
a { color: inherit }
.whom { margin: 0 0 1.5rem; color: var(--soft) }
label, legend { display: block; font-weight: 600; margin-bottom: .25rem }
.check label { display: inline; font-weight: 400 }
.optional { font-weight: 400; color: var(--soft) }
.help { margin: -.75rem 0 1rem; font-size: .9rem; color: var(--soft); white-space: pre-line }
input:not([type=checkbox]), select, textarea { box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; border: 1px solid var(--edge); border-radius: var(--radius); background: var(--back); color: var(--ink) }
fieldset { border: 1px solid var(--edge); border-radius: var(--radius); margin: 0 0 1rem }
button, .button { display: inline-block; font: inherit; font-weight: 600; padding: .6rem 1.2rem; margin-top: .5rem; border: 0; border-radius: var(--radius); background: var(--primary); color: var(--on-primary); cursor: pointer; text-decoration: none }
button:focus-visible, .button:focus-visible, a:focus-visible, input:focus-visible, select:focus-visible, textarea:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px }
.choices button { display: block; width: 100%; text-align: left; margin: 0 0 .75rem }
.choices small { display: block; font-weight: 400 }
.problem { border-left: 4px solid var(--bad); padding: .5rem .75rem; margin: 0 0 1rem }
.links { margin: 2rem 0 0; font-size: .9rem; display: flex; gap: 1rem }
`

/** Tells the page that opened this one, and closes it. What is told holds no secrets. */
export const SCRIPT = `'use strict'
const result = document.querySelector('[data-message]')
const message = JSON.parse(result.dataset.message)
const origin = result.dataset.origin
const isOurs = (target) => {
  try {
    return target.location.origin === location.origin
  } catch {
    return false
  }
}
if (origin !== '') {
  for (const target of [window.opener, window.parent]) {
    // The page within a dialog that opened this window: the page around it is told by the engine.
    if (target !== null && target !== window && !isOurs(target)) target.postMessage(message, origin)
  }
}
if (window.opener !== null) setTimeout(() => window.close(), 1000)
`

export function choicePage(headline: Headline, link: string, options: readonly [string, AuthOption][]): ConnectPage {
  const buttons = options.map(([key, option]) => {
    const title = escapeHtml(option.title ?? key)
    const description = option.description === undefined ? '' : `<small>${escapeHtml(option.description)}</small>`
    return `<button name="authOptionKey" value="${escapeHtml(key)}">${title}${description}</button>`
  })
  return page(
    headline,
    `<form method="post" action="${escapeHtml(headline.basePath)}/connect" class="choices">${hidden({ request: link })}${buttons.join('\n')}</form>`,
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
): ConnectPage {
  const { option, problem } = about
  const description = option.description === undefined ? '' : `<p>${escapeHtml(option.description)}</p>`
  const told = problem === null ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`
  const fields = formFields(option.inputSchema, about.values, '', headline.speech.texts.optional)
  const form = `<form method="post" action="${escapeHtml(headline.basePath)}/connect">${hidden({ request: about.link, authOptionKey: about.optionKey, filled: '1' })}${fields}<button>${escapeHtml(headline.speech.texts.connect)}</button></form>`
  return page(headline, `${description}${told}${form}`, about.targets)
}

/** Asks before the browser is sent to an app: it says what is connected, and for whom. */
export function confirmPage(
  headline: Headline,
  { link, optionKey, option }: { link: string; optionKey: string; option: AuthOption },
): ConnectPage {
  const description = option.description === undefined ? '' : `<p>${escapeHtml(option.description)}</p>`
  const words = `${said(headline, 'connectApp')} ${said(headline, 'whom')}`
  const fields = hidden({ request: link, authOptionKey: optionKey, confirmed: '1' })
  const form = `<form method="post" action="${escapeHtml(headline.basePath)}/connect">${fields}<button>${escapeHtml(words)}</button></form>`
  // The app may be anywhere, and send the browser on.
  return page(headline, `${description}${form}`, ['https:', 'http:'])
}

/** The last page: whoever opened it is told by a message, where it is known who that is. */
export function resultPage(
  headline: Headline | null,
  about: {
    title: string
    text: string
    /** What the app said of it, as its words. */
    says?: string | null
    message: object | null
    origin: string | null
    retryPath: string | null
    basePath: string
    speech?: Speech
  },
): ConnectPage {
  const { texts } = headline?.speech ?? about.speech ?? ENGLISH
  const data =
    about.message === null
      ? ''
      : ` data-message="${escapeHtml(JSON.stringify(about.message))}" data-origin="${escapeHtml(about.origin ?? '')}"`
  const says = typeof about.says === 'string' ? `<p class="says">${escapeHtml(about.says)}</p>` : ''
  const retry =
    about.retryPath === null
      ? ''
      : `<p><a class="button" href="${escapeHtml(about.retryPath)}">${escapeHtml(texts.tryAgain)}</a></p>`
  const script = about.message === null ? '' : `<script src="${escapeHtml(about.basePath)}${SCRIPT_PATH}"></script>`
  return page(
    headline,
    `<div role="status"${data}><h2>${escapeHtml(about.title)}</h2><p>${escapeHtml(about.text)}</p>${says}</div>${retry}${script}`,
    [],
    { basePath: about.basePath, speech: about.speech },
  )
}

/** Inside a page of somebody else: apps refuse to be shown there, so that they are asked in a window of their own. */
export function continuePage(headline: Headline, link: string): ConnectPage {
  const { texts } = headline.speech
  const say = (text: string) => escapeHtml(worded(text, namesIn(headline)))
  const path = `${headline.basePath}/connect?request=${encodeURIComponent(link)}&window=own`
  return page(
    headline,
    `<h2>${say(texts.continueTitle)}</h2><p>${say(texts.continueText)}</p><p><a class="button" target="permea-connect" rel="opener" href="${escapeHtml(path)}">${say(texts.continueTo)}</a></p>`,
    [],
  )
}

/** A sentence of the page's language with the names that it is about. */
export function said(headline: Headline, text: keyof ConnectTexts): string {
  return worded(headline.speech.texts[text], namesIn(headline))
}

/** What an app said, as words of the app. */
export function saidByApp(headline: Headline, words: string): string {
  return worded(headline.speech.texts.appSays, { ...namesIn(headline), said: words })
}

const namesIn = ({ appName, workspaceName, customerName }: Headline) => ({
  app: appName,
  workspace: workspaceName,
  customer: customerName,
})

function page(
  headline: Headline | null,
  body: string,
  formTargets: readonly string[],
  beside?: { basePath: string; speech: Speech | undefined },
): ConnectPage {
  const speech = beside?.speech ?? headline?.speech ?? ENGLISH
  const basePath = beside?.basePath ?? headline?.basePath ?? ''
  const title = headline === null ? speech.texts.connect : said(headline, 'connectApp')
  const logo = headline === null ? '' : logoOf(headline)
  const whom =
    headline === null ? '' : `<p class="whom">${escapeHtml(headline.look.text ?? said(headline, 'whom'))}</p>`
  const theme = headline === null ? '' : `\n<link rel="stylesheet" href="${escapeHtml(headline.themePath)}">`
  return {
    formTargets,
    hasFont: headline?.look.fontUrl != null,
    html: `<!doctype html>
<html lang="${speech.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${escapeHtml(basePath)}${STYLE_PATH}">${theme}
</head>
<body>
<main aria-label="${escapeHtml(title)}">
${logo}<h1>${escapeHtml(title)}</h1>
${whom}${body}${headline === null ? '' : links(headline)}
</main>
</body>
</html>
`,
  }
}

/** What does not load is not shown, as the text for it is empty: the page runs no script. */
function logoOf({ logoUri, appName }: Headline): string {
  return logoUri !== null && /^(?:https:|data:image\/)/.test(logoUri)
    ? `<img src="${escapeHtml(logoUri)}" alt="" referrerpolicy="no-referrer">`
    : `<span class="letter" aria-hidden="true">${escapeHtml([...appName].slice(0, 1).join('').toUpperCase())}</span>`
}

function links({ look, speech }: Headline): string {
  const found = [
    [look.privacyUrl, speech.texts.privacy],
    [look.helpUrl, speech.texts.help],
  ].flatMap(([url, words]) =>
    url == null
      ? []
      : [`<a href="${escapeHtml(url)}" target="_blank" rel="noopener noreferrer">${escapeHtml(words ?? '')}</a>`],
  )
  return found.length === 0 ? '' : `<p class="links">${found.join('')}</p>`
}

function hidden(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
}
