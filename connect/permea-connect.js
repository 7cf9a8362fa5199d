/**
 * Lets customers connect their apps inside your own pages. Served by the engine at /connect/permea.js, and the npm
 * package @permea/connect; it depends on nothing.
 */

const POLL_MS = 2000
const SEEN_MS = 700
const POPUP = 'popup,width=520,height=720'

/** Why nothing was connected: `cancelled`, `blocked` (the browser opened no window), `failed`, `refused`. */
export class PermeaConnectError extends Error {
  constructor(code, message, data) {
    super(message)
    this.name = 'PermeaConnectError'
    this.code = code
    this.data = data
  }
}

/** @param {{ baseUrl?: string }} [options] Where the engine is; where this script came from, if the engine served it. */
export function createPermeaConnect(options = {}) {
  const baseUrl = () => {
    const base = options.baseUrl ?? servedFrom()
    if (base === null) throw new TypeError('baseUrl is needed: the address of the engine')
    return base.replace(/\/+$/, '')
  }
  return {
    connect: (wish) => connect(baseUrl(), wish),
    portal: (wish) => portal(baseUrl(), wish),
    takeResult,
    listConnections: (token) => listConnections(baseUrl(), token),
  }
}

/** Takes what the engine added to this page's address when it sent the browser back; null where it did not. */
export function takeResult() {
  const url = new URL(location.href)
  const [requestId, status] = ['requestId', 'status'].map((name) => url.searchParams.get(name))
  if (requestId === null || (status !== 'success' && status !== 'error')) return null
  const result =
    status === 'success'
      ? { requestId, connectionId: url.searchParams.get('connectionId') }
      : { requestId, error: new PermeaConnectError('failed', url.searchParams.get('errorMessage') ?? 'not connected') }
  for (const name of ['requestId', 'status', 'connectionId', 'error', 'errorMessage']) url.searchParams.delete(name)
  history.replaceState(history.state, '', url)
  return result
}

function servedFrom() {
  const { pathname, origin } = new URL(import.meta.url)
  return pathname.endsWith('/connect/permea.js') ? origin + pathname.slice(0, -'/connect/permea.js'.length) : null
}

async function connect(baseUrl, wish) {
  const { mode = 'dialog', token: given, signal, label, closeLabel, ...asked } = wish
  const requestId = crypto.randomUUID()
  const name = `permea-${requestId}`
  // At once, while the browser still knows of the click: later it would be blocked.
  const popup = mode === 'popup' ? window.open('about:blank', name, POPUP) : null
  if (mode === 'popup' && popup === null) throw new PermeaConnectError('blocked', 'the browser opened no window')
  const token = await tokenOf(given).catch((error) => {
    popup?.close()
    throw error
  })
  const payload = { ...asked, token, requestId }
  if (mode === 'redirect') {
    const redirectUri = asked.redirectUri ?? location.href
    post(`${baseUrl}/connect`, { payload: JSON.stringify({ ...payload, redirectUri }) }, '_self')
    return new Promise(() => {})
  }
  const frame =
    popup === null
      ? openDialog(name, { label: label ?? 'Connect', closeLabel: closeLabel ?? 'Close' })
      : { close: () => popup.close(), isClosed: () => popup.closed, onClose() {} }
  post(`${baseUrl}/connect`, { payload: JSON.stringify(payload) }, name)
  try {
    return await outcome({ baseUrl, token, requestId, frame, signal })
  } finally {
    frame.close()
  }
}

const tokenOf = async (given) => (typeof given === 'function' ? given() : given)

/** Shows the page for customers in an element of this page; gives it new tokens where it asks for them. */
function portal(baseUrl, { token: given, element, label = 'Apps and webhooks' }) {
  const frame = document.createElement('iframe')
  frame.name = `permea-${crypto.randomUUID()}`
  frame.title = label
  frame.allow = 'clipboard-write'
  Object.assign(frame.style, { border: '0', width: '100%', height: '100%', minHeight: '640px', display: 'block' })
  const origin = new URL(baseUrl).origin
  const heard = async ({ origin: from, source, data }) => {
    if (from !== origin || source !== frame.contentWindow || data?.type !== 'permea.token-wanted') return
    if (typeof given === 'function') source.postMessage({ type: 'permea.token', token: await tokenOf(given) }, origin)
  }
  window.addEventListener('message', heard)
  element.append(frame)
  const ready = tokenOf(given).then((token) => {
    // A form for a frame that is gone would open a window.
    if (frame.isConnected) post(`${baseUrl}/portal`, { token }, frame.name)
  })
  return {
    frame,
    ready,
    remove() {
      window.removeEventListener('message', heard)
      frame.remove()
    },
  }
}

