import { button, field, h, openDialog } from './dom.js'

const EVENT_TYPES = [
  'connection.created',
  'connection.deleted',
  'connection.disconnected',
  'connection.reconnected',
  'flowRun.queued',
  'flowRun.started',
  'flowRun.completed',
  'flowRun.failed',
  'flowRun.stopped',
]

/** Where the customer's webhooks go, and the event subscriptions of the customer's apps. */
export async function showWebhooks(page) {
  const { engine, texts } = page
  const [endpoints, subscriptions] = await Promise.all([
    engine.all('/notification-endpoints'),
    engine.all('/external-event-subscriptions'),
  ])
  const add = button(texts.addDestination, () => editDestination(page, null), { kind: 'primary', failed: page.failed })
  return [
    h('div', { class: 'row' }, h('h2', {}, texts.destinations), add),
    endpoints.length === 0
      ? h('p', { class: 'empty' }, texts.noDestinations)
      : h(
          'ul',
          { class: 'cards' },
          endpoints.map((each) => destinationCard(page, each)),
        ),
    h('h2', {}, texts.subscriptions),
    subscriptions.length === 0
      ? h('p', { class: 'empty' }, texts.noSubscriptions)
      : h(
          'ul',
          { class: 'cards' },
          subscriptions.map((each) => subscriptionCard(page, each)),
        ),
  ]
}

function destinationCard(page, endpoint) {
  const { engine, texts, failed } = page
  const { id, name, url, state } = endpoint
  const path = `/notification-endpoints/${id}`
  const isPaused = state === 'paused'
  const standing = isPaused
    ? [texts.paused, 'bad']
    : endpoint.failingSince === undefined
      ? [texts.works, 'good']
      : [texts.failing, 'bad']
  const act = (words, work) => button(words, work, { label: `${words}: ${name}`, failed })
  const again = async () => page.open('webhooks')
  return h(
    'li',
    { class: 'card tall' },
    h(
      'div',
      { class: 'grows' },
      h('strong', {}, name),
      h('p', { class: 'address' }, url),
      h('p', { class: `state ${standing[1]}` }, standing[0]),
      h(
        'p',
        { class: 'help' },
        endpoint.eventTypes.map((each) => texts.events[each] ?? each).join(' · ') || texts.noEvents,
      ),
    ),
    h(
      'div',
      { class: 'acts' },
      act(texts.test, () => test(page, endpoint)),
      act(texts.deliveries, () => page.open('deliveries', { destinationId: id })),
      act(texts.edit, () => editDestination(page, endpoint)),
      act(texts.newSecret, async () => {
        if (!window.confirm(texts.newSecretSure)) return
        const { secret } = await engine.post(`${path}/rotate-secret`)
        await again()
        showSecret(page, secret)
      }),
      act(isPaused ? texts.resume : texts.pause, async () => {
        await engine.post(`${path}/${isPaused ? 'resume' : 'pause'}`)
        await again()
      }),
      act(texts.remove, async () => {
        if (!window.confirm(texts.removeSure.replaceAll('{name}', name))) return
        await engine.remove(path)
        await again()
      }),
    ),
  )
}

async function test(page, endpoint) {
  const { texts } = page
  const { attempt } = await page.engine.post(`/notification-endpoints/${endpoint.id}/test`)
  const words =
    attempt.outcome === 'acknowledged'
      ? texts.testWell
      : attempt.httpStatus === undefined
        ? texts.testUnreachable
        : texts.testRefused
  page.say(words.replaceAll('{name}', endpoint.name).replaceAll('{status}', String(attempt.httpStatus ?? '')))
}

