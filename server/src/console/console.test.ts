import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildHouse, type House, type HouseOptions } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

const PASSWORD = 'a password for tests'
/** Of that password: argon2id, 4 MiB, one pass, one lane. */
const HASH = '$argon2id$v=19$m=4096,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$OXHlgoXDDqyAYMY14NMY547p5nvIZTSfrL4pnjUE0oA'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'permea-console-'))
  await mkdir(path.join(dir, 'assets'))
  await writeFile(
    path.join(dir, 'index.html'),
    '<script type="module" nonce="__PERMEA_NONCE__" src="./assets/a.js"></script>',
  )
  await writeFile(path.join(dir, 'assets/a.js'), 'export {}')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function open(
  more: HouseOptions & {
    publicUrl?: string
    adminPassword?: string | null
    dir?: string
    trustedProxies?: string[]
  } = {},
): Promise<House> {
  const house = await buildHouse({
    ...more,
    engine: {
      console: {
        dir: more.dir ?? dir,
        adminPassword: more.adminPassword === undefined ? PASSWORD : more.adminPassword,
      },
      ...(more.trustedProxies === undefined ? {} : { trustedProxies: more.trustedProxies }),
      ...(more.publicUrl === undefined ? {} : { publicUrl: more.publicUrl }),
    },
  })
  house.engine.console?.serve(house.workspace.key)
  return house
}

