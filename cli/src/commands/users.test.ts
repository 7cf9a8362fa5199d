import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { openShell } from '../../testing/shell.ts'

test('people are invited, listed, let in again and removed without an account', { timeout: 120_000 }, async () => {
  await using house = await buildHouse({ engine: { console: { dir: '/nowhere', adminPassword: null } } })
  await using shell = await openShell({
    PERMEA_URL: house.url,
    PERMEA_WORKSPACE_KEY: house.workspace.key,
    PERMEA_WORKSPACE_SECRET: house.workspace.secret,
  })
  const enter = (link: string, password: string) =>
    fetch(`${house.url}/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link: link.trim().split('=').at(-1), name: 'Anna', password }),
    }).then(({ status }) => status)

  const invited = await shell.run('users', 'invite', 'anna@example.com', '--role', 'reader')
  expect(invited).toMatchObject({ code: 0, err: '' })
  expect(await enter(invited.out, 'a password of Anna')).toBe(201)
  expect((await shell.run('users', 'list')).out.trim()).toBe('anna@example.com  reader')
  const reset = await shell.run('users', 'reset-password', 'Anna@example.com')
  expect(await enter(reset.out, 'another password of hers')).toBe(201)
  expect((await shell.run('users', 'reset-second-factor', 'anna@example.com')).code).toBe(0)
  expect((await shell.run('users', 'remove', 'anna@example.com')).out).toContain('is out')
  expect((await shell.run('users', 'remove', 'anna@example.com')).err).toContain('is nobody of this workspace')
  expect((await shell.run('users', 'invite', 'b@example.com', '--role', 'king')).err).toContain(
    'one of owner, developer',
  )
})
