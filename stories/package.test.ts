import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startReceiver, until } from '@permea/testkit'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What a newcomer does who has Node and npm, and nothing of this repository: install the package, and use it.

const CLI = fileURLToPath(new URL('../cli/', import.meta.url))

/** The Node of this machine rather than the one that the repository brings; and nothing that tests set. */
const env = {
  PATH: (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((dir) => !dir.includes('node_modules'))
    .join(path.delimiter),
  HOME: process.env.HOME ?? '',
  NO_COLOR: '1',
  NODE_COMPILE_CACHE: path.join(tmpdir(), 'permea-compile-cache'),
}

let folder: string
let engine: { child: ChildProcess; printed(): string }

async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: folder, env, maxBuffer: 16 * 1024 * 1024 })
  return stdout
}

const permea = (...args: string[]) => run('npx', '--no-install', 'permea', ...args)

/** Begins a command that goes on; gives what it has printed so far. */
function begin(...args: string[]): { child: ChildProcess; printed(): string } {
  const child = spawn('npx', ['--no-install', 'permea', ...args], { cwd: folder, env, detached: true })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += String(chunk)
    })
  return { child, printed: () => printed }
}

/** Ctrl-C in a terminal, which all processes of the command get. */
async function interrupt({ child }: { child: ChildProcess }): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return
  process.kill(-child.pid, 'SIGINT')
  await once(child, 'exit')
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'permea-installed-'))
  // Readable for the user that PostgreSQL runs as where the tests run as root.
  await chmod(folder, 0o755)
  const packed = await promisify(execFile)('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: CLI,
    maxBuffer: 16 * 1024 * 1024,
  })
  const tarball = /"filename": "([^"]+\.tgz)"/.exec(packed.stdout)?.[1] ?? ''
  await writeFile(path.join(folder, 'package.json'), '{"private": true}')
  await run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`)
  engine = begin('start', '--port', '0')
  await until(`it says where it is (${engine.printed()})`, 90_000, () =>
    engine.printed().includes('what the receiver got'),
  )
}, 300_000)

afterAll(async () => {
  await interrupt(engine)
  await rm(folder, { recursive: true, force: true })
})

test('the tarball is installed in an empty folder, started, asked, changed and listened to', async () => {
  expect(await permea('--version')).toMatch(/^\d+\.\d+\.\d+ \([0-9a-f]{12}\+?\)\n$/)
  // The printed command, as it stands there.
  const command = /^curl .*-X POST (?:.*\\\n)*.*$/m.exec(engine.printed())?.[0] ?? ''
  const { id } = JSON.parse(await run('sh', '-c', command)) as { id: string }
  const tree = await until('the run has ended', 30_000, async () => {
    const said = await permea('why', id)
    return said.includes(': completed\n') ? said : undefined
  })
  expect(tree).toMatch(/^event aev_\w+ \S+ of \S+ at .*\n└─ run fr_\w+ /)

  // The workspace as files: pulled, edited, compared, pushed.
  await permea('pull')
  const file = path.join(folder, 'membrane/flows', await onlyFlow(), 'spec.yaml')
  const spec = await readFile(file, 'utf8')
  expect(spec).toContain('uri:')
  await writeFile(file, spec.replace(/uri: \S+/, 'uri: /changed-by-a-file'))
  expect(await permea('diff')).toMatch(/~ change {2}flow (?:.|\n)*\+.*uri: \/changed-by-a-file/)
  expect(await permea('push', '--yes', '--update-instances')).toContain('Pushed: 0 added, 1 changed, 0 archived.')

  // What listens here gets the next notification as a receiver would, and the flow behaves anew.
  await using receiver = await startReceiver()
  const listening = begin('listen', `${receiver.url}/hook`, '--events', 'flowRun.completed')
  const secret = await until('the secret is told', 30_000, () => /whsec_\S+/.exec(listening.printed())?.[0])
  const next = JSON.parse(await run('sh', '-c', command)) as { id: string }
  const taken = await until('it is forwarded', 30_000, () => receiver.received[0])
  const notification = new Webhook(secret).verify(taken.body, taken.headers as Record<string, string>)
  expect(notification).toMatchObject({ eventType: 'flowRun.completed' })
  await interrupt(listening)
  const runs = JSON.parse(await permea('runs', 'tail', '--no-follow', '--json', '-n', '1')) as {
    appEventId: string
    id: string
  }
  expect(runs.appEventId).toBe(next.id)
  const examples = /what the receiver got: (\S+)/.exec(engine.printed())?.[1] ?? ''
  expect(await (await fetch(examples)).text()).toContain('/changed-by-a-file')

  // A function runs in the sandbox of the package.
  await writeFile(path.join(folder, 'double.ts'), 'export default ({ n }: { n: number }) => 2 * n\n')
  expect(await permea('functions', 'run', 'double.ts', '--event', '{"n": 21}')).toBe('42\n')

  // And it can be kept: a backup while it runs, checked.
  await permea('backup', 'kept.zip')
  expect(await permea('restore', 'kept.zip', '--check')).toMatch(/^The file is whole: \d+ tables with \d+ rows/)
}, 180_000)

async function onlyFlow(): Promise<string> {
  const [flow = ''] = (await run('ls', 'membrane/flows')).split('\n')
  return flow
}
