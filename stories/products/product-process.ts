import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { keptPort, until } from '@permea/testkit'

const READY_WITHIN_MS = 120_000

/** A product in a process of its own, on loopback, with a directory that goes with it. */
export interface ProductProcess extends AsyncDisposable {
  port: number
  url: string
  directory: string
  /** Writes a file of its directory. */
  write(name: string, text: string): Promise<void>
  /** Starts the process, or starts it anew, and resolves when it answers. */
  start(): Promise<void>
}

export interface ProductCommand {
  /** What to run; the first word is found on the PATH. */
  command: (product: ProductProcess) => readonly string[]
  env?: (product: ProductProcess) => Record<string, string>
  /** A path that answers when the product is ready. */
  ready: string
}

/** Prepares a product; nothing runs before `start`. */
export async function createProductProcess(options: ProductCommand): Promise<ProductProcess> {
  const port = await keptPort()
  const directory = await mkdtemp(path.join(tmpdir(), 'permea-product-'))
  let child: ChildProcess | null = null
  let tail = ''
  const keepTail = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-10_000)
  }

  async function end(): Promise<void> {
    const running = child
    if (running === null) return
    const gone = new Promise((resolve) => running.once('exit', resolve))
    // With the processes that it started.
    if (running.pid !== undefined) process.kill(-running.pid, 'SIGKILL')
    await gone
  }

  const product: ProductProcess = {
    port,
    url: `http://127.0.0.1:${port}`,
    directory,
    write: (name, text) => writeFile(path.join(directory, name), text),
    async start() {
      await end()
      const [file = '', ...args] = options.command(product)
      const started = spawn(file, args, {
        cwd: directory,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH ?? '', HOME: directory, ...options.env?.(product) },
      })
      child = started
      started.stdout.on('data', keepTail)
      started.stderr.on('data', keepTail)
      started.on('error', keepTail)
      started.on('exit', () => {
        if (child === started) child = null
      })
      await until(`${file} answers`, READY_WITHIN_MS, async () => {
        if (child !== started) throw new Error(`${file} ended while it started: ${tail}`)
        const answer = await fetch(`${product.url}${options.ready}`).catch(() => null)
        await answer?.body?.cancel()
        return answer?.ok
      })
    },
    async [Symbol.asyncDispose]() {
      await end()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return product
}

/** Speaks JSON with a product by hand. */
export async function asked(url: string, init: RequestInit & { json?: unknown } = {}): Promise<unknown> {
  const { json, ...rest } = init
  const answer = await fetch(url, {
    ...rest,
    ...(json === undefined
      ? {}
      : { body: JSON.stringify(json), headers: { 'content-type': 'application/json', ...rest.headers } }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`)
  return text === '' ? null : JSON.parse(text)
}

/** A file of a package that is installed for these stories. */
export const packaged = (file: string) => fileURLToPath(new URL(`node_modules/${file}`, import.meta.url))

/** A program of a package of Python that is installed for these stories. */
export const python = (program: string) => packaged(`.python/bin/${program}`)
