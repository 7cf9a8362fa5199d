/** The engine refused: `message` is its own, `problems` name fields. */
class RefusedError extends Error {
  constructor(status, answer) {
    super(answer?.message ?? `the engine answered ${status}`)
    this.status = status
    this.key = answer?.key
    this.problems = answer?.data?.problems ?? []
  }
}

const TOKEN_WAIT_MS = 15_000

/**
 * The API with the customer's token. Where the token has ended, the page around this one is asked for another.
 * @param {{ token: string, origin: string | null, base: string }} about
 */
export function createEngine(about) {
  let { token } = about
  const send = (method, path, body) =>
    fetch(`${about.base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  async function call(method, path, body) {
    let answer = await send(method, path, body)
    if (answer.status === 401) {
      const other = await askForToken(about.origin)
      if (other !== null) {
        token = other
        answer = await send(method, path, body)
      }
    }
    const text = await answer.text()
    const value = text === '' ? null : JSON.parse(text)
    if (!answer.ok) throw new RefusedError(answer.status, value)
    return value
  }

  return {
    token: () => token,
    get: (path) => call('GET', path),
    post: (path, body = {}) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body),
    remove: (path) => call('DELETE', path),
    /** Every item of a list. */
    async all(path) {
      const items = []
      for (let cursor; ; ) {
        const page = await call('GET', withQuery(path, { limit: '100', cursor }))
        items.push(...page.items)
        cursor = page.cursor
        if (cursor === undefined || page.items.length === 0) return items
      }
    },
  }
}

export function withQuery(path, query) {
  const parameters = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== ''),
  )
  return parameters.size === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${parameters}`
}

/** Null where nobody is around this page, or nobody answers. */
function askForToken(origin) {
  if (origin === null || window.parent === window) return Promise.resolve(null)
  return new Promise((resolve) => {
    const end = (token) => {
      clearTimeout(timer)
      window.removeEventListener('message', heard)
      resolve(token)
    }
    const heard = ({ origin: from, source, data }) => {
      if (
        from === origin &&
        source === window.parent &&
        data?.type === 'permea.token' &&
        typeof data.token === 'string'
      )
        end(data.token)
    }
    const timer = setTimeout(() => end(null), TOKEN_WAIT_MS)
    window.addEventListener('message', heard)
    window.parent.postMessage({ type: 'permea.token-wanted' }, origin)
  })
}
