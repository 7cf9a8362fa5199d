import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { createPermea, type Permea } from '@permea/sdk'
import { cpuOfProcess, cpuOfTree } from './postgres.ts'

/** A server of any revision, started as an operator starts it and driven over HTTP alone. */
export interface ServerProcess extends AsyncDisposable {
  url: string
  port: number
  admin: Permea
  tokenOf(claims: Record<string, unknown>): string
  as(internalId: string): Promise<Permea>
  /** CPU time of the process and of those that it started, in milliseconds, and its memory. */
  usage(): { ownMs: number; childrenMs: number; rssBytes: number }
  /** The sum of a counter at `/metrics`, by the value of its label. */
  counted(name: string, label: string): Promise<number>
}

const KEY = 'bench'
const SECRET = 'a secret for benchmarks that is long enough'

export async function startServer(given: {
  dir: string
  databaseUrl: string
  dataDir: string
  /** The core to stay on; null for any. */
  core: number | null
  /** Settings beside those of every measurement. */
  env?: Readonly<Record<string, string>>
}): Promise<ServerProcess> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const main = ['node', path.join(given.dir, 'server/src/main.ts')]
  const [command = '', ...args] = given.core === null ? main : ['taskset', '-c', String(given.core), ...main]
  const child = spawn(command === 'node' ? process.execPath : command, args, {
    cwd: given.dir,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
      PORT: String(port),
      DATABASE_URL: given.databaseUrl,
      PERMEA_DATA_DIR: given.dataDir,
      PERMEA_WORKSPACE_KEY: KEY,
      PERMEA_WORKSPACE_SECRET: SECRET,
      PERMEA_ENCRYPTION_KEYS: 'a key for benchmarks that is long enough',
      PERMEA_EGRESS_ALLOW: '127.0.0.0/8',
      PERMEA_EXAMPLE: '0',
      PERMEA_CONSOLE: '0',
      PERMEA_LOG_LEVEL: 'error',
      ...given.env,
    },
  })
  await untilReady(child, url)
  const pid = child.pid ?? 0
  const tokenOf = (claims: Record<string, unknown>) => signed({ iss: KEY, ...claims })
  return {
    url,
    port,
    admin: createPermea({ baseUrl: url, token: tokenOf({ isAdmin: true }) }),
    tokenOf,
    as: async (id) => createPermea({ baseUrl: url, token: tokenOf({ id }) }),
    usage() {
      const ownMs = cpuOfProcess(pid)
      return { ownMs, childrenMs: cpuOfTree(pid) - ownMs, rssBytes: rssOf(pid) }
    },
    async counted(name, label) {
      const text = await (await fetch(`${url}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(`"${label}"`))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), 30_000)
      await ended
      clearTimeout(killer)
    },
  }
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    const isReady = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (isReady) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill('SIGKILL')
  throw new Error('the server is not ready after a minute')
}

/** A token as an application signs it. */
function signed(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 86_400
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...claims, exp })}`
  return `${body}.${createHmac('sha256', SECRET).update(body).digest('base64url')}`
}

/** Pages are of 4 KiB wherever this runs. */
const PAGE_BYTES = 4096

function rssOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return Number.NaN
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