/** A form for a new destination, or one that there is. What the engine finds wrong stands at its field. */
function editDestination(page, endpoint) {
  const { engine, texts } = page
  const url = h('input', {
    type: 'url',
    required: true,
    value: endpoint?.url ?? 'https://',
    autocomplete: 'url',
    maxlength: '2000',
  })
  const name = h('input', { type: 'text', value: endpoint?.name ?? '', maxlength: '500' })
  const wanted = new Set(endpoint?.eventTypes ?? [])
  const boxes = EVENT_TYPES.map((each) => h('input', { type: 'checkbox', value: each, checked: wanted.has(each) }))
  const fields = { url: field(texts.address, url), name: field(texts.name, name, texts.optional) }
  let isUnsaved = false
  openDialog(
    endpoint === null ? texts.addDestination : texts.edit,
    (close) => {
      const save = async () => {
        for (const each of Object.values(fields)) each.say('')
        if (!URL.canParse(url.value) || !/^https?:$/.test(new URL(url.value).protocol)) {
          fields.url.say(texts.notAnAddress)
          url.focus()
          return
        }
        const body = {
          url: url.value,
          ...(name.value.trim() === '' ? {} : { name: name.value.trim() }),
          eventTypes: boxes.filter((each) => each.checked).map((each) => each.value),
        }
        try {
          const saved =
            endpoint === null
              ? await engine.post('/notification-endpoints', body)
              : await engine.patch(`/notification-endpoints/${endpoint.id}`, body)
          close()
          await page.open('webhooks')
          if (saved.secret !== undefined) showSecret(page, saved.secret)
        } catch (error) {
          const problems = (error.problems ?? []).filter((each) => each.field in fields)
          if (problems.length === 0) throw error
          for (const each of problems) fields[each.field].say(each.message)
        }
      }
      const wrong = h('p', { class: 'wrong', role: 'alert' })
      const submit = h('button', { class: 'primary' }, texts.save)
      const form = h(
        'form',
        {
          novalidate: true,
          oninput: () => {
            isUnsaved = true
          },
          onsubmit: async (event) => {
            event.preventDefault()
            submit.disabled = true
            wrong.textContent = ''
            await save().catch((error) => {
              page.failed(error)
              wrong.textContent = `${texts.notDone} ${error.key === 'invalid_input' ? error.message : ''}`
            })
            submit.disabled = false
          },
        },
        fields.url.element,
        fields.name.element,
        h(
          'fieldset',
          {},
          h('legend', {}, texts.eventTypes),
          boxes.map((box) => h('label', { class: 'check' }, box, ` ${texts.events[box.value] ?? box.value}`)),
        ),
        wrong,
        submit,
      )
      return form
    },
    { texts, isUnsaved: () => isUnsaved },
  )
}

/** Shown once. */
function showSecret(page, secret) {
  const { texts } = page
  const shown = h('output', { class: 'secret', tabindex: '0' }, secret)
  openDialog(
    texts.secret,
    (close) => [
      h('p', {}, texts.secretText),
      shown,
      h(
        'div',
        { class: 'acts' },
        button(texts.copy, async (own) => {
          await navigator.clipboard.writeText(secret).then(
            () => {
              own.textContent = texts.copied
            },
            // A frame may be kept from the clipboard: the text is marked, to be copied by hand.
            () => window.getSelection()?.selectAllChildren(shown),
          )
        }),
        button(texts.done, close, { kind: 'primary' }),
      ),
    ],
    { texts },
  )
}

function subscriptionCard(page, subscription) {
  const { engine, texts, failed } = page
  const { id, name, webhookUri, status, deliveryState } = subscription
  const path = `/external-event-subscriptions/${id}`
  const isBad = status === 'error' || deliveryState === 'paused'
  const act = (words, work) => button(words, work, { label: `${words}: ${name}`, failed })
  const words = status === 'error' ? texts.failing : deliveryState === 'paused' ? texts.paused : texts.works
  const from = subscription.integration?.name ?? subscription.connection?.name
  return h(
    'li',
    { class: 'card tall' },
    h(
      'div',
      { class: 'grows' },
      h('strong', {}, name),
      from === undefined ? null : h('p', { class: 'help' }, from),
      h('p', { class: 'address' }, webhookUri ?? texts.nowhere),
      h('p', { class: `state ${isBad ? 'bad' : 'good'}` }, words),
    ),
    h(
      'div',
      { class: 'acts' },
      act(texts.edit, () => editAddress(page, subscription)),
      ...(webhookUri === undefined
        ? []
        : [
            act(texts.deliveries, () => page.open('deliveries', { destinationId: id })),
            act(texts.newSecret, async () => {
              if (!window.confirm(texts.newSecretSure)) return
              const { webhookSecret } = await engine.post(`${path}/rotate-webhook-secret`)
              showSecret(page, webhookSecret)
            }),
          ]),
      deliveryState === 'paused'
        ? act(texts.resume, async () => {
            await engine.post(`${path}/resume-delivery`)
            await page.open('webhooks')
          })
        : null,
    ),
  )
}

function editAddress(page, { id, name, webhookUri }) {
  const { engine, texts } = page
  const url = h('input', { type: 'url', value: webhookUri ?? '', maxlength: '2000' })
  const address = field(texts.address, url, texts.emptyForNowhere)
  let isUnsaved = false
  openDialog(
    name,
    (close) =>
      h(
        'form',
        {
          novalidate: true,
          oninput: () => {
            isUnsaved = true
          },
          onsubmit: async (event) => {
            event.preventDefault()
            address.say('')
            try {
              const wish = { webhookUri: url.value.trim() }
              const { webhookSecret } = await engine.patch(`/external-event-subscriptions/${id}`, wish)
              close()
              await page.open('webhooks')
              if (webhookSecret !== undefined) showSecret(page, webhookSecret)
            } catch (error) {
              if (error.key !== 'invalid_input') page.failed(error)
              address.say(error.key === 'invalid_input' ? texts.notAnAddress : texts.notDone)
            }
          },
        },
        address.element,
        h('button', { class: 'primary' }, texts.save),
      ),
    { texts, isUnsaved: () => isUnsaved },
  )
}