/** A form can be posted to another origin, with the token in its body rather than in an address. */
function post(url, fields, target) {
  const form = document.createElement('form')
  form.method = 'post'
  form.action = url
  form.target = target
  form.hidden = true
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement('input')
    field.name = name
    field.value = value
    form.append(field)
  }
  document.body.append(form)
  form.submit()
  form.remove()
}

function openDialog(name, { label, closeLabel }) {
  const dialog = document.createElement('dialog')
  dialog.setAttribute('aria-label', label)
  Object.assign(dialog.style, {
    padding: '0',
    border: '0',
    borderRadius: '12px',
    width: 'min(480px, 100vw)',
    height: 'min(680px, 100dvh)',
    maxWidth: '100vw',
    maxHeight: '100dvh',
    overflow: 'hidden',
  })
  const close = document.createElement('button')
  close.type = 'button'
  close.setAttribute('aria-label', closeLabel)
  close.textContent = '×'
  Object.assign(close.style, {
    position: 'absolute',
    top: '8px',
    right: '8px',
    width: '36px',
    height: '36px',
    border: '0',
    borderRadius: '18px',
    background: '#fff',
    color: '#1a1d23',
    font: '24px/1 system-ui, sans-serif',
    cursor: 'pointer',
  })
  const frame = document.createElement('iframe')
  frame.name = name
  frame.title = label
  Object.assign(frame.style, { border: '0', width: '100%', height: '100%', display: 'block' })
  dialog.append(frame, close)
  document.body.append(dialog)
  close.addEventListener('click', () => dialog.close())
  dialog.showModal()
  let isClosed = false
  let told = () => {}
  dialog.addEventListener('close', () => {
    isClosed = true
    dialog.remove()
    told()
  })
  return {
    close: () => dialog.close(),
    isClosed: () => isClosed,
    onClose(listener) {
      told = listener
    },
  }
}

/** Waits for the page's message, and asks the engine besides: a window of an app may be the one that is told. */
function outcome({ baseUrl, token, requestId, frame, signal }) {
  return new Promise((resolve, reject) => {
    let failure = null
    let isAsking = false
    const origin = new URL(baseUrl).origin
    const end = (settle) => {
      clearInterval(timer)
      window.removeEventListener('message', heard)
      signal?.removeEventListener('abort', aborted)
      settle()
    }
    const done = (connection) => end(() => setTimeout(() => resolve({ requestId, connection }), SEEN_MS))
    const closed = () => end(() => reject(failure ?? new PermeaConnectError('cancelled', 'nothing was connected')))
    const aborted = () => end(() => reject(signal.reason))
    const heard = ({ origin: from, data }) => {
      if (from !== origin || data?.requestId !== requestId) return
      if (data.type === 'newConnectionCreated') done(data.connection)
      // The page offers another try, so this is final only once it is closed.
      else failure = new PermeaConnectError('failed', data.error, data.errorData)
    }
    const ask = async () => {
      if (isAsking) return
      isAsking = true
      // A window that closed by itself may have done so because something was connected: that is asked for once more.
      const isOver = frame.isClosed()
      try {
        const headers = { authorization: `Bearer ${token}` }
        const answer = await fetch(`${baseUrl}/connection-requests/${requestId}`, { headers })
        const { status, resultConnectionId } = answer.ok ? await answer.json() : {}
        if (status !== 'success') return isOver ? closed() : undefined
        const found = await fetch(`${baseUrl}/connections/${resultConnectionId}`, { headers })
        done(found.ok ? await found.json() : { id: resultConnectionId })
      } catch {
        // The engine is away for a moment; it is asked again.
      } finally {
        isAsking = false
      }
    }
    const timer = setInterval(ask, POLL_MS)
    frame.onClose(closed)
    window.addEventListener('message', heard)
    signal?.addEventListener('abort', aborted)
  })
}

async function listConnections(baseUrl, given) {
  const token = await tokenOf(given)
  const connections = []
  for (let cursor; ; ) {
    const url = new URL(`${baseUrl}/connections`)
    url.searchParams.set('limit', '100')
    if (cursor !== undefined) url.searchParams.set('cursor', cursor)
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const page = await answer.json()
    if (!answer.ok)
      throw new PermeaConnectError('refused', page.message ?? `the engine answered ${answer.status}`, page)
    connections.push(...page.items)
    cursor = page.cursor
    if (cursor === undefined || page.items.length === 0) return connections
  }
}

export const permea = createPermeaConnect()
if (servedFrom() !== null) globalThis.permea = permea
