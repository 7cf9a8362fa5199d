import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { buildHouse, type House } from '@permea/testkit'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openShell, type Shell } from '../../testing/shell.ts'

// Folders as people have them, against one engine; each test has flows of its own.
vi.setConfig({ testTimeout: 60_000 })

let house: House
let shell: Shell

beforeAll(async () => {
  house = await buildHouse()
  shell = await openShell({
    PERMEA_URL: house.url,
    PERMEA_WORKSPACE_KEY: house.workspace.key,
    PERMEA_WORKSPACE_SECRET: house.workspace.secret,
  })
})

afterAll(async () => {
  await shell[Symbol.asyncDispose]()
  await house[Symbol.asyncDispose]()
})

const fileOf = (name: string) => path.join(shell.dir, 'membrane', name)

async function put(name: string, text: string | Buffer): Promise<void> {
  await mkdir(path.dirname(fileOf(name)), { recursive: true })
  await writeFile(fileOf(name), text)
}

function flow(key: string, value: string): string {
  return `key: ${key}\nname: Made by hand\nnodes:\n  only:\n    type: api-trigger\n    config: {said: ${value}}\n`
}

test('line ends, byte order marks and anchors are no differences', async () => {
  await put(
    'flows/windows/spec.yaml',
    `\ufeff${flow('windows', '&a {x: 1}').replaceAll('\n', '\r\n')}    again: *a\r\n`,
  )
  expect((await shell.run('push', '--yes')).out).toContain('Pushed: 1 added')
  expect((await shell.run('push', '--yes')).out).toBe('Nothing to change.\n')
  expect((await shell.run('pull')).out).toBe('Nothing new.\n')
  // As on another machine, where nothing is remembered.
  await rm(path.join(shell.dir, '.permea'), { recursive: true })
  expect(await shell.run('pull')).toMatchObject({ code: 0, out: 'Nothing new.\n' })
  expect(await readFile(fileOf('flows/windows/spec.yaml'), 'utf8')).toContain('\r\n')
})

test('of what the API refuses a push says which and where, exits with 1, and sends the rest', async () => {
  await put('flows/well/spec.yaml', flow('well', '1'))
  await put('flows/unknown/spec.yaml', 'key: unknown\nnodes:\n  only:\n    type: no-such-node\n')
  const pushed = await shell.run('push', '--yes')
  expect(pushed.code).toBe(1)
  expect(pushed.err).toContain('one element was refused, the others were imported')
  expect(pushed.err).toContain('flows/unknown/spec.yaml:4: node "only", type: there is no node type "no-such-node"')
  expect((await house.admin.flows.list({ query: { key: 'well' } as never })).items.map((each) => each.key)).toContain(
    'well',
  )
  await rm(fileOf('flows/unknown'), { recursive: true })
  expect((await shell.run('push', '--yes')).out).toBe('Nothing to change.\n')
})

test('a file at another place than the workspace has it is moved by a pull, not written a second time', async () => {
  await put('flows/some/spec.yml', flow('Named Otherwise', '1'))
  expect((await shell.run('push', '--yes')).code).toBe(0)
  const pulled = await shell.run('pull')
  expect(pulled).toMatchObject({ code: 0, err: '' })
  expect(pulled.out).toBe('moved    membrane/flows/some/spec.yml to membrane/flows/Named Otherwise/spec.yaml\n')
  expect(await readFile(fileOf('flows/Named Otherwise/spec.yaml'), 'utf8')).toBe(flow('Named Otherwise', '1'))
  await put('flows/Named Otherwise/spec.yaml', flow('Named Otherwise', '2'))
  expect((await shell.run('push', '--yes')).out).toContain('Pushed: 0 added, 1 changed')
})

