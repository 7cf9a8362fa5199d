import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cpuMsOf, yieldToOthers } from '../platform/cpu-time.ts'
import { type Isolation, PATH } from '../platform/isolation.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import type { SaidByChild, SaidToChild } from './messages.ts'

/** What one child may use, in MiB. */
const MEMORY_MIB_MAX = 192

/** What a child may read: the server's own files and the packages that it is made of, by name and where links lead. */
function readable(): string[] {
  const require = createRequire(import.meta.url)
  const packages = (require.resolve.paths('ajv') ?? []).filter(existsSync)
  const contract = join(dirname(realpathSync(require.resolve('@permea/contract'))), '..')
  const [realPackages] = realpathSync(require.resolve('ajv')).split(`${sep}ajv${sep}`)
  const folders = [fileURLToPath(new URL('../../', import.meta.url)), contract, ...packages, realPackages ?? '']
  return [...new Set(folders)].filter((folder) => folder !== '').map((folder) => join(folder, '/*'))
}

const nodeOptions = () => [
  '--permission',
  ...readable().map((path) => `--allow-fs-read=${path}`),
  '--no-addons',
  '--disable-proto=delete',
  `--max-old-space-size=${MEMORY_MIB_MAX}`,
  // What nests as deep as it may is walked by functions that call themselves.
  '--stack-size=3000',
  '--no-warnings',
]

/** A process that evaluates what users wrote: no environment, no streams, nothing to write to. */
export class ComputingChild {
  readonly #process: ChildProcess
  #isGone = false

  constructor(isolation: Isolation, events: { heard(message: SaidByChild): void; gone(): void }) {
    const entry = fileURLToPath(new URL(`./child/main${SOURCE_ENDING}`, import.meta.url))
    const [command = '', ...args] = [...isolation.prefix, process.execPath, ...nodeOptions(), entry]
    this.#process = spawn(command, args, {
      env: isolation.prefix.length === 0 ? {} : { PATH },
      cwd: '/',
      // Signals of the terminal are for the engine.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    // It keeps nobody from ending.
    this.#process.unref()
    const gone = () => {
      if (this.#isGone) return
      this.#isGone = true
      events.gone()
    }
    this.#process.on('message', (message: SaidByChild) => events.heard(message))
    this.#process.on('error', gone)
    this.#process.on('exit', gone)
  }

  /** While it works somebody waits for it. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#process.channel?.ref()
    else this.#process.channel?.unref()
  }

  send(message: SaidToChild): void {
    this.#process.send(message, () => undefined)
  }

  /** Has it run after others that want the processor. */
  yieldToOthers(how: 'little' | 'much'): void {
    const { pid } = this.#process
    if (pid !== undefined) yieldToOthers(pid, how)
  }

  cpuMs(): number | null {
    return this.#process.pid === undefined ? null : cpuMsOf(this.#process.pid)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}
