import { createPermeaConnect } from '../permea-connect.js'
import { button, h } from './dom.js'

/** The customer's connections, and the apps that can be connected. */
export async function showApps(page) {
  const { engine, texts } = page
  const [connections, integrations] = await Promise.all([engine.all('/connections'), engine.all('/integrations')])
  const offered = integrations.filter((each) => each.hasMissingParameters !== true)
  return [
    h('h2', {}, texts.connected),
    connections.length === 0
      ? h('p', { class: 'empty' }, texts.noConnections)
      : h(
          'ul',
          { class: 'cards' },
          connections.map((each) => connectionCard(page, each)),
        ),
    h('h2', {}, texts.available),
    offered.length === 0
      ? h('p', { class: 'empty' }, texts.noApps)
      : h(
          'ul',
          { class: 'cards' },
          offered.map((each) => appCard(page, each)),
        ),
  ]
}

export function logo(app) {
  const letter = h('span', { class: 'letter', 'aria-hidden': 'true' }, [...(app?.name ?? '?')].slice(0, 1))
  const isShown = /^(?:https:|data:image\/)/.test(app?.logoUri ?? '')
  if (!isShown) return letter
  const onerror = ({ target }) => target.replaceWith(letter)
  return h('img', { src: app.logoUri, alt: '', loading: 'lazy', referrerpolicy: 'no-referrer', onerror })
}

function connectionCard(page, connection) {
  const { texts } = page
  const { name, disconnected } = connection
  const remove = async () => {
    if (!window.confirm(texts.disconnectSure.replaceAll('{app}', name))) return
    await page.engine.remove(`/connections/${connection.id}`)
    await page.open('apps')
    page.say(texts.disconnected.replaceAll('{app}', name))
  }
  const failed = page.failed
  return h(
    'li',
    { class: 'card' },
    logo(connection.integration ?? connection),
    h(
      'div',
      { class: 'grows' },
      h('strong', {}, name),
      h('p', { class: disconnected ? 'state bad' : 'state good' }, disconnected ? texts.lostAccess : texts.works),
    ),
    h(
      'div',
      { class: 'acts' },
      button(texts.renew, () => connect(page, { connectionId: connection.id }, name), {
        kind: disconnected ? 'primary' : 'plain',
        label: `${texts.renew}: ${name}`,
        failed,
      }),
      button(texts.disconnect, remove, { label: `${texts.disconnect}: ${name}`, failed }),
    ),
  )
}

function appCard(page, integration) {
  const { texts } = page
  const { name, id, connection } = integration
  const wish = { integrationId: id, allowMultipleConnections: connection !== undefined }
  return h(
    'li',
    { class: 'card' },
    logo(integration),
    h(
      'div',
      { class: 'grows' },
      h('strong', {}, name),
      integration.description === undefined ? null : h('p', { class: 'help' }, integration.description),
    ),
    button(connection === undefined ? texts.connect : texts.connectAnother, () => connect(page, wish, name), {
      kind: connection === undefined ? 'primary' : 'plain',
      label: `${connection === undefined ? texts.connect : texts.connectAnother}: ${name}`,
      failed: page.failed,
    }),
  )
}

/** In a dialog; inside a page of somebody else in a window, since only that page may show the engine's pages. */
async function connect(page, wish, name) {
  const { texts } = page
  const mode = window.parent === window ? 'dialog' : 'popup'
  const label = texts.connectApp.replaceAll('{app}', name)
  try {
    await createPermeaConnect({ baseUrl: page.base }).connect({
      ...wish,
      token: page.engine.token(),
      mode,
      label,
      closeLabel: texts.close,
    })
  } catch (error) {
    if (error.code === 'cancelled') return
    if (error.code !== 'blocked') throw error
    page.say(texts.blocked)
    return
  }
  await page.open('apps')
  page.say(texts.connectedNow.replaceAll('{app}', name))
}
