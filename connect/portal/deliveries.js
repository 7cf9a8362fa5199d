import { button, h, openDialog } from './dom.js'
import { withQuery } from './engine.js'

const STATES = ['pending', 'succeeded', 'exhausted', 'cancelled']
const PAGE = '25'
const TRIES_MAX = 40

/** What was sent to the customer's destinations, newest first. */
export async function showDeliveries(page, wish = {}) {
  const { engine, texts } = page
  const { destinationId = '', state = '' } = wish
  const [endpoints, subscriptions, first] = await Promise.all([
    engine.all('/notification-endpoints?includeArchived=true'),
    engine.all('/external-event-subscriptions?includeArchived=true'),
    pageAfter(engine, { destinationId, state }),
  ])
  const places = [...endpoints, ...subscriptions.filter((each) => each.webhookUri !== undefined)]
  const names = new Map(places.map((each) => [each.id, each.name]))
  const rows = h('tbody')
  const add = ({ items }) => rows.append(...items.map((each) => deliveryRow(page, names, each, wish)))
  add(first)
  const more = h('div')
  const offerMore = ({ cursor }) => {
    more.replaceChildren()
    if (cursor === undefined) return
    const next = async () => {
      const following = await pageAfter(engine, { destinationId, state, cursor })
      add(following)
      offerMore(following)
    }
    more.append(button(texts.more, next, { failed: page.failed }))
  }
  offerMore(first)
  return [
    h(
      'div',
      { class: 'row' },
      h('h2', {}, texts.deliveries),
      button(texts.refresh, () => page.open('deliveries', wish), { failed: page.failed }),
    ),
    filters(page, places, wish),
    first.items.length === 0 ? h('p', { class: 'empty' }, texts.noDeliveries) : h('table', {}, tableHead(texts), rows),
    more,
  ]
}

/** The engine looks for a moment at a time: it may find nothing yet and say where to go on. */
async function pageAfter(engine, query) {
  let page = await engine.get(withQuery('/deliveries', { limit: PAGE, ...query }))
  for (let tries = 0; page.items.length === 0 && page.cursor !== undefined && tries < TRIES_MAX; tries += 1)
    page = await engine.get(withQuery('/deliveries', { limit: PAGE, ...query, cursor: page.cursor }))
  return page
}

function tableHead(texts) {
  const titles = [texts.when, texts.event, texts.destination, texts.outcome, texts.attempts]
  return h(
    'thead',
    {},
    h(
      'tr',
      {},
      titles.map((each) => h('th', { scope: 'col' }, each)),
    ),
  )
}

function filters(page, places, wish) {
  const { texts } = page
  const choice = (label, name, options) => {
    const select = h(
      'select',
      { onchange: () => void page.open('deliveries', { ...wish, [name]: select.value }) },
      h('option', { value: '' }, texts.all),
      options.map(([value, words]) => h('option', { value, selected: wish[name] === value }, words)),
    )
    return h('label', {}, label, select)
  }
  return h(
    'div',
    { class: 'filters' },
    choice(
      texts.destination,
      'destinationId',
      places.map((each) => [each.id, each.name]),
    ),
    choice(
      texts.outcome,
      'state',
      STATES.map((each) => [each, texts.states[each]]),
    ),
  )
}

function deliveryRow(page, names, delivery, wish) {
  const { texts } = page
  const { id, createdAt, eventType, destinationId, state, attemptsMade } = delivery
  const title = texts.events[eventType] ?? eventType
  const open = button(title, () => showDelivery(page, id, title, wish), { kind: 'link', failed: page.failed })
  return h(
    'tr',
    {},
    h('td', { 'data-title': texts.when }, page.moment(createdAt)),
    h('td', { 'data-title': texts.event }, open),
    h('td', { 'data-title': texts.destination }, names.get(destinationId) ?? texts.removed),
    h('td', { 'data-title': texts.outcome }, h('span', { class: stateClass(state) }, texts.states[state])),
    h('td', { 'data-title': texts.attempts }, String(attemptsMade)),
  )
}

const stateClass = (state) => `state ${state === 'succeeded' ? 'good' : state === 'exhausted' ? 'bad' : ''}`

/** One message: what was sent, and every attempt with what was answered. */
async function showDelivery(page, id, title, wish) {
  const { engine, texts } = page
  const content = h('div')
  const fill = async () => {
    const delivery = await engine.get(`/deliveries/${id}`)
    content.replaceChildren(
      h('p', {}, h('span', { class: stateClass(delivery.state) }, texts.states[delivery.state])),
      h('h3', {}, texts.attempts),
      delivery.attempts.length === 0
        ? h('p', { class: 'empty' }, texts.noAttempts)
        : h(
            'ol',
            { class: 'attempts' },
            delivery.attempts.map((each) => attemptItem(page, each)),
          ),
      h('h3', {}, texts.sent),
      h('pre', { tabindex: '0' }, JSON.stringify(delivery.body, null, 2)),
    )
  }
  await fill()
  const wrong = h('p', { class: 'wrong', role: 'alert' })
  let isOld = false
  const resend = async () => {
    wrong.textContent = ''
    await engine.post(`/deliveries/${id}/retry`)
    isOld = true
    await fill()
  }
  const failed = (error) => {
    page.failed(error)
    wrong.textContent = error.key === 'archived' ? texts.removedNotSent : texts.notDone
  }
  const dialog = openDialog(title, () => [content, wrong, button(texts.resend, resend, { kind: 'primary', failed })], {
    texts,
  })
  dialog.addEventListener('close', () => {
    if (isOld) void page.open('deliveries', wish)
  })
}

function attemptItem(page, attempt) {
  const { texts } = page
  const isWell = attempt.outcome === 'acknowledged'
  const answer = attempt.response?.body
  return h(
    'li',
    {},
    h(
      'p',
      {},
      h('span', { class: `state ${isWell ? 'good' : 'bad'}` }, outcomeWords(texts, attempt)),
      ' ',
      page.moment(attempt.createdAt),
      ` · ${attempt.durationMs} ms`,
    ),
    answer === undefined || answer === null || answer === ''
      ? null
      : h('pre', { tabindex: '0' }, typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2)),
  )
}

function outcomeWords(texts, { outcome, httpStatus }) {
  if (outcome === 'forbidden') return texts.forbidden
  if (httpStatus === undefined) return texts.notReached
  return texts.answered.replaceAll('{status}', String(httpStatus))
}
