import { buildHouse } from '@permea/testkit'
import { expect, test } from 'vitest'
import { openShell } from '../../testing/shell.ts'

test('workspaces are made, listed, renamed and given a new secret', { timeout: 120_000 }, async () => {
  await using house = await buildHouse()
  const settings = (key: string, secret: string) => ({
    PERMEA_URL: house.url,
    PERMEA_WORKSPACE_KEY: key,
    PERMEA_WORKSPACE_SECRET: secret,
  })
  await using shell = await openShell(settings(house.workspace.key, house.workspace.secret))
  const made = await shell.run('workspaces', 'create', 'Acme', '--key', 'acme', '--type', 'development')
  expect(made).toMatchObject({ code: 0, err: '' })
  const secret = /^PERMEA_WORKSPACE_KEY=acme\nPERMEA_WORKSPACE_SECRET=(\w{64})$/.exec(made.out.trim())?.[1] ?? ''
  expect((await shell.run('workspaces', 'create', 'Again', '--key', 'acme')).err).toContain('"acme"')
  expect((await shell.run('workspaces', 'create', 'X', '--type', 'huge')).err).toContain('production or development')
  expect((await shell.run('workspaces', 'rename', 'acme', 'Acme & Co.')).out.trim()).toBe('acme is Acme & Co. now')
  expect((await shell.run('workspaces', 'list')).out.trim().split('\n')).toEqual([
    `${house.workspace.key}  Test workspace  (main)`,
    'acme  Acme & Co.',
  ])

  const bounded = await shell.run('workspaces', 'quotas', 'acme', '--set', 'eventsPerDay=10', 'flows=none')
  expect(bounded.out).toContain('eventsPerDay  0 of 10\n')
  expect(bounded.out).toContain('flows  0 of as many as come')
  expect((await shell.run('workspaces', 'quotas', 'acme')).out).toBe(bounded.out)
  for (const [set, said] of [
    ['cups=3', 'one of eventsPerSecond'],
    ['flows=many', 'a whole number, or none'],
  ] as const)
    expect((await shell.run('workspaces', 'quotas', 'acme', '--set', set)).err).toContain(said)

  await using own = await openShell(settings('acme', secret))
  expect((await own.run('workspaces', 'list')).out.trim()).toBe('acme  Acme & Co.')
  expect((await own.run('workspaces', 'delete', 'acme', '--confirm', 'acme')).err).toContain('may not do this')

  expect((await own.run('workspaces', 'create', 'Mine')).err).toContain('an owner of the main workspace')
  const rotated = await own.run('workspaces', 'rotate-secret', 'acme')
  expect(rotated.out.trim()).toMatch(/^\w{64}$/)
  expect((await own.run('workspaces', 'list')).err).toContain('signature does not fit')
  await using renewed = await openShell(settings('acme', rotated.out.trim()))
  expect((await renewed.run('workspaces', 'list')).code).toBe(0)

  expect((await shell.run('workspaces', 'delete', 'acme')).err).toContain('--confirm acme')
  expect((await shell.run('workspaces', 'delete', 'acme', '--confirm', 'other')).err).toContain('confirm')
  const deleted = await shell.run('workspaces', 'delete', 'acme', '--confirm', 'acme')
  expect(deleted.out).toMatch(/^acme is deleted: \d+ rows$/m)
  expect((await shell.run('workspaces', 'list')).out).not.toContain('acme')
})
