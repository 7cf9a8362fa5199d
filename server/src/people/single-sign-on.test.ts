import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildHouse, type House } from '@permea/testkit'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

/** Who the provider says sits before the browser. */
let person: Record<string, unknown> & { sub: string }
let house: House
let server: Server
let issuer: string
let isAway = false

beforeAll(async () => {
  let listener = (_request: IncomingMessage, response: ServerResponse): void => void response.end()
  server = createServer((request, response) => (isAway ? void request.socket.destroy() : listener(request, response)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  house = await buildHouse({
    engine: {
      console: { dir: '/nowhere', adminPassword: null },
      singleSignOn: {
        issuer,
        clientId: 'permea',
        clientSecret: 'a secret of the client that is long enough',
        name: 'Example login',
        domains: ['example.com'],
        defaultRole: 'reader',
        roleClaim: 'groups',
        roles: { admins: 'owner', helpers: 'support' },
      },
    },
  })
  house.engine.console?.serve(house.workspace.key)
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'permea',
        client_secret: 'a secret of the client that is long enough',
        redirect_uris: [`${house.url}/console/session/sso/callback`],
        post_logout_redirect_uris: [`${house.url}/console/sign-in`],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ ...person }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ['a key of the provider for tests'] },
  })
  const handle = provider.callback()
  listener = (request, response) => {
    if (request.url?.startsWith('/interaction/') === true) void interact(provider, request, response)
    else void handle(request, response)
  }
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})
beforeEach(() => {
  isAway = false
})

/** The person signs in and agrees at once. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: person.sub } })
  const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params.client_id) })
  grant.addOIDCScope('openid email profile')
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

/** A browser that follows redirects and keeps cookies of each origin by their paths' names. */
class Browser {
  readonly cookies = new Map<string, string>()
  async get(url: string): Promise<Response> {
    const { host } = new URL(url)
    const own = [...this.cookies].flatMap(([key, value]) =>
      key.startsWith(`${host} `) ? [`${key.split(' ')[1]}=${value}`] : [],
    )
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: own.join('; '), 'sec-fetch-site': 'cross-site' },
    })
    for (const each of response.headers.getSetCookie()) {
      const [name = '', value = ''] = each.split(';')[0]?.split(/=(.*)/s) ?? []
      if (value === '') this.cookies.delete(`${host} ${name}`)
      else this.cookies.set(`${host} ${name}`, value)
    }
    return response
  }
  /** Goes where it is sent until it comes back to the engine's own pages. */
  async follow(from: string): Promise<string> {
    let url = from
    for (let at = 0; at < 15; at += 1) {
      const to = (await this.get(url)).headers.get('location')
      if (to === null) throw new Error(`${url} sends nowhere`)
      url = new URL(to, url).href
      if (url.startsWith(`${house.url}/console/`) && !url.includes('/session/sso')) return url.slice(house.url.length)
      if (this.stopsAt?.test(url) === true) return url
    }
    throw new Error('sent round in circles')
  }
  stopsAt: RegExp | null = null
  signIn = () => this.follow(`${house.url}/console/session/sso`)
  async me(): Promise<Record<string, unknown>> {
    const cookie = [...this.cookies].flatMap(([key, value]) =>
      key.startsWith(`${new URL(house.url).host} `) ? [`${key.split(' ')[1]}=${value}`] : [],
    )
    const response = await fetch(`${house.url}/console/session/token`, {
      method: 'POST',
      headers: { cookie: cookie.join('; ') },
    })
    return { status: response.status, ...((await response.json()) as object) }
  }
}

const confirmed = (sub: string, more: object = {}) => ({
  sub,
  email: `${sub}@example.com`,
  email_verified: true,
  name: sub,
  ...more,
})

