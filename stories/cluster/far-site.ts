import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLink, until } from '@permea/testkit'

/** Another site than this one: a network namespace, at the other end of a wire. */
export interface FarSite extends AsyncDisposable {
  /** Addresses of this site and of the other, at the wire. */
  readonly near: string
  readonly far: string
  /** What starts a command there. */
  readonly within: readonly string[]
  /** How the wire is from now on; a share of 1 is lost where it is cut. */
  wireIs(how: { delayMs: number; jitterMs: number; lostShare: number }): void
  /** A URL here that leads to a port of the loopback there, not by the wire. */
  doorTo(port: number): Promise<string>
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' })
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Makes one. Needs root on Linux, `ip` and Python. */
export async function makeFarSite(): Promise<FarSite> {
  await using built = new AsyncDisposableStack()
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-site-'))
  built.defer(() => rm(dir, { recursive: true, force: true }))
  const name = `permeasite${process.pid}`
  const ends = [`wn${process.pid}`, `wf${process.pid}`] as const
  // Of the block for documentation, so that it is nobody's; one net for each process of tests.
  const at = (process.pid % 63) * 4
  const [near, far] = [`198.51.100.${at + 1}`, `198.51.100.${at + 2}`]

  ip('netns', 'add', name)
  built.defer(() => void ip('netns', 'del', name))
  const wire = spawn('python3', [file('wire.py'), ...ends], { stdio: ['pipe', 'pipe', 'inherit'] })
  built.defer(() => ended(wire))
  let isThere = false
  wire.stdout.once('data', () => {
    isThere = true
  })
  await until('the wire is there', 20_000, () => {
    if (wire.exitCode !== null) throw new Error('the wire could not be made')
    return isThere
  })
  ip('link', 'set', ends[1], 'netns', name)
  ip('addr', 'add', `${near}/30`, 'dev', ends[0])
  ip('link', 'set', ends[0], 'up')
  ip('-n', name, 'addr', 'add', `${far}/30`, 'dev', ends[1])
  for (const device of ['lo', ends[1]]) ip('-n', name, 'link', 'set', device, 'up')

  const doors = built.use(new AsyncDisposableStack())
  const within = ['ip', 'netns', 'exec', name]
  const kept = built.move()
  return {
    ...{ near, far, within },
    wireIs({ delayMs, jitterMs, lostShare }) {
      wire.stdin.write(`${delayMs} ${jitterMs} ${lostShare}\n`)
    },
    async doorTo(port) {
      const socket = path.join(dir, `${port}.sock`)
      const [command = '', ...args] = [...within, process.execPath, file('door.ts'), socket, String(port)]
      const door = spawn(command, args, { stdio: 'ignore' })
      doors.defer(() => ended(door))
      await until('the door is there', 20_000, () => existsSync(socket))
      const link = doors.use(await createLink(socket))
      return `http://127.0.0.1:${link.port}`
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}
