import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Configuration } from 'oidc-provider'

export const CLIENT_ID = 'the-engine'
export const CLIENT_SECRET = 'the secret of the client of the OAuth server'
export const ACCESS_TOKEN_SECONDS = 3600

/** An app with a real OAuth server and an API that takes its tokens. */
export interface OAuthApp extends AsyncDisposable {
  url: string
  /** What the token endpoint was asked for: grant types. */
  grants: string[]
  /** The parameters that browsers came to the authorize endpoint with. */
  authorizations: URLSearchParams[]
  /** Requests to the API that were taken, and that were not. */
  calls: { taken: number; refused: number }
  /** Who sits before the browser: gives consent, or does not. */
  isConsenting: boolean
  /** Answers of the token endpoint are held back until this resolves. */
  tokenGate: Promise<void>
  /** The person withdraws what they gave, in the app. */
  revoke(refreshToken: string): Promise<void>
}

/** Starts it; `now` is the clock by which its access tokens expire. */
export async function startOAuthApp(options: {
  redirectUri: string
  now(): Date
  isPkceRequired?: boolean
  authMethod?: 'client_secret_basic' | 'client_secret_post'
}): Promise<OAuthApp> {
  let listener = (_request: IncomingMessage, response: ServerResponse): void => void response.end()
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, configurationOf(options))
  const issuedAt = new Map<string, number>()
  const app: OAuthApp = {
    url,
    grants: [],
    authorizations: [],
    calls: { taken: 0, refused: 0 },
    isConsenting: true,
    tokenGate: Promise.resolve(),
    async revoke(token) {
      const authorization = `Basic ${Buffer.from(`${CLIENT_ID}:${encodeURIComponent(CLIENT_SECRET)}`).toString('base64')}`
      const body = new URLSearchParams({ token, token_type_hint: 'refresh_token' })
      const answer = await fetch(`${url}/token/revocation`, { method: 'POST', headers: { authorization }, body })
      if (answer.status !== 200) throw new Error(`revocation: ${answer.status} ${await answer.text()}`)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  provider.on('access_token.saved', (token) => issuedAt.set(token.jti, options.now().getTime()))
  const handle = provider.callback()
  listener = (request, response) => {
    const path = new URL(request.url ?? '', url)
    if (path.pathname.startsWith('/interaction/')) void interact(provider, app, request, response)
    else if (path.pathname.startsWith('/api/')) void answerApi(request, response)
    else if (path.pathname === '/token') {
      void app.tokenGate.then(() => {
        request.on('data', (chunk: Buffer) => {
          const grant = new URLSearchParams(chunk.toString()).get('grant_type')
          if (grant !== null) app.grants.push(grant)
        })
        return handle(request, response)
      })
    } else {
      if (path.pathname === '/auth') app.authorizations.push(path.searchParams)
      void handle(request, response)
    }
  }

  async function answerApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = await provider.AccessToken.find((request.headers.authorization ?? '').replace('Bearer ', ''))
    const at = token === undefined ? undefined : issuedAt.get(token.jti)
    const isGood = at !== undefined && options.now().getTime() < at + ACCESS_TOKEN_SECONDS * 1000
    if (isGood) app.calls.taken += 1
    else app.calls.refused += 1
    response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isGood ? { account: token?.accountId } : { error: 'invalid_token' }))
  }
  return app
}

function configurationOf(options: {
  redirectUri: string
  isPkceRequired?: boolean
  authMethod?: 'client_secret_basic' | 'client_secret_post'
}): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [options.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: options.authMethod ?? 'client_secret_basic',
      },
    ],
    cookies: { keys: ['a key for cookies'] },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => Promise.resolve(true),
    pkce: { required: () => options.isPkceRequired ?? true },
    // One that is used again revokes everything: it was stolen, or somebody refreshed twice.
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    ttl: { AccessToken: ACCESS_TOKEN_SECONDS, Grant: 86_400, Session: 86_400, RefreshToken: 86_400, Interaction: 600 },
  }
}

/** The person before the browser, who says who they are and consents, or does not. */
async function interact(
  provider: Provider,
  app: OAuthApp,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  const mergeWithLastSubmission = { mergeWithLastSubmission: true }
  if (prompt.name === 'login')
    return provider.interactionFinished(
      request,
      response,
      { login: { accountId: 'person-1' } },
      mergeWithLastSubmission,
    )
  if (!app.isConsenting) {
    const refusal = { error: 'access_denied', error_description: 'the person said no' }
    return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false })
  }
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant = known ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params.client_id) })
  grant.addOIDCScope('openid offline_access')
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    mergeWithLastSubmission,
  )
}

/** A browser as far as redirects and cookies go. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()
  /** Every address it was at, in order. */
  readonly visited: string[] = []

  /** The same, and presses the button where a page asks whether the app may be asked. */
  async press(url: string, how: { stopAt?: (url: string) => boolean } = {}) {
    const page = await this.open(url, how)
    if (!page.html.includes('name="confirmed"')) return page
    const fields = page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)
    const form = Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]))
    const { origin } = new URL(page.url)
    return this.open(`${origin}/connect`, { ...how, form, headers: { origin } })
  }

  /** Goes there, and wherever it is sent, up to a page or to an address that `stopAt` wants. */
  async open(
    url: string,
    how: { stopAt?: (url: string) => boolean; form?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<{ url: string; status: number; html: string; headers: Headers }> {
    let next = url
    let form = how.form
    for (let hops = 0; hops < 30; hops += 1) {
      this.visited.push(next)
      if (how.stopAt?.(next) === true) return { url: next, status: 0, html: '', headers: new Headers() }
      const { host } = new URL(next)
      const jar = this.#cookies.get(host) ?? new Map<string, string>()
      this.#cookies.set(host, jar)
      const path = new URL(next).pathname
      const cookie = [...jar]
        .filter(([name]) => !name.startsWith('permea_connect') || path === '/oauth-callback')
        .map(([name, value]) => `${name}=${value}`)
        .join('; ')
      const answer = await fetch(next, {
        redirect: 'manual',
        headers: { ...how.headers, ...(cookie === '' ? {} : { cookie }) },
        ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      })
      for (const each of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? []
        if (value === '' || /max-age=0/i.test(each)) jar.delete(name)
        else jar.set(name, value)
      }
      const location = answer.headers.get('location')
      if (answer.status < 300 || answer.status >= 400 || location === null)
        return { url: next, status: answer.status, html: await answer.text(), headers: answer.headers }
      next = new URL(location, next).href
      form = undefined
    }
    throw new Error(`sent around without end: ${this.visited.slice(-5).join(' → ')}`)
  }
}
