import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Log } from '../platform/log.ts'

const BUILD = fileURLToPath(new URL('../../../console/build.ts', import.meta.url))

/** Where the built console is. */
export const CONSOLE_DIR = fileURLToPath(new URL('../../../console/dist', import.meta.url))

/**
 * Has the console built by a process of its own where it is missing or older than its sources; the engine does not wait.
 * What that process says goes to the log. Where there are no sources, as in the package that is installed, the console
 * was built before.
 */
export function buildConsole(log: Log): void {
  if (!existsSync(BUILD)) return
  const child = spawn(process.execPath, [BUILD], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  child.once('error', (error) => log.warn({ message: error.message }, 'the console could not be built'))
  child.once('exit', (code) => {
    if (code !== 0 && code !== null) log.warn({ message: said.trim() }, 'the console could not be built')
  })
  child.unref()
}
