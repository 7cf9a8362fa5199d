import { createPermea, type Permea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House, refusalKey } from '@permea/testkit'
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House
/** Another process on the same database. */
let other: House

beforeAll(async () => {
  const engine = { console: { dir: '/nowhere', adminPassword: null } }
  house = await buildHouse({ clock: 'settable', engine })
  other = await buildHouse({
    clock: 'settable',
    engine,
    database: { url: house.databaseUrl, workspace: house.workspace },
  })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

const PASSWORD = 'correct horse battery staple'

interface Answer {
  message?: string
  token?: string
  kind?: string
  workspaces?: unknown[]
  permissions?: string[]
  [field: string]: unknown
}

/** A browser: it keeps the cookie of the session. */
class Browser {
  cookie = ''
  readonly at: House
  constructor(at = house) {
    this.at = at
  }
  async ask(method: string, path: string, body?: unknown) {
    // So many sign-ins of one address a minute are let through; tests have more.
    house.clock.advance(7000)
    const response = await fetch(`${this.at.url}/console/session${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'sec-fetch-site': 'same-origin',
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const [given] = response.headers.getSetCookie()
    if (given !== undefined) this.cookie = given.split(';')[0] ?? ''
    const answer = (await response.json().catch(() => ({}))) as Answer
    return { status: response.status, ...answer, setCookie: given }
  }
  signIn = (proof: object) => this.ask('POST', '', proof)
  /** A client with the token that the console has. */
  async client(): Promise<Permea> {
    const { token } = await this.ask('POST', '/token', {})
    return createPermea({ baseUrl: this.at.url, token: String(token) })
  }
}

const linkIn = (link: string) => link.split('=').at(-1) ?? ''

let count = 0
/** Somebody who was invited and followed the link. */
async function someone(role: 'owner' | 'developer' | 'support' | 'reader' = 'developer') {
  count += 1
  const email = `person-${count}@example.com`
  const { link } = await house.admin.invitations.create({ body: { email, role } })
  const browser = new Browser()
  expect(await browser.signIn({ link: linkIn(link), name: `Person ${count}`, password: PASSWORD })).toMatchObject({
    status: 201,
  })
  const { items } = await house.admin.people.list()
  const id = items.find((each) => each.email === email)?.id ?? ''
  return { id, email, browser, client: await browser.client() }
}

test('who is invited joins by a link that is good once, and is in with the role that was given', async () => {
  const made = await house.admin.invitations.create({ body: { email: ' Anna@Example.com ', role: 'support' } })
  expect(made).toMatchObject({ email: 'anna@example.com', role: 'support', isMailed: false })
  expect(made.link).toMatch(/\/console\/sign-in#invitation=[\w-]{43}$/)
  expect((await house.admin.invitations.list()).items.map(({ id }) => id)).toContain(made.id)
  const browser = new Browser()
  const link = linkIn(made.link)
  expect(await browser.ask('POST', '/link', { link })).toMatchObject({
    kind: 'invitation',
    email: 'anna@example.com',
    hasAccount: false,
  })
  expect(await browser.signIn({ link, name: 'Anna', password: 'short' })).toMatchObject({
    status: 400,
    key: 'invalid_input',
  })
  const joined = await browser.signIn({ link, name: 'Anna', password: PASSWORD })
  expect(joined).toMatchObject({ status: 201, isSecondFactorAwaited: false })
  expect(joined.setCookie).toMatch(/; Path=\/console\/session; HttpOnly; SameSite=Strict; Max-Age=\d+$/)
  expect(await new Browser().signIn({ link, name: 'Eve', password: PASSWORD })).toMatchObject({ status: 401 })
  expect(await browser.ask('POST', '/token', {})).toMatchObject({
    role: 'support',
    person: { name: 'Anna', email: 'anna@example.com' },
    workspaces: [{ key: house.workspace.key, role: 'support' }],
  })
  const client = await browser.client()
  expect(await client.account.get()).toMatchObject({
    email: 'anna@example.com',
    role: 'support',
    hasSecondFactor: false,
  })
  expect(await refusalKey(client.flows.create({ body: { key: 'mine' } }))).toBe('access_denied')
  expect(await refusalKey(client.invitations.create({ body: { email: 'x@example.com', role: 'owner' } }))).toBe(
    'access_denied',
  )
  expect(await refusalKey(house.admin.invitations.create({ body: { email: 'anna@example.com', role: 'owner' } }))).toBe(
    'already_exists',
  )
})

test('an invitation that is taken back, too old or replaced lets nobody in', async () => {
  const invite = () => house.admin.invitations.create({ body: { email: 'late@example.com', role: 'reader' } })
  const enter = (link: string) => new Browser().signIn({ link: linkIn(link), name: 'L', password: PASSWORD })
  const first = await invite()
  const second = await invite()
  expect((await enter(first.link)).status).toBe(401)
  await house.admin.invitations.archive({ params: { id: second.id } })
  expect((await enter(second.link)).status).toBe(401)
  expect(await refusalKey(house.admin.invitations.archive({ params: { id: second.id } }))).toBe('not_found')
  const third = await invite()
  house.clock.advance(8 * 86_400_000)
  expect((await enter(third.link)).status).toBe(401)
})

test('an account that is there is joined with its own password only', async () => {
  const { email, id } = await someone()
  await house.admin.people.archive({ params: { id } })
  const { link } = await house.admin.invitations.create({ body: { email, role: 'owner' } })
  const enter = (password: string) => new Browser().signIn({ link: linkIn(link), name: 'Thief', password })
  expect(await enter('the password of whoever has the link')).toMatchObject({ status: 401 })
  expect(await enter(PASSWORD)).toMatchObject({ status: 201 })
  const { items } = await house.admin.people.list()
  expect(items.find((each) => each.email === email)).toMatchObject({
    role: 'owner',
    name: expect.not.stringContaining('Thief'),
  })
  await house.admin.people.patch({ params: { id }, body: { role: 'reader' } }).catch(() => {})
})

test('nobody learns by signing in who has an account; what is kept of a password is a hash', async () => {
  const { email } = await someone()
  const refused = async (proof: object) => {
    const { status, message } = await new Browser().signIn(proof)
    return { status, message }
  }
  const wrong = await refused({ email, password: 'not the password' })
  expect(wrong.status).toBe(401)
  expect(await refused({ email: 'nobody@example.com', password: 'not the password' })).toEqual(wrong)
  expect(await refused({ email, password: 'x'.repeat(5000) })).toEqual(wrong)
  expect(await refused({ email: `${email}\0`, password: PASSWORD })).toMatchObject({ status: 400 })
  expect((await new Browser().signIn({ email: ` ${email.toUpperCase()} `, password: PASSWORD })).status).toBe(201)
  const { rows } = await sql<{ all: string }>`select string_agg(u::text, ' ') as all from users u`.execute(
    house.engine.database.db,
  )
  expect(rows[0]?.all).toContain('$argon2id$v=19$m=47104,t=1,p=1$')
  expect(rows[0]?.all).not.toContain(PASSWORD)
})

test('a role that is changed, and a person who is removed, count at once in every process', async () => {
  const { id, client, browser } = await someone('developer')
  const elsewhere = new Browser(other)
  elsewhere.cookie = browser.cookie.replace(new URL(house.url).port, new URL(other.url).port)
  const there = await elsewhere.client()
  await Promise.all([client, there].map((each) => each.flows.list()))
  await house.admin.people.patch({ params: { id }, body: { role: 'reader' } })
  expect(await refusalKey(client.flows.create({ body: { key: 'late' } }))).toBe('access_denied')
  await house.admin.people.archive({ params: { id } })
  expect(await refusalKey(client.flows.list())).toBe('not_authenticated')
  expect((await browser.ask('POST', '/token', {})).status).toBe(401)
  expect((await elsewhere.ask('POST', '/token', {})).status).toBe(401)
  expect(await refusalKey(house.admin.people.archive({ params: { id } }))).toBe('not_found')
  expect(await refusalKey(house.admin.people.patch({ params: { id }, body: { role: 'owner' } }))).toBe('not_found')
  expect(await refusalKey(house.admin.people.sessions({ params: { id } }))).toBe('not_found')
  expect(await refusalKey(house.admin.people.endSessions({ params: { id } }))).toBe('not_found')
  expect(await refusalKey(house.admin.people.passwordLink({ params: { id } }))).toBe('not_found')
  expect(await refusalKey(house.admin.people.removeSecondFactor({ params: { id } }))).toBe('not_found')
})

test('somebody stays owner, also when two owners remove each other at the same moment', async () => {
  for (const { id, role } of (await house.admin.people.list()).items)
    if (role === 'owner') await house.admin.people.patch({ params: { id }, body: { role: 'reader' } }).catch(() => {})
  const [a, b] = [await someone('owner'), await someone('owner')]
  for (const { id, role } of (await house.admin.people.list()).items)
    if (role === 'owner' && id !== a.id && id !== b.id)
      await house.admin.people.patch({ params: { id }, body: { role: 'reader' } })
  const outcomes = await Promise.allSettled([
    a.client.people.patch({ params: { id: b.id }, body: { role: 'reader' } }),
    b.client.people.archive({ params: { id: a.id } }),
  ])
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  const owners = (await house.admin.people.list()).items.filter(({ role }) => role === 'owner')
  expect(owners).toHaveLength(1)
  const params = { id: owners[0]?.id ?? '' }
  expect(await refusalKey(house.admin.people.archive({ params }))).toBe('last_owner')
  expect(await refusalKey(house.admin.people.patch({ params, body: { role: 'support' } }))).toBe('last_owner')
})

describe('sessions', () => {
  test('are listed and ended one by one, all at once, and by an owner', async () => {
    const { id, email, client, browser } = await someone()
    const second = new Browser()
    await second.signIn({ email, password: PASSWORD })
    const listed = (await client.account.sessions()).items
    expect(listed.map(({ isThis }) => isThis)).toEqual([false, true])
    expect((await house.admin.people.sessions({ params: { id } })).items).toHaveLength(2)
    await client.account.endSession({ params: { id: listed[0]?.id ?? '' } })
    expect((await second.ask('POST', '/token', {})).status).toBe(401)
    expect(await refusalKey(client.account.endSession({ params: { id: listed[0]?.id ?? '' } }))).toBe('not_found')

    await second.signIn({ email, password: PASSWORD })
    expect((await second.ask('POST', '/sign-out-everywhere', {})).status).toBe(204)
    expect((await browser.ask('POST', '/token', {})).status).toBe(401)
    await browser.signIn({ email, password: PASSWORD })
    await house.admin.people.endSessions({ params: { id } })
    expect((await browser.ask('POST', '/token', {})).status).toBe(401)
    await browser.signIn({ email, password: PASSWORD })
    const stolen = browser.cookie
    await browser.ask('DELETE', '')
    browser.cookie = stolen
    expect((await browser.ask('POST', '/token', {})).status).toBe(401)
  })

  test('end in a week, are of no use to other sites, and end when the password is changed', async () => {
    const { email, client, browser } = await someone()
    const second = new Browser()
    await second.signIn({ email, password: PASSWORD })
    const foreign = await fetch(`${house.url}/console/session/token`, {
      method: 'POST',
      headers: { cookie: browser.cookie, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    })
    expect(foreign.status).toBe(403)
    const change = (current: string, password: string) => client.account.changePassword({ body: { current, password } })
    expect(await refusalKey(change('not the password', 'another long password'))).toBe('wrong_proof')
    expect(await refusalKey(change(PASSWORD, 'short'))).toBe('invalid_input')
    await change(PASSWORD, 'another long password')
    expect((await second.ask('POST', '/token', {})).status).toBe(401)
    expect((await browser.ask('POST', '/token', {})).status).toBe(200)
    expect((await second.signIn({ email, password: PASSWORD })).status).toBe(401)
    expect((await second.signIn({ email, password: 'another long password' })).status).toBe(201)
    house.clock.advance(7 * 86_400_000)
    expect((await second.ask('POST', '/token', {})).status).toBe(401)
  })
})

test('a password link sets a password once, ends every session, and is made for nobody of other workspaces', async () => {
  const { id, email, browser } = await someone()
  const { link } = await house.admin.people.passwordLink({ params: { id } })
  const fresh = new Browser()
  expect((await fresh.ask('POST', '/link', { link: linkIn(link) })).kind).toBe('password')
  expect((await fresh.signIn({ link: linkIn(link), password: 'a new and long password' })).status).toBe(201)
  expect((await browser.ask('POST', '/token', {})).status).toBe(401)
  expect((await fresh.signIn({ link: linkIn(link), password: PASSWORD })).status).toBe(401)
  expect((await browser.signIn({ email, password: 'a new and long password' })).status).toBe(201)

  const elsewhere = await addWorkspace(house.engine, house.clock, null)
  await sql`insert into memberships select ${elsewhere.id}, id, 'owner', now() from users where email = ${email}`.execute(
    house.engine.database.db,
  )
  expect(await refusalKey(house.admin.people.passwordLink({ params: { id } }))).toBe('of_other_workspaces')
  expect(await refusalKey(house.admin.people.removeSecondFactor({ params: { id } }))).toBe('of_other_workspaces')
  expect(await browser.ask('POST', '/token', { workspaceKey: elsewhere.key })).toMatchObject({
    role: 'owner',
    workspace: { key: elsewhere.key },
  })
  expect(await browser.ask('POST', '/token', { workspaceKey: house.workspace.key })).toMatchObject({
    role: 'developer',
  })
})

test('somebody is one of several workspaces, with a role in each, and sees nothing of any other', async () => {
  const { email, browser, client } = await someone()
  expect(await refusalKey(client.workspaces.create({ body: { name: 'Mine' } }))).toBe('access_denied')
  const other = await house.admin.workspaces.create({ body: { name: 'Other' } })
  const third = await house.admin.workspaces.create({ body: { name: 'Third' } })
  const token = await house.engine.tokens.sign(other, { isAdmin: true }, 600)
  const owner = createPermea({ baseUrl: house.url, token })
  const { link } = await owner.invitations.create({ body: { email, role: 'reader' } })
  expect((await new Browser().signIn({ link: linkIn(link), name: '', password: PASSWORD })).status).toBe(201)
  const said = await browser.ask('POST', '/token', { workspaceKey: other.key })
  expect(said).toMatchObject({ role: 'reader', workspace: { key: other.key, isMain: false } })
  expect(said.workspaces).toEqual([
    { key: house.workspace.key, name: house.workspace.name, role: 'developer' },
    { key: other.key, name: 'Other', role: 'reader' },
  ])
  expect(await browser.ask('POST', '/token', { workspaceKey: third.key })).toMatchObject({ status: 404 })
  expect((await owner.people.list()).items).toMatchObject([{ email, role: 'reader' }])
})

test('whoever makes a workspace with an account is its first owner', async () => {
  const { id, browser } = await someone()
  await house.admin.people.patch({ params: { id }, body: { role: 'owner' } })
  const client = await browser.client()
  const made = await client.workspaces.create({ body: { name: 'Of somebody' } })
  const said = await browser.ask('POST', '/token', { workspaceKey: made.key })
  expect(said).toMatchObject({ role: 'owner', workspace: { name: 'Of somebody' } })
  expect(said.permissions).not.toContain('installation')
  expect((await browser.ask('POST', '/token', { workspaceKey: house.workspace.key })).permissions).toContain(
    'installation',
  )
  const there = createPermea({ baseUrl: house.url, token: said.token ?? '' })
  expect((await there.people.list()).items).toMatchObject([{ role: 'owner' }])
  expect(await refusalKey(there.workspaces.create({ body: { name: 'Another' } }))).toBe('access_denied')
})

describe('a second factor', () => {
  const codeAt = (secret: string) => new TOTP({ secret }).generate({ timestamp: house.clock.now().getTime() })

  async function enrolled() {
    const person = await someone()
    const { client } = person
    expect(await refusalKey(client.account.beginSecondFactor({ body: { password: 'wrong' } }))).toBe('wrong_proof')
    const { secret, uri } = await client.account.beginSecondFactor({ body: { password: PASSWORD } })
    expect(uri).toContain(`secret=${secret}`)
    expect(await refusalKey(client.account.confirmSecondFactor({ body: { code: '000000' } }))).toBe('wrong_proof')
    const { recoveryCodes } = await client.account.confirmSecondFactor({ body: { code: codeAt(secret) } })
    return { ...person, secret, recoveryCodes }
  }

  test('is asked for after the password, and a code is good once', async () => {
    const { email, client, secret, browser } = await enrolled()
    expect(await client.account.get()).toMatchObject({ hasSecondFactor: true, recoveryCodesLeft: 10 })
    expect(await refusalKey(client.account.beginSecondFactor({ body: { password: PASSWORD } }))).toBe('already_exists')
    const fresh = new Browser()
    expect(await fresh.signIn({ secondFactor: codeAt(secret) })).toMatchObject({ status: 401 })
    expect(await fresh.signIn({ email, password: PASSWORD })).toMatchObject({
      status: 201,
      isSecondFactorAwaited: true,
    })
    expect((await fresh.ask('POST', '/token', {})).status).toBe(401)
    expect(await fresh.ask('GET', '')).toMatchObject({ isSignedIn: false, isSecondFactorAwaited: true })
    const pending = fresh.cookie
    house.clock.advance(60_000)
    const code = codeAt(secret)
    expect(await fresh.signIn({ secondFactor: code })).toMatchObject({ status: 201, isSecondFactorAwaited: false })
    expect(fresh.cookie).not.toBe(pending)
    expect((await fresh.ask('POST', '/token', {})).status).toBe(200)
    const thief = new Browser()
    await thief.signIn({ email, password: PASSWORD })
    expect((await thief.signIn({ secondFactor: code })).status).toBe(401)
    const { rows } = await sql<{ all: string }>`select u::text as all from users u where email = ${email}`.execute(
      house.engine.database.db,
    )
    expect(rows[0]?.all).not.toContain(secret)
    expect(await refusalKey(client.account.removeSecondFactor({ body: { password: 'wrong' } }))).toBe('wrong_proof')
    await client.account.removeSecondFactor({ body: { password: PASSWORD } })
    expect(await browser.signIn({ email, password: PASSWORD })).toMatchObject({ isSecondFactorAwaited: false })
  })

  test('gives way to recovery codes, each once, and to an owner', async () => {
    const { id, email, client, recoveryCodes } = await enrolled()
    const enter = async (code: string) => {
      const browser = new Browser()
      await browser.signIn({ email, password: PASSWORD })
      return (await browser.signIn({ secondFactor: code })).status
    }
    expect(recoveryCodes).toHaveLength(10)
    expect(await enter((recoveryCodes[0] ?? '').toLowerCase().replaceAll('-', ' '))).toBe(201)
    expect(await enter(recoveryCodes[0] ?? '')).toBe(401)
    expect(await client.account.get()).toMatchObject({ recoveryCodesLeft: 9 })
    await house.admin.people.removeSecondFactor({ params: { id } })
    expect(await new Browser().signIn({ email, password: PASSWORD })).toMatchObject({ isSecondFactorAwaited: false })
  })

  test('is guessed five times a sign-in and twenty times an hour', async () => {
    const { email, secret } = await enrolled()
    const guesses: number[] = []
    for (let sign = 0; sign < 5; sign += 1) {
      const browser = new Browser()
      await browser.signIn({ email, password: PASSWORD })
      for (let at = 0; at < 5; at += 1) guesses.push((await browser.signIn({ secondFactor: '123' })).status)
      if (sign === 0) expect((await browser.signIn({ secondFactor: codeAt(secret) })).status).toBe(429)
    }
    expect(guesses.filter((status) => status === 401).length).toBeLessThanOrEqual(20)
    expect(guesses.slice(-4)).toEqual([429, 429, 429, 429])
  })
})

test('keys and the workspace’s secret have no account', async () => {
  expect(await refusalKey(house.admin.account.get())).toBe('access_denied')
  expect(await refusalKey(house.admin.account.sessions())).toBe('access_denied')
  const { client } = await someone()
  expect(await client.account.patch({ body: { name: 'Renamed' } })).toMatchObject({ name: 'Renamed' })
})

test('proofs of an account are tried ten times a minute', async () => {
  const { client } = await someone()
  const keys: unknown[] = []
  for (let at = 0; at < 12; at += 1)
    keys.push(await refusalKey(client.account.beginSecondFactor({ body: { password: 'no' } })))
  expect(keys.slice(-2)).toEqual(['rate_limit_exceeded', 'rate_limit_exceeded'])
  expect(
    await refusalKey(client.account.changePassword({ body: { current: 'x', password: 'long enough for it' } })),
  ).toBe('rate_limit_exceeded')
  expect(await refusalKey(client.account.removeSecondFactor({ body: { password: 'x' } }))).toBe('rate_limit_exceeded')
  expect(await refusalKey(client.account.confirmSecondFactor({ body: { code: '1' } }))).toBe('rate_limit_exceeded')
})
