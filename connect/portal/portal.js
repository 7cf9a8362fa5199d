import { showApps } from './apps.js'
import { showDeliveries } from './deliveries.js'
import { button, h } from './dom.js'
import { createEngine } from './engine.js'
import { showWebhooks } from './webhooks.js'

const PARTS = [
  ['apps', showApps],
  ['webhooks', showWebhooks],
  ['deliveries', showDeliveries],
]

/** Who came with a token behind the `#` posts it, so that the page is made for them; it does not stay in the address. */
function goOn() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  history.replaceState(null, '', location.pathname)
  if (token === null) return
  const input = h('input', { type: 'hidden', name: 'token', value: token })
  const form = h('form', { method: 'post', action: location.pathname, hidden: true }, input)
  document.body.append(form)
  form.submit()
}

function start(about) {
  // A token in the address, where the page was opened with one, is gone at once.
  if (location.search !== '') history.replaceState(null, '', location.pathname)
  const { texts, language } = about
  const base = location.origin + location.pathname.replace(/\/portal\/?$/, '')
  const engine = createEngine({ ...about, base })
  const status = document.querySelector('#status')
  const main = document.querySelector('#part')
  const moments = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
  const page = {
    texts,
    base,
    engine,
    moment: (at) => h('time', { datetime: at }, moments.format(new Date(at))),
    say(words) {
      status.textContent = words
    },
    /** What went wrong, in words of customers; what developers read is in the browser's console. */
    failed(error) {
      console.warn(error)
      status.textContent = error.status === 401 ? texts.ended : error.status === 429 ? texts.tooMany : texts.notDone
    },
    open: (part, wish) => show(part, wish),
  }
  let shown = 0
  async function show(part, wish) {
    shown += 1
    const turn = shown
    for (const tab of tabs) tab.setAttribute('aria-current', tab.dataset.part === part ? 'page' : 'false')
    status.textContent = ''
    main.setAttribute('aria-busy', 'true')
    const [, fill] = PARTS.find(([name]) => name === part) ?? PARTS[0]
    const again = button(texts.tryAgain, () => show(part, wish))
    const content = await fill(page, wish).catch((error) => {
      page.failed(error)
      return [h('p', {}, status.textContent), again]
    })
    if (turn !== shown) return
    main.replaceChildren(...content)
    main.setAttribute('aria-busy', 'false')
    // What had the focus is gone; the keyboard goes on here rather than at the top of the page.
    if (turn > 1 && document.activeElement === document.body) main.focus()
  }
  const tabs = PARTS.map(([part]) =>
    h('button', { type: 'button', 'data-part': part, onclick: () => void show(part) }, texts[part]),
  )
  document.querySelector('nav').append(...tabs)
  void show('apps')
}

const data = document.querySelector('#portal-data')
if (data === null) goOn()
else start(JSON.parse(data.textContent))
