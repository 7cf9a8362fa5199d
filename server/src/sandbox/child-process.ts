import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { cpuMsOf, yieldToOthers } from '../platform/cpu-time.ts'
import { type Isolation, PATH } from '../platform/isolation.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import type { FromChild, ToChild } from './messages.ts'

/** More than any reply of a child that keeps to its limits. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024

/** What a child may read: the engine within and its own sources. */
const READABLE = [
  fileURLToPath(new URL('./child/', import.meta.url)),
  fileURLToPath(new URL('./guest/', import.meta.url)),
  fileURLToPath(new URL(`./frames${SOURCE_ENDING}`, import.meta.url)),
  fileURLToPath(new URL(`./messages${SOURCE_ENDING}`, import.meta.url)),
  fileURLToPath(new URL(`./stack-position${SOURCE_ENDING}`, import.meta.url)),
  ...enginePaths(createRequire(import.meta.url)),
]

/** Where the engine within is, and by which names it is found: `node_modules` may be a link. */
function enginePaths(require: NodeJS.Require): string[] {
  const found = (require.resolve.paths('quickjs-wasi') ?? [])
    .map((dir) => join(dir, 'quickjs-wasi/'))
    .filter(existsSync)
  return [...new Set([join(dirname(require.resolve('quickjs-wasi')), '../'), ...found])]
}

const NODE_OPTIONS = [
  '--permission',
  // What is found by a link is read by its name: following the link would need rights along the whole way.
  '--preserve-symlinks',
  ...READABLE.map((path) => `--allow-fs-read=${path}`),
  '--no-addons',
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--max-old-space-size=256',
  // Deep recursion of a function shall meet the limit of its own engine first.
  '--stack-size=3000',
  '--no-warnings',
]

export interface ChildEvents {
  reply(reply: FromChild, body: Buffer): void
  /** The process is gone, or no longer talks as agreed and was killed. Said once. */
  gone(reason: string): void
}

/**
 * A process that runs functions: no environment, no files but its own, no standard streams, one socket.
 * Nothing that it says is believed beyond the calls that it was given.
 */
export class Child {
  readonly #process: ChildProcess
  readonly #socket: Duplex
  #events: ChildEvents | null

  constructor(isolation: Isolation, events: ChildEvents) {
    this.#events = events
    const entry = fileURLToPath(new URL(`./child/main${SOURCE_ENDING}`, import.meta.url))
    const [command = '', ...args] = [...isolation.prefix, process.execPath, ...NODE_OPTIONS, entry]
    this.#process = spawn(command, args, {
      env: isolation.prefix.length === 0 ? {} : { PATH },
      cwd: '/',
      // Signals of the terminal are for the engine, which lets calls end.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    this.#socket = this.#process.stdio[3] as Duplex
    const reader = new FrameReader(REPLY_BYTES_MAX)
    this.#socket.on('data', (chunk: Buffer) => this.#read(reader, chunk))
    this.#socket.on('error', () => this.kill('its socket broke'))
    this.#process.on('error', (error) => this.kill(error.message))
    this.#process.on('exit', (code, signal) => this.#end(`ended with ${signal ?? code}`))
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Has it run after others that want the processor. */
  yieldToOthers(how: 'little' | 'much'): void {
    const { pid } = this.#process
    if (pid !== undefined) yieldToOthers(pid, how)
  }

  send(message: ToChild, bodies: readonly Uint8Array[] = []): void {
    if (this.#events === null) return
    // What is sent in one turn of the event loop is one write to the system.
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      process.nextTick(() => this.#socket.uncork())
    }
    for (const buffer of encodeFrame(message, bodies)) this.#socket.write(buffer)
  }

  /** Ends the process at once, whatever it is doing. */
  kill(reason: string): void {
    this.#process.kill('SIGKILL')
    this.#socket.destroy()
    this.#end(reason)
  }

  /** CPU time that the process has used, in milliseconds; null where the system does not tell. */
  cpuMs(): number | null {
    return this.pid === undefined ? null : cpuMsOf(this.pid)
  }

  #read(reader: FrameReader, chunk: Buffer): void {
    try {
      for (const { head, body } of reader.read(chunk)) this.#events?.reply(head as FromChild, body)
    } catch (error) {
      this.kill(`it does not talk as agreed: ${(error as Error).message}`)
    }
  }

  #end(reason: string): void {
    const events = this.#events
    this.#events = null
    events?.gone(reason)
  }
}