function post(house: House, at: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${house.url}/console/session${at}`, {
    method: 'POST',
    headers: { ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  })
}

const codeOf = (house: House) => house.engine.console?.oneTimeLink().split('#')[1] ?? ''
const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''

async function signedIn(house: House): Promise<{ cookie: string }> {
  const response = await post(house, '', { code: codeOf(house) })
  expect(response.status).toBe(201)
  return { cookie: cookieOf(response) }
}

test('a session gives tokens that the API takes, and only while it lasts', async () => {
  await using house = await open({ clock: 'settable' })
  const session = await signedIn(house)
  const { token } = (await (await post(house, '/token', null, session)).json()) as { token: string }
  const list = (bearer: string) => fetch(`${house.url}/flows`, { headers: { authorization: `Bearer ${bearer}` } })
  expect((await list(token)).status).toBe(200)
  house.clock.advance(601_000)
  house.engine.tokens.forget()
  expect((await list(token)).status).toBe(401)
  expect((await post(house, '/token', null, session)).status).toBe(200)
  house.clock.advance(7 * 86_400_000)
  expect((await post(house, '/token', null, session)).status).toBe(401)
})

test('its tokens are good also where the workspace takes none signed with its secret', async () => {
  await using house = await open()
  const session = await signedIn(house)
  await house.admin.workspaces.patch({
    params: { id: house.workspace.key },
    body: { settings: { disableSecretKeyAuth: true } },
  })
  const { token } = (await (await post(house, '/token', null, session)).json()) as { token: string }
  const answer = await fetch(`${house.url}/flows`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  await expect(house.admin.flows.list()).rejects.toMatchObject({ status: 401 })
})

test('the cookie is for scripts of nobody and for this site only; behind TLS it is sent over TLS only', async () => {
  await using plain = await open()
  const one = (await post(plain, '', { code: codeOf(plain) })).headers.get('set-cookie')
  expect(one).toMatch(/^permea-console-\d+=.+; Path=\/console\/session; HttpOnly; SameSite=Strict; Max-Age=604800$/)
  await using behindTls = await open({ publicUrl: 'https://events.example.com/base' })
  const other = (await post(behindTls, '', { code: codeOf(behindTls) })).headers.get('set-cookie')
  expect(other).toMatch(
    /^__Secure-permea-console=.+; Path=\/base\/console\/session; HttpOnly; SameSite=Strict; Secure; Max-Age=604800$/,
  )
})

test('a code lets in once, and not after an hour', async () => {
  await using house = await open({ clock: 'settable' })
  const code = codeOf(house)
  expect((await post(house, '', { code })).status).toBe(201)
  expect((await post(house, '', { code })).status).toBe(401)
  const late = codeOf(house)
  house.clock.advance(3_600_001)
  expect((await post(house, '', { code: late })).status).toBe(401)
})

test('the password lets in, and so does its hash in the place of it', async () => {
  await using house = await open()
  expect((await post(house, '', { password: PASSWORD })).status).toBe(201)
  expect((await post(house, '', { password: `${PASSWORD} ` })).status).toBe(401)
  await using hashed = await open({ adminPassword: HASH })
  expect((await post(hashed, '', { password: PASSWORD })).status).toBe(201)
  expect((await post(hashed, '', { password: HASH })).status).toBe(401)
  await using without = await open({ adminPassword: null })
  expect((await post(without, '', { password: '' })).status).toBe(401)
})

test('an admin token lets in for no longer than it lasts; the token of a customer does not', async () => {
  await using house = await open()
  const admin = await post(house, '', { token: await house.tokenOf({ isAdmin: true }, 90) })
  expect(admin.headers.get('set-cookie')).toMatch(/Max-Age=(?:90|8\d)$/)
  expect((await post(house, '', { token: await house.tokenOf({ id: 'acme' }) })).status).toBe(401)
  expect((await post(house, '', { token: await house.tokenOf({ id: 'acme', isAdmin: true }) })).status).toBe(401)
  expect((await post(house, '', { token: 'nonsense' })).status).toBe(401)
  expect((await post(house, '', { token: 'a', password: 'b' })).status).toBe(400)
})

test('guessing is slowed down, for one address after ten tries in a minute', async () => {
  await using house = await open({ clock: 'settable' })
  const codes = await Promise.all(Array.from({ length: 12 }, () => post(house, '', { code: 'guess' })))
  const statuses = codes.map((each) => each.status).sort()
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  const refused = codes.find((each) => each.status === 429)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await post(house, '', { code: codeOf(house) })).status).toBe(429)
  house.clock.advance(60_001)
  expect((await post(house, '', { code: codeOf(house) })).status).toBe(201)
})

test('whom a proxy speaks for is believed of trusted proxies only', async () => {
  const guess = (house: Awaited<ReturnType<typeof open>>, address: string) =>
    post(house, '', { code: 'guess' }, { 'x-forwarded-for': address })
  await using trusting = await open({ trustedProxies: ['127.0.0.0/8'] })
  for (let times = 0; times < 10; times += 1) await guess(trusting, '192.0.2.1')
  expect((await guess(trusting, '192.0.2.1')).status).toBe(429)
  expect((await guess(trusting, '192.0.2.2')).status).toBe(401)
  await using other = await open()
  for (let times = 0; times < 10; times += 1) await guess(other, `192.0.2.${times}`)
  expect((await guess(other, '198.51.100.1')).status).toBe(429)
})

test('another site, or another port of this host, is refused', async () => {
  await using house = await open()
  const session = await signedIn(house)
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'null' },
  ]) {
    expect((await post(house, '/token', null, { ...session, ...headers })).status).toBe(403)
    expect((await post(house, '/sign-out-everywhere', null, { ...session, ...headers })).status).toBe(403)
  }
  const own = { ...session, origin: house.url, 'sec-fetch-site': 'same-origin' }
  expect((await post(house, '/token', null, own)).status).toBe(200)
})

test('signing out everywhere ends every session opened until then, and none opened after', async () => {
  await using house = await open({ clock: 'settable' })
  const [one, other] = [await signedIn(house), await signedIn(house)]
  expect((await post(house, '/sign-out-everywhere', null, one)).status).toBe(204)
  expect((await post(house, '/token', null, one)).status).toBe(401)
  expect((await post(house, '/token', null, other)).status).toBe(401)
  house.clock.advance(1)
  expect((await post(house, '/token', null, await signedIn(house))).status).toBe(200)
})

test('a forged or altered cookie is nobody’s', async () => {
  await using house = await open()
  const { cookie } = await signedIn(house)
  const [name, value = ''] = cookie.split('=')
  const token = await house.tokenOf({ isAdmin: true, workspaceKey: house.workspace.key })
  for (const forged of [`${value.slice(0, -2)}xx`, token, '', 'a.b.c'])
    expect((await post(house, '/token', null, { cookie: `${name}=${forged}` })).status).toBe(401)
})

test('every address below /console is the page, with a nonce of its own; its files are kept for ever', async () => {
  await using house = await open()
  const pages = await Promise.all(
    ['/console', '/console/', '/console/flow-runs/fr_1?tab=input'].map((each) => fetch(house.url + each)),
  )
  const nonces = await Promise.all(
    pages.map(async (page) => {
      expect(page.status).toBe(200)
      const nonce = /nonce="([^"]+)"/.exec(await page.text())?.[1]
      expect(page.headers.get('content-security-policy')).toContain(`'nonce-${nonce}'`)
      return nonce
    }),
  )
  expect(new Set(nonces).size).toBe(3)
  const file = await fetch(`${house.url}/console/assets/a.js`)
  expect(file.headers.get('cache-control')).toContain('immutable')
  expect((await fetch(`${house.url}/console/assets/b.js`)).status).toBe(404)
})

test('behind a path of a proxy the page finds its files there', async () => {
  await using house = await open({ publicUrl: 'https://events.example.com/base' })
  expect(await (await fetch(`${house.url}/console`)).text()).toContain('src="/base/console/assets/a.js"')
})

test('while there is no build the page says so and looks again', async () => {
  await using house = await open({ dir: path.join(dir, 'not-there') })
  const page = await fetch(`${house.url}/console`)
  expect(page.status).toBe(503)
  expect(await page.text()).toContain('is being built')
})

test('an operator goes on in any workspace, whoever brought a token only in the one of the token', async () => {
  await using house = await open()
  const other = await house.admin.workspaces.create({ body: { name: 'Other', key: 'other' } })
  const ask = async (cookie: string, workspaceKey: string) => {
    const response = await post(house, '/token', { workspaceKey }, { cookie })
    return { status: response.status, ...((await response.json()) as object) }
  }
  const { cookie } = await signedIn(house)
  const names = [house.workspace, other].map(({ key, name }) => ({ key, name, role: 'owner' }))
  expect(await ask(cookie, 'other')).toMatchObject({ workspace: { key: 'other', isMain: false }, workspaces: names })
  expect(await ask(cookie, house.workspace.key)).toMatchObject({ workspace: { isMain: true }, workspaces: names })
  expect(await ask(cookie, 'nowhere')).toMatchObject({ status: 404, key: 'not_found' })

  for (const of of [house.workspace, other]) {
    const token = await house.engine.tokens.sign(of, { isAdmin: true }, 600)
    const byToken = cookieOf(await post(house, '', { token }))
    expect(await ask(byToken, of.key)).toMatchObject({ status: 200, workspaces: [{ key: of.key }] })
    const elsewhere = of === other ? house.workspace.key : other.key
    expect(await ask(byToken, elsewhere)).toMatchObject({ status: 404 })
  }
})
