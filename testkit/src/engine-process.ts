import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPermea, type Permea } from '@permea/sdk'
import { keptPort } from './kept-port.ts'
import { until } from './until.ts'

const MAIN = fileURLToPath(new URL('../../server/src/main.ts', import.meta.url))
const WORKSPACE = { key: 'workspace-of-tests', secret: 'the secret of the workspace of tests, long enough' }
const READY_WITHIN_MS = 120_000

/** The engine as users run it: a process of its own, which can be killed and started again at the same address. */
export interface EngineProcess extends AsyncDisposable {
  readonly url: string
  readonly isUp: boolean
  readonly pid: number | undefined
  /** Starts the process and resolves when it is ready for work, with the milliseconds that took. */
  start(): Promise<number>
  /** Ends the process by a signal and resolves when it is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** What it wrote to its log last. */
  log(): string
  /** A client with a token of these claims. */
  as(claims: Record<string, unknown>): Permea
  tokenOf(claims: Record<string, unknown>): string
}

export interface EngineProcessOptions {
  databaseUrl: string
  /** Ports on loopback that flows may call. */
  reachablePorts: readonly number[]
  env?: Record<string, string>
  /** Where it runs, where that is not here: what starts a command there, and where its port is reached from here. */
  elsewhere?: { within: readonly string[]; doorTo(port: number): Promise<string> }
}

/** Prepares a process; nothing runs before `start`. Processes on the same database share their workspace. */
export async function createEngineProcess(options: EngineProcessOptions): Promise<EngineProcess> {
  const port = await keptPort()
  const url = (await options.elsewhere?.doorTo(port)) ?? `http://127.0.0.1:${port}`
  const dataDir = await mkdtemp(path.join(tmpdir(), 'permea-process-'))
  let child: ChildProcess | null = null
  let tail = ''
  const keepTail = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-20_000)
  }

  async function isReady(): Promise<boolean> {
    const answer = await fetch(`${url}/readyz`).catch(() => null)
    await answer?.body?.cancel()
    return answer?.status === 200
  }

  const engine: EngineProcess = {
    url,
    get isUp() {
      return child !== null
    },
    get pid() {
      return child?.pid
    },
    async start() {
      const beganMs = performance.now()
      const [command = '', ...args] = [...(options.elsewhere?.within ?? []), process.execPath, MAIN]
      const started = spawn(command, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH ?? '',
          DATABASE_URL: options.databaseUrl,
          PORT: String(port),
          PERMEA_DATA_DIR: dataDir,
          PERMEA_WORKSPACE_KEY: WORKSPACE.key,
          PERMEA_WORKSPACE_SECRET: WORKSPACE.secret,
          PERMEA_ENCRYPTION_KEYS: 'an encryption key that all processes of a test share',
          PERMEA_EGRESS_ALLOW: options.reachablePorts.map((each) => `127.0.0.1/32:${each}`).join(','),
          PERMEA_EXAMPLE: '0',
          PERMEA_CONSOLE: '0',
          PERMEA_LOG_LEVEL: 'warn',
          NODE_COMPILE_CACHE: path.join(tmpdir(), 'permea-compile-cache'),
          ...options.env,
        },
      })
      child = started
      started.stdout.on('data', keepTail)
      started.stderr.on('data', keepTail)
      started.on('exit', () => {
        if (child === started) child = null
      })
      await until(`the engine at ${url} is ready`, READY_WITHIN_MS, async () => {
        if (child !== started) throw new Error(`the engine ended while it started: ${tail}`)
        return isReady()
      })
      return performance.now() - beganMs
    },
    async kill(signal) {
      const running = child
      if (running === null) return
      const gone = new Promise((resolve) => running.once('exit', resolve))
      running.kill(signal)
      await gone
    },
    log: () => tail,
    tokenOf: (claims) => tokenOfWorkspace(WORKSPACE, claims),
    as: (claims) => createPermea({ baseUrl: url, token: engine.tokenOf(claims) }),
    async [Symbol.asyncDispose]() {
      await engine.kill('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  return engine
}

/** A JWT as an application would make it. */
export function tokenOfWorkspace({ key, secret }: { key: string; secret: string }, claims: object): string {
  const encoded = [
    { alg: 'HS256', typ: 'JWT' },
    { iss: key, exp: Math.floor(Date.now() / 1000) + 7200, ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = createHmac('sha256', secret).update(encoded.join('.')).digest('base64url')
  return [...encoded, signature].join('.')
}
