import { createPermea } from '@permea/sdk'
import { addWorkspace, buildHouse, type House } from '@permea/testkit'
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

const ADMIN_PASSWORD = 'marker-of-the-admin-password'
const PASSWORD = 'marker-of-a-persons-password'

let house: House

beforeAll(async () => {
  house = await buildHouse({
    clock: 'settable',
    engine: { console: { dir: '/nowhere', adminPassword: ADMIN_PASSWORD } },
  })
  house.engine.console?.serve(house.workspace.key)
})
afterAll(() => house[Symbol.asyncDispose]())

/** A request of a browser; so many in a minute are let through, and tests have more. */
async function ask(method: string, body?: object, cookie = '', path = '') {
  house.clock.advance(7000)
  const response = await fetch(`${house.url}/console/session${path}`, {
    method,
    headers: {
      'user-agent': 'a browser',
      ...(cookie === '' ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = (await response.json().catch(() => ({}))) as { token?: string }
  return {
    status: response.status,
    token: answer.token,
    cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '',
  }
}

const records = async (query: object = {}) => (await house.admin.auditLog.list({ query })).items
const newest = async () => (await records({ limit: 1 }))[0]

/** All that the tables of the log hold, as text. */
async function everything(): Promise<string> {
  const { rows } = await sql<{ text: string }>`
    select r::text || coalesce(d::text, '') as text from audit_records r left join audit_details d using (workspace_id, sequence)
    union all select i::text from audit_intents i`.execute(house.engine.database.db)
  return rows.map((row) => row.text).join('\n')
}

test('who comes in by what opens the workspace, and who is refused, is in the log without what was shown', async () => {
  const code = house.engine.console?.oneTimeLink().split('#')[1] ?? ''
  const token = await house.tokenOf({ isAdmin: true })
  const refused = { action: 'console.signIn', outcome: 'refused', actor: { kind: 'nobody' }, elementType: 'workspace' }
  const holder = { action: 'console.signIn', outcome: 'done', actor: { kind: 'workspace-secret', role: 'owner' } }
  const tries: [object, object][] = [
    [{ password: ADMIN_PASSWORD }, { ...holder, after: { method: 'admin-password' }, userAgent: 'a browser' }],
    [{ password: 'marker-of-a-guess' }, { ...refused, after: { method: 'admin-password' }, address: '127.0.0.1' }],
    [{ code }, { ...holder, after: { method: 'one-time-code' } }],
    [{ code }, { ...refused, after: { method: 'one-time-code' } }],
    [{ token }, { ...holder, after: { method: 'token' } }],
    [{ token: `${token}x` }, { ...refused, after: { method: 'token' } }],
  ]
  for (const [proof, wanted] of tries) {
    await ask('POST', proof)
    expect(await newest()).toMatchObject(wanted)
  }
  const before = await newest()
  expect((await ask('POST', { nothing: 'of this' })).status).toBe(400)
  expect(await newest()).toEqual(before)
  const all = await everything()
  for (const secret of [ADMIN_PASSWORD, 'marker-of-a-guess', code, token]) expect(all).not.toContain(secret)
})

test('leaving is in the log, here and everywhere', async () => {
  const { cookie } = await ask('POST', { password: ADMIN_PASSWORD })
  expect((await ask('DELETE', undefined, cookie)).status).toBe(204)
  expect(await newest()).toMatchObject({ action: 'console.signOut', actor: { kind: 'workspace-secret' } })
  // The cookie is gone from that browser, and the session still good elsewhere.
  expect((await ask('POST', undefined, cookie, '/sign-out-everywhere')).status).toBe(204)
  expect(await newest()).toMatchObject({ action: 'console.signOutEverywhere', actor: { kind: 'workspace-secret' } })
  const count = (await records()).length
  expect((await ask('DELETE', undefined, cookie)).status).toBe(204)
  expect(await records()).toHaveLength(count)
})

test('a person is in the log of each of its workspaces: by link, password and second factor, let in or refused', async () => {
  const { link } = await house.admin.invitations.create({ body: { email: 'ada@example.com', role: 'support' } })
  const secret = link.split('=').at(-1) ?? ''
  expect((await newest())?.after?.link).toBe(link.replace(secret, '***'))
  const joined = await ask('POST', { link: secret, name: 'Ada', password: PASSWORD })
  const [joining] = await records({ action: 'console.signIn', actorKind: 'user' })
  expect(joining).toMatchObject({
    ...{ outcome: 'done', actor: { name: 'Ada', role: 'support' }, elementName: 'ada@example.com' },
    after: { method: 'invitation' },
  })
  await ask('POST', { link: secret, name: 'Eve', password: PASSWORD })
  expect(await newest()).toMatchObject({ outcome: 'refused', after: { method: 'link' }, actor: { kind: 'nobody' } })

  const ofAda = { elementType: 'people', elementId: joining?.elementId, elementName: 'ada@example.com' }
  await ask('POST', { email: 'Ada@example.com', password: 'marker-of-a-guess' })
  expect(await newest()).toMatchObject({ outcome: 'refused', ...ofAda, actor: { kind: 'nobody' } })
  await ask('POST', { email: 'marker-typed@in.the.wrong.field', password: 'x' })
  expect(await newest()).toMatchObject({ outcome: 'refused', elementType: 'workspace', after: { method: 'password' } })

  const other = await addWorkspace(house.engine, house.clock, null)
  const { database } = house.engine
  await sql`insert into memberships (workspace_id, user_id, role, created_at)
    select ${other.id}, user_id, 'owner', created_at from memberships where role = 'support'`.execute(database.db)
  await ask('POST', { email: 'ada@example.com', password: PASSWORD })
  expect(await newest()).toMatchObject({ outcome: 'done', actor: { name: 'Ada', role: 'support' }, ...ofAda })
  const there = await house.engine.tokens.sign(other, { isAdmin: true }, 60)
  const seen = await fetch(`${house.url}/audit-log`, { headers: { authorization: `Bearer ${there}` } })
  expect(await seen.json()).toMatchObject({
    items: [{ action: 'console.signIn', actor: { name: 'Ada', role: 'owner' }, after: { method: 'password' } }],
  })

  const { token } = await ask('POST', {}, joined.cookie, '/token')
  const client = createPermea({ baseUrl: house.url, token: String(token) })
  const { secret: seed } = await client.account.beginSecondFactor({ body: { password: PASSWORD } })
  const secondFactor = () => new TOTP({ secret: seed }).generate({ timestamp: house.clock.now().getTime() })
  await client.account.confirmSecondFactor({ body: { code: secondFactor() } })
  house.clock.advance(60_000)
  const { cookie } = await ask('POST', { email: 'ada@example.com', password: PASSWORD })
  expect(await newest()).toMatchObject({ action: 'console.awaitSecondFactor', outcome: 'done', ...ofAda })
  await ask('POST', { secondFactor: 'marker-of-a-guess' }, cookie)
  expect(await newest()).toMatchObject({ outcome: 'refused', after: { method: 'second-factor' }, ...ofAda })
  const { cookie: complete } = await ask('POST', { secondFactor: secondFactor() }, cookie)
  expect(await newest()).toMatchObject({ outcome: 'done', after: { method: 'second-factor' }, ...ofAda })
  await ask('DELETE', undefined, complete)
  expect(await newest()).toMatchObject({ action: 'console.signOut', actor: { kind: 'user', name: 'Ada' }, ...ofAda })
  const all = await everything()
  for (const each of [PASSWORD, secret, seed, 'marker-of-a-guess', 'marker-typed']) expect(all).not.toContain(each)
  expect((await house.admin.auditLog.verify()).isIntact).toBe(true)
})

test('where it cannot be recorded, nobody is let in', async () => {
  const { db } = house.engine.database
  await sql`alter table audit_records rename to audit_records_gone`.execute(db)
  const answers = [
    await ask('POST', { password: ADMIN_PASSWORD }),
    await ask('POST', { email: 'ada@example.com', password: PASSWORD }),
  ]
  await sql`alter table audit_records_gone rename to audit_records`.execute(db)
  expect(answers.map(({ status, cookie }) => ({ status, cookie }))).toEqual([
    { status: 500, cookie: '' },
    { status: 500, cookie: '' },
  ])
})