test('whoever the provider confirms comes in with the role of the claim, anew at each time, else with the default', async () => {
  person = confirmed('new')
  const browser = new Browser()
  expect(await browser.signIn()).toBe('/console/')
  expect(await browser.me()).toMatchObject({ role: 'reader', person: { name: 'new', email: 'new@example.com' } })
  person = confirmed('new', { groups: ['others', 'helpers', 'admins'], email: 'renamed@example.com' })
  const again = new Browser()
  await again.signIn()
  expect(await again.me()).toMatchObject({ role: 'owner', person: { email: 'new@example.com' } })
  person = confirmed('new', { groups: ['helpers'] })
  await new Browser().signIn()
  // The only owner stays one, whatever the provider says.
  expect(await again.me()).toMatchObject({ role: 'owner' })
  person = confirmed('second', { groups: ['helpers'] })
  const helper = new Browser()
  await helper.signIn()
  expect(await helper.me()).toMatchObject({ role: 'support' })
  expect(await (await fetch(`${house.url}/console/session`)).json()).toMatchObject({ singleSignOn: 'Example login' })
})

test('whom the provider does not confirm, or who is of another domain, is refused, and an account is not taken over', async () => {
  const { link } = await house.admin.invitations.create({ body: { email: 'kept@example.com', role: 'developer' } })
  await fetch(`${house.url}/console/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link: link.split('=').at(-1), name: 'Kept', password: 'a password of its own' }),
  })
  const refused = async (claims: typeof person) => {
    person = claims
    const browser = new Browser()
    const at = await browser.signIn()
    expect((await browser.me()).status).toBe(401)
    return at
  }
  expect(await refused(confirmed('a', { email: 'kept@example.com', email_verified: false }))).toBe(
    '/console/sign-in?problem=unconfirmed',
  )
  expect(await refused(confirmed('b', { email: 'kept@example.com.evil.example' }))).toBe(
    '/console/sign-in?problem=domain',
  )
  expect(await refused({ sub: 'c' })).toBe('/console/sign-in?problem=unconfirmed')
  // The person itself gets in by both ways, and keeps the role that was given; another subject with the address does not.
  person = confirmed('kept')
  const browser = new Browser()
  await browser.signIn()
  expect(await browser.me()).toMatchObject({ role: 'developer', person: { name: 'Kept' } })
  expect(await refused(confirmed('d', { email: 'kept@example.com' }))).toBe('/console/sign-in?problem=refused')
  const { items } = await house.admin.auditLog.list({ query: { search: 'single-sign-on' } })
  expect(items.slice(0, 5).map((each) => [each.outcome, each.actor.name ?? each.after?.reason])).toEqual([
    ['refused', 'refused'],
    ['done', 'Kept'],
    ['refused', 'unconfirmed'],
    ['refused', 'domain'],
    ['refused', 'unconfirmed'],
  ])
})

test('an answer counts once, in the browser that was sent away, and sends nowhere else', async () => {
  person = confirmed('stolen')
  const victim = new Browser()
  victim.stopsAt = /\/session\/sso\/callback/
  const callback = await victim.follow(`${house.url}/console/session/sso`)
  expect(callback).toContain('code=')
  expect(await new Browser().follow(callback)).toBe('/console/sign-in?problem=over')
  const other = new Browser()
  other.stopsAt = /\/session\/sso\/callback/
  await other.follow(`${house.url}/console/session/sso`)
  other.stopsAt = null
  // Another one's code, with a state of one's own, is of no use.
  expect(await other.follow(callback)).toBe('/console/sign-in?problem=refused')
  victim.stopsAt = null
  expect(await victim.follow(`${callback}&next=https://evil.example/`)).toBe('/console/')
  expect(await victim.follow(callback)).toBe('/console/sign-in?problem=over')
})

test('signing out ends the session at the provider, too; a provider that is away is told of', async () => {
  person = confirmed('leaver')
  const browser = new Browser()
  await browser.signIn()
  const cookie = [...browser.cookies].find(([key]) => key.startsWith(`${new URL(house.url).host} `))
  const response = await fetch(`${house.url}/console/session`, {
    method: 'DELETE',
    headers: { cookie: `${cookie?.[0].split(' ')[1]}=${cookie?.[1]}` },
  })
  const { signOutUrl } = (await response.json()) as { signOutUrl: string }
  expect(signOutUrl).toMatch(new RegExp(`^${issuer}/session/end\\?`))
  expect((await browser.me()).status).toBe(401)
  const late = new Browser()
  late.stopsAt = /\/session\/sso\/callback/
  const callback = await late.follow(`${house.url}/console/session/sso`)
  late.stopsAt = null
  isAway = true
  expect(await late.follow(callback)).toBe('/console/sign-in?problem=unavailable')
})
