import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type EngineProcess, pause } from '@permea/testkit'

const LOOK_MS = 20

/**
 * Asks an engine all the while whether it is there, until told to stop, and gives the longest time it took to say so, in
 * milliseconds. What a machine with much else to do makes it wait does not count: neither what a process that does
 * nothing else is held up by at the same moment, nor time in which the engine had no processor.
 */
export async function longestSilenceOf(engine: EngineProcess, signal: AbortSignal): Promise<number> {
  const { child, url } = await idleProcess()
  let longestMs = 0
  try {
    while (!signal.aborted) {
      const beforeMs = cpuMsOf(engine.pid)
      const [ofEngine, ofIdle] = await Promise.all([answerMs(`${engine.url}/healthz`), answerMs(url)])
      const atWorkMs = cpuMsOf(engine.pid) - beforeMs
      longestMs = Math.max(longestMs, Math.min(ofEngine - ofIdle, Number.isNaN(atWorkMs) ? ofEngine : atWorkMs))
      await pause(LOOK_MS)
    }
  } finally {
    child.kill()
  }
  return longestMs
}

async function answerMs(address: string): Promise<number> {
  const beganMs = performance.now()
  await (await fetch(address)).text()
  return performance.now() - beganMs
}

const TICK_MS = 10

/** What a process has used of processors, in milliseconds; not a number where the system does not tell. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS
  } catch {
    return Number.NaN
  }
}

const IDLE = `require('node:http').createServer((_, response) => response.end('ok'))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`

async function idleProcess(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['-e', IDLE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, url: `http://127.0.0.1:${port.toString().trim()}` }
}
