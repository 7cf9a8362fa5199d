import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'

// A provider of single sign-on, as the document's reader has one, and a browser that goes there and back.

interface Person {
  sub: string
  email: string
}

export interface LoginProvider extends AsyncDisposable {
  issuer: string
  port: number
  /** Who sits before the browser. */
  person: Person
  /** Where browsers may be sent back to. */
  allow(redirectUri: string): void
}

export async function startLoginProvider(): Promise<LoginProvider> {
  let listener = (_request: IncomingMessage, response: ServerResponse): void => void response.end()
  const server = createServer((incoming, response) => listener(incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const started: LoginProvider = {
    issuer,
    port,
    person: { sub: '', email: '' },
    allow(redirectUri) {
      listener = listenerOf(started, redirectUri)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return started
}

function listenerOf(started: LoginProvider, redirectUri: string) {
  const claimsOf = () => ({ email_verified: true, name: started.person.sub })
  const provider = new Provider(started.issuer, {
    clients: [
      {
        client_id: 'permea',
        client_secret: 'a-secret-that-the-provider-gave',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ ...started.person, ...claimsOf() }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['a key of the provider for tests'] },
  })
  const handle = provider.callback()
  /** The person signs in and agrees at once. */
  async function interact(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(incoming, response)
    const { sub } = started.person
    if (prompt.name === 'login') return provider.interactionFinished(incoming, response, { login: { accountId: sub } })
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params.client_id) })
    grant.addOIDCScope('openid email profile')
    await provider.interactionFinished(incoming, response, { consent: { grantId: await grant.save() } })
  }
  return (incoming: IncomingMessage, response: ServerResponse): void => {
    if (incoming.url?.startsWith('/interaction/') === true) void interact(incoming, response)
    else void handle(incoming, response)
  }
}

interface Answer {
  status: number
  location: string | null
  cookies: string[]
  text: string
}

/** What the console knows of who signed in, by way of the provider; null where nobody is let in. */
export async function signInAt(
  url: string,
  { ca, provider, person }: { ca: string; provider: LoginProvider; person: Person },
): Promise<unknown> {
  provider.person = person
  const jar = new Map<string, string>()
  const go = async (to: string, method = 'GET'): Promise<Answer> => {
    const { host } = new URL(to)
    const cookie = [...jar].flatMap(([key, value]) =>
      key.startsWith(`${host} `) ? [`${key.slice(host.length + 1)}=${value}`] : [],
    )
    const headers = { cookie: cookie.join('; '), ...(method === 'POST' ? { 'sec-fetch-site': 'same-origin' } : {}) }
    const answer = to.startsWith(url) ? await overTls(to, { method, headers, ca }) : await plain(to, headers)
    for (const each of answer.cookies) {
      const [name = '', value = ''] = each.split(';')[0]?.split(/=(.*)/s) ?? []
      if (value === '') jar.delete(`${host} ${name}`)
      else jar.set(`${host} ${name}`, value)
    }
    return answer
  }
  let at = `${url}/console/session/sso`
  do {
    const { location, status, text } = await go(at)
    if (location === null) throw new Error(`${at} sends nowhere: ${status} ${text.slice(0, 300)}`)
    at = new URL(location, at).href
  } while (!at.startsWith(`${url}/console/`) || at.includes('/session/sso'))
  const { status, text } = await go(`${url}/console/session/token`, 'POST')
  return status === 200 ? JSON.parse(text) : null
}

async function plain(to: string, headers: Record<string, string>): Promise<Answer> {
  const {
    status,
    headers: given,
    ...rest
  } = await fetch(to, { redirect: 'manual', headers }).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  }))
  return { status, location: given.get('location'), cookies: given.getSetCookie(), text: rest.text }
}

function overTls(to: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(to, { ...options, agent: false }, (response) => {
      const { statusCode = 0, headers } = response
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: statusCode, location: headers.location ?? null, cookies: headers['set-cookie'] ?? [], text }),
      )
    })
    sent.on('error', reject).end()
  })
}
