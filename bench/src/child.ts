import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** What a child process can be asked for: each takes one plain value and gives one. `stop` lets go of everything, so that it ends by itself. */
export type Asks = Record<string, (input: never) => unknown> & { stop(): Promise<void> }

/** A process of its own on this machine, asked over IPC. */
export interface Child<A extends Asks> extends AsyncDisposable {
  ask<K extends keyof A & string>(what: K, input: Parameters<A[K]>[0]): Promise<Awaited<ReturnType<A[K]>>>
  readonly pid: number
}

type Question = { id: number; what: string; input: unknown }
type Reply = { id: number; answer: unknown } | { id: number; error: string }

/**
 * Starts `file` (beside this one) in a process of its own, with these variables beside those that are here. Disposing stops it.
 */
export function startChild<A extends Asks>(
  file: string,
  execArgv: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Child<A> {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: [...process.execArgv, ...execArgv],
    env: { ...process.env, ...env },
  })
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>()
  let asked = 0
  child.on('message', (reply: Reply) => {
    const caller = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) caller?.reject(new Error(`${file}: ${reply.error}`))
    else caller?.resolve(reply.answer as never)
  })
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${code ?? signal})`))
    waiting.clear()
  })
  const ask = (what: string, input: unknown) =>
    new Promise<never>((resolve, reject) => {
      const id = ++asked
      waiting.set(id, { resolve, reject })
      child.send({ id, what, input } satisfies Question)
    })
  return {
    ask: (what, input) => ask(what, input),
    get pid() {
      return child.pid ?? 0
    },
    [Symbol.asyncDispose]: () => stop(child, () => ask('stop', undefined)),
  }
}

async function stop(child: ChildProcess, askIt: () => Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const killer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await askIt().catch(() => {})
  if (child.connected) child.disconnect()
  await ended
  clearTimeout(killer)
}

/** The other side: answers what the parent asks. The process lives as long as the parent does. */
export function answerParent(asks: Asks): void {
  process.on('message', async ({ id, what, input }: Question) => {
    try {
      process.send?.({ id, answer: await asks[what]?.(input as never) } satisfies Reply)
    } catch (error) {
      process.send?.({ id, error: (error as Error).stack ?? String(error) } satisfies Reply)
    }
  })
  // Without a parent there is nobody to stop for.
  process.on('disconnect', () => void asks.stop().catch(() => {}))
}

/** CPU time since the start of the process and memory now, as the process itself sees it. */
export interface Usage {
  cpuMs: number
  rssBytes: number
}

export function usageNow(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() }
}