test('what cannot be sent as it is, is refused by its name; what is no definition is left alone', async () => {
  await put('logo.png', Buffer.from([0x89, 0x50, 0xff, 0xfe]))
  expect((await shell.run('diff')).code).toBe(0)
  await put('flows/latin/spec.yaml', Buffer.from('key: latin\nname: K\xf6ln\n', 'latin1'))
  await put('flows/large/spec.yaml', `key: large\n${'#'.repeat(3 * 1024 * 1024)}`)
  await mkdir(fileOf('flows/linked'))
  await symlink(path.join(shell.dir, 'elsewhere'), fileOf('flows/linked/spec.yaml'))
  const refused = await shell.run('push', '--yes', '--prune')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('membrane/flows/latin/spec.yaml: is no text in UTF-8')
  expect(refused.err).toContain('membrane/flows/large/spec.yaml: is larger than 2 MiB')
  expect(refused.err).toContain('membrane/flows/linked/spec.yaml: is a symbolic link')
  for (const name of ['latin', 'large', 'linked']) await rm(fileOf(`flows/${name}`), { recursive: true })
  expect(await shell.run('push', '--folder', 'nowhere', '--prune')).toMatchObject({ code: 2 })
})

test('two pushes at once both end well', async () => {
  await put('flows/twice/spec.yaml', flow('twice', '1'))
  await shell.run('push', '--yes')
  await put('flows/twice/spec.yaml', flow('twice', '2'))
  const both = await Promise.all([shell.run('push', '--yes'), shell.run('push', '--yes')])
  expect(both.map((each) => [each.code, each.err])).toEqual([
    [0, ''],
    [0, ''],
  ])
  expect((await shell.run('diff', '--exit-code')).code).toBe(0)
})

test.each([['a push that began before'], ['a comparison with all that there is']])(
  'what another push made the same meanwhile is no change of somebody else: %s',
  async (which) => {
    await put('flows/late/spec.yaml', flow('late', which))
    await shell.run('push', '--yes')
    const pulled = path.join(shell.dir, '.permea/pulled')
    const [name = ''] = await readdir(pulled)
    const before = await readFile(path.join(pulled, name))
    await put('flows/late/spec.yaml', flow('late', `${which}, changed`))
    expect((await shell.run('push', '--yes')).code).toBe(0)
    await writeFile(path.join(pulled, name), before)
    const again = which.startsWith('a push') ? ['push', '--yes'] : ['push', '--yes', '--prune']
    expect(await shell.run(...again)).toMatchObject({ code: 0, err: '' })
    // What somebody else made of it is not overwritten.
    await writeFile(path.join(pulled, name), before)
    await put('flows/late/spec.yaml', flow('late', 'as nobody has it'))
    expect((await shell.run('push', '--yes')).code).toBe(5)
    await put('flows/late/spec.yaml', flow('late', `${which}, changed`))
    expect((await shell.run('push', '--yes')).code).toBe(0)
  },
)

test('what the server archived and somebody changed here is not brought back silently', async () => {
  await put('flows/gone/spec.yaml', flow('gone', '1'))
  await shell.run('push', '--yes')
  await house.admin.flows.archive({ params: { selector: 'gone' } })
  await put('flows/gone/spec.yaml', flow('gone', '2'))
  const refused = await shell.run('push', '--yes')
  expect(refused.code).toBe(5)
  expect(refused.err).toContain('archived on the server since the last pull: membrane/flows/gone/spec.yaml')
  expect((await shell.run('push', '--yes', '--force')).out).toContain('Pushed: 1 added')
})

test('where nothing is remembered, what says the same in other words is no change of the server', async () => {
  await put('flows/cloned/spec.yaml', flow('cloned', 'first'))
  expect((await shell.run('push', '--yes')).code).toBe(0)
  // As after `git clone`: the files are there, and what was agreed on is not.
  await rm(path.join(shell.dir, '.permea/pulled'), { recursive: true })
  const diff = await shell.run('diff', '--exit-code')
  expect([diff.code, diff.out]).toEqual([0, expect.not.stringContaining('flows/cloned')])
  await put('flows/cloned/spec.yaml', flow('cloned', 'second'))
  const changed = await shell.run('diff')
  expect(changed.out).toContain('changed on the server since the last pull: membrane/flows/cloned/spec.yaml')
})
